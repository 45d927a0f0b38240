"""/v2/positions: what is held, valued at the last print; and closing it at market."""

from __future__ import annotations

import dataclasses
from decimal import ROUND_DOWN, Decimal
from typing import Any

from quantcli.exchange.book import LastPrint, Position
from quantcli.exchange.calls import Answer, Call
from quantcli.exchange.figures import EXACT, number_of, ratio, spelled
from quantcli.exchange.identities import asset_id
from quantcli.exchange.order_entry import Ticket
from quantcli.exchange.order_fields import read_quantity
from quantcli.exchange.order_record import Order, Side
from quantcli.exchange.order_view import average, order_view
from quantcli.exchange.orders_api import asset_symbol, book_order, delete_orders
from quantcli.exchange.refusals import Refusal, malformed, not_found
from quantcli.exchange.settlement import fill_amount, held_quantity
from quantcli.exchange.trading_hours import local_date

_QUANTITY_QUANTUM = Decimal("1e-9")
_HUNDRED = Decimal(100)


def list_positions(call: Call) -> Answer:
    """Return all positions, by symbol; a flat symbol has no row."""
    orders: dict[str, list[Order]] = {}
    for order in call.book.open_orders():
        orders.setdefault(order.symbol, []).append(order)
    rows = [
        _position_view(call, held, newest, orders.get(held.symbol, []))
        for held, newest in call.book.holdings()
    ]
    return Answer(200, rows)


def get_position(call: Call) -> Answer:
    """Return the position in one symbol."""
    held = _position_named(call)
    newest = call.book.last_print(held.symbol)
    assert newest is not None, "a fill needs a print"
    return Answer(200, _position_view(call, held, newest, call.book.open_orders(held.symbol)))


def delete_position(call: Call) -> Answer:
    """Close a position, or `qty` shares or `percentage` of it, with a market DAY order."""
    held = _position_named(call)
    side: Side = "sell" if held.quantity > 0 else "buy"
    quantity = _quantity_to_close(call, held)
    ticket = Ticket(held.symbol, side, "market", "day", quantity, None, None, None)
    return Answer(200, order_view(call.seed, book_order(call, ticket)))


def delete_positions(call: Call) -> Answer:
    """Close all positions, after cancelling all open orders if asked to; one row for each.

    The rows of cancelled orders come first, with the order's id for a symbol. A position whose
    shares an open order still holds is refused in its row, and the others are closed.
    """
    rows = []
    if call.flag("cancel_orders", default=False):
        rows = [
            {"symbol": each["id"], "status": each["status"], "body": each["body"]}
            for each in delete_orders(call).body
        ]
    for held in call.book.positions():
        one = dataclasses.replace(call, segments=(held.symbol,), query={})
        try:
            status, body = delete_position(one)
        except Refusal as refusal:
            status, body = refusal.status, refusal.body
        rows.append({"symbol": held.symbol, "status": status, "body": body})
    return Answer(207, rows)


def _position_named(call: Call) -> Position:
    symbol = asset_symbol(call, call.segments[0])
    if symbol is None:
        raise not_found(f"symbol not found: {call.segments[0]}")
    held = call.book.position(symbol)
    if held is None:
        raise not_found("position does not exist")
    return held


def _quantity_to_close(call: Call, held: Position) -> Decimal:
    quantity, percentage = call.query.get("qty"), call.query.get("percentage")
    if quantity and percentage:
        raise malformed("only one of qty or percentage is accepted")
    if quantity:
        return read_quantity(quantity)
    if not percentage:
        return abs(held.quantity)
    share = number_of(percentage)
    if share is None or not 0 < share <= _HUNDRED:
        raise malformed(f"invalid percentage: {percentage}")
    part = EXACT.divide(EXACT.multiply(abs(held.quantity), share), _HUNDRED)
    return part.quantize(_QUANTITY_QUANTUM, ROUND_DOWN)


def _position_view(
    call: Call, held: Position, newest: LastPrint, orders: list[Order]
) -> dict[str, Any]:
    """Return the JSON object of a position. USD; ratios as factors of one.

    Of a short one quantities, value and cost are below zero. The open orders are those of its
    symbol. The profit of the day is counted from the close before, also for shares of today.
    """
    price, before = newest.price, _lastday_price(call, newest)
    value = fill_amount(held.quantity, price)
    cost = fill_amount(held.quantity, held.average_price)
    value_before = fill_amount(held.quantity, before)
    sign = 1 if held.quantity > 0 else -1
    available = held.quantity - sign * held_quantity(orders)
    shown_average = average(held.average_price)
    assert shown_average is not None
    return {
        "asset_id": asset_id(call.seed, held.symbol),
        "symbol": held.symbol,
        "exchange": "NYSE",
        "asset_class": "us_equity",
        "asset_marginable": False,
        "qty": spelled(held.quantity),
        "qty_available": spelled(available),
        "avg_entry_price": spelled(shown_average),
        "side": "long" if sign > 0 else "short",
        "market_value": spelled(value),
        "cost_basis": spelled(cost),
        "unrealized_pl": spelled(value - cost),
        "unrealized_plpc": spelled(ratio(value - cost, abs(cost))),
        "unrealized_intraday_pl": spelled(value - value_before),
        "unrealized_intraday_plpc": spelled(ratio(value - value_before, abs(value_before))),
        "current_price": spelled(price),
        "lastday_price": spelled(before),
        "change_today": spelled(ratio(price - before, before)),
    }


def _lastday_price(call: Call, newest: LastPrint) -> Decimal:
    """Return the last print of the session before today; today counts from its open on."""
    is_of_today = newest.session == local_date(call.clock).isoformat()
    if is_of_today and newest.close_before is not None:
        return newest.close_before
    return newest.price
