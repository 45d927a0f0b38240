"""What happened to orders, in the order it happened: told from two looks at the book.

The book keeps no list of events. Every one can be read from what it does keep: fills are
activities, and an order says when it was sent, cancelled, expired, replaced or rejected. So
nobody who does not listen pays for it, and changes made by another process are told as well.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any, NamedTuple

from quantcli.exchange.book import Book
from quantcli.exchange.figures import EXACT, ZERO, spelled
from quantcli.exchange.identities import derived_uuid
from quantcli.exchange.order_record import Order, Status
from quantcli.exchange.order_view import order_view
from quantcli.exchange.trading_hours import (
    Micros,
    span_after,
    span_ahead,
    span_now,
    spelled_instant,
)

#: An order in one of these is not at the exchange yet.
_WAITING = frozenset({"accepted", "held"})


class Mark(NamedTuple):
    """How much of the book a listener has been told.

    Attributes:
        version: Of the book; the same only as long as nothing changed.
        orders, activities: Newest sequence numbers.
        open: Sequence number -> status of the orders that were open.
    """

    version: tuple[int, int]
    orders: int
    activities: int
    open: dict[int, str]


class _Event(NamedTuple):
    """One event; `quantity` and `price` of a fill only. `order` is as it was then."""

    at: Micros
    sequence: int
    rank: int
    kind: str
    order: Order
    quantity: Decimal | None = None
    price: Decimal | None = None


def mark_of(book: Book) -> Mark:
    """Return the mark of a listener who was told everything."""
    return Mark(
        book.version(),
        book.next_order() - 1,
        book.next_activity() - 1,
        {order.sequence: order.status for order in book.open_orders()},
    )


def updates_since(book: Book, mark: Mark) -> tuple[Mark, list[dict[str, Any]]]:
    """Return the new mark and the JSON objects of the events since another.

    In a book that is behind the mark, another one was put in its place: nothing is told of it.
    """
    if book.version() == mark.version:
        return mark, []
    new = mark_of(book)
    venue = book.venue()
    if venue is None or new.orders < mark.orders or new.activities < mark.activities:
        return new, []
    events: list[_Event] = []
    fills = _fills_since(book, mark)
    for order in _touched(book, mark):
        own = fills.get(order.order_id, [])
        events += _events_of(book, order, mark.open.get(order.sequence), own, mark)
    events.sort(key=lambda event: (event.at, event.sequence, event.rank))
    return new, list(_views(book, venue.seed, events))


def _touched(book: Book, mark: Mark) -> list[Order]:
    """Return the orders that were open then, and those that are new."""
    was_open = ", ".join(str(int(sequence)) for sequence in sorted(mark.open))
    return book.orders(f"sequence IN ({was_open}) OR sequence > ?", mark.orders)


def _fills_since(book: Book, mark: Mark) -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = {}
    for row in book.activities(
        "sequence > ? AND activity_type = 'FILL'", (mark.activities,), "ORDER BY sequence"
    ):
        found.setdefault(row["order_id"], []).append(row)
    return found


def _events_of(
    book: Book, order: Order, before: str | None, fills: list[dict[str, Any]], mark: Mark
) -> Iterator[_Event]:
    """Yield what happened to one order, which had a status before or is new to the listener."""
    amounts = [(Decimal(row["quantity"]), Decimal(row["price"])) for row in fills]
    quantity = order.filled_quantity - sum((each for each, _ in amounts), ZERO)
    cost = order.filled_cost - sum((EXACT.multiply(*each) for each in amounts), ZERO)
    was_waiting = before in _WAITING or (before is None and order.sequence > mark.orders)
    live = _live_since(book, order, before) if was_waiting else None
    if live is not None:
        status: Status = "partially_filled" if quantity else "new"
        then = _as_it_was(order, status, live, quantity, cost)
        yield _Event(live, order.sequence, 0, "new", then)
    for row, (shares, price) in zip(fills, amounts, strict=True):
        quantity += shares
        cost += EXACT.multiply(shares, price)
        is_last = row["leaves_quantity"] == "0"
        then = _as_it_was(order, "filled" if is_last else "partially_filled", row["at"],
                          quantity, cost)  # fmt: skip
        kind = "fill" if is_last else "partial_fill"
        yield _Event(row["at"], order.sequence, 1, kind, then, shares, price)
    end = _end(order)
    if end is not None:
        yield _Event(end, order.sequence, 2, order.status, order)


def _live_since(book: Book, order: Order, before: str | None) -> Micros | None:
    """Return when an order went to the exchange; None if it never did."""
    if order.status in _WAITING:
        return None
    entry = None if order.parent is None else book.order(order.parent)
    if entry is not None and entry.order_class != "oco":
        live = entry.filled  # exits wake when their entry is filled
    else:
        live = _sent_to_exchange(order, before)
    end = _end(order)
    return None if live is None or (end is not None and end < live) else live


def _sent_to_exchange(order: Order, before: str | None) -> Micros:
    """Return when an order that waits for no other was routed: at once, or at the next open."""
    session = span_now(order.submitted)
    if session is None:
        return span_ahead(order.submitted).opens
    return order.submitted if before is None else span_after(session).opens


def _end(order: Order) -> Micros | None:
    """Return when an order ended other than by filling."""
    return {
        "canceled": order.canceled,
        "expired": order.expired,
        "replaced": order.replaced,
        "rejected": order.failed,
    }.get(order.status)


def _as_it_was(order: Order, status: Status, at: Micros, quantity: Decimal, cost: Decimal) -> Order:
    """Return an order as it was at an instant before its end."""
    return order._replace(
        status=status,
        updated=at,
        filled_quantity=quantity,
        filled_cost=cost,
        filled=at if status == "filled" else None,
        canceled=None,
        expired=None,
        failed=None,
        replaced=None,
        replaced_by=None,
    )


def _views(book: Book, seed: int, events: list[_Event]) -> Iterator[dict[str, Any]]:
    """Yield the JSON objects; what is held after each fill is counted back from now."""
    held = {each.symbol: each.quantity for each in book.positions()}
    after: list[Decimal] = []
    for event in reversed(events):
        shares = held.get(event.order.symbol, ZERO)
        after.append(shares)
        if event.quantity is not None:
            change = event.quantity if event.order.side == "buy" else -event.quantity
            held[event.order.symbol] = shares - change
    for event, shares in zip(events, reversed(after), strict=True):
        yield _view(seed, event, shares)


def _view(seed: int, event: _Event, position: Decimal) -> dict[str, Any]:
    stamp = spelled_instant(event.at)
    name = f"{event.order.order_id}:{event.kind}:{spelled(event.order.filled_quantity)}"
    view = {
        "event": event.kind,
        "event_id": derived_uuid(seed, "event", name),
        "execution_id": derived_uuid(seed, "execution", name),
        "at": stamp,
        "timestamp": stamp,
        "order": order_view(seed, event.order),
    }
    if event.quantity is not None and event.price is not None:
        view |= {
            "price": spelled(event.price),
            "qty": spelled(event.quantity),
            "position_qty": spelled(position),
        }
    return view
