"""Bars as the wire shows them: complete at the clock, put together, adjusted for splits.

Volume-weighted price and number of trades are not among our bars: `vw` is the mean of high, low
and close, of bars put together their mean by volume; `n` is zero.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Iterator
from itertools import groupby
from typing import Any, NamedTuple

from quantcli.contracts.bars import MinuteBar
from quantcli.contracts.corporate_actions import CorporateAction
from quantcli.exchange.bars import DailyRow
from quantcli.exchange.calls import Call
from quantcli.exchange.data_requests import Row, Span, bad, sessions_within
from quantcli.exchange.prints import MINUTE, close_instant
from quantcli.exchange.timeframes import Timeframe
from quantcli.exchange.trading_hours import (
    Micros,
    local_date,
    micros,
    midnight,
    span_of,
    spelled_instant,
)

_ADJUSTMENTS = frozenset({"raw", "split", "dividend", "spin-off", "all"})


class StockBar(NamedTuple):
    """One bar: the instant it is stamped with, USD per share, shares."""

    at: Micros
    open: float
    high: float
    low: float
    close: float
    volume: float
    mean: float


def adjusts_for_splits(call: Call) -> bool:
    """Return whether older prices are to be divided by later splits.

    Dividends and spin-offs are not known here, so that adjusting for them changes nothing.
    """
    wanted = {each for each in (call.query.get("adjustment") or "raw").split(",") if each}
    if not wanted <= _ADJUSTMENTS:
        raise bad(f"invalid adjustment: {call.query['adjustment']}")
    return bool(wanted & {"split", "all"})


def stamped_bars(
    call: Call, symbols: list[str], timeframe: Timeframe, span: Span, *, descends: bool
) -> Iterator[Row]:
    """Yield the complete bars that are stamped within a range, by symbol, then time."""
    read = _within_days if timeframe.is_within_day else _of_days
    splits = _splits(call, span.start) if adjusts_for_splits(call) else ()
    for symbol, found in read(call, symbols, timeframe, span):
        own = [each for each in splits if each.symbol == symbol]
        bars = [_adjusted(bar, own) for bar in found] if own else found
        for bar in reversed(bars) if descends else bars:
            yield Row(symbol, bar.at, bar_view(bar))


def bar_view(bar: StockBar) -> dict[str, Any]:
    """Return the JSON object of a bar."""
    volume = bar.volume
    return {
        "t": spelled_instant(bar.at),
        "o": bar.open,
        "h": bar.high,
        "l": bar.low,
        "c": bar.close,
        "v": int(volume) if volume == volume // 1 else volume,
        "n": 0,
        "vw": round(bar.mean, 4),
    }


def daily_bar(session: dt.date, row: DailyRow) -> StockBar:
    """Return a session's bar, stamped with its midnight in New York."""
    return _bar(midnight(session), row)


def minute_bar(bar: MinuteBar) -> StockBar:
    """Return a minute's bar, stamped with its start."""
    return _bar(micros(bar.start), bar[1:])


def _bar(at: Micros, row: DailyRow) -> StockBar:
    opened, high, low, close, volume = row
    return StockBar(at, opened, high, low, close, volume, (high + low + close) / 3)


_SymbolBars = Iterator[tuple[str, list[StockBar]]]


def _of_days(call: Call, symbols: list[str], timeframe: Timeframe, span: Span) -> _SymbolBars:
    """Yield bars of whole sessions: whole to the last one that the timeframe takes in."""
    first = timeframe.first_date(local_date(span.start))
    last = timeframe.last_date(local_date(span.end))
    rows = [
        (session, call.market.bars.session_row(session))
        for session in sessions_within(first, last)
        if span_of(session).closes <= call.clock
    ]

    def start_of(bar: StockBar) -> Micros:
        return midnight(timeframe.first_date(local_date(bar.at)))

    complete_to = _complete_to(call, timeframe)
    for symbol in symbols:
        bars = [daily_bar(session, row[symbol]) for session, row in rows if symbol in row]
        if timeframe.unit != "day":
            bars = _joined(bars, start_of)
        yield (
            symbol,
            [bar for bar in bars if span.start <= bar.at <= span.end and bar.at < complete_to],
        )


def _complete_to(call: Call, timeframe: Timeframe) -> Micros:
    """Return where the first incomplete bar of whole sessions would be stamped."""
    today = local_date(call.clock)
    ahead = sessions_within(today, timeframe.last_date(today))
    if any(span_of(session).closes > call.clock for session in ahead):
        return midnight(timeframe.first_date(today))
    return call.clock


def _within_days(call: Call, symbols: list[str], timeframe: Timeframe, span: Span) -> _SymbolBars:
    """Yield bars shorter than a session, of the minutes that are complete."""
    length = timeframe.amount * MINUTE

    def start_of(bar: StockBar) -> Micros:
        day = midnight(local_date(bar.at))
        return bar.at - (bar.at - day) % length

    sessions = list(sessions_within(local_date(span.start), local_date(span.end)))
    known = set(call.market.bars.symbols())
    for symbol in (each for each in symbols if each in known):
        found: list[StockBar] = []
        for session in sessions:
            minutes = [
                minute_bar(bar)
                for bar in call.market.bars.minutes(symbol, session)
                if close_instant(bar.start) <= call.clock
            ]
            closes = span_of(session).closes
            found += [
                bar
                for bar in (_joined(minutes, start_of) if length > MINUTE else minutes)
                if min(bar.at + length, closes) <= call.clock
            ]
        yield symbol, [bar for bar in found if span.start <= bar.at <= span.end]


def _joined(bars: Iterable[StockBar], start_of: Callable[[StockBar], Micros]) -> list[StockBar]:
    """Put consecutive bars with the same start together."""
    return [_join(at, list(parts)) for at, parts in groupby(bars, start_of)]


def _join(at: Micros, parts: list[StockBar]) -> StockBar:
    volume = sum(each.volume for each in parts)
    high, low, close = max(p.high for p in parts), min(p.low for p in parts), parts[-1].close
    mean = (high + low + close) / 3
    if volume > 0:
        mean = sum(each.mean * each.volume for each in parts) / volume
    return StockBar(at, parts[0].open, high, low, close, volume, mean)


def _splits(call: Call, start: Micros) -> tuple[CorporateAction, ...]:
    """Return the splits that took effect from an instant to now."""
    told = call.market.bars.actions(local_date(start), local_date(call.clock))
    return tuple(each for each in told if each.kind == "split")


def _adjusted(bar: StockBar, splits: list[CorporateAction]) -> StockBar:
    """Return a bar in the shares of today: prices by 0.0001 USD, volume in whole shares."""
    ratio = 1.0
    for each in splits:
        if local_date(bar.at) < each.ex_date:
            ratio *= float(each.ratio)
    if ratio == 1:
        return bar
    opened, high, low, close = (round(value / ratio, 4) for value in bar[1:5])
    volume = float(round(bar.volume * ratio))
    return StockBar(bar.at, opened, high, low, close, volume, bar.mean / ratio)
