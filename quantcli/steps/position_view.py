"""One position as it is now: what is held, what stands, where the stop belongs, why to leave.

Gathers the values that a plan needs from journal, broker, bars and config. Decides nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Literal

from quantcli.contracts.broker_views import BrokerOrder, BrokerPosition
from quantcli.contracts.envelope import Finding
from quantcli.contracts.journal_rows import ReviewRow, StopRow
from quantcli.contracts.orders import OrderIntent, OrderRecord
from quantcli.contracts.positions import PositionRecord
from quantcli.contracts.scalars import ZERO, price
from quantcli.core.corporate_actions import Terms
from quantcli.core.coverage import is_covering
from quantcli.core.drift import correction
from quantcli.core.exit_plan import Situation, Standing
from quantcli.core.sessions import sessions_apart
from quantcli.core.stops import Level, base_level, resolve
from quantcli.steps.entry_life import end_entry
from quantcli.steps.exit_pass import Pass

_RESTING = frozenset({"SUBMITTED", "PARTIALLY_FILLED", "PENDING_CANCEL", "UNKNOWN"})


@dataclass(frozen=True, slots=True)
class Look:
    """One position as seen now."""

    position: PositionRecord
    entry: OrderIntent | None
    situation: Situation
    stop_before: Decimal | None
    price_source: Literal["bar", "broker", "none"]
    findings: tuple[Finding, ...]
    problem: str | None


def look_at(
    run: Pass, position: PositionRecord, *, may_replace: bool = True, may_exit: bool = True
) -> Look:
    """Return a position as seen now.

    Args:
        run: The pass.
        position: As booked.
        may_replace: False once the broker refused to replace a stop in this pass.
        may_exit: False once it refused to sell.
    """
    desk, symbol = run.desk, position.symbol
    entry_order = desk.journal.order(position.entry_client_order_id or "")
    entry = None if entry_order is None else entry_order.intent
    is_buy_resting = _is_buy_resting(run, symbol)
    sells, older = run.sells(symbol), run.outdated(symbol)
    shares, problem, shown = _shares(run, position)
    now, source = _price(run, symbol, shown)
    memory = _memory(run.books().stops.get(symbol), sells)
    terms = Terms(symbol, Fraction(1))
    if entry is not None:
        terms = run.terms(entry.symbol, entry.session)
    own = _own_stop(run, position, entry, terms)
    resolved = resolve(
        memory,
        own,
        run.structure.candidate(position),
        position.average_price,
        desk.config.exits.first_stop_distance_fraction_min,
        _passed_over(run, position),
    )
    situation = Situation(
        shares=shares,
        price=now,
        level=resolved.level,
        base=base_level(memory, own),
        stops=_standing(sells),
        exiting=sum((order.leaves_quantity for order in sells if _is_selling(order)), ZERO),
        exit_code=_exit_code(run, position, entry, terms, now),
        is_open=run.is_open,
        may_replace=run.is_open and may_replace,
        may_shrink=run.synced.open_orders is not None,
        may_exit=may_exit,
        is_buy_resting=is_buy_resting,
        is_sell_unknown=bool(older)
        or any(order.state in {"UNKNOWN", "PENDING_CANCEL"} for order in sells),
    )
    before = None if memory is None else memory.price
    return Look(position, entry, situation, before, source, resolved.findings, problem)


def _price(
    run: Pass, symbol: str, shown: BrokerPosition | None
) -> tuple[Decimal | None, Literal["bar", "broker", "none"]]:
    """Return the broker's current price, else the newest complete bar's close."""
    if shown is not None and shown.current_price is not None:
        return shown.current_price, "broker"
    close = run.structure.last_close(symbol)
    return close, "none" if close is None else "bar"


def _standing(sells: Sequence[OrderRecord]) -> tuple[Standing, ...]:
    return tuple(
        Standing(
            order.intent.client_order_id, order.leaves_quantity, order.intent.stop_price or ZERO
        )
        for order in sells
        if order.intent.purpose == "stop" and order.state == "SUBMITTED"
    )


def _is_selling(order: OrderRecord) -> bool:
    """Return whether an order is on its way out: a working exit, or a stop that has triggered."""
    if order.intent.purpose == "exit":
        return order.state in {"SUBMITTED", "PARTIALLY_FILLED"}
    return order.state == "PARTIALLY_FILLED"


def _shares(
    run: Pass, position: PositionRecord
) -> tuple[Decimal, str | None, BrokerPosition | None]:
    """Return what may be sold, a problem with it, and the broker's own position."""
    if position.quantity < 0:
        return ZERO, "position-oversold", None
    if run.synced.positions is None:
        return position.quantity, None, None
    shown = {item.symbol: item for item in run.synced.positions}
    theirs = shown.get(position.symbol)
    if theirs is None or theirs.quantity <= 0:
        return ZERO, "position-missing", theirs
    # Shares that an order of someone else holds cannot be sold by ours.
    foreign = _foreign_orders(run, position.symbol, "sell")
    taken = sum(((order.quantity or ZERO) - order.cumulative_quantity for order in foreign), ZERO)
    free = min(shares_held(run, position), theirs.quantity - taken)
    return (free, None, theirs) if free > 0 else (ZERO, "order-foreign", theirs)


def shares_held(run: Pass, position: PositionRecord) -> Decimal:
    """Return the shares to cover: within the limits of drift the broker's, else those booked."""
    limits, found = run.desk.config.reconcile, run.synced.differences
    return max(position.quantity + correction(found, position.symbol, limits), ZERO)


def _foreign_orders(run: Pass, symbol: str, side: str) -> list[BrokerOrder]:
    """Return open orders in the symbol that are not ours, as seen by the last sync."""
    ours = {order.intent.client_order_id for order in run.live(symbol, side)}
    return [
        order
        for order in run.synced.open_orders or ()
        if (order.symbol, order.side) == (symbol, side)
        and order.client_order_id not in ours
        and run.desk.journal.order(order.client_order_id) is None
    ]


def _memory(row: StopRow | None, sells: Sequence[OrderRecord]) -> Level | None:
    """Return the highest level known: remembered, or standing at the broker."""
    standing = [o.intent.stop_price for o in sells if is_covering(o) and o.intent.stop_price]
    highest = max(standing, default=None)
    if row is not None and (highest is None or row.stop_price >= highest):
        return Level(row.stop_price, row.basis)
    return None if highest is None else Level(highest, "intent")


def _passed_over(run: Pass, position: PositionRecord) -> frozenset[Decimal]:
    """Return the levels that this session's passes found too close for the first stop."""
    session = run.desk.stamp.session
    if position.opened_session != session:
        return frozenset()
    rows = (entry.row for entry in run.desk.journal.rows(session=session, kind="review"))
    return frozenset(
        price(finding.observed)
        for row in rows
        if isinstance(row, ReviewRow) and row.symbol == position.symbol
        for finding in row.findings
        if finding.code == "stop-too-close" and finding.observed is not None
    )


def _own_stop(
    run: Pass, position: PositionRecord, entry: OrderIntent | None, terms: Terms
) -> Decimal:
    """Return the stop the entry was approved with, in shares of now; there is always one."""
    if entry is not None and entry.protective_stop is not None:
        return terms.price(entry.protective_stop)
    return position.average_price * (1 - run.desk.config.exits.first_stop_distance_fraction_min)


def _exit_code(
    run: Pass,
    position: PositionRecord,
    entry: OrderIntent | None,
    terms: Terms,
    now: Decimal | None,
) -> str | None:
    settings = run.desk.config.exits
    target = None if entry is None or entry.target is None else terms.price(entry.target)
    if settings.is_target_used and target is not None and now is not None and now >= target:
        return "target-reached"
    held = sessions_apart(position.opened_session, run.desk.stamp.session)
    if 0 < settings.hold_sessions_max <= held:
        return "max-hold"
    return None


def _is_buy_resting(run: Pass, symbol: str) -> bool:
    """Return whether a buy rests in the symbol, after ending those that have had their time."""
    buys = [end_entry(run.desk, order, run.patience) for order in run.live(symbol, "buy")]
    if any(order.state in _RESTING for order in buys):
        return True
    return bool(_foreign_orders(run, symbol, "buy"))
