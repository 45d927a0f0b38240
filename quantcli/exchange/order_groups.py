"""Orders that belong together: an entry with its exits, and exits of which one only may fill.

Legs wait, `held`, until their entry has filled whole; then they are live. An exit that fills
ends the other one; a part of it leaves the other one as much as is still there to be sold. A
cancelled order takes its whole group along, for what is left would not be what was asked for.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from quantcli.exchange.book import Book
from quantcli.exchange.figures import ZERO
from quantcli.exchange.identities import derived_uuid
from quantcli.exchange.order_record import Order, OrderType, Side
from quantcli.exchange.settlement import held_quantity, move
from quantcli.exchange.trading_hours import Micros

if TYPE_CHECKING:
    from quantcli.exchange.order_classes import Exits


def legs_of(parent: Order, exits: Exits, seed: int) -> list[Order]:
    """Return the legs that an order comes with, held: the profit's before the loss's.

    The limit of an OCO is the order itself, so that its only leg is the stop.
    """
    legs: list[Order] = []
    if exits.take_profit is not None and exits.order_class != "oco":
        legs.append(_leg(parent, seed, 1, "limit", exits.take_profit, None))
    if exits.stop_loss is not None:
        kind: OrderType = "stop" if exits.stop_limit is None else "stop_limit"
        number = len(legs) + 1
        legs.append(_leg(parent, seed, number, kind, exits.stop_limit, exits.stop_loss))
    return legs


def after_change(book: Book, order: Order, at: Micros) -> None:
    """Let an order's group follow a fill, or the end of its entry; a plain order has no group."""
    if not order.order_class:
        return
    others = [
        each for each in book.group(order.group) if each.is_open and each.sequence != order.sequence
    ]
    live = _free_shares(book, order) if order.status == "filled" and not order.is_exit else ZERO
    for each in others:
        if live > 0:
            book.put_order(move(book, each, "new", at)._replace(quantity=live))
        elif order.status == "filled" or not (order.is_exit or order.is_open):
            move(book, each, "canceled", at)
        elif order.is_exit and order.status == "partially_filled":
            book.put_order(each._replace(quantity=each.filled_quantity + order.leaves_quantity))


def activate(book: Book, order: Order, at: Micros) -> None:
    """Set the stop of an OCO live that was sent in regular hours."""
    if order.order_class == "oco":
        for each in book.group(order.group):
            if each.status == "held":
                move(book, each, "new", at)


def cancel(book: Book, order: Order, at: Micros) -> list[Order]:
    """Cancel an open order, and with it what is open of its group; return all of them."""
    if not order.order_class:
        return [move(book, order, "canceled", at)]
    return [move(book, each, "canceled", at) for each in book.group(order.group) if each.is_open]


def follow_replacement(book: Book, old: Order, new: Order) -> None:
    """Give the open legs of a replaced order the new one as parent, and its quantity."""
    if not old.order_class or old.parent is not None:
        return
    for each in book.group(old.order_id):
        if each.is_open and each.parent == old.order_id:
            is_same = new.order_class == "oco"
            quantity = each.filled_quantity + new.leaves_quantity if is_same else new.quantity
            book.put_order(
                each._replace(
                    parent=new.order_id,
                    quantity=quantity,
                    time_in_force=new.time_in_force,
                    expires=new.expires,
                )
            )


def _free_shares(book: Book, entry: Order) -> Decimal:
    """Return the shares that an entry's exits can close: its own, unless they went meanwhile.

    An entry that fills in parts leaves its first shares free until it is whole.
    """
    position = book.position(entry.symbol)
    assert position is not None, "just opened"
    others = [each for each in book.open_orders(entry.symbol) if each.group != entry.group]
    return min(entry.quantity, abs(position.quantity) - held_quantity(others))


def _leg(
    parent: Order,
    seed: int,
    number: int,
    order_type: OrderType,
    limit_price: Decimal | None,
    stop_price: Decimal | None,
) -> Order:
    opposite: Side = "sell" if parent.side == "buy" else "buy"
    sequence = parent.sequence + number
    return Order(
        sequence=sequence,
        order_id=derived_uuid(seed, "order", sequence),
        client_order_id=derived_uuid(seed, "client", sequence),
        symbol=parent.symbol,
        side=parent.side if parent.order_class == "oco" else opposite,
        order_type=order_type,
        time_in_force=parent.time_in_force,
        quantity=parent.quantity,
        limit_price=limit_price,
        stop_price=stop_price,
        reserve_price=None,
        status="held",
        created=parent.created,
        submitted=parent.submitted,
        updated=parent.updated,
        expires=parent.expires,
        order_class=parent.order_class,
        parent=parent.order_id,
    )
