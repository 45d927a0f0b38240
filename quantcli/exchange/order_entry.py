"""Reading an order request: every field checked, nothing decided about the account."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any, cast

from quantcli.exchange.figures import decimal_places, number_of
from quantcli.exchange.order_record import OrderType, Side, TimeInForce
from quantcli.exchange.refusals import malformed, unprocessable

CLIENT_ORDER_ID_LENGTH_MAX = 128
QUANTITY_PLACES_MAX = 9

_ORDER_TYPES = ("market", "limit", "stop", "stop_limit", "trailing_stop")
_ORDER_TYPES_HERE = ("market", "limit", "stop")
_TIMES_IN_FORCE = ("day", "gtc", "opg", "cls", "ioc", "fok")
_TIMES_IN_FORCE_HERE = ("day", "gtc")
_CLASSES = ("simple", "bracket", "oco", "oto", "mleg")
_INTENTS = {"buy": "buy_to_open", "sell": "sell_to_close"}
_INTENTS_ALL = ("buy_to_open", "buy_to_close", "sell_to_open", "sell_to_close")


@dataclass(frozen=True, slots=True)
class Ticket:
    """An order request whose fields fit together. Shares, USD per share."""

    symbol: str
    side: Side
    order_type: OrderType
    time_in_force: TimeInForce
    quantity: Decimal
    limit_price: Decimal | None
    stop_price: Decimal | None
    client_order_id: str | None


def read_ticket(body: dict[str, Any]) -> Ticket:
    """Return the order that a request asks for.

    Raises:
        Refusal: 422, with the first thing that is wrong.
    """
    symbol = body.get("symbol")
    if not isinstance(symbol, str) or not symbol:
        raise malformed("symbol is required")
    side = _one_of(body, "side", ("buy", "sell"), "invalid side")
    order_type = _one_of(body, "type", _ORDER_TYPES, "invalid order type")
    time_in_force = _one_of(body, "time_in_force", _TIMES_IN_FORCE, "invalid time_in_force")
    _check_class(body)
    _check_extended_hours(body, order_type, time_in_force)
    if order_type not in _ORDER_TYPES_HERE:
        raise unprocessable(f"order type not supported yet: {order_type}")
    if time_in_force not in _TIMES_IN_FORCE_HERE:
        raise unprocessable(f"time_in_force not supported yet: {time_in_force}")
    quantity = _quantity(body)
    if decimal_places(quantity) and time_in_force != "day":
        raise unprocessable("fractional orders must be DAY orders")
    limit_price, stop_price = _prices(body, order_type)
    _check_intent(body, side)
    return Ticket(
        symbol,
        cast("Side", side),
        cast("OrderType", order_type),
        cast("TimeInForce", time_in_force),
        quantity,
        limit_price,
        stop_price,
        read_client_order_id(body),
    )


def read_client_order_id(body: dict[str, Any]) -> str | None:
    """Return the customer's id of an order; None asks the exchange for one.

    Raises:
        Refusal: no string, or longer than 128 characters.
    """
    value = body.get("client_order_id")
    if value is None or value == "":
        return None
    if not isinstance(value, str):
        raise malformed("client_order_id must be a string")
    if len(value) > CLIENT_ORDER_ID_LENGTH_MAX:
        raise malformed(
            f"client_order_id must be no more than {CLIENT_ORDER_ID_LENGTH_MAX} characters"
        )
    return value


def read_price(value: Any, name: str) -> Decimal:
    """Return a price of a request in USD per share.

    Raises:
        Refusal: no number, not above zero, or finer than the minimum price increment: a cent
            from one dollar on, a hundredth of a cent below.
    """
    price = number_of(value)
    if price is None:
        raise malformed(f"invalid {name}: {value}")
    if price <= 0:
        raise malformed(f"{name} must be > 0")
    if decimal_places(price) > (2 if price >= 1 else 4):
        raise unprocessable(
            f"invalid {name} {price}. sub-penny increment does not fulfill minimum pricing criteria"
        )
    return price


def read_quantity(value: Any) -> Decimal:
    """Return a number of shares of a request.

    Raises:
        Refusal: no number, not above zero, or more than nine decimal places.
    """
    quantity = number_of(value)
    if quantity is None:
        raise malformed(f"invalid qty: {value}")
    if quantity <= 0:
        raise malformed("qty must be > 0")
    if decimal_places(quantity) > QUANTITY_PLACES_MAX:
        raise malformed(f"qty must have no more than {QUANTITY_PLACES_MAX} decimal places")
    return quantity


def _one_of(body: dict[str, Any], name: str, allowed: tuple[str, ...], message: str) -> str:
    value = body.get(name)
    if not isinstance(value, str) or value not in allowed:
        raise malformed(message if value is None else f"{message}: {value}")
    return value


def _quantity(body: dict[str, Any]) -> Decimal:
    quantity, notional = body.get("qty"), body.get("notional")
    if quantity is None and notional is None:
        raise malformed("qty or notional is required")
    if quantity is not None and notional is not None:
        raise malformed("only one of qty or notional is accepted")
    if quantity is None:
        raise unprocessable("notional orders not supported yet")
    return read_quantity(quantity)


def _prices(body: dict[str, Any], order_type: str) -> tuple[Decimal | None, Decimal | None]:
    """Return limit and stop price; each order type has its own and no other."""
    limit, stop = body.get("limit_price"), body.get("stop_price")
    if order_type == "market":
        if limit is not None or stop is not None:
            raise malformed("market orders require no stop or limit price")
        return None, None
    if order_type == "limit":
        if limit is None:
            raise malformed("limit orders require a limit price")
        if stop is not None:
            raise malformed("limit orders require no stop price")
        return read_price(limit, "limit_price"), None
    if stop is None:
        raise malformed("stop orders require a stop price")
    if limit is not None:
        raise malformed("stop orders require no limit price")
    return None, read_price(stop, "stop_price")


def _check_class(body: dict[str, Any]) -> None:
    order_class = body.get("order_class") or "simple"
    if order_class not in _CLASSES:
        raise malformed(f"invalid order_class: {order_class}")
    if order_class != "simple" or any(
        body.get(name) for name in ("take_profit", "stop_loss", "legs")
    ):
        raise unprocessable(f"order class not supported yet: {order_class}")
    for name in ("trail_price", "trail_percent"):
        if body.get(name) is not None and body.get("type") != "trailing_stop":
            raise malformed(f"{name} is for trailing stop orders only")


def _check_extended_hours(body: dict[str, Any], order_type: str, time_in_force: str) -> None:
    value = body.get("extended_hours")
    if value is None or value is False:
        return
    if value is not True:
        raise malformed(f"invalid extended_hours: {value}")
    if order_type != "limit" or time_in_force not in _TIMES_IN_FORCE_HERE:
        raise unprocessable("extended hours order must be DAY or GTC limit orders")
    raise unprocessable("extended hours orders not supported yet")


def _check_intent(body: dict[str, Any], side: str) -> None:
    """The account is long only, so the side says it all; a request may say it too."""
    intent = body.get("position_intent")
    if intent is None or intent == "":
        return
    if intent not in _INTENTS_ALL:
        raise malformed(f"invalid position_intent: {intent}")
    if intent != _INTENTS[side]:
        raise unprocessable(
            f"position intent mismatch, inferred: {_INTENTS[side]}, specified: {intent}"
        )
