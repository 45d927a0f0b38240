"""`reconcile`: ours against theirs, to the cent and to the share.

Reads the broker and syncs into a private copy of the journal only, so that nothing is adopted on
the way. Breaks set PAUSED, a clean pass clears it; that is the only thing written.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from decimal import Decimal
from typing import NamedTuple

from quantcli.contracts.broker_views import Account, Activity
from quantcli.contracts.envelope import Finding
from quantcli.contracts.journal_rows import AdoptRow, FillRow, FlagRow, OrderRow
from quantcli.contracts.orders import Fill, OrderRecord
from quantcli.contracts.reconciliation import (
    Break,
    BrokerSeen,
    Halted,
    OrderSeen,
    Paused,
    PositionSeen,
    Reconcile,
)
from quantcli.contracts.scalars import ZERO, money
from quantcli.core.corporate_actions import is_outdated
from quantcli.core.drift import exceeded
from quantcli.core.halts import halt_rows, journal_halt, limit_rows
from quantcli.core.ledger import ADOPTED, quantity_filled
from quantcli.core.reconciliation import (
    ACKNOWLEDGED,
    account_breaks,
    cash_breaks,
    fill_breaks,
    first_day_breaks,
    order_breaks,
    position_breaks,
    quantity_breaks,
    rule_breaks,
)
from quantcli.core.sessions import new_york, sessions_between
from quantcli.ports.journal import Journal
from quantcli.steps.corporate_actions import booked
from quantcli.steps.desk import Desk, unheard
from quantcli.steps.order_protocol import Patience
from quantcli.steps.sync import Synced, sync


class Comparison(NamedTuple):
    """Both sides after everything that can be booked was booked in a private copy.

    Attributes:
        account: The broker's account.
        synced: What the broker showed, every part of it.
        is_first_day: The journal has not begun: only emptiness is compared.
        breaks: What neither side explains.
        cash_ours: USD.
        pending: Executions that the next sync will book.
        exceeded: Limits that the positions' differences exceed.
    """

    account: Account
    synced: Synced
    is_first_day: bool
    breaks: tuple[Break, ...]
    cash_ours: Decimal
    pending: int
    exceeded: tuple[Finding, ...] = ()


def reconcile(desk: Desk, *, read_only: bool = False) -> Reconcile:
    """Return one reconciliation.

    Args:
        desk: The running step.
        read_only: Compare, and leave PAUSED as it is.

    Raises:
        BrokerError: the broker did not give a whole answer: that is not "nothing there".
    """
    found = compare(desk)
    paused = _paused(desk, found.breaks, read_only=read_only)
    if not read_only:
        desk.write(limit_rows(desk.journal.flags(), found.exceeded))
        forgotten = {item.code for item in found.breaks} & {"order-forgotten"}
        desk.write(halt_rows(desk.journal.flags(), tuple(forgotten)))
    halt = _halt(desk)
    return Reconcile(
        **desk.header(Reconcile, 8 if found.breaks else 0),
        is_read_only=read_only,
        is_first_day=found.is_first_day,
        broker=_seen(found.account, found.synced),
        cash_ours=found.cash_ours,
        pending_fills=found.pending,
        activities_before=_ids(found.synced) if found.is_first_day else (),
        breaks=found.breaks,
        paused=paused,
        exceeded=found.exceeded,
        halt=halt,
    )


def compare(desk: Desk) -> Comparison:
    """Return ours against theirs; nothing is written.

    Raises:
        BrokerError: the broker did not give a whole answer.
    """
    account = desk.broker.account()
    is_first_day = desk.journal.genesis() is None
    beyond: tuple[Finding, ...] = ()
    with desk.journal.copy() as copy:
        # What breaks a rule here breaks it in a copy: it is a break, and told as one.
        trial = dataclasses.replace(desk, journal=copy, alarm=unheard)
        synced = sync(trial, Patience(desk.sleep), is_strict=True)
        positions, open_orders = synced.positions, synced.open_orders
        assert positions is not None, "a strict sync reads every part or raises"
        assert open_orders is not None
        if is_first_day:
            breaks = first_day_breaks(positions, open_orders)
        else:
            breaks = _breaks(trial, account, synced, desk.journal.head().seq)
            beyond = exceeded(copy.positions(), positions, desk.config.reconcile)
        cash_ours = money(account.cash) if is_first_day else copy.cash()
        pending = _booked_in_trial(trial, desk.journal.head().seq)
    return Comparison(account, synced, is_first_day, tuple(breaks), cash_ours, pending, beyond)


def _ids(synced: Synced) -> tuple[str, ...]:
    return tuple(sorted(item.activity_id for item in synced.activities or ()))


def _booked_in_trial(trial: Desk, since_seq: int) -> int:
    """Return how many executions the next sync will book."""
    rows = trial.journal.rows(session=trial.stamp.session, kind="fill")
    return sum(entry.seq > since_seq for entry in rows)


def _breaks(trial: Desk, account: Account, synced: Synced, since_seq: int) -> list[Break]:
    """Return all breaks after everything that can be booked has been booked in the copy."""
    books = trial.journal
    genesis = books.genesis()
    assert genesis is not None
    open_orders = synced.open_orders or ()
    found = (books.order(order.client_order_id) for order in open_orders)
    known = {order.intent.client_order_id: order for order in found if order is not None}
    fills = _recent_fills(trial, synced)
    shown = _shown_fills(synced)
    touched = _touched_orders(trial)
    filled = {fill.client_order_id for fill in fills}
    booked = {
        name: _booked(books, order)
        for name, order in touched.items()
        if order.cumulative_quantity > 0 or name in filled
    }
    breaks = [
        *account_breaks(genesis.account_id, account.account_id),
        *position_breaks(books.positions(), synced.positions or ()),
        *cash_breaks(money(books.cash()), money(account.cash)),
        *order_breaks(books.orders(live_only=True), known, open_orders, _outdated(trial, known)),
        *fill_breaks(fills, shown, _our_broker_ids(books, shown)),
        *quantity_breaks(touched.values(), booked),
        *rule_breaks(_late_fills(trial), books.positions(), _contradictions(trial, since_seq)),
    ]
    seen = _acknowledged(books)
    return [each for each in breaks if each.code not in ACKNOWLEDGED or each.break_id not in seen]


def _acknowledged(books: Journal) -> frozenset[str]:
    """Return the ids of the breaks that an operator adopted."""
    rows = (entry.row for entry in books.rows(kind="adopt"))
    return frozenset(row.break_id for row in rows if isinstance(row, AdoptRow))


def _outdated(trial: Desk, known: dict[str, OrderRecord]) -> frozenset[str]:
    """Return the ids of orders formed in shares that are no more: the broker may restate them."""
    actions = booked(trial)
    return frozenset(
        name for name, order in known.items() if actions and is_outdated(order.intent, actions)
    )


def _shown_fills(synced: Synced) -> list[Activity]:
    """Return the broker's fills from the cursor on; it may have sent older ones as well."""
    assert synced.since is not None
    return [
        item
        for item in synced.activities or ()
        if item.activity_type == "FILL"
        and (item.at is None or new_york(item.at).date() >= synced.since)
    ]


def _recent_fills(trial: Desk, synced: Synced) -> list[Fill]:
    """Return booked fills of the same stretch of days."""
    since = synced.since
    assert since is not None
    rows = [
        entry.row
        for session in sessions_between(since, trial.stamp.session)
        for entry in trial.journal.rows(session=session, kind="fill")
    ]
    fills = [row.fill for row in rows if isinstance(row, FillRow)]
    return [
        fill
        for fill in fills
        if new_york(fill.filled_at).date() >= since and not fill.execution_id.startswith(ADOPTED)
    ]


def _our_broker_ids(books: Journal, shown: Sequence[Activity]) -> frozenset[str]:
    asked = {activity.order_id for activity in shown if activity.order_id is not None}
    return frozenset(name for name in asked if books.order_by_broker_id(name) is not None)


def _touched_orders(trial: Desk) -> dict[str, OrderRecord]:
    """Return, by id, live orders and those of which this session learned something."""
    books = trial.journal
    rows = books.rows(session=trial.stamp.session, kind="order")
    names = {entry.row.client_order_id for entry in rows if isinstance(entry.row, OrderRow)}
    orders = [books.order(name) for name in sorted(names)] + [*books.orders(live_only=True)]
    return {order.intent.client_order_id: order for order in orders if order is not None}


def _booked(books: Journal, order: OrderRecord) -> Decimal:
    fills = books.fills(symbol=order.intent.symbol)
    return quantity_filled(fills, order.intent.client_order_id)


def _late_fills(trial: Desk) -> list[Fill]:
    """Return late fills of this session that no operator has acknowledged since."""
    session = trial.stamp.session
    resumed = 0
    for entry in trial.journal.rows(session=session, kind="flag"):
        if isinstance(entry.row, FlagRow) and entry.row.by == "operator" and not entry.row.is_set:
            resumed = entry.seq
    rows = [
        entry.row
        for entry in trial.journal.rows(session=session, kind="fill")
        if entry.seq > resumed
    ]
    return [row.fill for row in rows if isinstance(row, FillRow) and row.is_late]


def _contradictions(trial: Desk, since_seq: int) -> list[str]:
    """Return why the trial sync itself would have paused the desk, fills apart."""
    flags = trial.journal.rows(session=trial.stamp.session, kind="flag")
    rows = [entry for entry in flags if entry.seq > since_seq]
    codes = {code for entry in rows if isinstance(entry.row, FlagRow) for code in entry.row.reasons}
    return sorted(codes & {"order-state-contradicts", "order-differs"})


def _paused(desk: Desk, breaks: Sequence[Break], *, read_only: bool) -> Paused:
    """Set or clear PAUSED and return it; a flag that says the same already is left alone."""
    flag = desk.journal.flags().get("paused")
    before = Paused(is_set=False, reasons=()) if flag is None else _as_paused(flag)
    if read_only:
        return before
    reasons = tuple(sorted({item.code for item in breaks}))
    after = Paused(is_set=bool(breaks), reasons=reasons)
    if after != before:
        row = FlagRow(name="paused", is_set=after.is_set, reasons=reasons, by="reconcile")
        desk.write([row])
    return after


def _halt(desk: Desk) -> Halted | None:
    """Return the halt that stands: the report, which reads no halt record, tells of it."""
    reading = desk.halts.read()
    booked = journal_halt(desk.journal.flags())
    if not (reading.entries or reading.all or booked is not None):
        return None
    reason = "; ".join(each for each in (reading.reason, ", ".join(booked or ())) if each)
    return Halted(entries=True, all=reading.all, reason=reason)


def _as_paused(flag: FlagRow) -> Paused:
    return Paused(is_set=flag.is_set, reasons=flag.reasons if flag.is_set else ())


def _seen(account: Account, synced: Synced) -> BrokerSeen:
    positions = sorted(synced.positions or (), key=lambda item: item.symbol)
    orders = sorted(synced.open_orders or (), key=lambda item: item.client_order_id)
    return BrokerSeen(
        account_id=account.account_id,
        cash=account.cash,
        equity=account.equity,
        positions=tuple(
            PositionSeen(
                symbol=item.symbol,
                quantity=item.quantity,
                average_price=item.average_price,
                current_price=item.current_price,
            )
            for item in positions
        ),
        open_orders=tuple(
            OrderSeen(
                client_order_id=item.client_order_id,
                symbol=item.symbol,
                side=item.side,
                quantity=ZERO if item.quantity is None else item.quantity,
                cumulative_quantity=item.cumulative_quantity,
                limit_price=item.limit_price,
                stop_price=item.stop_price,
                status=item.raw_status,
            )
            for item in orders
        ),
    )
