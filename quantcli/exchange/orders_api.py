"""/v2/orders: send, read, cancel. Lists are in `order_list`, replacements in `replacing`."""

from __future__ import annotations

from quantcli.exchange.booking import asset_symbol, book_group, book_order
from quantcli.exchange.calls import Answer, Call
from quantcli.exchange.order_entry import read_ticket
from quantcli.exchange.order_list import list_orders, order_named, views
from quantcli.exchange.order_view import PENDING_CANCEL, order_view
from quantcli.exchange.pending_cancels import cancel_in_time
from quantcli.exchange.refusals import malformed, not_found, unprocessable
from quantcli.exchange.replacing import patch_order

__all__ = [
    "asset_symbol",
    "book_order",
    "delete_order",
    "delete_orders",
    "get_order",
    "get_order_by_client_id",
    "list_orders",
    "patch_order",
    "post_order",
]


def post_order(call: Call) -> Answer:
    """Book an order; in regular hours match it at once. The answer shows it as booked."""
    order, *legs = book_group(call, read_ticket(call.json_body()))
    return Answer(200, order_view(call.seed, order, legs))


def get_order(call: Call) -> Answer:
    """Return one order by its id, its legs inside it if asked for."""
    is_nested = call.flag("nested", default=False)
    order = order_named(call, call.segments[0])
    return Answer(200, views(call, [order], is_nested=is_nested)[0])


def get_order_by_client_id(call: Call) -> Answer:
    """Return one order by the customer's id: the first that had it, however it ended."""
    client_order_id = call.query.get("client_order_id", "")
    if not client_order_id:
        raise malformed("client_order_id is missing")
    order = call.book.order_by_client_id(client_order_id)
    if order is None:
        raise not_found(f"order not found for {client_order_id}")
    is_nested = call.flag("nested", default=False)
    return Answer(200, views(call, [order], is_nested=is_nested)[0])


def delete_order(call: Call) -> Answer:
    """Take the cancel of an open order; unless told otherwise it is done when the answer leaves."""
    order = order_named(call, call.segments[0])
    if not order.is_open:
        raise unprocessable(f"order is not cancelable: it is {order.status}")
    if order.order_id in call.book.cancels():
        raise unprocessable("order pending cancel")
    cancel_in_time(call.book, order, call.settings.cancel_requests)
    return Answer(204, None)


def delete_orders(call: Call) -> Answer:
    """Take the cancels of all open orders; one row for each, of a leg with its entry's object.

    The rows show the orders as the cancel finds them: asked for, and not done.
    """
    book, under_way = call.book, set(call.book.cancels())
    found = {each.order_id: each for each in book.open_orders() if each.order_id not in under_way}
    gone: set[str] = set()
    for order in found.values():
        if order.order_id not in gone:
            taken = cancel_in_time(book, order, call.settings.cancel_requests)
            gone.update(each.order_id for each in taken)
    rows = []
    for order in found.values():
        owner = found.get(order.group) or book.order(order.group)
        assert owner is not None, "a leg has its order"
        body = order_view(call.seed, owner)
        if owner.order_id in found:
            body["status"] = PENDING_CANCEL
        rows.append({"id": order.order_id, "status": 200, "body": body})
    return Answer(207, rows)
