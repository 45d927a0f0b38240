"""Booking an order: the account's rules, then the order with its legs, then what fills at once."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

from quantcli.exchange.advance import list_assets
from quantcli.exchange.auctions import check_window
from quantcli.exchange.book import Book
from quantcli.exchange.calls import Call
from quantcli.exchange.configurations_api import configurations
from quantcli.exchange.figures import ZERO
from quantcli.exchange.identities import canonical_uuid, derived_uuid
from quantcli.exchange.matching import trailed
from quantcli.exchange.order_classes import check_distance
from quantcli.exchange.order_entry import Ticket
from quantcli.exchange.order_groups import legs_of
from quantcli.exchange.order_record import INTENTS, Order, TimeInForce
from quantcli.exchange.order_rules import (
    check_buying_power,
    check_opposite,
    check_shares,
    check_short,
    check_wash,
    is_opening,
    reserve_price,
)
from quantcli.exchange.refusals import malformed, unprocessable
from quantcli.exchange.settlement import shares_worth
from quantcli.exchange.trading_floor import match_at_once
from quantcli.exchange.trading_hours import (
    Micros,
    local_date,
    sessions_before,
    span_ahead,
    span_now,
    span_of,
)

#: Older than this no order stays at the broker.
GTC_DAYS_MAX = dt.timedelta(days=90)
_DAY = dt.timedelta(days=1)


def book_order(call: Call, ticket: Ticket) -> Order:
    """Book what a ticket asks for; return the order, without its legs, as `book_group` does.

    Raises:
        Refusal: the asset, the client order id or the account stands against it.
    """
    return book_group(call, ticket)[0]


def book_group(call: Call, ticket: Ticket) -> list[Order]:
    """Book what a ticket asks for; return order and legs before anything has filled.

    Raises:
        Refusal: the asset, the client order id or the account stands against it.
    """
    book = call.book
    symbol = asset_symbol(call, ticket.symbol)
    if symbol is None:
        raise unprocessable(f'asset "{ticket.symbol}" not found')
    check_unique(book, ticket.client_order_id)
    if symbol in book.halted():
        raise unprocessable(f"asset {symbol} is not tradable")
    check_window(ticket.time_in_force, call.clock)
    order = _order_of(call, ticket, symbol)
    _check_account(book, order, ticket)
    group = [order, *legs_of(order, ticket.exits, call.seed)]
    for each in group:
        book.put_order(each)
    if order.status == "new":
        match_at_once(book, call.market, call.settings, order, call.clock)
    return group


def asset_symbol(call: Call, name: str) -> str | None:
    """Return the symbol that a symbol or asset id names; symbols new to the bars get listed."""
    identity = canonical_uuid(name)
    if identity is not None:
        return call.book.symbol_of(identity)
    if call.book.asset_id(name) is None:
        list_assets(call.book, call.market, call.seed, call.clock)
    return name if call.book.asset_id(name) is not None else None


def check_unique(book: Book, client_order_id: str | None) -> None:
    """Refuse an id that any order ever had: a repeated request cannot book twice.

    Raises:
        Refusal: 422.
    """
    if client_order_id is not None and book.order_by_client_id(client_order_id) is not None:
        raise malformed("client_order_id must be unique")


def expires_at(time_in_force: TimeInForce, clock: Micros, created: Micros | None = None) -> Micros:
    """Return when an order of this instant ends by itself, at the latest.

    That is the close of its session. A GTC order lives to the close of the last session within
    90 days of its making; of one that took the place of another, the first one's making counts.
    """
    if time_in_force != "gtc":
        return span_ahead(clock).closes
    aged_out = local_date(clock if created is None else created) + GTC_DAYS_MAX
    return span_of(next(sessions_before(aged_out + _DAY))).closes


def _order_of(call: Call, ticket: Ticket, symbol: str) -> Order:
    """Return the order that a ticket asks for, not booked, with what it sets aside."""
    sequence = call.book.next_order()
    order = Order(
        sequence=sequence,
        order_id=derived_uuid(call.seed, "order", sequence),
        client_order_id=ticket.client_order_id or derived_uuid(call.seed, "client", sequence),
        symbol=symbol,
        side=ticket.side,
        order_type=ticket.order_type,
        time_in_force=ticket.time_in_force,
        quantity=ticket.quantity or _estimate(call.book, symbol, ticket),
        limit_price=ticket.limit_price,
        stop_price=ticket.stop_price,
        reserve_price=None,
        status="accepted" if span_now(call.clock) is None else "new",
        created=call.clock,
        submitted=call.clock,
        updated=call.clock,
        expires=expires_at(ticket.time_in_force, call.clock),
        order_class=ticket.exits.order_class,
        notional=ticket.notional,
        trail_price=ticket.trail_price,
        trail_percent=ticket.trail_percent,
        extended_hours=int(ticket.is_extended_hours),
    )
    if order.order_type == "trailing_stop":
        last = call.book.last_print(symbol)
        order = order if last is None else trailed(order, last.price)
    inferred = INTENTS[order.side, is_opening(call.book, symbol, order.side)]
    if ticket.intent not in {None, inferred}:
        raise unprocessable(
            f"position intent mismatch, inferred: {inferred}, specified: {ticket.intent}"
        )
    return order._replace(reserve_price=_reserve(call, order))


def _estimate(book: Book, symbol: str, ticket: Ticket) -> Decimal:
    """Return how many shares an order by value comes to at the last print."""
    last = book.last_print(symbol)
    assert ticket.notional is not None, "shares or USD"
    return ZERO if last is None else shares_worth(ticket.notional, last.price)


def _reserve(call: Call, order: Order) -> Decimal | None:
    """Return what an order sets aside per share; None if it closes a position."""
    if not is_opening(call.book, order.symbol, order.side):
        return None
    if order.order_class == "oco":
        raise unprocessable("oco orders must be exit orders")
    if order.side == "sell":
        is_allowed = not configurations(call.book)["no_shorting"]
        check_short(order.quantity, is_by_value=order.notional is not None, is_allowed=is_allowed)
    return reserve_price(
        call.book, order.symbol, order.side, order.limit_price, order.stop_price,
        call.settings.slippage_bps,
    )  # fmt: skip


def _check_account(book: Book, order: Order, ticket: Ticket) -> None:
    """Hold an order against shares, open orders and cash."""
    if order.order_class:
        if order.order_class != "oco" and not order.is_opening:
            raise unprocessable(f"{order.order_class} orders must be entry orders")
        last = book.last_print(order.symbol)
        base = order.limit_price or order.stop_price or (None if last is None else last.price)
        assert base is not None, "a market order without a price was refused"
        check_distance(ticket.exits, order.side, base)
    if order.is_opening:
        check_opposite(book, order)
    else:
        check_shares(book, order.symbol, order.quantity)
    check_wash(
        book, order.symbol, order.side, order.order_type, order.limit_price,
        is_complex=bool(order.order_class),
    )  # fmt: skip
    if order.is_opening:
        check_buying_power(book, order)
