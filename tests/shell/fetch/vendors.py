"""Vendors on loopback: bars that a test lays out, spoken in Alpaca's and Polygon's words."""

import datetime as dt
import json
from urllib.parse import parse_qs, urlsplit

from quantcli.contracts.scalars import instant, instant_text
from quantcli.core.sessions import hours, sessions_between
from quantcli.shell.fetch.alpaca_bars import AlpacaBars
from quantcli.shell.fetch.answers import midnight
from quantcli.shell.fetch.line import Line
from quantcli.shell.secrets import Keys
from tests.shell.alpaca.servers import Broker

START = dt.datetime(2026, 1, 2, tzinfo=dt.UTC)


class PatientClock:
    """A clock that only waiting moves; it remembers how long each wait was."""

    def __init__(self):
        self.waits = []

    def now(self):
        return START + dt.timedelta(seconds=sum(self.waits))

    def sleep(self, seconds):
        self.waits.append(seconds)


def line(clock=None, **limits):
    """Return a line with short limits."""
    usual = {"connect_seconds": 2, "read_seconds": 2, "total_seconds": 3}
    return Line(clock or PatientClock(), **{**usual, **limits})


def row(at, close=100.0, **fields):
    """Return a bar in Alpaca's words."""
    usual = {"t": instant_text(at), "o": close - 1, "h": close + 2, "l": close - 3, "c": close,
             "v": 1000, "n": 3, "vw": close}  # fmt: skip
    return {**usual, **fields}


def daily(first, last, close=100.0):
    """Return a symbol's daily bars, the close a dollar higher each session."""
    sessions = sessions_between(dt.date.fromisoformat(first), dt.date.fromisoformat(last))
    return [row(midnight(session), close + place) for place, session in enumerate(sessions)]


def minutes(session, count, close=100.0):
    """Return a symbol's first minute bars of a session."""
    opens = hours(dt.date.fromisoformat(session)).opens_at
    return [row(opens + dt.timedelta(minutes=place), close) for place in range(count)]


class Vendor:
    """Answers `/v2/stocks/bars` from `bars`, in pages of `limit`; `spoil` may change an answer.

    `spoil(number, query, value) -> (status, headers, body) or None` sees each request, counted
    from 1, and what would be said.
    """

    def __init__(self, bars, *, limit=1000, spoil=None):
        self.bars, self.limit, self.spoil = bars, limit, spoil
        self.asked = []
        self._server = Broker(self._answer)

    def __enter__(self):
        self._server.__enter__()
        self.url = self._server.url
        return self

    def __exit__(self, *details):
        self._server.__exit__(*details)

    def _answer(self, method, path, headers, body):
        query = {name: words[0] for name, words in parse_qs(urlsplit(path).query).items()}
        self.asked.append(query)
        value = self._page(query)
        changed = self.spoil and self.spoil(len(self.asked), query, value)
        if changed:
            return changed
        return 200, {"Content-Type": "application/json"}, json.dumps(value).encode()

    def _page(self, query):
        first, last = instant(query["start"]), instant(query["end"])
        rows = [
            (symbol, bar)
            for symbol in sorted(query["symbols"].split(","))
            for bar in self.bars.get(symbol, ())
            if first <= instant(bar["t"]) <= last
        ]
        begin = int(query.get("page_token", 0))
        found = {}
        for symbol, bar in rows[begin : begin + self.limit]:
            found.setdefault(symbol, []).append(bar)
        end = begin + self.limit
        return {"bars": found, "next_page_token": str(end) if end < len(rows) else None}


def alpaca(vendor, clock=None, *, feed="iex", adjustment="split"):
    """Return a source that asks a vendor."""
    return AlpacaBars(line(clock), vendor.url, Keys("key", "secret"), feed, adjustment)
