"""Bars from Alpaca's market data API, or from anything that speaks its wire."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

import orjson

from quantcli.contracts.scalars import instant, instant_text
from quantcli.shell.fetch.answers import (
    BAR_NUMBERS,
    Ask,
    Bar,
    Fault,
    Page,
    SourceFailed,
    bar_fields,
)
from quantcli.shell.fetch.line import Line
from quantcli.shell.secrets import Keys
from quantcli.shell.wire import host_of

HOST = "data.alpaca.markets"
#: What Alpaca calls its feeds of US equities.
FEEDS = ("iex", "sip", "delayed_sip", "otc", "boats", "overnight")
_LIMIT = 10_000
_PAGE_FIELDS = frozenset({"bars", "next_page_token", "currency"})
_BAR_FIELDS = frozenset({"t", *BAR_NUMBERS, "n", "vw"})


class AlpacaBars:
    """Implements `Source`: many symbols in one question, pages that count across them."""

    name = "alpaca"
    symbols_max = 100

    def __init__(self, line: Line, url: str, keys: Keys, feed: str, adjustment: str) -> None:
        """Name where, who, and which bars."""
        self._line, self._url = line, url
        self._keys, self._feed, self._adjustment = keys, feed, adjustment
        self.place = host_of(url)

    def fetch(self, ask: Ask, token: str) -> bytes:
        """Return one page.

        Raises:
            SourceFailed: there is none.
        """
        query = {
            "symbols": ",".join(ask.symbols),
            "timeframe": ask.series,
            "start": instant_text(ask.first),
            "end": instant_text(ask.last),
            "limit": str(_LIMIT),
            "adjustment": self._adjustment,
            "feed": self._feed,
            "sort": "asc",
            **({"page_token": token} if token else {}),
        }
        headers = {
            "APCA-API-KEY-ID": self._keys.key_id,
            "APCA-API-SECRET-KEY": self._keys.secret,
            "Accept": "application/json",
        }
        return self._line.get(
            f"{self._url}/v2/stocks/bars?{urlencode(query)}", headers, is_json=True
        )

    def read(self, ask: Ask, body: bytes) -> Page:
        """Return what a page says.

        Raises:
            SourceFailed: it is not a page of bars.
        """
        value = _json(body)
        if not isinstance(value, dict) or not isinstance(value.get("bars"), dict | None):
            raise SourceFailed("answer-malformed", "no object of bars")
        if "bars" not in value or "next_page_token" not in value:
            absent = sorted({"bars", "next_page_token"} - set(value))
            raise SourceFailed("answer-malformed", f"field missing: {', '.join(absent)}")
        token = value["next_page_token"]
        if not isinstance(token, str | None):
            raise SourceFailed("answer-malformed", "the page token is no text")
        drift = set(value) - _PAGE_FIELDS
        bars: dict[str, list[Bar]] = {}
        faults: dict[str, Fault] = {}
        for symbol, rows in (value["bars"] or {}).items():
            try:
                bars[symbol] = [_bar(row) for row in rows]
                drift.update(f"bar {name}" for row in rows for name in set(row) - _BAR_FIELDS)
            except (ValueError, TypeError) as error:
                bars[symbol] = []
                faults[symbol] = Fault("answer-malformed", str(error))
        return Page(bars, faults, token or "", tuple(sorted(drift)))


def _json(body: bytes) -> Any:
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise SourceFailed("answer-malformed", f"not JSON: {error}") from error


def _bar(row: object) -> Bar:
    """Return one bar.

    Raises:
        ValueError: not an object, a field missing, or not what the field holds.
    """
    time, (opened, high, low, close, volume) = bar_fields(row)
    if not isinstance(time, str):
        raise ValueError(f"not an instant: {time!r}")
    return Bar(instant(time), opened, high, low, close, volume)
