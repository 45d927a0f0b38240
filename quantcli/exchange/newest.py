"""The newest that a symbol's tape shows at the clock: minute, session, the session before."""

from __future__ import annotations

import datetime as dt
from itertools import islice

from quantcli.exchange.advance import PRICE_AGE_SESSIONS_MAX
from quantcli.exchange.calls import Call
from quantcli.exchange.prints import MINUTE, Print, SessionTape, close_instant
from quantcli.exchange.stock_bars import StockBar, daily_bar, minute_bar
from quantcli.exchange.trading_hours import Span, midnight, sessions_before, span_of


def newest_span(call: Call, symbol: str) -> Span | None:
    """Return the session of a symbol's last print; None if it never traded."""
    last = call.book.last_print(symbol)
    return None if last is None else span_of(dt.date.fromisoformat(last.session))


def newest_minute(call: Call, symbol: str) -> StockBar | None:
    """Return the newest complete minute with a trade; None if there was none.

    Without minute bars it is the minute around a print, which knows nothing of volume.
    """
    span = newest_span(call, symbol)
    if span is None:
        return None
    newest = _newest_minute_of(call, symbol, span)
    for session in islice(sessions_before(span.session), PRICE_AGE_SESSIONS_MAX):
        if newest is not None:
            return newest
        newest = _newest_minute_of(call, symbol, span_of(session))
    return newest


def _newest_minute_of(call: Call, symbol: str, span: Span) -> StockBar | None:
    """Return the newest complete minute of a session."""
    minutes = [
        bar
        for bar in call.market.bars.minutes(symbol, span.session)
        if close_instant(bar.start) <= call.clock
    ]
    if minutes:
        return minute_bar(minutes[-1])
    for each in reversed(session_prints(call, symbol, span)):
        start = each.at - each.at % MINUTE
        if start + MINUTE <= call.clock:  # the prints of a daily bar are minutes apart
            price = float(each.price)
            return StockBar(start, price, price, price, price, 0.0, price)
    return None


def session_bar(call: Call, symbol: str, span: Span) -> StockBar | None:
    """Return the bar of a session, as far as the clock has come; None before its first print.

    While the session runs nobody knows its volume: it is zero unless minute bars tell.
    """
    if span.closes <= call.clock:
        row = call.market.bars.session_row(span.session).get(symbol)
        if row is not None:
            return daily_bar(span.session, row)
    prices = [float(each.price) for each in session_prints(call, symbol, span)]
    if not prices:
        return None
    volume = sum(
        bar.volume
        for bar in call.market.bars.minutes(symbol, span.session)
        if close_instant(bar.start) <= call.clock
    )
    high, low, close = max(prices), min(prices), prices[-1]
    mean = (high + low + close) / 3
    return StockBar(midnight(span.session), prices[0], high, low, close, float(volume), mean)


def session_bar_before(call: Call, symbol: str, span: Span) -> StockBar | None:
    """Return the bar of the newest earlier session in which a symbol traded, not too long ago."""
    for looked_back, session in enumerate(sessions_before(span.session)):
        if looked_back == PRICE_AGE_SESSIONS_MAX:
            return None
        row = call.market.bars.session_row(session).get(symbol)
        if row is not None:
            return daily_bar(session, row)
    return None


def session_prints(call: Call, symbol: str, span: Span) -> list[Print]:
    """Return a symbol's prints of a session up to the clock."""
    return SessionTape(call.market.bars, span).prints([symbol], span.opens - 1, call.clock)
