"""PATCH /v2/orders/{id}: one order ends and another begins, in a single step."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from quantcli.exchange.book import Book
from quantcli.exchange.booking import check_unique, expires_at
from quantcli.exchange.calls import Answer, Call
from quantcli.exchange.figures import decimal_places
from quantcli.exchange.identities import derived_uuid
from quantcli.exchange.matching import trailed
from quantcli.exchange.order_fields import (
    read_client_order_id,
    read_percent,
    read_price,
    read_quantity,
)
from quantcli.exchange.order_groups import follow_replacement
from quantcli.exchange.order_list import order_named, views
from quantcli.exchange.order_record import Order, Status
from quantcli.exchange.order_rules import (
    check_buying_power,
    check_shares,
    check_wash,
    reserve_price,
)
from quantcli.exchange.refusals import malformed, unprocessable
from quantcli.exchange.settlement import move
from quantcli.exchange.trading_floor import match_at_once
from quantcli.exchange.trading_hours import span_now


def patch_order(call: Call) -> Answer:
    """Replace an order by a new one: the old one ends as the new one begins."""
    body = call.json_body()
    old = order_named(call, call.segments[0])
    if not old.is_open:
        raise unprocessable("unable to replace order, order is not open")
    if old.order_id in call.book.cancels():
        raise malformed("unable to replace order, order is pending cancel")
    if span_now(call.clock) is None:  # a queued order is not at the exchange yet either
        raise malformed("unable to replace order, order isn't sent to exchange yet")
    client_order_id = read_client_order_id(body)
    check_unique(call.book, client_order_id)
    new = _successor(call, old, body, client_order_id)
    _check(call.book, old, new)
    ended = move(call.book, old, "replaced", call.clock)
    call.book.put_order(ended._replace(replaced_by=new.order_id))
    call.book.put_order(new)
    follow_replacement(call.book, old, new)
    if new.status != "held":
        match_at_once(call.book, call.market, call.settings, new, call.clock)
    return Answer(200, views(call, [new], is_nested=True)[0])


def _successor(call: Call, old: Order, body: dict[str, Any], client_order_id: str | None) -> Order:
    """Return the order that takes the place of another, with what the request changes."""
    time_in_force = body.get("time_in_force") or old.time_in_force
    if time_in_force not in {"day", "gtc", old.time_in_force}:
        raise malformed("invalid time_in_force")
    limit_price = _changed_price(body, "limit_price", old.limit_price)
    stop_price = _changed_price(body, "stop_price", _own_stop(old))
    sequence = call.book.next_order()
    status: Status = "partially_filled" if old.filled_quantity else "new"
    new = old._replace(
        sequence=sequence,
        order_id=derived_uuid(call.seed, "order", sequence),
        client_order_id=client_order_id or derived_uuid(call.seed, "client", sequence),
        time_in_force=time_in_force,
        quantity=_quantity(old, body),
        limit_price=limit_price,
        stop_price=old.stop_price if stop_price is None else stop_price,
        status="held" if old.status == "held" else status,
        submitted=call.clock,
        updated=call.clock,
        expires=expires_at(time_in_force, call.clock, old.created),
        replaces=old.order_id,
        replaced_by=None,
        triggered=old.triggered if stop_price == old.stop_price else None,
    )
    new = _trailing(call, new, body)
    if not old.is_opening:
        return new
    return new._replace(
        reserve_price=reserve_price(
            call.book, new.symbol, new.side, new.limit_price, new.stop_price,
            call.settings.slippage_bps,
        )
    )  # fmt: skip


def _quantity(old: Order, body: dict[str, Any]) -> Decimal:
    """Return the shares of the whole chain; what has filled of it counts."""
    quantity = old.quantity if body.get("qty") is None else read_quantity(body["qty"])
    if old.notional is not None:
        raise unprocessable("unable to replace order, notional orders cannot be replaced")
    if decimal_places(quantity) or decimal_places(old.quantity):
        raise unprocessable("unable to replace order, fractional orders cannot be replaced")
    if quantity <= old.filled_quantity:
        raise unprocessable("unable to replace order, qty must be > filled_qty")
    if old.parent is not None and quantity != old.quantity:
        raise unprocessable("unable to replace order, the qty of a leg is that of its order")
    return quantity


def _own_stop(old: Order) -> Decimal | None:
    """Return the stop that a request may change: that of a trailing stop follows the price."""
    return None if old.order_type == "trailing_stop" else old.stop_price


def _trailing(call: Call, new: Order, body: dict[str, Any]) -> Order:
    """Return a trailing stop with another distance from its best price, if one is asked for."""
    trail = body.get("trail")
    if trail is None:
        return new
    if new.order_type != "trailing_stop":
        raise malformed("unable to replace order, it has no trail")
    if new.trail_price is not None:
        new = new._replace(trail_price=read_price(trail, "trail"))
    else:
        new = new._replace(trail_percent=read_percent(trail, "trail"))
    best = new.high_water_mark
    assert best is not None, "a trailing stop is sent at a price"
    return trailed(new._replace(high_water_mark=None), best)


def _changed_price(body: dict[str, Any], name: str, old: Decimal | None) -> Decimal | None:
    if body.get(name) is None:
        return old
    if old is None:
        raise malformed(f"unable to replace order, it has no {name}")
    return read_price(body[name], name)


def _check(book: Book, old: Order, new: Order) -> None:
    """Apply the account's rules as if the old order were gone; a leg's shares are its group's."""
    if not new.is_opening and new.parent is None:
        check_shares(book, new.symbol, new.leaves_quantity, without=old)
    check_wash(
        book, new.symbol, new.side, new.order_type, new.limit_price,
        is_complex=bool(new.order_class), without=old,
    )  # fmt: skip
    if new.is_opening:
        check_buying_power(book, new, without=old)
