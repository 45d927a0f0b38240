"""The clock moves: sessions open, prints arrive, orders fill or expire, fees are booked.

What happens within a session is written in `trading_floor`. The clock never goes back.
"""

from __future__ import annotations

import datetime as dt
from typing import NamedTuple

from quantcli.exchange.bars import ExchangeBars
from quantcli.exchange.book import Book
from quantcli.exchange.corporate_actions import apply_actions
from quantcli.exchange.identities import asset_id
from quantcli.exchange.order_record import Order
from quantcli.exchange.prints import SessionTape
from quantcli.exchange.settings import ExchangeSettings
from quantcli.exchange.trading_floor import pass_session
from quantcli.exchange.trading_hours import (
    Micros,
    Span,
    instant_of,
    local_date,
    sessions_before,
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
    told = local_date(venue.clock)
    while passed < len(spans):
        day = spans[passed].session
        apply_actions(book, market.bars, settings, told, day)
        told = max(told, day)
        tape = market.tape(spans[passed])
        ended += pass_session(book, tape, settings, venue.clock, until)
        passed += 1
        idle = spans[passed:-PRICE_AGE_SESSIONS_MAX]
        if idle and not book.open_orders() and not book.positions():
            # Nothing can happen to an empty account; years pass without reading their bars.
            book.put_closes((span.session.isoformat() for span in idle), book.cash())
            passed += len(idle)
    apply_actions(book, market.bars, settings, told, local_date(until))
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
