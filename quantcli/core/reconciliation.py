"""Ours against theirs: every unexplained difference is a typed break.

A break's id hashes what differs and how, so the same difference has the same id in every pass.
Nothing here writes fills or adopts what is not ours (INV-16, INV-22).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal

from quantcli.contracts.broker_views import Activity, BrokerOrder, BrokerPosition
from quantcli.contracts.canonical import sha256_hex
from quantcli.contracts.orders import (
    TERMINAL_ORDER_STATES,
    WORKING_ORDER_STATES,
    Fill,
    OrderIntent,
    OrderRecord,
)
from quantcli.contracts.positions import PositionRecord
from quantcli.contracts.reconciliation import Break, BreakKind
from quantcli.contracts.scalars import PRICE_QUANTUM, ZERO, plain, price, quantity
from quantcli.core.order_ids import PREFIX

#: Breaks that end once an operator has said that he saw them: nothing is to be booked for them,
#: or what was booked does not make the two sides alike. The same difference has the same id.
ACKNOWLEDGED: frozenset[str] = frozenset(
    {"fill-missing", "order-foreign", "order-forgotten", "position-price"}
)


def break_of(
    kind: BreakKind,
    code: str,
    subject: str,
    ours: str | None,
    theirs: str | None,
    symbol: str | None = None,
) -> Break:
    """Return a break, its id derived from what differs."""
    text = "|".join((kind, code, subject, ours or "", theirs or ""))
    return Break(
        break_id=sha256_hex(text.encode()),
        kind=kind,
        code=code,
        symbol=symbol,
        subject=subject,
        ours=ours,
        theirs=theirs,
    )


def account_breaks(ours: str, theirs: str) -> list[Break]:
    """Return a break if the broker's account is not the one the journal began with."""
    return (
        [] if ours == theirs else [break_of("account", "account-differs", "account", ours, theirs)]
    )


def position_breaks(
    ours: Iterable[PositionRecord], theirs: Iterable[BrokerPosition]
) -> list[Break]:
    """Return breaks of quantity, then of average price, by symbol.

    Average prices may differ by 0.0001 USD: the broker rounds its own.
    """
    held = {position.symbol: position for position in ours}
    shown = {position.symbol: position for position in theirs if position.quantity != 0}
    breaks = []
    for symbol in sorted(held.keys() | shown.keys()):
        found = _position_break(symbol, held.get(symbol), shown.get(symbol))
        breaks.extend([] if found is None else [found])
    return breaks


def cash_breaks(ours: Decimal, theirs: Decimal) -> list[Break]:
    """Return a break if cash differs by a cent or more."""
    if ours == theirs:
        return []
    return [break_of("cash", "cash-difference", "cash", plain(ours), plain(theirs))]


def order_breaks(
    live: Sequence[OrderRecord],
    known: Mapping[str, OrderRecord],
    open_orders: Sequence[BrokerOrder],
    outdated: frozenset[str] = frozenset(),
) -> list[Break]:
    """Return breaks between the orders we hold to be working and those open at the broker.

    Args:
        live: Our orders that are not final, after syncing.
        known: Our orders by client order id; holds at least those among `open_orders`.
        open_orders: What the broker shows as open.
        outdated: Ids of orders formed before a corporate action, whose terms the broker may
            have restated or left: `exits` ends them.
    """
    shown = {order.client_order_id for order in open_orders}
    breaks = [
        _order_break("order-missing", record.intent, record.state, None)
        for record in live
        if _is_expected(record) and record.intent.client_order_id not in shown
    ]
    for order in sorted(open_orders, key=lambda item: item.client_order_id):
        record = known.get(order.client_order_id)
        if record is None:
            name, told = order.client_order_id, terms_of(order)
            code = "order-forgotten" if name.startswith(PREFIX) else "order-foreign"
            breaks.append(break_of("order", code, name, None, told, order.symbol))
        elif record.state in TERMINAL_ORDER_STATES or record.state == "PENDING":
            breaks.append(
                _order_break("order-differs", record.intent, record.state, order.raw_status)
            )
        elif order.client_order_id in outdated:
            continue
        elif (ours := terms_of(record.intent)) != (theirs := terms_of(order)):
            breaks.append(_order_break("order-differs", record.intent, ours, theirs))
    return breaks


def fill_breaks(
    booked: Iterable[Fill], shown: Sequence[Activity], our_broker_ids: frozenset[str]
) -> list[Break]:
    """Return breaks between fills booked and fills shown, over one stretch of days.

    Args:
        booked: Our fills of that stretch.
        shown: The broker's FILL activities of the same stretch.
        our_broker_ids: Broker order ids of the orders that are ours among them.
    """
    ours = {fill.execution_id: fill for fill in booked}
    theirs = {activity.activity_id: activity for activity in shown}
    breaks = []
    for activity_id, fill in sorted(ours.items()):
        activity = theirs.get(activity_id)
        terms = _fill_terms(fill.symbol, fill.side, fill.last_quantity, fill.last_price)
        said = None if activity is None else _activity_terms(activity)
        if said != terms:
            breaks.append(break_of("fill", "fill-missing", activity_id, terms, said, fill.symbol))
    for activity_id, activity in sorted(theirs.items()):
        if activity_id not in ours:
            code = "fill-missing" if activity.order_id in our_broker_ids else "fill-foreign"
            said = _activity_terms(activity)
            breaks.append(break_of("fill", code, activity_id, None, said, activity.symbol))
    return breaks


def quantity_breaks(orders: Iterable[OrderRecord], booked: Mapping[str, Decimal]) -> list[Break]:
    """Return breaks of orders whose fills are fewer than they report, or more than was ordered.

    Fills beyond what an order reports are no break: the two are read one after the other.

    Args:
        orders: Our orders.
        booked: Client order id -> shares of its booked fills; absent: none.
    """
    breaks = []
    for order in orders:
        ours = booked.get(order.intent.client_order_id, ZERO)
        if ours < order.cumulative_quantity:
            told = plain(quantity(order.cumulative_quantity))
            breaks.append(_fill_break("fill-missing", order.intent, ours, told))
        elif ours > order.intent.quantity:
            told = f"ordered {plain(order.intent.quantity)}"
            breaks.append(_fill_break("order-overfilled", order.intent, ours, told))
    return breaks


def rule_breaks(
    late: Iterable[Fill], positions: Iterable[PositionRecord], contradictions: Iterable[str]
) -> list[Break]:
    """Return breaks of our own rules, whatever the two sides agree on.

    Args:
        late: Fills booked after their order's final state.
        positions: As booked; a short one was oversold.
        contradictions: Codes of reports that cannot follow from what is stored.
    """
    found = []
    for fill in sorted(late, key=lambda item: item.execution_id):
        said = _fill_terms(fill.symbol, fill.side, fill.last_quantity, fill.last_price)
        found.append(break_of("fill", "late-fill", fill.execution_id, None, said, fill.symbol))
    for item in positions:
        if item.quantity < 0:
            held = plain(quantity(item.quantity))
            code = "position-oversold"
            found.append(break_of("position", code, item.symbol, held, None, item.symbol))
    found += [break_of("order", code, "orders", None, None) for code in contradictions]
    return found


def first_day_breaks(
    positions: Iterable[BrokerPosition], open_orders: Iterable[BrokerOrder]
) -> list[Break]:
    """Return breaks for everything that an account must not hold before the journal begins."""
    code = "journal-not-empty-account"
    held = [
        break_of("position", code, item.symbol, None, plain(quantity(item.quantity)), item.symbol)
        for item in sorted(positions, key=lambda item: item.symbol)
        if item.quantity != 0
    ]
    resting = [
        break_of("order", code, item.client_order_id, None, terms_of(item), item.symbol)
        for item in sorted(open_orders, key=lambda item: item.client_order_id)
    ]
    return held + resting


def terms_of(order: OrderIntent | BrokerOrder) -> str:
    """Return what was to be ordered, or what the broker says was, in the same words."""
    count = "?" if order.quantity is None else plain(quantity(order.quantity))
    named = (("limit", order.limit_price), ("stop", order.stop_price))
    told = [f"{name} {plain(price(at))}" for name, at in named if at is not None]
    words = (order.side, count, order.symbol, order.order_type, order.time_in_force)
    return " ".join([*words, *told])


def _fill_terms(symbol: str | None, side: str | None, shares: Decimal, at: Decimal) -> str:
    return f"{side} {plain(quantity(shares))} {symbol} at {plain(price(at))}"


def _activity_terms(activity: Activity) -> str:
    if activity.quantity is None or activity.price is None:
        return f"{activity.side} ? {activity.symbol} at ?"
    return _fill_terms(activity.symbol, activity.side, abs(activity.quantity), activity.price)


def _is_expected(order: OrderRecord) -> bool:
    """Return whether the broker has to show an order: it works, or it did until it vanished."""
    has_vanished = order.state == "UNKNOWN" and order.code == "order-missing"
    return has_vanished or order.state in WORKING_ORDER_STATES


def _order_break(code: str, intent: OrderIntent, ours: str, theirs: str | None) -> Break:
    return break_of("order", code, intent.client_order_id, ours, theirs, intent.symbol)


def _fill_break(code: str, intent: OrderIntent, ours: Decimal, theirs: str) -> Break:
    told = plain(quantity(ours))
    return break_of("fill", code, intent.client_order_id, told, theirs, intent.symbol)


def _position_break(
    symbol: str, ours: PositionRecord | None, theirs: BrokerPosition | None
) -> Break | None:
    if ours is None:
        shown = None if theirs is None else plain(quantity(theirs.quantity))
        return break_of("position", "position-foreign", symbol, None, shown, symbol)
    held = plain(ours.quantity)
    if theirs is None:
        return break_of("position", "position-missing", symbol, held, None, symbol)
    if ours.quantity != theirs.quantity:
        shown = plain(quantity(theirs.quantity))
        return break_of("position", "position-quantity", symbol, held, shown, symbol)
    if abs(ours.average_price - theirs.average_price) > PRICE_QUANTUM:
        paid, shown = plain(price(ours.average_price)), plain(price(theirs.average_price))
        return break_of("position", "position-price", symbol, paid, shown, symbol)
    return None
