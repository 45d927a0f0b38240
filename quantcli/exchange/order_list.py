"""GET /v2/orders: filters, the two ways to page, and legs inside their orders or beside them."""

from __future__ import annotations

from typing import Any

from quantcli.exchange.calls import Answer, Call
from quantcli.exchange.identities import canonical_uuid
from quantcli.exchange.order_record import OPEN_STATUSES, Order
from quantcli.exchange.order_view import order_view
from quantcli.exchange.refusals import malformed, not_found

LIST_DEFAULT, LIST_MAX = 50, 500


def list_orders(call: Call) -> Answer:
    """List orders by instant of submission; `after` and `until` are exclusive.

    Legs are rows of their own, unless `nested` rolls them up: then the filters speak of their
    parents only.
    """
    status = call.choice("status", ("open", "closed", "all"))
    direction = call.choice("direction", ("desc", "asc"))
    limit = call.limit("limit", default=LIST_DEFAULT, maximum=LIST_MAX)
    is_nested = call.flag("nested", default=False)
    conditions, values = ["1"], list[Any]()
    if is_nested:
        conditions.append("parent IS NULL")
    if status != "all":
        negation = "" if status == "open" else "NOT "
        marks = ", ".join(f"'{each}'" for each in OPEN_STATUSES)
        conditions.append(f"status {negation}IN ({marks})")
    _add_bounds(call, conditions, values)
    _add_kinds(call, conditions, values)
    # Either way the same order; open orders have an index by number, all of them one by instant.
    first_key = "" if status == "open" else f"submitted {direction}, "
    tail = f"ORDER BY {first_key}sequence {direction} LIMIT {limit}"
    found = call.book.orders(" AND ".join(conditions), *values, tail=tail)
    return Answer(200, views(call, found, is_nested=is_nested))


def views(call: Call, orders: list[Order], *, is_nested: bool) -> list[dict[str, Any]]:
    """Return orders as the wire shows them, with their legs inside if they are wanted there."""
    parents = [order.order_id for order in orders if order.order_class and not order.parent]
    legs = call.book.legs(parents) if is_nested and parents else {}
    cancels = call.book.cancels()
    return [order_view(call.seed, each, legs.get(each.order_id, ()), cancels) for each in orders]


def order_named(call: Call, name: str) -> Order:
    """Return the order with an id.

    Raises:
        Refusal: the id is none, or no order's.
    """
    identity = canonical_uuid(name)
    if identity is None:
        raise malformed("order_id is missing")
    order = call.book.order(identity)
    if order is None:
        raise not_found(f"order not found for {identity}")
    return order


def _add_bounds(call: Call, conditions: list[str], values: list[Any]) -> None:
    """Add the bounds in time, or by the order that a page before ended with."""
    names = ("after", "until", "before_order_id", "after_order_id")
    given = [name for name in names if call.query.get(name)]
    cursors = [name for name in given if name.endswith("order_id")]
    if cursors and len(given) > 1:
        raise malformed(f"only one of {', '.join(given)} is accepted")
    for name, comparison in (("after", ">"), ("until", "<")):
        bound = call.instant(name)
        if bound is not None:
            conditions.append(f"submitted {comparison} ?")
            values.append(bound)
    for name in cursors:
        order = order_named(call, call.query[name])
        comparison = "<" if name == "before_order_id" else ">"
        conditions.append(f"(submitted, sequence) {comparison} (?, ?)")
        values += [order.submitted, order.sequence]


def _add_kinds(call: Call, conditions: list[str], values: list[Any]) -> None:
    """Add the filters by symbol, side and class of asset."""
    symbols = [each for each in call.query.get("symbols", "").split(",") if each]
    if symbols:
        conditions.append(f"symbol IN ({', '.join('?' * len(symbols))})")
        values += symbols
    if call.query.get("side"):
        conditions.append("side = ?")
        values.append(call.choice("side", ("buy", "sell")))
    classes = [each for each in call.query.get("asset_class", "").split(",") if each]
    if classes and not {"us_equity", "all"} & set(classes):
        conditions.append("0")
