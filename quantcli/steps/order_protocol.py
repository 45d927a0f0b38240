"""The order protocol: at most one order at the broker for each intent, and none lost.

Persist the intent, mark it UNKNOWN, send once, look up by client order id, send again only the
same id and the same bytes. A refusal because the id is taken proves that the order is there.
A process may die between any two of these and the next run goes on (INV-11, INV-12, INV-13).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from decimal import Decimal

from quantcli.contracts.broker_views import Accepted, BrokerOrder, Refused, Submission
from quantcli.contracts.envelope import Frozen
from quantcli.contracts.errors import BrokerUnreachable, ContractDrift, LedgerError
from quantcli.contracts.journal_rows import Cause, FlagRow, OrderRow
from quantcli.contracts.orders import TERMINAL_ORDER_STATES, OrderIntent, OrderRecord
from quantcli.core.halts import VIOLATIONS, halt_rows
from quantcli.core.order_payload import request_body
from quantcli.core.order_states import apply_order_row, own_row, row_of
from quantcli.steps.desk import Desk

#: Seconds between look-ups; all waits of one pass together.
LOOK_UP_DELAYS_SECONDS = (1, 2, 4, 8, 15)


class Patience:
    """The waits that one pass of a step may spend on orders of unknown outcome.

    Attributes:
        waited_seconds: Spent so far.
    """

    def __init__(self, sleep: Callable[[float], None]) -> None:
        """Start with all waits unspent."""
        self._sleep = sleep
        self._delays: Iterator[int] = iter(LOOK_UP_DELAYS_SECONDS)
        self.waited_seconds = 0

    def wait(self) -> bool:
        """Wait for the next delay; False when all are spent."""
        delay = next(self._delays, None)
        if delay is None:
            return False
        self._sleep(delay)
        self.waited_seconds += delay
        return True


def send(
    desk: Desk,
    order: OrderRecord,
    patience: Patience,
    may_send: Callable[[OrderRecord], bool],
    promise: Sequence[Frozen] = (),
) -> OrderRecord:
    """Send an order and return it with what became of it.

    Args:
        desk: The running step, which owns the order's intent.
        order: PENDING, or UNKNOWN: then it was looked up in vain before, and is sent again. One
            that the broker has shown once never is: its name is spent, and it may have filled.
        patience: The waits left for look-ups.
        may_send: Asked before each request, the second one included.
        promise: Rows that become durable in the same transaction as the mark UNKNOWN, among
            them the intent if it is not in the journal yet. Not written if nothing may be sent.

    Raises:
        BrokerUnreachable: the request provably never left; the order is PENDING again.
        BrokerRefused: a look-up was refused; the order stays UNKNOWN.
    """
    if order.broker_order_id is not None or not may_send(order):
        return order
    is_first = order.state == "PENDING"
    if is_first:
        mark = own_row(order, "UNKNOWN", "send", "outcome-unknown")
        desk.write([*promise, mark])
        order = apply_order_row(order, mark)
    answer = _request(desk, order, is_first=is_first)
    if is_first and isinstance(answer, Refused) and not answer.is_duplicate_id:
        return _refused(desk, order, answer)
    order = _settle(desk, order, answer, patience)
    if is_first and order.state == "UNKNOWN" and may_send(order):
        again = _request(desk, order, is_first=False)
        return _settle(desk, order, again, patience)
    if order.state != "UNKNOWN" or order.intent.side == "buy":
        return order
    if isinstance(answer, Refused) and not answer.is_duplicate_id and is_absent(desk, order):
        # It was looked up in vain in two passes, and is refused. Should it show up all the same,
        # a sell could not sell more than is held; a buy could, so that one stays unknown.
        return _refused(desk, order, answer)
    return order


def look_up(desk: Desk, intent: OrderIntent, patience: Patience) -> BrokerOrder | None:
    """Return the order that the broker has under an intent's id; None if it shows none.

    One look, then one after each wait that is left. "None" is not proof of absence.

    Raises:
        BrokerRefused: the broker will not answer.
    """
    while True:
        try:
            shown = desk.broker.order_by_client_id(intent.client_order_id)
        except BrokerUnreachable:
            shown = None
        except ContractDrift:
            return None
        if shown is not None or not patience.wait():
            return shown


def is_absent(desk: Desk, order: OrderRecord) -> bool:
    """Return whether the broker says that it has no such order; an answer in doubt says nothing."""
    try:
        shown = desk.broker.order_by_client_id(order.intent.client_order_id)
        return shown is None and is_own_account(desk)
    except (BrokerUnreachable, ContractDrift):
        return False


def is_own_account(desk: Desk) -> bool:
    """Return whether the broker answers for the journal's account: another one lacks everything.

    Raises:
        BrokerError: it does not say.
    """
    genesis = desk.journal.genesis()
    return genesis is None or desk.broker.account().account_id == genesis.account_id


def adopt(desk: Desk, order: OrderRecord, shown: BrokerOrder, cause: Cause) -> OrderRecord:
    """Return an order brought to what the broker shows under its id.

    If that is an order for something else, ours is not there and never can be: it counts as
    rejected and the desk is paused. An answer that lacks what would tell proves neither.
    """
    if is_same(order.intent, shown):
        return learn(desk, order, shown, cause)
    if differs(order.intent, shown):
        said = f"the broker has {shown.side} {shown.quantity} {shown.symbol} under this id"
        desk.write(stop_entries(desk, said, "order-differs"))
        return write(desk, order, own_row(order, "REJECTED", cause, "order-differs", said))
    return order


def learn(
    desk: Desk, order: OrderRecord, shown: BrokerOrder, cause: Cause, *, is_outdated: bool = False
) -> OrderRecord:
    """Return the order after writing what the broker shows; contradictions pause the desk.

    When an order that replaces another turns out to be there, the other one counts as on its
    way out in the same transaction: the two never cover the same shares. A stop of shares that a
    corporate action has ended was cancelled by that, not by another hand.
    """
    row = row_of(order, shown, cause)
    if row is None:
        return order
    if is_outdated and row.code == "stop-cancelled":
        row = row.model_copy(update={"code": "stop-outdated"})
    try:
        after = apply_order_row(order, row)
    except LedgerError as error:
        desk.write(stop_entries(desk, error.line(), "order-state-contradicts"))
        return order
    is_new = order.state in {"PENDING", "UNKNOWN"} and after.state not in {"REJECTED", "UNKNOWN"}
    desk.write([row, *(_giving_way(desk, order.intent) if is_new else ())])
    return after


def _giving_way(desk: Desk, intent: OrderIntent) -> list[OrderRow]:
    before = None if intent.replaces is None else desk.journal.order(intent.replaces)
    if before is None or before.state not in {"SUBMITTED", "PARTIALLY_FILLED"}:
        return []
    return [own_row(before, "PENDING_CANCEL", "replace", None)]


def cancel(desk: Desk, order: OrderRecord, patience: Patience) -> OrderRecord:
    """Ask to cancel an order, read it back, and return it; partial fills stay.

    If the broker does not confirm in time the order is returned as PENDING_CANCEL, or working.

    Raises:
        BrokerRefused: the read-back was refused.
    """
    if order.state != "PENDING_CANCEL":
        order = write(desk, order, own_row(order, "PENDING_CANCEL", "cancel", None))
    assert order.broker_order_id is not None
    desk.broker.cancel(order.broker_order_id)
    while True:
        shown = look_up(desk, order.intent, patience)
        if shown is None:
            return order
        row = row_of(order, shown, "cancel")
        is_final = row is not None and row.to_state in TERMINAL_ORDER_STATES
        if is_final or not patience.wait():
            return learn(desk, order, shown, "cancel")


def refresh(desk: Desk, order: OrderRecord, cause: Cause) -> OrderRecord:
    """Return an order as the broker shows it now; unchanged if it does not show it."""
    shown = desk.broker.order_by_client_id(order.intent.client_order_id)
    return order if shown is None else learn(desk, order, shown, cause)


def write(desk: Desk, order: OrderRecord, row: OrderRow) -> OrderRecord:
    """Return the order after writing a row about it."""
    after = apply_order_row(order, row)
    desk.write([row])
    return after


def stop_entries(desk: Desk, said: str, *codes: str) -> list[FlagRow]:
    """Return the rows that stop entries for these reasons, besides those there already are.

    PAUSED lasts until a reconciliation is clean. An invariant that was violated halts as well,
    until an operator resumes, and sounds the alarm each time it is met.

    Args:
        desk: The running step.
        said: What was found, for the alarm.
        codes: Reason codes of it.
    """
    flags = desk.journal.flags()
    paused = flags.get("paused")
    reasons = paused.reasons if paused is not None and paused.is_set else ()
    together = tuple(sorted({*reasons, *codes}))
    violated = sorted(VIOLATIONS & set(codes))
    if violated:
        desk.alarm(f"{', '.join(violated)}: {said}")
    row = FlagRow(name="paused", is_set=True, reasons=together, by="invariant")
    return [row, *halt_rows(flags, codes)]


def is_same(intent: OrderIntent, shown: BrokerOrder) -> bool:
    """Return whether the broker's order is the intent's: symbol, side and quantity."""
    asked: tuple[str, str, Decimal | None] = (intent.symbol, intent.side, intent.quantity)
    return asked == (shown.symbol, shown.side, shown.quantity)


def differs(intent: OrderIntent, shown: BrokerOrder) -> bool:
    """Return whether what the broker's order says of itself cannot be the intent's."""
    asked = (intent.symbol, intent.side, intent.quantity)
    told = (shown.symbol, shown.side, shown.quantity)
    return any(
        theirs is not None and theirs != ours for ours, theirs in zip(asked, told, strict=True)
    )


def _request(desk: Desk, order: OrderRecord, *, is_first: bool) -> Submission:
    """Send the request once. If it provably never left, the first one takes the mark back."""
    intent = order.intent
    body = request_body(intent)
    try:
        if intent.replaces is None:
            return desk.broker.submit(body)
        replaced = desk.journal.order(intent.replaces)
        assert replaced is not None
        assert replaced.broker_order_id is not None
        return desk.broker.replace(replaced.broker_order_id, body)
    except BrokerUnreachable:
        if is_first:
            write(desk, order, own_row(order, "PENDING", "send", None))
        raise


def _settle(desk: Desk, order: OrderRecord, answer: Submission, patience: Patience) -> OrderRecord:
    """Return the order after an answer; without evidence that it is there it stays UNKNOWN.

    A refusal proves nothing here: it may be the doing of a first request that did arrive.
    """
    if isinstance(answer, Accepted) and is_same(order.intent, answer.order):
        return _replaced(desk, learn(desk, order, answer.order, "send"))
    shown = look_up(desk, order.intent, patience)
    return order if shown is None else _replaced(desk, adopt(desk, order, shown, "look-up"))


def _refused(desk: Desk, order: OrderRecord, answer: Refused) -> OrderRecord:
    said = f"{answer.status} {answer.code} {answer.message}".strip()
    return write(desk, order, own_row(order, "REJECTED", "send", "order-refused", said))


def _replaced(desk: Desk, order: OrderRecord) -> OrderRecord:
    """Read back the order that this one replaced: it may have been filled in between."""
    if order.intent.replaces is not None and order.state != "UNKNOWN":
        before = desk.journal.order(order.intent.replaces)
        if before is not None and before.state not in TERMINAL_ORDER_STATES:
            refresh(desk, before, "replace")
    return order
