"""Cancels that take a while: asked for, not done, and overtaken by a fill now and then.

A broker that takes a cancel says no more than that it was heard. Until so many further requests
have been answered the order is `pending_cancel`: it holds its shares or its cash, cannot be
changed, and may still fill, also while the clock moves. The book remembers how far it has come.
"""

from __future__ import annotations

from quantcli.exchange.book import Book
from quantcli.exchange.order_groups import cancel
from quantcli.exchange.order_record import Order


def cancel_in_time(book: Book, order: Order, requests: int) -> list[Order]:
    """Cancel an open order and its group, or begin to; return the orders whose cancel was taken.

    Args:
        book: Its clock is the instant of the request.
        order: Open, and not pending already.
        requests: How many requests are to find the cancel undone; 0: it is done now.
    """
    if requests:
        book.put_cancel(order.order_id, requests)
        return [order]
    return cancel(book, order, _clock(book))


def pass_request(book: Book) -> None:
    """Let the cancels under way come one request nearer, and do those whose time has come."""
    for order_id, left in book.cancels().items():
        book.put_cancel(order_id, left - 1)
        order = book.order(order_id)
        if left == 0 and order is not None and order.is_open:
            cancel(book, order, _clock(book))


def _clock(book: Book) -> int:
    venue = book.venue()
    assert venue is not None, "founded"
    return venue.clock
