"""Prints: what the bars of a session say was traded, and when.

A bar is four prints: its open, its low, its high, its close. A daily bar spreads them over the
session at its open, one third, two thirds and its close; a minute bar over its minute, at 0,
20, 40 and 60 seconds. Where minute bars exist the daily bar is not used. A bar without four
prices above zero gives no prints.
"""

from __future__ import annotations

import datetime as dt
import math
from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import NamedTuple

from quantcli.exchange.bars import ExchangeBars, MinuteBar
from quantcli.exchange.figures import print_price
from quantcli.exchange.trading_hours import Micros, Span, micros

MINUTE: Micros = 60_000_000


class Print(NamedTuple):
    """One trade of the tape.

    Attributes:
        at: When it printed.
        symbol: What was traded.
        price: USD per share, in cents.
        is_gap: It is a bar's open, which may lie anywhere; other prints follow without a jump.
        volume: Shares of the whole bar.
    """

    at: Micros
    symbol: str
    price: Decimal
    is_gap: bool
    volume: float


class SessionTape:
    """All prints of one session, worked out only for the symbols that are asked for."""

    def __init__(self, bars: ExchangeBars, span: Span) -> None:
        """Read the session's daily row; minute bars wait until somebody asks."""
        self.span = span
        self._bars = bars
        self._row: Mapping[str, Sequence[float]] = bars.session_row(span.session)
        self._minutes: dict[str, list[MinuteBar]] = {}

    def prints(self, symbols: Iterable[str], after: Micros, until: Micros) -> list[Print]:
        """Return the prints in (after, until] by instant, then symbol, then order in the bar."""
        found = [
            each
            for symbol in symbols
            for each in self._of_symbol(symbol)
            if after < each.at <= until
        ]
        found.sort(key=lambda each: (each.at, each.symbol))
        return found

    def newest(
        self, symbols: Iterable[str], after: Micros, until: Micros
    ) -> list[tuple[str, Decimal, Micros]]:
        """Return symbol, price and instant of each symbol's newest print in (after, until]."""
        stamps = daily_stamps(self.span)
        index = bisect_right(stamps, until) - 1
        has_daily = index >= 0 and stamps[index] > after
        found = []
        for symbol in symbols:
            if self._minute_bars(symbol):
                newest = self._newest_of_minutes(symbol, until)
                if newest is not None and newest[2] > after:
                    found.append(newest)
            elif has_daily and _is_bar(bar := self._row.get(symbol, ())[:4]):
                found.append((symbol, print_price(bar[_PRINT_ORDER[index]]), stamps[index]))
        return found

    def _of_symbol(self, symbol: str) -> list[Print]:
        minute_bars = self._minute_bars(symbol)
        if not minute_bars:
            row = self._row.get(symbol)
            return [] if row is None else _spread(symbol, row, daily_stamps(self.span))
        found: list[Print] = []
        for bar in minute_bars:
            found += _spread(symbol, bar[1:6], _minute_stamps(micros(bar.start)))
        return found

    def _newest_of_minutes(self, symbol: str, until: Micros) -> tuple[str, Decimal, Micros] | None:
        for bar in reversed(self._minute_bars(symbol)):
            start = micros(bar.start)
            prints = _spread(symbol, bar[1:6], _minute_stamps(start)) if start <= until else []
            for each in reversed(prints):
                if each.at <= until:
                    return symbol, each.price, each.at
        return None

    def _minute_bars(self, symbol: str) -> list[MinuteBar]:
        """Return the bars that lie whole in regular hours, read once."""
        bars = self._minutes.get(symbol)
        if bars is None:
            first, last = self.span.opens, self.span.closes - MINUTE
            bars = [
                bar
                for bar in self._bars.minutes(symbol, self.span.session)
                if first <= micros(bar.start) <= last
            ]
            self._minutes[symbol] = bars
        return bars


#: A price that rounds to nothing is none.
_PRICE_MIN = 0.005
#: Indices into (open, high, low, close) in the order in which a bar's prices print.
_PRINT_ORDER = (0, 2, 1, 3)


def daily_stamps(span: Span) -> tuple[Micros, Micros, Micros, Micros]:
    """Return when a daily bar's open, low, high and close print."""
    length = span.closes - span.opens
    return span.opens, span.opens + length // 3, span.opens + length * 2 // 3, span.closes


def close_instant(bar_start: dt.datetime) -> Micros:
    """Return when a minute bar is complete."""
    return micros(bar_start) + MINUTE


def _minute_stamps(start: Micros) -> tuple[Micros, Micros, Micros, Micros]:
    return start, start + MINUTE // 3, start + MINUTE * 2 // 3, start + MINUTE


def _is_bar(prices: Sequence[float]) -> bool:
    """Return whether all of open, high, low and close print as a cent or more; NaN does not."""
    if len(prices) != 4:
        return False
    opened, high, low, close = prices
    return (
        _PRICE_MIN < opened < math.inf
        and _PRICE_MIN < high < math.inf
        and _PRICE_MIN < low < math.inf
        and _PRICE_MIN < close < math.inf
    )


def _spread(
    symbol: str, bar: Sequence[float], stamps: tuple[Micros, Micros, Micros, Micros]
) -> list[Print]:
    if not _is_bar(bar[:4]):
        return []
    return [
        Print(at, symbol, print_price(bar[index]), index == 0, bar[4])
        for at, index in zip(stamps, _PRINT_ORDER, strict=True)
    ]
