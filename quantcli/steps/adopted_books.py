"""What each kind of break books when an operator adopts it.

The broker's truth enters the books as executions and movements of cash that carry names of our
own, so that nobody takes them for the broker's. A position changes at a price that makes no
profit: the money that belongs to it is a difference of cash, adopted by itself as a transfer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from pydantic import ValidationError

from quantcli.contracts.broker_views import Activity
from quantcli.contracts.envelope import Frozen
from quantcli.contracts.errors import UsageError
from quantcli.contracts.journal_rows import CashRow, FillRow
from quantcli.contracts.orders import WORKING_ORDER_STATES, Fill, Side
from quantcli.contracts.reconciliation import Break
from quantcli.contracts.scalars import ZERO, money, price
from quantcli.core.ledger import ADOPTED
from quantcli.core.order_states import apply_order_row, own_row
from quantcli.core.portfolio import ADOPTED_CASH
from quantcli.core.reconciliation import ACKNOWLEDGED
from quantcli.steps.desk import Desk
from quantcli.steps.reconcile import Comparison


def bookings(desk: Desk, found: Comparison, taken: Break, reason: str) -> list[Frozen]:
    """Return the rows that take a break's fact into the books; none: to have seen it is all.

    Raises:
        UsageError: it cannot be taken, or other breaks explain it and come first.
    """
    if taken.code in BOOKINGS:
        return BOOKINGS[taken.code](desk, found, taken, reason)
    if taken.code in ACKNOWLEDGED:
        return []
    raise UsageError(
        f"{taken.code} cannot be taken into the books",
        value=taken.subject,
        hint="undo it at the broker; see runbook/paused.md",
    )


def _foreign_fill(desk: Desk, found: Comparison, taken: Break, reason: str) -> list[Frozen]:
    shown = {item.activity_id: item for item in found.synced.activities or ()}
    return [FillRow(fill=_fill_of(shown[taken.subject], taken.subject))]


def _fill_of(activity: Activity, execution_id: str) -> Fill:
    """Return the fill of an order that is not ours; the broker's id stands for ours."""
    return _fill(
        execution_id=execution_id,
        client_order_id=activity.order_id,
        broker_order_id=activity.order_id,
        symbol=activity.symbol,
        side=activity.side,
        last_quantity=activity.quantity,
        last_price=activity.price,
        filled_at=activity.at,
    )


def _fill(**terms: object) -> Fill:
    try:
        return Fill.model_validate(terms)
    except ValidationError as error:
        raise UsageError(
            "the execution is none that our books can hold",
            value=terms["execution_id"],
            hint="undo it at the broker; see runbook/paused.md",
        ) from error


def _bust(desk: Desk, found: Comparison, taken: Break, reason: str) -> list[Frozen]:
    """Return the reverse of an execution that the broker took back, and what it says instead."""
    ours = next((each for each in desk.journal.fills() if each.execution_id == taken.subject), None)
    if ours is None:
        raise UsageError(
            "the broker tells of shares and not yet of their execution",
            value=taken.subject,
            hint="wait for it, or ask the broker; see runbook/paused.md",
        )
    name = _name(desk, taken)
    side: Side = "sell" if ours.side == "buy" else "buy"
    away = {"execution_id": name, "client_order_id": None, "side": side}
    told = [item for item in found.synced.activities or () if item.activity_id == taken.subject]
    corrected = [_fill_of(item, f"{name}-corrected") for item in told]
    return [FillRow(fill=fill) for fill in (ours.model_copy(update=away), *corrected)]


def _position(desk: Desk, found: Comparison, taken: Break, reason: str) -> list[Frozen]:
    """Return the execution that makes our position theirs, of which the broker tells nothing."""
    symbol = taken.symbol or ""
    _after(each for each in found.breaks if each.kind == "fill" and each.symbol == symbol)
    ours = next((each for each in desk.journal.positions() if each.symbol == symbol), None)
    shown = {each.symbol: each for each in found.synced.positions or ()}.get(symbol)
    held, cost = (ZERO, ZERO) if ours is None else (ours.quantity, ours.average_price)
    wanted = ZERO if shown is None else shown.quantity
    more = wanted - held
    at = cost
    if more > 0 and shown is not None:
        at = (wanted * shown.average_price - held * cost) / more
        at = at if at > 0 and held >= 0 else shown.average_price
    name = _name(desk, taken)
    fill = _fill(
        execution_id=name,
        client_order_id=None,
        broker_order_id=name,
        symbol=symbol,
        side="buy" if more > 0 else "sell",
        last_quantity=abs(more),
        last_price=price(at),
        filled_at=desk.stamp.as_of,
    )
    return [FillRow(fill=fill)]


def _lost_order(desk: Desk, found: Comparison, taken: Break, reason: str) -> list[Frozen]:
    """Return the end of an order that the broker shows nowhere; what it filled stays booked."""
    order = desk.journal.order(taken.subject)
    assert order is not None, "a break of ours names an order of ours"
    rows: list[Frozen] = []
    if order.state in WORKING_ORDER_STATES:
        gone = own_row(order, "UNKNOWN", "sync", "order-missing")
        order = apply_order_row(order, gone)
        rows.append(gone)
    final = own_row(order, "EXPIRED", "look-up", "order-missing", reason)
    return [*rows, final]


def _cash(desk: Desk, found: Comparison, taken: Break, reason: str) -> list[Frozen]:
    """Return the movement that makes our cash theirs: last, what executions do comes before."""
    _after(each for each in found.breaks if each.kind in {"fill", "position"})
    movement = CashRow(
        activity_id=_name(desk, taken),
        activity_type=ADOPTED_CASH,
        net_amount=money(found.account.cash) - found.cash_ours,
        session=desk.stamp.session,
        symbol=None,
        description=reason,
    )
    return [movement]


def _after(others: Iterable[Break]) -> None:
    """Refuse as long as there are breaks that may explain this one."""
    first = [each for each in others if each.code != "position-price"]
    if first:
        raise UsageError(
            "other breaks may explain it: adopt those first", hint=f"there are: {subjects(first)}"
        )


def _name(desk: Desk, taken: Break) -> str:
    """Return a name that no execution of the broker has, and no other adoption."""
    return f"{ADOPTED}{taken.break_id[:16]}-{desk.journal.head().seq}"


def subjects(breaks: Sequence[Break]) -> str:
    """Return breaks as they are named on the command line."""
    return ", ".join(f"{each.code} {each.subject}" for each in breaks)


Booking = Callable[[Desk, Comparison, Break, str], list[Frozen]]
BOOKINGS: dict[str, Booking] = {
    "fill-foreign": _foreign_fill,
    "fill-missing": _bust,
    "position-foreign": _position,
    "position-missing": _position,
    "position-quantity": _position,
    "order-missing": _lost_order,
    "cash-difference": _cash,
}
