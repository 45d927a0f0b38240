"""What faults make of an order in the book: rejected after all, or filled in part and cancelled.

Like everything in the book this lasts, whatever becomes of the fault.
"""

from __future__ import annotations

from decimal import ROUND_DOWN, Decimal

from quantcli.exchange.advance import Market
from quantcli.exchange.book import Book
from quantcli.exchange.figures import ZERO
from quantcli.exchange.order_record import Order
from quantcli.exchange.settlement import fill, move
from quantcli.exchange.trading_hours import Micros, Span, span_ahead


def reject(book: Book, order: Order, at: Micros) -> None:
    """Book an order that was taken as one that ended rejected."""
    book.put_order(order._replace(status="rejected", failed=at, updated=at))


def fill_part(
    book: Book, market: Market, order: Order, wanted: Decimal | None, until: Micros
) -> bool:
    """Fill some shares of an open order, cancel the rest, and return whether that could be.

    Args:
        book: Its clock has not reached `until` yet.
        market: Where the price comes from: the symbol's first print from now on, or the limit
            if that is worse for the order. Without a print there is no fill.
        order: As the book has it.
        wanted: Shares to fill; None, or as many as were ordered: half of them, rounded down.
        until: Later than this nothing may happen.
    """
    venue = book.venue()
    assert venue is not None
    span = span_ahead(venue.clock)
    at = max(venue.clock, span.opens)
    price = _price(book, market, order, span, venue.clock, until)
    if at > until or price is None:
        return False
    half = (order.quantity / 2).to_integral_value(ROUND_DOWN)
    part = half if wanted is None or wanted >= order.quantity else wanted
    after = order._replace(status="new")
    if part > 0:
        after = fill(book, after, price, at, part)
    if after.is_open:
        move(book, after, "canceled", at)
    return True


def _price(
    book: Book, market: Market, order: Order, span: Span, clock: Micros, until: Micros
) -> Decimal | None:
    """Return a price in USD that the market has now, or will have at the open."""
    newest = book.last_print(order.symbol)
    if newest is not None and newest.session == span.session.isoformat():
        price = newest.price
    else:
        coming = market.tape(span).prints([order.symbol], clock, until)
        if not coming:
            return None
        price = coming[0].price
    if order.limit_price is None:
        return price
    better = min if order.side == "buy" else max
    return better(order.limit_price, price)


def as_taken(order: Order, status: str) -> Order:
    """Return an order as it was when it was taken, before it may have filled at once."""
    return order._replace(
        status=status,  # type: ignore[arg-type]  # one of the book's own words
        updated=order.created,
        filled_quantity=ZERO,
        filled_cost=ZERO,
        filled=None,
    )
