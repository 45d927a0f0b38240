"""/v2/orders: send, read, cancel. Lists are in `order_list`, replacements in `replacing`."""

from __future__ import annotations

from quantcli.exchange.booking import asset_symbol, book_group, book_order
from quantcli.exchange.calls import Answer, Call
from quantcli.exchange.order_entry import read_ticket
from quantcli.exchange.order_groups import cancel
from quantcli.exchange.order_list import list_orders, order_named, views
from quantcli.exchange.order_record import Order
from quantcli.exchange.order_view import order_view
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
    """Cancel an open order; here the cancel is done when the answer leaves."""
    order = order_named(call, call.segments[0])
    if not order.is_open:
        raise unprocessable(f"order is not cancelable: it is {order.status}")
    cancel(call.book, order, call.clock)
    return Answer(204, None)


def delete_orders(call: Call) -> Answer:
    """Cancel all open orders; one row for each."""
    canceled: list[Order] = []
    done: set[str] = set()
    for order in call.book.open_orders():
        if order.order_id not in done:
            canceled += cancel(call.book, order, call.clock)
            done.update(each.order_id for each in canceled)
    shown = views(call, canceled, is_nested=False)
    return Answer(207, [{"id": each["id"], "status": 200, "body": each} for each in shown])
