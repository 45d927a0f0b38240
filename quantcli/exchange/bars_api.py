"""/v2/stocks/bars: the bars behind the prints, as soon as the clock has passed them.

Only bars that are complete at the clock leave the exchange. Volume-weighted price and number of
trades are not among our bars: `vw` is the mean of high, low and close, `n` is zero.
"""

from __future__ import annotations

import base64
import binascii
import datetime as dt
import re
from collections.abc import Iterator
from itertools import islice
from typing import Any, NamedTuple

from quantcli.contracts.session_table import FIRST, LAST
from quantcli.exchange.calls import Answer, Call, instant_parameter
from quantcli.exchange.prints import close_instant
from quantcli.exchange.refusals import Refusal
from quantcli.exchange.trading_hours import (
    Micros,
    local_date,
    micros,
    sessions_from,
    span_of,
    spelled_instant,
)

LIMIT_DEFAULT, LIMIT_MAX = 1000, 10_000

_TIMEFRAME = re.compile(
    r"(?:([1-5]?[0-9])(?:Min|T)|(1?[0-9]|2[0-3])(?:Hour|H)|1(?:Day|D)|1(?:Week|W)"
    r"|(?:1|2|3|4|6|12)(?:Month|M))"
)
_DAILY, _MINUTELY = frozenset({"1Day", "1D"}), frozenset({"1Min", "1T"})


class StampedBar(NamedTuple):
    """A bar with its symbol and the instant that it is stamped with."""

    symbol: str
    at: Micros
    prices: tuple[float, float, float, float]
    volume: float


def get_bars(call: Call) -> Answer:
    """Return bars by symbol, then time, in pages whose limit counts across symbols."""
    symbols = sorted({each for each in call.query.get("symbols", "").split(",") if each})
    if not symbols:
        raise _bad("symbols is required")
    timeframe = call.query.get("timeframe", "")
    if not _TIMEFRAME.fullmatch(timeframe) or timeframe.startswith("0"):
        raise _bad(f"invalid timeframe: {timeframe}")
    if timeframe not in _DAILY | _MINUTELY:
        raise _bad(f"timeframe not supported yet: {timeframe}")
    start = _bound(call, "start", _midnight(local_date(call.clock)))
    end = _bound(call, "end", call.clock)
    is_descending = _sort(call) == "desc"
    read = _daily if timeframe in _DAILY else _minutely
    found = read(call, symbols, start, end, is_descending=is_descending)
    after = _position(call.query.get("page_token", ""))
    if after is not None:
        found = _continued(found, after, is_descending=is_descending)
    page = list(islice(found, _limit(call) + 1))
    token = None
    if len(page) > _limit(call):
        page.pop()
        token = _token(page[-1])
    bars: dict[str, list[dict[str, Any]]] = {}
    for each in page:
        bars.setdefault(each.symbol, []).append(_bar_view(each))
    return Answer(200, {"bars": bars, "next_page_token": token})


def _daily(
    call: Call, symbols: list[str], start: Micros, end: Micros, *, is_descending: bool
) -> Iterator[StampedBar]:
    rows = []
    for session in _sessions(start, end):
        stamp = _midnight(session)
        if start <= stamp <= end and span_of(session).closes <= call.clock:
            rows.append((stamp, call.market.bars.session_row(session)))
    if is_descending:
        rows.reverse()
    for symbol in symbols:
        for stamp, row in rows:
            if symbol in row:
                bar = row[symbol]
                yield StampedBar(symbol, stamp, (bar[0], bar[1], bar[2], bar[3]), bar[4])


def _minutely(
    call: Call, symbols: list[str], start: Micros, end: Micros, *, is_descending: bool
) -> Iterator[StampedBar]:
    sessions = list(_sessions(start, end))
    known = set(call.market.bars.symbols())
    for symbol in (each for each in symbols if each in known):
        bars = [
            StampedBar(symbol, micros(bar.start), bar[1:5], bar.volume)
            for session in sessions
            for bar in call.market.bars.minutes(symbol, session)
            if start <= micros(bar.start) <= end and close_instant(bar.start) <= call.clock
        ]
        yield from reversed(bars) if is_descending else bars


def _sessions(start: Micros, end: Micros) -> Iterator[dt.date]:
    last = local_date(end)
    for session in sessions_from(local_date(start)):
        if session > last:
            return
        yield session


def _continued(
    found: Iterator[StampedBar], after: tuple[str, Micros], *, is_descending: bool
) -> Iterator[StampedBar]:
    """Leave out the bars that earlier pages held."""
    symbol, at = after
    for each in found:
        is_later = each.at < at if is_descending else each.at > at
        if each.symbol > symbol or (each.symbol == symbol and is_later):
            yield each


def _bar_view(each: StampedBar) -> dict[str, Any]:
    opened, high, low, close = each.prices
    volume = each.volume
    return {
        "t": spelled_instant(each.at),
        "o": opened,
        "h": high,
        "l": low,
        "c": close,
        "v": int(volume) if volume == volume // 1 else volume,
        "n": 0,
        "vw": round((high + low + close) / 3, 4),
    }


def _midnight(session: dt.date) -> Micros:
    return micros(instant_parameter(session.isoformat()))


def _bound(call: Call, name: str, default: Micros) -> Micros:
    """Return a bound of the range, kept within the years that the session table knows."""
    text = call.query.get(name)
    if not text:
        return default
    try:
        first, last = _midnight(FIRST), _midnight(LAST)
        if int(text[:4]) < FIRST.year or int(text[:4]) > LAST.year:
            return first if int(text[:4]) < FIRST.year else last
        return min(max(micros(instant_parameter(text)), first), last)
    except ValueError as error:
        raise _bad(f"invalid {name}: {text}") from error


def _limit(call: Call) -> int:
    text = call.query.get("limit") or str(LIMIT_DEFAULT)
    if not text.isascii() or not text.isdigit() or int(text) < 1:
        raise _bad(f"invalid limit: {text}")
    if int(text) > LIMIT_MAX:
        raise _bad(f"invalid limit: larger than the allowed maximum of {LIMIT_MAX}")
    return int(text)


def _sort(call: Call) -> str:
    text = call.query.get("sort") or "asc"
    if text not in {"asc", "desc"}:
        raise _bad(f"invalid sort: {text}")
    return text


def _token(bar: StampedBar) -> str:
    return base64.urlsafe_b64encode(f"{bar.symbol}|{bar.at}".encode()).decode()


def _position(token: str) -> tuple[str, Micros] | None:
    if not token:
        return None
    try:
        symbol, at = base64.urlsafe_b64decode(token).decode().split("|")
        return symbol, int(at)
    except (ValueError, binascii.Error) as error:
        raise _bad("invalid page_token") from error


def _bad(message: str) -> Refusal:
    """Return a refusal of the data side: without a code."""
    return Refusal(400, None, message)
