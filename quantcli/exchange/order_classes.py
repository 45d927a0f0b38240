"""Exits that come with an order: which classes there are, and what each of them asks for."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, NamedTuple, cast

from quantcli.exchange.figures import CENT, spelled
from quantcli.exchange.order_fields import read_price
from quantcli.exchange.order_record import OrderClass, Side
from quantcli.exchange.refusals import Refusal, malformed, unprocessable

_CLASSES = ("simple", "bracket", "oco", "oto", "mleg")
_EXIT_FIELDS = ("take_profit.limit_price", "stop_loss.stop_price")
_ENTRIES_OF_BRACKETS = ("market", "limit")


class Exits(NamedTuple):
    """The class of an order and the prices of its exits in USD; a plain order has none.

    Attributes:
        order_class: As on the wire: the plain one is empty.
        take_profit: Limit of the exit at a profit.
        stop_loss: Stop of the exit at a loss.
        stop_limit: Limit of that exit, if it is a stop-limit order.
    """

    order_class: OrderClass = ""
    take_profit: Decimal | None = None
    stop_loss: Decimal | None = None
    stop_limit: Decimal | None = None


PLAIN = Exits()


def read_exits(body: dict[str, Any]) -> Exits:
    """Return the exits that a request asks for.

    Raises:
        Refusal: an unknown class, or exits that do not belong to the class.
    """
    name = body.get("order_class") or "simple"
    if name not in _CLASSES:
        raise malformed(f"invalid order_class: {name}")
    if name == "mleg" or body.get("legs"):
        raise unprocessable(f"order class not supported: {name}")
    profit, loss = _part(body, "take_profit"), _part(body, "stop_loss")
    if name == "simple":
        if profit or loss:
            raise unprocessable("simple orders take no take_profit and no stop_loss")
        return PLAIN
    if name == "oto":
        if bool(profit) == bool(loss):
            raise malformed("oto orders require either take_profit or stop_loss")
    else:
        if name == "oco" and not profit and body.get("limit_price") is not None:
            profit = {"limit_price": body["limit_price"]}
        _require(name, profit, "take_profit", "limit_price")
        _require(name, loss, "stop_loss", "stop_price")
    return Exits(
        cast("OrderClass", name),
        _price(profit, "take_profit", "limit_price"),
        _price(loss, "stop_loss", "stop_price"),
        None if loss.get("limit_price") is None else _price(loss, "stop_loss", "limit_price"),
    )


def check_exits(exits: Exits, side: Side, order_type: str, time_in_force: str) -> None:
    """Hold a class against the order that it stands on.

    Args:
        exits: The class.
        side: Of the order itself: of an OCO that of the exits, else that of the entry.
        order_type: Of the order itself.
        time_in_force: Of the whole group.

    Raises:
        Refusal: 422.
    """
    name = exits.order_class
    if not name:
        return
    if name == "oco" and order_type != "limit":
        raise malformed("oco orders must be limit orders")
    if name == "bracket" and order_type not in _ENTRIES_OF_BRACKETS:
        raise malformed("bracket orders must be market or limit orders")
    if order_type == "trailing_stop":
        raise unprocessable("trailing stop orders must be simple orders")
    if time_in_force not in {"day", "gtc"}:
        raise unprocessable(f"{name} orders must be DAY or GTC orders")
    if exits.take_profit is None or exits.stop_loss is None:
        return
    is_sold_above = (side == "buy") != (name == "oco")
    if is_sold_above and exits.take_profit <= exits.stop_loss:
        raise unprocessable("take_profit.limit_price must be > stop_loss.stop_price")
    if not is_sold_above and exits.take_profit >= exits.stop_loss:
        raise unprocessable("take_profit.limit_price must be < stop_loss.stop_price")


def check_distance(exits: Exits, side: Side, base_price: Decimal) -> None:
    """Refuse the exits of an entry that are not a cent away from its own price.

    Args:
        exits: Of a bracket or an OTO; of other classes nothing is asked.
        side: Of the entry.
        base_price: The limit of the entry, else the price of the market, in USD.

    Raises:
        Refusal: 422, with the price that counted.
    """
    if exits.order_class not in {"bracket", "oto"}:
        return
    above, below, names = exits.take_profit, exits.stop_loss, _EXIT_FIELDS
    if side == "sell":
        above, below, names = below, above, names[::-1]
    wrong = None
    if above is not None and above < base_price + CENT:
        wrong = f"{names[0]} must be >= base_price + 0.01"
    if below is not None and below > base_price - CENT:
        wrong = f"{names[1]} must be <= base_price - 0.01"
    if wrong is not None:
        raise Refusal(422, 42210000, wrong, {"base_price": spelled(base_price)})


def _part(body: dict[str, Any], name: str) -> dict[str, Any]:
    value = body.get(name)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise malformed(f"invalid {name}: {value}")
    return value


def _require(order_class: str, part: dict[str, Any], name: str, field: str) -> None:
    if part.get(field) is None:
        raise malformed(f"{order_class} orders require {name}.{field}")


def _price(part: dict[str, Any], name: str, field: str) -> Decimal | None:
    """Return the price of an exit; a part that is not there has none."""
    if not part:
        return None
    _require("oto", part, name, field)
    return read_price(part[field], f"{name}.{field}")
