"""Bars from Polygon's aggregates API: one symbol a question, further pages by address."""

from __future__ import annotations

import datetime as dt
from typing import Any
from urllib.parse import urlsplit

import orjson

from quantcli.shell.fetch.answers import (
    BAR_NUMBERS,
    Ask,
    Bar,
    Fault,
    Page,
    SourceFailed,
    bar_fields,
    number_of,
)
from quantcli.shell.fetch.line import Line
from quantcli.shell.wire import host_of

HOSTS = ("api.polygon.io", "api.massive.com")
FEED = "polygon"
_LIMIT = 50_000
_SPANS = {"1Day": "day", "1Min": "minute"}
_PAGE_FIELDS = frozenset(
    {"ticker", "adjusted", "queryCount", "resultsCount", "count", "status", "results",
     "request_id", "next_url"}
)  # fmt: skip
_BAR_FIELDS = frozenset({"t", *BAR_NUMBERS, "n", "vw", "otc"})
_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


class PolygonBars:
    """Implements `Source`."""

    name = "polygon"
    symbols_max = 1

    def __init__(self, line: Line, url: str, key: str, adjustment: str) -> None:
        """Name where, who, and which bars: adjusted for splits, or raw."""
        self._line, self._url, self._key = line, url, key
        self._is_adjusted = adjustment == "split"
        self.place = host_of(url)

    def fetch(self, ask: Ask, token: str) -> bytes:
        """Return one page.

        Raises:
            SourceFailed: there is none.
        """
        headers = {"Authorization": f"Bearer {self._key}", "Accept": "application/json"}
        where = token or (
            f"/v2/aggs/ticker/{ask.symbols[0]}/range/1/{_SPANS[ask.series]}"
            f"/{_millis(ask.first)}/{_millis(ask.last)}"
            f"?adjusted={'true' if self._is_adjusted else 'false'}&sort=asc&limit={_LIMIT}"
        )
        return self._line.get(f"{self._url}{where}", headers, is_json=True)

    def read(self, ask: Ask, body: bytes) -> Page:
        """Return what a page says.

        Raises:
            SourceFailed: it is not a page of bars, or of other bars than were asked for.
        """
        value = self._checked(ask, body)
        rows, drift = value.get("results") or [], set(value) - _PAGE_FIELDS
        symbol = ask.symbols[0]
        faults: dict[str, Fault] = {}
        bars: list[Bar] = []
        try:
            bars = [_bar(row) for row in rows]
            drift.update(f"bar {name}" for row in rows for name in set(row) - _BAR_FIELDS)
        except (ValueError, TypeError, OverflowError) as error:
            faults[symbol] = Fault("answer-malformed", str(error))
        return Page({symbol: bars}, faults, self._token(value), tuple(sorted(drift)))

    def _checked(self, ask: Ask, body: bytes) -> dict[str, Any]:
        try:
            value = orjson.loads(body)
        except orjson.JSONDecodeError as error:
            raise SourceFailed("answer-malformed", f"not JSON: {error}") from error
        if not isinstance(value, dict) or not isinstance(value.get("results", []), list | None):
            raise SourceFailed("answer-malformed", "no list of results")
        if value.get("status") not in {"OK", "DELAYED"}:
            raise SourceFailed("answer-malformed", f"status {value.get('status')!r}")
        if value.get("ticker") != ask.symbols[0]:
            raise SourceFailed("answer-foreign", f"bars of {value.get('ticker')!r}")
        if value.get("adjusted") is not self._is_adjusted:
            raise SourceFailed("answer-foreign", f"adjusted is {value.get('adjusted')!r}")
        return value

    def _token(self, value: dict[str, Any]) -> str:
        """Return path and query of the next page: the host stays ours, and so does the key."""
        url = value.get("next_url") or ""
        if not url:
            return ""
        parts = urlsplit(url) if isinstance(url, str) else None
        known = {*HOSTS, self.place}
        if parts is None or parts.hostname not in known or not parts.path.startswith("/v2/aggs/"):
            raise SourceFailed("answer-malformed", "the next page lies elsewhere")
        return f"{parts.path}?{parts.query}"


def _millis(at: dt.datetime) -> int:
    return (at - _EPOCH) // dt.timedelta(milliseconds=1)


def _bar(row: object) -> Bar:
    """Return one bar.

    Raises:
        ValueError: not an object, a field missing, or not what the field holds.
    """
    time, (opened, high, low, close, volume) = bar_fields(row)
    at = _EPOCH + dt.timedelta(milliseconds=number_of(time))
    return Bar(at, opened, high, low, close, volume)
