"""/v2/orders: send, read, replace, cancel."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from quantcli.exchange.advance import list_assets, match_at_once
from quantcli.exchange.book import Book
from quantcli.exchange.calls import Answer, Call
from quantcli.exchange.figures import decimal_places
from quantcli.exchange.identities import canonical_uuid, derived_uuid
from quantcli.exchange.order_entry import (
    Ticket,
    read_client_order_id,
    read_price,
    read_quantity,
    read_ticket,
)
from quantcli.exchange.order_record import OPEN_STATUSES, Order, TimeInForce
from quantcli.exchange.order_rules import (
    check_buying_power,
    check_shares,
    check_wash,
    reserve_price,
)
from quantcli.exchange.order_view import order_view
from quantcli.exchange.refusals import malformed, not_found, unprocessable
from quantcli.exchange.settlement import move
from quantcli.exchange.trading_hours import Micros, span_ahead, span_now

LIST_DEFAULT, LIST_MAX = 50, 500


def post_order(call: Call) -> Answer:
    """Book an order; in regular hours match it at once. The answer shows it as booked."""
    return Answer(200, order_view(call.seed, book_order(call, read_ticket(call.json_body()))))


def book_order(call: Call, ticket: Ticket) -> Order:
    """Book what a ticket asks for; return the order before anything has filled.

    Raises:
        Refusal: the asset, the client order id or the account stands against it.
    """
    book = call.book
    symbol = asset_symbol(call, ticket.symbol)
    if symbol is None:
        raise unprocessable(f'asset "{ticket.symbol}" not found')
    _check_unique(book, ticket.client_order_id)
    reserve = reserve_price(
        book, symbol, ticket.side, ticket.limit_price, ticket.stop_price,
        call.settings.slippage_bps,
    )  # fmt: skip
    if reserve is None:
        check_shares(book, symbol, ticket.quantity)
    check_wash(book, symbol, ticket.side, ticket.order_type, ticket.limit_price)
    if reserve is not None:
        check_buying_power(book, ticket.quantity, reserve)
    sequence = book.next_order()
    is_live = span_now(call.clock) is not None
    order = Order(
        sequence=sequence,
        order_id=derived_uuid(call.seed, "order", sequence),
        client_order_id=ticket.client_order_id or derived_uuid(call.seed, "client", sequence),
        symbol=symbol,
        side=ticket.side,
        order_type=ticket.order_type,
        time_in_force=ticket.time_in_force,
        quantity=ticket.quantity,
        limit_price=ticket.limit_price,
        stop_price=ticket.stop_price,
        reserve_price=reserve,
        status="new" if is_live else "accepted",
        created=call.clock,
        submitted=call.clock,
        updated=call.clock,
        expires=_expires(ticket.time_in_force, call.clock),
    )
    book.put_order(order)
    if is_live:
        match_at_once(book, call.settings, order, call.clock)
    return order


def list_orders(call: Call) -> Answer:
    """List orders by instant of submission; `after` and `until` are exclusive."""
    status = call.choice("status", ("open", "closed", "all"))
    direction = call.choice("direction", ("desc", "asc"))
    limit = call.limit("limit", default=LIST_DEFAULT, maximum=LIST_MAX)
    call.flag("nested", default=False)  # no order has legs here, so both answers are the same
    conditions, values = ["1"], list[Any]()
    if status != "all":
        negation = "" if status == "open" else "NOT "
        marks = ", ".join(f"'{each}'" for each in OPEN_STATUSES)
        conditions.append(f"status {negation}IN ({marks})")
    for name, comparison in (("after", ">"), ("until", "<")):
        bound = call.instant(name)
        if bound is not None:
            conditions.append(f"submitted {comparison} ?")
            values.append(bound)
    symbols = [each for each in call.query.get("symbols", "").split(",") if each]
    if symbols:
        conditions.append(f"symbol IN ({', '.join('?' * len(symbols))})")
        values += symbols
    if call.query.get("side"):
        conditions.append("side = ?")
        values.append(call.choice("side", ("buy", "sell")))
    # Either way the same order; open orders have an index by number, all of them one by instant.
    first_key = "" if status == "open" else f"submitted {direction}, "
    tail = f"ORDER BY {first_key}sequence {direction} LIMIT {limit}"
    found = call.book.orders(" AND ".join(conditions), *values, tail=tail)
    return Answer(200, [order_view(call.seed, order) for order in found])


def get_order(call: Call) -> Answer:
    """Return one order by its id."""
    call.flag("nested", default=False)
    return Answer(200, order_view(call.seed, _order_named(call)))


def get_order_by_client_id(call: Call) -> Answer:
    """Return one order by the customer's id: the first that had it, however it ended."""
    client_order_id = call.query.get("client_order_id", "")
    if not client_order_id:
        raise malformed("client_order_id is missing")
    order = call.book.order_by_client_id(client_order_id)
    if order is None:
        raise not_found(f"order not found for {client_order_id}")
    return Answer(200, order_view(call.seed, order))


def patch_order(call: Call) -> Answer:
    """Replace an order by a new one in a single step: the old one ends as the new one begins."""
    body = call.json_body()
    old = _order_named(call)
    if not old.is_open:
        raise unprocessable("unable to replace order, order is not open")
    if span_now(call.clock) is None:  # a queued order is not at the exchange yet either
        raise malformed("unable to replace order, order isn't sent to exchange yet")
    client_order_id = read_client_order_id(body)
    _check_unique(call.book, client_order_id)
    new = _successor(call, old, body, client_order_id)
    _check_replacement(call.book, old, new)
    ended = move(call.book, old, "replaced", call.clock)
    call.book.put_order(ended._replace(replaced_by=new.order_id))
    call.book.put_order(new)
    match_at_once(call.book, call.settings, new, call.clock)
    return Answer(200, order_view(call.seed, new))


def delete_order(call: Call) -> Answer:
    """Cancel an open order; here the cancel is done when the answer leaves."""
    order = _order_named(call)
    if not order.is_open:
        raise unprocessable(f"order is not cancelable: it is {order.status}")
    move(call.book, order, "canceled", call.clock)
    return Answer(204, None)


def delete_orders(call: Call) -> Answer:
    """Cancel all open orders; one row for each."""
    canceled = [move(call.book, each, "canceled", call.clock) for each in call.book.open_orders()]
    rows = [
        {"id": each.order_id, "status": 200, "body": order_view(call.seed, each)}
        for each in canceled
    ]
    return Answer(207, rows)


def asset_symbol(call: Call, name: str) -> str | None:
    """Return the symbol that a symbol or asset id names; symbols new to the bars get listed."""
    identity = canonical_uuid(name)
    if identity is not None:
        return call.book.symbol_of(identity)
    if call.book.asset_id(name) is None:
        list_assets(call.book, call.market, call.seed, call.clock)
    return name if call.book.asset_id(name) is not None else None


def _order_named(call: Call) -> Order:
    identity = canonical_uuid(call.segments[0])
    if identity is None:
        raise malformed("order_id is missing")
    order = call.book.order(identity)
    if order is None:
        raise not_found(f"order not found for {identity}")
    return order


def _check_unique(book: Book, client_order_id: str | None) -> None:
    """An id that any order ever had is taken for good: a repeated request cannot book twice."""
    if client_order_id is not None and book.order_by_client_id(client_order_id) is not None:
        raise malformed("client_order_id must be unique")


def _expires(time_in_force: TimeInForce, clock: Micros) -> Micros | None:
    return span_ahead(clock).closes if time_in_force == "day" else None


def _successor(call: Call, old: Order, body: dict[str, Any], client_order_id: str | None) -> Order:
    """Return the order that takes the place of another, with what the request changes."""
    limit_price = _changed_price(body, "limit_price", old.limit_price)
    stop_price = _changed_price(body, "stop_price", old.stop_price)
    time_in_force = body.get("time_in_force") or old.time_in_force
    if time_in_force not in {"day", "gtc"}:
        raise malformed(f"invalid time_in_force: {time_in_force}")
    quantity = old.quantity if body.get("qty") is None else read_quantity(body["qty"])
    if decimal_places(quantity) or decimal_places(old.quantity):
        raise unprocessable("unable to replace order, fractional orders cannot be replaced")
    if quantity <= old.filled_quantity:
        raise unprocessable("unable to replace order, qty must be > filled_qty")
    sequence = call.book.next_order()
    slippage_bps = call.settings.slippage_bps
    return old._replace(
        sequence=sequence,
        order_id=derived_uuid(call.seed, "order", sequence),
        client_order_id=client_order_id or derived_uuid(call.seed, "client", sequence),
        time_in_force=time_in_force,
        quantity=quantity,
        limit_price=limit_price,
        stop_price=stop_price,
        reserve_price=reserve_price(
            call.book, old.symbol, old.side, limit_price, stop_price, slippage_bps
        ),
        status="partially_filled" if old.filled_quantity else "new",
        submitted=call.clock,
        updated=call.clock,
        expires=_expires(time_in_force, call.clock),
        replaces=old.order_id,
        replaced_by=None,
    )


def _changed_price(body: dict[str, Any], name: str, old: Decimal | None) -> Decimal | None:
    if body.get(name) is None:
        return old
    if old is None:
        raise malformed(f"unable to replace order, it has no {name}")
    return read_price(body[name], name)


def _check_replacement(book: Book, old: Order, new: Order) -> None:
    """Apply the account's rules as if the old order were gone."""
    if new.reserve_price is None:
        check_shares(book, new.symbol, new.leaves_quantity, without=old)
    check_wash(book, new.symbol, new.side, new.order_type, new.limit_price, without=old)
    if new.reserve_price is not None:
        check_buying_power(book, new.leaves_quantity, new.reserve_price, without=old)
