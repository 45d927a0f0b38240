"""One session on the floor: queued orders go live, prints meet orders, orders end at the close.

Events happen in time order; within an instant symbols in order, and within a symbol stops
before other orders, each in the order of submission. Rules of price are in `matching`.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from quantcli.exchange.book import Book
from quantcli.exchange.figures import ZERO
from quantcli.exchange.matching import (
    fill_at_once,
    fill_price,
    is_set_off,
    is_shown,
    is_waiting,
    shares_on_offer,
    trailed,
)
from quantcli.exchange.order_groups import activate, after_change, cancel
from quantcli.exchange.order_record import Order
from quantcli.exchange.prints import Print, SessionTape
from quantcli.exchange.settings import ExchangeSettings
from quantcli.exchange.settlement import book_fees, equity, fill, move
from quantcli.exchange.trading_hours import Micros, Span, span_now

if TYPE_CHECKING:
    from quantcli.exchange.advance import Market

#: What is left of these after the opening print ends there.
_ENDS_AT_OPEN = frozenset({"opg", "ioc", "fok"})
_AT_ONCE = frozenset({"ioc", "fok"})
#: A print that does not fill these may move or set off their stop.
_MOVING = frozenset({"stop_limit", "trailing_stop"})
#: Orders of one symbol by number, in the order in which a print meets them.
_Resting = dict[int, Order]


def pass_session(
    book: Book, tape: SessionTape, settings: ExchangeSettings, clock: Micros, until: Micros
) -> list[Order]:
    """Let one session happen between two instants; return the orders that ended.

    Args:
        book: The book; what the prints leave in it is written here.
        tape: The session's prints.
        settings: How orders fill.
        clock: Where the clock stands.
        until: Where it goes, that instant included.
    """
    span, session = tape.span, tape.span.session.isoformat()
    ended: list[Order] = []
    after = clock
    if clock < span.opens:
        book.route_accepted(span.opens)
    orders = book.open_orders()
    if clock < span.opens and any(each.time_in_force in _ENDS_AT_OPEN for each in orders):
        ended += _match(book, tape, settings, orders, clock, span.opens)
        ended += _cancel_rest(book, _ENDS_AT_OPEN, span.opens)
        book.record_prints(session, tape.newest(book.assets(), clock, span.opens))
        after, orders = span.opens, book.open_orders()
    ended += _match(book, tape, settings, orders, after, until)
    book.record_prints(session, tape.newest(book.assets(), clock, until))
    if until >= span.closes:
        ended += _cancel_rest(book, frozenset({"cls"}), span.closes)
        ended += _expire(book, span)
        book_fees(book, span, settings)
        book.put_closes([session], equity(book))
    return ended


def match_at_once(
    book: Book, market: Market, settings: ExchangeSettings, order: Order, clock: Micros
) -> Order:
    """Fill an order just sent in regular hours as far as it need not wait for a print.

    It fills at the last print of this session. Before the symbol's first print of the session
    it waits; an order that may not wait ends instead.
    """
    span = span_now(clock)
    assert span is not None, "outside regular hours orders are queued"
    activate(book, order, clock)
    last = book.last_print(order.symbol)
    if last is not None and last.session == span.session.isoformat():
        left = None
        if settings.volume_share_max is not None:
            left = shares_on_offer(market.tape(span).prints([order.symbol], 0, clock)[-1], settings)
        order = _fill_at_once(book, settings, order, last.price, clock, left)
        _fire(book, settings, order, last.price, clock)
        order = book.order(order.order_id) or order
    if order.is_open and order.time_in_force in _AT_ONCE:
        order = move(book, order, "canceled", clock)
    return order


def _fill_at_once(
    book: Book,
    settings: ExchangeSettings,
    order: Order,
    last: Decimal,
    at: Micros,
    left: Decimal | None,
) -> Order:
    """Fill an order with what the last print leaves it, or set its stop off, or neither."""
    if is_waiting(order):
        return _set_off(book, order, last, at)
    price = fill_at_once(order, last, settings)
    if price is None or order.symbol in book.halted():
        return order
    return _fill(book, order, price, at, left)


def _fire(
    book: Book, settings: ExchangeSettings, order: Order, last: Decimal, at: Micros
) -> list[Order]:
    """Set off the stops among legs that are live by now and whose stop the price has passed.

    Returns those that ended.
    """
    if not order.order_class:
        return []
    legs = [leg for leg in book.group(order.group) if leg.parent and leg.status == "new"]
    fired = [_fill_at_once(book, settings, leg, last, at, None) for leg in legs if leg.stop_price]
    return [leg for leg in fired if not leg.is_open]


def _match(
    book: Book,
    tape: SessionTape,
    settings: ExchangeSettings,
    orders: list[Order],
    clock: Micros,
    until: Micros,
) -> list[Order]:
    """Show the live orders each print of their symbols; return those that ended."""
    resting: dict[str, _Resting] = {}
    if orders:
        halted = book.halted()
        for order in sorted(orders, key=_turn):
            if order.status != "held" and order.symbol not in halted:
                resting.setdefault(order.symbol, {})[order.sequence] = order
    before = _prints_before(book, tape, resting)
    ended: list[Order] = []
    for each in tape.prints(resting, clock, until):
        met, newest = resting[each.symbol], before.get(each.symbol)
        ended += _show(book, tape.span, each, met, newest, settings)
        before[each.symbol] = each.price
    return ended


def _show(
    book: Book,
    span: Span,
    each: Print,
    orders: _Resting,
    before: Decimal | None,
    settings: ExchangeSettings,
) -> list[Order]:
    """Let the orders of a symbol meet a print; those that ended leave them and are returned.

    Whoever becomes live through a fill of this print meets the next one.
    """
    ended: list[Order] = []
    left = shares_on_offer(each, settings)
    for sequence in list(orders):
        order = orders.get(sequence)
        if order is None or not is_shown(order, each, span):
            continue
        price = fill_price(order, each, before, settings)
        if price is None:
            after = _unfilled(book, order, each) if order.order_type in _MOVING else order
        else:
            after = _fill(book, order, price, each.at, left)
            if left is not None:
                left -= after.filled_quantity - order.filled_quantity
            if after.status == "filled" and not after.is_exit:
                ended += _fire(book, settings, after, each.price, each.at)
        if after is not order:
            _keep(book, orders, after)
            if not after.is_open:
                ended.append(after)
    return ended


def _fill(book: Book, order: Order, price: Decimal, at: Micros, left: Decimal | None) -> Order:
    """Fill an order with what there is, or not at all; its group follows."""
    quantity = order.leaves_quantity
    if left is not None and order.notional is None and left < quantity:
        quantity = ZERO if order.time_in_force == "fok" else left
    if is_waiting(order):
        order = order._replace(triggered=at)
        book.put_order(order)
    if quantity == 0:
        return order
    after = fill(book, order, price, at, None if order.notional is not None else quantity)
    after_change(book, after, at)
    return after


def _unfilled(book: Book, order: Order, each: Print) -> Order:
    """Return an order that a print did not fill, its stop moved or set off by it."""
    if order.order_type == "trailing_stop":
        after = trailed(order, each.price)
        if after is not order:
            book.put_order(after)
        return after
    return _set_off(book, order, each.price, each.at) if is_waiting(order) else order


def _set_off(book: Book, order: Order, price: Decimal, at: Micros) -> Order:
    """Return a stop-limit order, a limit order from now on if a price has reached its stop."""
    if is_set_off(order, price):
        order = order._replace(triggered=at)
        book.put_order(order)
    return order


def _keep(book: Book, orders: _Resting, after: Order) -> None:
    """Bring the resting orders of a symbol up to date after a print changed one of them."""
    if after.order_class and (not after.is_open or after.filled_quantity):
        live = [each for each in book.open_orders(after.symbol) if each.status != "held"]
        orders.clear()
        orders.update((each.sequence, each) for each in sorted(live, key=_turn))
    elif after.is_open:
        orders[after.sequence] = after
    else:
        del orders[after.sequence]


def _turn(order: Order) -> tuple[bool, int]:
    """Stops before other orders, each in the order of submission."""
    return order.stop_price is None, order.sequence


def _cancel_rest(book: Book, times_in_force: frozenset[str], at: Micros) -> list[Order]:
    """Cancel what an auction left; return it."""
    return [
        canceled
        for order in book.open_orders()
        if order.time_in_force in times_in_force
        for canceled in cancel(book, order, at)
    ]


def _expire(book: Book, span: Span) -> list[Order]:
    """End the orders whose time is over: DAY orders, and GTC orders that grew too old.

    Legs that never became live are cancelled with their entry.
    """
    return [
        move(book, order, "canceled" if order.status == "held" else "expired", span.closes)
        for order in book.open_orders()
        if order.expires is not None and order.expires <= span.closes
    ]


def _prints_before(
    book: Book, tape: SessionTape, symbols: dict[str, _Resting]
) -> dict[str, Decimal]:
    """Return the newest print that each symbol already had in this session."""
    session = tape.span.session.isoformat()
    found = {}
    for symbol in symbols:
        last = book.last_print(symbol)
        if last is not None and last.session == session:
            found[symbol] = last.price
    return found
