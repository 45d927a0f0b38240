"""Reading an order request: every field checked, nothing decided about the account."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any, cast

from quantcli.exchange.figures import decimal_places
from quantcli.exchange.order_classes import PLAIN, Exits, check_exits, read_exits
from quantcli.exchange.order_fields import (
    read_client_order_id,
    read_one_of,
    read_percent,
    read_price,
    read_size,
)
from quantcli.exchange.order_record import INTENTS, OrderType, Side, TimeInForce
from quantcli.exchange.refusals import malformed, unprocessable

_ORDER_TYPES = ("market", "limit", "stop", "stop_limit", "trailing_stop")
_TIMES_IN_FORCE = ("day", "gtc", "opg", "cls", "ioc", "fok")
#: Which orders may also be sent for an auction or for at once; the others rest, by their nature.
_NEED_NOT_REST = ("market", "limit")
_RESTING = ("day", "gtc")


@dataclass(frozen=True, slots=True)
class Ticket:
    """An order request whose fields fit together. Shares, USD per share.

    Attributes:
        quantity: None: by value, see `notional`, in USD.
        trail_price, trail_percent: One of them, of a trailing stop.
        exits: What comes with the order.
        intent: What the customer thinks the order does to the position; None: not said.
    """

    symbol: str
    side: Side
    order_type: OrderType
    time_in_force: TimeInForce
    quantity: Decimal | None
    limit_price: Decimal | None
    stop_price: Decimal | None
    client_order_id: str | None
    notional: Decimal | None = None
    trail_price: Decimal | None = None
    trail_percent: Decimal | None = None
    is_extended_hours: bool = False
    exits: Exits = PLAIN
    intent: str | None = None


def read_ticket(body: dict[str, Any]) -> Ticket:
    """Return the order that a request asks for.

    Raises:
        Refusal: 422, with the first thing that is wrong.
    """
    symbol = body.get("symbol")
    if not isinstance(symbol, str) or not symbol:
        raise malformed("symbol is required")
    side = cast("Side", read_one_of(body, "side", ("buy", "sell"), "invalid side"))
    order_type = read_one_of(body, "type", _ORDER_TYPES, "invalid order type")
    tif = read_one_of(body, "time_in_force", _TIMES_IN_FORCE, "invalid time_in_force")
    exits = read_exits(body)
    is_extended_hours = _is_extended_hours(body, order_type, tif, exits)
    quantity, notional = read_size(body)
    if notional is not None or (quantity is not None and decimal_places(quantity)):
        _check_fraction(order_type, tif, exits)
    check_exits(exits, side, order_type, tif)
    _check_time_in_force(order_type, tif)
    limit_price, stop_price = _prices(body, order_type, exits)
    trail_price, trail_percent = _trail(body, order_type)
    return Ticket(
        symbol, side, cast("OrderType", order_type), cast("TimeInForce", tif), quantity,
        limit_price, stop_price, read_client_order_id(body),
        notional, trail_price, trail_percent, is_extended_hours, exits, _intent(body),
    )  # fmt: skip


def _prices(
    body: dict[str, Any], order_type: str, exits: Exits
) -> tuple[Decimal | None, Decimal | None]:
    """Return limit and stop price; each order type has its own and no other."""
    limit, stop = body.get("limit_price"), body.get("stop_price")
    if exits.order_class == "oco":
        return exits.take_profit, None  # a limit beside the one of take_profit is ignored
    if order_type in {"market", "trailing_stop"}:
        if limit is not None or stop is not None:
            name = order_type.replace("_", " ")
            raise malformed(f"{name} orders require no stop or limit price")
        return None, None
    if order_type == "stop_limit" and (limit is None or stop is None):
        raise malformed("stop limit orders require both stop and limit price")
    if order_type == "limit" and limit is None:
        raise malformed("limit orders require a limit price")
    if order_type == "limit" and stop is not None:
        raise malformed("limit orders require no stop price")
    if order_type == "stop" and stop is None:
        raise malformed("stop orders require a stop price")
    if order_type == "stop" and limit is not None:
        raise malformed("stop orders require no limit price")
    return (
        None if limit is None else read_price(limit, "limit_price"),
        None if stop is None else read_price(stop, "stop_price"),
    )


def _trail(body: dict[str, Any], order_type: str) -> tuple[Decimal | None, Decimal | None]:
    """Return how far a trailing stop trails, in USD or in per cent: one of them, or neither."""
    price, percent = body.get("trail_price"), body.get("trail_percent")
    if order_type != "trailing_stop":
        for name, value in (("trail_price", price), ("trail_percent", percent)):
            if value is not None:
                raise malformed(f"{name} is for trailing stop orders only")
        return None, None
    if (price is None) == (percent is None):
        raise malformed("trailing stop orders must specify one of trail_price or trail_percent")
    if price is not None:
        return read_price(price, "trail_price"), None
    return None, read_percent(percent, "trail_percent")


def _check_fraction(order_type: str, time_in_force: str, exits: Exits) -> None:
    """Orders by value count as fractions: nobody knows how many shares they come to."""
    if time_in_force != "day":
        raise unprocessable("fractional orders must be DAY orders")
    if exits.order_class:
        raise unprocessable("fractional orders must be simple orders")
    if order_type == "trailing_stop":
        raise unprocessable("fractional orders cannot be trailing stop orders")


def _check_time_in_force(order_type: str, time_in_force: str) -> None:
    if time_in_force in _RESTING or order_type in _NEED_NOT_REST:
        return
    name = order_type.replace("_", " ")
    raise unprocessable(f"{name} orders must be DAY or GTC orders")


def _is_extended_hours(
    body: dict[str, Any], order_type: str, time_in_force: str, exits: Exits
) -> bool:
    value = body.get("extended_hours")
    if value is None or value is False:
        return False
    if value is not True:
        raise malformed(f"invalid extended_hours: {value}")
    if order_type != "limit" or time_in_force not in _RESTING or exits.order_class:
        raise unprocessable("extended hours order must be DAY or GTC limit orders")
    return True


def _intent(body: dict[str, Any]) -> str | None:
    intent = body.get("position_intent")
    if intent is None or intent == "":
        return None
    if intent not in INTENTS.values():
        raise malformed(f"invalid position_intent: {intent}")
    return str(intent)
