"""Booking: corporate actions, then the broker's orders, activities and positions.

Unknown outcomes come first of what the broker knows. One call each for open orders, activities
and positions; orders that left the open list are looked up one by one. Nothing is sent. What is
not ours is reported and never booked.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from functools import partial

from quantcli.contracts.broker_views import Activity, BrokerOrder, BrokerPosition
from quantcli.contracts.envelope import Finding, Frozen
from quantcli.contracts.errors import (
    BrokerError,
    BrokerUnreachable,
    ContractDrift,
    LedgerError,
    MarketDataError,
    one_line,
)
from quantcli.contracts.journal_rows import ActionRow, AdoptRow, CashRow, FillRow
from quantcli.contracts.orders import WORKING_ORDER_STATES, Fill, OrderRecord
from quantcli.contracts.positions import PositionRecord
from quantcli.contracts.reconciliation import Break
from quantcli.contracts.scalars import ZERO
from quantcli.core.corporate_actions import is_outdated
from quantcli.core.drift import exceeded
from quantcli.core.halts import journal_halt
from quantcli.core.ledger import apply_fill, invariants_broken, quantity_filled
from quantcli.core.order_ids import PREFIX
from quantcli.core.order_states import own_row
from quantcli.core.reconciliation import position_breaks
from quantcli.core.sessions import previous_session
from quantcli.steps.corporate_actions import booked, follow
from quantcli.steps.desk import Desk
from quantcli.steps.order_protocol import (
    Patience,
    adopt,
    is_own_account,
    learn,
    look_up,
    refresh,
    stop_entries,
    write,
)

_SYMBOL = re.compile(r"[A-Z]{1,6}(\.[A-Z]{1,2})?")
_SESSIONS_BACK_MAX = 10

#: A broker that is silent this often is left alone until the next pass; a bad answer costs no wait.
FAILURES_MAX = 3


@dataclass(slots=True)
class Synced:
    """What one sync saw. A part that could not be read is None, and says why in `codes`.

    Attributes:
        open_orders: All open orders at the broker, ours and others.
        activities: Activities from the cursor on, without those older than the journal.
        positions: All positions at the broker.
        differences: Quantities that differ from ours after booking.
        since: First date that `activities` covers.
        codes: Error codes of the parts that failed.
        exceeded: Limits that those differences exceed.
        is_foreign: The broker shows another account than the journal's: nothing was booked.
        unseen: Ids of orders of ours that are not open at the broker and could not be asked for.
    """

    open_orders: tuple[BrokerOrder, ...] | None = None
    activities: tuple[Activity, ...] | None = None
    positions: tuple[BrokerPosition, ...] | None = None
    differences: tuple[Break, ...] = ()
    exceeded: tuple[Finding, ...] = ()
    since: dt.date | None = None
    codes: list[str] = field(default_factory=list)
    is_foreign: bool = False
    unseen: set[str] = field(default_factory=set)

    @property
    def is_whole(self) -> bool:
        """True if every part was read."""
        return not self.codes


def sync(desk: Desk, patience: Patience, *, is_strict: bool = False) -> Synced:
    """Book what the broker knows and return what was seen.

    Of another account than the journal's nothing is booked, and the desk is paused: whatever it
    lacks proves nothing, and an order sent there would be somebody else's.

    Args:
        desk: The running step; rows belong to it.
        patience: The waits left for look-ups of unknown outcomes.
        is_strict: Raise at the first part that fails instead of going on with the others. The
            caller compares the account itself, and everything else as well.

    Raises:
        BrokerError, MarketDataError: a part failed and `is_strict`.
    """
    synced = Synced()
    if not is_strict:
        _compare_account(desk, synced)
    if synced.is_foreign:
        return synced
    live = list(desk.journal.orders(live_only=True))
    parts: tuple[Callable[[], None], ...] = (
        partial(follow, desk),
        partial(_resolve_unknown, desk, live, patience),
        partial(_sync_orders, desk, live, synced),
        partial(_sync_activities, desk, synced),
        partial(_sync_positions, desk, synced),
    )
    for part in parts:
        try:
            _in_our_words(part)
        except (BrokerError, LedgerError, MarketDataError) as error:
            if is_strict:
                raise
            synced.codes.append(error.code)
    return synced


def book_fills(desk: Desk, orders: Iterable[OrderRecord] = ()) -> list[str]:
    """Book what orders of this pass came to since its sync; return codes of what failed.

    Asks for those orders and for the activities only: positions and open orders were read.

    Args:
        desk: The running step; rows belong to it.
        orders: Which orders to look up first, by id.
    """
    codes = []
    parts: list[Callable[[], object]] = [partial(refresh, desk, order, "sync") for order in orders]
    parts.append(partial(_sync_activities, desk, Synced()))
    for part in parts:
        try:
            _in_our_words(part)
        except (BrokerError, LedgerError) as error:
            codes.append(error.code)
    return codes


def _in_our_words(part: Callable[[], object]) -> None:
    """Read one part; an answer that no value of ours can hold is a drift, never a bug.

    Exits go on without the part.
    """
    try:
        part()
    except ValueError as error:
        raise ContractDrift(f"the broker's answer is not usable: {one_line(str(error))}") from error


def _each(tasks: Iterable[Callable[[], object]]) -> None:
    """Do all tasks, one order each: the trouble of one keeps no other from being booked.

    Raises:
        BrokerError, LedgerError: the first that failed.
    """
    failed = list[BrokerError | LedgerError]()
    for task in tasks:
        if sum(isinstance(error, BrokerUnreachable) for error in failed) >= FAILURES_MAX:
            break
        try:
            _in_our_words(task)
        except (BrokerError, LedgerError) as error:
            failed.append(error)
    if failed:
        raise failed[0]


def _compare_account(desk: Desk, synced: Synced) -> None:
    """Note whether the broker's account is the one that the journal began with."""
    genesis = desk.journal.genesis()
    if genesis is None:
        return
    try:
        theirs = desk.broker.account().account_id
    except BrokerError as error:
        # No answer is no proof of another account: entries wait, exits go on.
        synced.codes.append(error.code)
        return
    if theirs != genesis.account_id:
        synced.is_foreign = True
        synced.codes.append("account-differs")
        desk.write(stop_entries(desk, theirs, "account-differs"))


def _resolve_unknown(desk: Desk, live: list[OrderRecord], patience: Patience) -> None:
    """Look up orders of unknown outcome, and read `live` again if anything was learned."""
    unknown = [order for order in live if order.state == "UNKNOWN"]
    try:
        _each(partial(_resolve, desk, order, patience) for order in unknown)
    finally:
        live[:] = desk.journal.orders(live_only=True) if unknown else live


def _resolve(desk: Desk, order: OrderRecord, patience: Patience) -> None:
    shown = look_up(desk, order.intent, patience)
    if shown is not None:
        adopt(desk, order, shown, "look-up")


def _sync_orders(desk: Desk, live: list[OrderRecord], synced: Synced) -> None:
    """Bring working orders up to date; one that is no longer open is asked for by its id.

    The list may show an order that its look-up did not find.
    """
    synced.open_orders = desk.broker.open_orders()
    shown = {order.client_order_id: order for order in synced.open_orders}
    _stop_if_forgotten(desk, synced.open_orders)
    unknown = [order for order in live if order.state == "UNKNOWN"]
    for order in unknown:
        if order.intent.client_order_id in shown:
            adopt(desk, order, shown[order.intent.client_order_id], "look-up")
            live[:] = desk.journal.orders(live_only=True)
    known = [order for order in live if order.broker_order_id is not None]
    synced.unseen = {order.intent.client_order_id for order in known} - shown.keys()
    actions = booked(desk)
    _each(partial(_sync_order, desk, synced, order, shown, actions) for order in known)


def _sync_order(
    desk: Desk,
    synced: Synced,
    order: OrderRecord,
    shown: Mapping[str, BrokerOrder],
    actions: tuple[ActionRow, ...],
) -> None:
    """Bring one order to what the list of open orders shows, or a look-up by its id."""
    name = order.intent.client_order_id
    theirs = shown.get(name)
    if theirs is None:
        theirs = desk.broker.order_by_client_id(name)
    if theirs is not None:
        is_old = bool(actions) and is_outdated(order.intent, actions)
        learn(desk, order, theirs, "sync", is_outdated=is_old)
    elif order.state in WORKING_ORDER_STATES and is_own_account(desk):
        # Acknowledged once and now nowhere: it covers nothing until it is found.
        write(desk, order, own_row(order, "UNKNOWN", "sync", "order-missing"))
    synced.unseen.discard(name)


def _stop_if_forgotten(desk: Desk, open_orders: Iterable[BrokerOrder]) -> None:
    """Halt entries over an open order under a name of ours that the journal does not hold.

    The journal is not the one that sent it: an older copy, or rows that could not be rebuilt.
    """
    names = [order.client_order_id for order in open_orders]
    forgotten = [n for n in names if n.startswith(PREFIX) and desk.journal.order(n) is None]
    acts = (entry.row for entry in desk.journal.rows(kind="adopt")) if forgotten else ()
    seen = {row.subject for row in acts if isinstance(row, AdoptRow)}
    new = sorted(set(forgotten) - seen)
    halted = journal_halt(desk.journal.flags()) or ()
    if new and "order-forgotten" not in halted:
        said = ", ".join(new)
        desk.write(stop_entries(desk, said, "order-forgotten"))


def _sync_activities(desk: Desk, synced: Synced) -> None:
    synced.since = cursor(desk)
    genesis = desk.journal.genesis()
    before = frozenset(() if genesis is None else genesis.activities_before)
    shown = desk.broker.activities(synced.since.isoformat())
    activities = tuple(item for item in shown if item.activity_id not in before)
    synced.activities = activities
    new = [item for item in activities if not desk.journal.has_activity(item.activity_id)]
    fills = [item for item in new if item.activity_type == "FILL"]
    rows: list[Frozen] = [*_fill_rows(desk, fills)]
    rows += [row for item in new if (row := _cash_row(item)) is not None]
    desk.write(rows)


def _sync_positions(desk: Desk, synced: Synced) -> None:
    synced.positions = desk.broker.positions()
    found = position_breaks(desk.journal.positions(), synced.positions)
    synced.differences = tuple(item for item in found if item.code != "position-price")
    limits = desk.config.reconcile
    synced.exceeded = exceeded(desk.journal.positions(), synced.positions, limits)


def cursor(desk: Desk) -> dt.date:
    """Return the date from which activities are read: a day before the newest older booking.

    "Older": of a session before this one, so that everything of this session is read again in
    each pass. Without any, it is the session the journal began in.
    """
    genesis = desk.journal.genesis()
    first = desk.stamp.session if genesis is None else genesis.first_session
    session = desk.stamp.session
    for _ in range(_SESSIONS_BACK_MAX):
        session = previous_session(session)
        if session < first:
            return first
        if any(desk.journal.rows(session=session, kind=kind) for kind in ("fill", "cash")):
            return max(first, session - dt.timedelta(days=1))
    kept = [*desk.journal.rows(kind="fill"), *desk.journal.rows(kind="cash")]
    older = [row.place.session for row in kept if row.place.session < desk.stamp.session]
    return max([first, *(day - dt.timedelta(days=1) for day in older)])


def _booked(desk: Desk, order: OrderRecord) -> Decimal:
    fills = desk.journal.fills(symbol=order.intent.symbol)
    return quantity_filled(fills, order.intent.client_order_id)


def _fill_rows(desk: Desk, activities: list[Activity]) -> list[Frozen]:
    """Return the rows of new fills of our orders, and the row that pauses if they break a rule."""
    rows: list[Frozen] = []
    broken: set[str] = set()
    broken_by: set[str] = set()
    positions: dict[str, PositionRecord | None] = {
        position.symbol: position for position in desk.journal.positions()
    }
    booked: dict[str, Decimal] = {}
    for order, fill in _own_fills(desk, activities):
        name = order.intent.client_order_id
        before = booked[name] if name in booked else _booked(desk, order)
        position = positions.get(fill.symbol)
        found = invariants_broken(order, before, position, fill)
        codes = _within(desk, found, order, position, fill)
        rows.append(FillRow(fill=fill, is_late="late-fill" in codes))
        broken.update(codes)
        broken_by.update([f"fill {fill.execution_id} of {name}"] if codes else [])
        booked[name] = before + fill.last_quantity
        positions[fill.symbol] = apply_fill(position, fill, desk.stamp.session)
    if not broken:
        return rows
    return [*rows, *stop_entries(desk, ", ".join(sorted(broken_by)), *broken)]


def _within(
    desk: Desk,
    codes: tuple[str, ...],
    order: OrderRecord,
    position: PositionRecord | None,
    fill: Fill,
) -> tuple[str, ...]:
    """Return what a fill breaks; a sale of a little more than booked is a drift, no violation.

    Within the limit exits go by the broker's quantity, which may be the larger one.
    """
    held = ZERO if position is None else position.quantity
    limit = desk.config.reconcile.quantity_drift_fraction_max
    if fill.last_quantity - held > limit * order.intent.quantity:
        return codes
    return tuple("position-quantity" if code == "position-oversold" else code for code in codes)


def _own_fills(desk: Desk, activities: list[Activity]) -> list[tuple[OrderRecord, Fill]]:
    found = []
    for activity in activities:
        order = desk.journal.order_by_broker_id(activity.order_id or "")
        fill = None if order is None else _fill_of(order, activity)
        if order is not None and fill is not None:
            found.append((order, fill))
    return sorted(found, key=lambda pair: (pair[1].filled_at, pair[1].execution_id))


def _fill_of(order: OrderRecord, activity: Activity) -> Fill | None:
    """Return the fill an activity tells of; None if it does not tell enough to book it."""
    if activity.at is None or activity.quantity is None or activity.price is None:
        return None
    if activity.quantity == 0 or activity.price <= 0:
        return None
    return Fill(
        execution_id=activity.activity_id,
        client_order_id=order.intent.client_order_id,
        broker_order_id=activity.order_id or "",
        symbol=order.intent.symbol,
        side=order.intent.side,
        last_quantity=abs(activity.quantity),
        last_price=activity.price,
        filled_at=activity.at,
    )


def _cash_row(activity: Activity) -> CashRow | None:
    if activity.activity_type == "FILL" or activity.net_amount is None:
        return None
    symbol = activity.symbol or ""
    return CashRow(
        activity_id=activity.activity_id,
        activity_type=activity.activity_type,
        net_amount=activity.net_amount,
        session=activity.date,
        symbol=symbol if _SYMBOL.fullmatch(symbol) else None,
        description=activity.description,
    )
