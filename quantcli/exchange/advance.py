"""The clock moves: sessions open, prints arrive, orders fill or expire, fees are booked.

Events happen in time order; within an instant symbols in order, and within a symbol stops
before other orders, each in the order of submission. The clock never goes back.
"""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import NamedTuple

from quantcli.exchange.bars import ExchangeBars
from quantcli.exchange.book import Book
from quantcli.exchange.identities import asset_id
from quantcli.exchange.matching import fill_price, is_triggered, slipped
from quantcli.exchange.order_record import Order
from quantcli.exchange.prints import Print, SessionTape
from quantcli.exchange.settings import ExchangeSettings
from quantcli.exchange.settlement import book_fees, equity, fill, move
from quantcli.exchange.trading_hours import (
    Micros,
    Span,
    instant_of,
    sessions_before,
    span_now,
    span_of,
    spans_touching,
)

#: How many sessions back a symbol's price is looked for, when it is first listed or when the
#: clock leaps over many sessions.
PRICE_AGE_SESSIONS_MAX = 10


class AdvanceSummary(NamedTuple):
    """What happened while the clock moved.

    Attributes:
        timestamp: The instant that the clock shows now, UTC.
        sessions: Sessions that the move touched.
        sessions_closed: Those of them that it brought to their close.
        sessions_without_bars: Those of them after the newest session with bars: nothing traded.
        fills, expired, rejected: Orders that ended so.
    """

    timestamp: dt.datetime
    sessions: int
    sessions_closed: int
    sessions_without_bars: int
    fills: int
    expired: int
    rejected: int


class Market:
    """The bars, with the tape of the session that was asked for last: tapes never change.

    Attributes:
        bars: Where tapes come from.
        is_listed: The book holds every symbol that the bars had when this process first looked.
    """

    def __init__(self, bars: ExchangeBars) -> None:
        """Take the bars; nothing is read before it is needed."""
        self.bars = bars
        self.is_listed = False
        self._tape: SessionTape | None = None

    def tape(self, span: Span) -> SessionTape:
        """Return the tape of a session."""
        if self._tape is None or self._tape.span != span:
            self._tape = SessionTape(self.bars, span)
        return self._tape


def unlisted(book: Book, market: Market) -> list[str]:
    """Return the symbols that have bars and are not in the book."""
    listed = book.assets()
    return [symbol for symbol in market.bars.symbols() if symbol not in listed]


def list_assets(book: Book, market: Market, seed: int, clock: Micros) -> None:
    """List every symbol that has bars and give each its newest price at the clock."""
    market.is_listed = True
    missing = unlisted(book, market)
    if not missing:
        return
    book.add_assets((symbol, asset_id(seed, symbol)) for symbol in missing)
    _seed_prints(book, market, missing, clock)


def advance(
    book: Book, market: Market, settings: ExchangeSettings, until: Micros
) -> AdvanceSummary:
    """Move the clock to an instant and let happen what happens until then, that instant included.

    Raises:
        ValueError: the instant lies before the clock.
        SessionError: it lies outside the session table.
    """
    venue = book.venue()
    assert venue is not None
    if until < venue.clock:
        raise ValueError(
            f"the clock never goes back: it shows {instant_of(venue.clock).isoformat()}"
        )
    if not market.is_listed:
        list_assets(book, market, venue.seed, venue.clock)
    ended: list[Order] = []
    spans = list(spans_touching(venue.clock, until))
    passed = 0
    while passed < len(spans):
        ended += _pass_session(book, market, settings, spans[passed], venue.clock, until)
        passed += 1
        idle = spans[passed:-PRICE_AGE_SESSIONS_MAX]
        if idle and not book.open_orders() and not book.positions():
            # Nothing can happen to an empty account; years pass without reading their bars.
            book.put_closes((span.session.isoformat() for span in idle), book.cash())
            passed += len(idle)
    book.set_clock(until)
    last = market.bars.last_session()
    return AdvanceSummary(
        timestamp=instant_of(until),
        sessions=len(spans),
        sessions_closed=sum(span.closes <= until for span in spans),
        sessions_without_bars=sum(last is None or span.session > last for span in spans),
        fills=sum(order.status == "filled" for order in ended),
        expired=sum(order.status == "expired" for order in ended),
        rejected=sum(order.status == "rejected" for order in ended),
    )


def match_at_once(book: Book, settings: ExchangeSettings, order: Order, clock: Micros) -> Order:
    """Fill an order just sent in regular hours if it need not wait for a print.

    That is a market order, and a stop that the last print has already passed: at the last print
    of this session, less slippage. Before the symbol's first print of the session both wait.
    """
    span = span_now(clock)
    last = book.last_print(order.symbol)
    if span is None or last is None or last.session != span.session.isoformat():
        return order
    is_due = order.order_type == "market" or (
        order.stop_price is not None and is_triggered(order.side, order.stop_price, last.price)
    )
    if not is_due:
        return order
    return fill(book, order, slipped(last.price, order.side, settings.slippage_bps), clock)


def _pass_session(
    book: Book,
    market: Market,
    settings: ExchangeSettings,
    span: Span,
    clock: Micros,
    until: Micros,
) -> list[Order]:
    """Let one session happen between two instants; return the orders that ended."""
    if clock < span.opens:
        book.route_accepted(span.opens)
    tape = market.tape(span)
    ended = _match(book, tape, settings, clock, until)
    session = span.session.isoformat()
    book.record_prints(session, tape.newest(book.assets(), clock, until))
    if until >= span.closes:
        ended += [
            move(book, order, "expired", span.closes)
            for order in book.open_orders()
            if order.expires is not None
        ]
        book_fees(book, span, settings)
        book.put_closes([session], equity(book))
    return ended


def _match(
    book: Book, tape: SessionTape, settings: ExchangeSettings, clock: Micros, until: Micros
) -> list[Order]:
    """Show the open orders each print of their symbols; return those that ended."""
    resting: dict[str, list[Order]] = {}
    for order in book.open_orders():
        resting.setdefault(order.symbol, []).append(order)
    for orders in resting.values():
        orders.sort(key=lambda order: (order.stop_price is None, order.sequence))
    before = _prints_before(book, tape, resting)
    ended: list[Order] = []
    for each in tape.prints(resting, clock, until):
        ended += _show(book, each, resting[each.symbol], before.get(each.symbol), settings)
        before[each.symbol] = each.price
    return ended


def _show(
    book: Book,
    each: Print,
    orders: list[Order],
    before: Decimal | None,
    settings: ExchangeSettings,
) -> list[Order]:
    """Fill what a print fills; the orders that ended leave the list and are returned."""
    ended = []
    for order in list(orders):
        price = fill_price(order, each, before, settings)
        if price is not None:
            orders.remove(order)
            ended.append(fill(book, order, price, each.at))
    return ended


def _prints_before(
    book: Book, tape: SessionTape, symbols: dict[str, list[Order]]
) -> dict[str, Decimal]:
    """Return the newest print that each symbol already had in this session."""
    session = tape.span.session.isoformat()
    found = {}
    for symbol in symbols:
        last = book.last_print(symbol)
        if last is not None and last.session == session:
            found[symbol] = last.price
    return found


def _seed_prints(book: Book, market: Market, symbols: list[str], clock: Micros) -> None:
    """Give newly listed symbols the prints they had before, the close before the last included."""
    now = instant_of(clock).date() + dt.timedelta(days=1)
    spans = []
    for session in sessions_before(now):
        span = span_of(session)
        if span.opens <= clock:
            spans.append(span)
        if len(spans) == PRICE_AGE_SESSIONS_MAX:
            break
    for span in reversed(spans):
        newest = SessionTape(market.bars, span).newest(symbols, span.opens - 1, clock)
        book.record_prints(span.session.isoformat(), newest)
