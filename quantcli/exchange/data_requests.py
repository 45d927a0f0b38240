"""What all questions about market data have in common: symbols, range, feed, pages.

Errors of the data side carry a message and no code.
"""

from __future__ import annotations

import base64
import binascii
import datetime as dt
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any, NamedTuple

from quantcli.contracts.session_table import FIRST, LAST
from quantcli.exchange.calls import Call, instant_parameter
from quantcli.exchange.refusals import Refusal
from quantcli.exchange.trading_hours import Micros, local_date, micros, midnight, sessions_from

LIMIT_DEFAULT, LIMIT_MAX = 1000, 10_000
#: Whoever does not pay for the consolidated tape sees it this much later.
RECENT: Micros = 15 * 60 * 1_000_000

_FEEDS = frozenset({"iex", "sip", "delayed_sip", "otc", "boats", "overnight"})


class Row(NamedTuple):
    """One bar, trade or quote: whose it is, its instant, and its JSON object."""

    symbol: str
    at: Micros
    view: dict[str, Any]


class Span(NamedTuple):
    """The instants asked for, both included."""

    start: Micros
    end: Micros


class Page(NamedTuple):
    """Rows by symbol, and the token of the next page; None after the last one."""

    rows: dict[str, list[dict[str, Any]]]
    token: str | None


def wanted_symbols(call: Call) -> list[str]:
    """Return the symbols asked for, sorted: the one in the path, else those in the query."""
    named = call.segments[0] if call.segments else call.query.get("symbols", "")
    symbols = sorted({each for each in named.split(",") if each})
    if not symbols:
        raise bad("symbols is required")
    return symbols


def wanted_span(call: Call) -> Span:
    """Return the range asked for: from today's midnight to now unless said otherwise.

    The consolidated feed ends a quarter of an hour ago for who does not pay for it.

    Raises:
        Refusal: 400 for what is no instant or no feed; 403 for the newest data of that feed.
    """
    start = _bound(call, "start", midnight(local_date(call.clock)))
    end = _bound(call, "end", call.clock)
    if _is_delayed(call, feed(call)):
        if call.query.get("end") and end > call.clock - RECENT:
            raise recent_refused()
        end = min(end, call.clock - RECENT)
    return Span(start, end)


def check_latest(call: Call) -> None:
    """Refuse the newest data of the consolidated feed to who does not pay for it."""
    if _is_delayed(call, feed(call)):
        raise recent_refused()


def feed(call: Call) -> str:
    """Return the feed asked for; empty: whichever there is. There is one market, so all agree."""
    name = call.query.get("feed", "")
    if name and name not in _FEEDS:
        raise bad(f"invalid feed: {name}")
    return name


def is_descending(call: Call) -> bool:
    """Return whether the newest come first."""
    text = call.query.get("sort") or "asc"
    if text not in {"asc", "desc"}:
        raise bad(f"invalid sort: {text}")
    return text == "desc"


def paged(call: Call, rows: Iterable[Row]) -> Page:
    """Return one page of rows that come by symbol, then time; its limit counts across symbols."""
    limit, token = row_limit(call, LIMIT_DEFAULT, LIMIT_MAX), call.query.get("page_token", "")
    symbol, at, taken = _position(token) if token else ("", 0, 0)
    if token:
        rows = _after(rows, symbol, at, taken, descends=is_descending(call))
    page = list(islice(rows, limit + 1))
    following = None
    if len(page) > limit:
        page.pop()
        last = page[-1]
        same = sum((each.symbol, each.at) == (last.symbol, last.at) for each in page)
        if (last.symbol, last.at) == (symbol, at):
            same += taken
        following = _token(last.symbol, last.at, same)
    found: dict[str, list[dict[str, Any]]] = {}
    for each in page:
        found.setdefault(each.symbol, []).append(each.view)
    return Page(found, following)


def page_body(call: Call, name: str, page: Page) -> dict[str, Any]:
    """Return the answer's object: rows by symbol, or a list when the path names the symbol."""
    if call.segments:
        symbol = call.segments[0]
        rows: Any = page.rows.get(symbol, [])
        return {name: rows, "symbol": symbol, "next_page_token": page.token}
    return {name: page.rows, "next_page_token": page.token}


def sessions_within(first: dt.date, last: dt.date) -> Iterator[dt.date]:
    """Yield the sessions from one date to another, both included."""
    for session in sessions_from(first):
        if session > last:
            return
        yield session


def bad(message: str) -> Refusal:
    """Return a refusal of the data side: without a code."""
    return Refusal(400, None, message)


def recent_refused() -> Refusal:
    """Return the refusal of data that the subscription does not include."""
    return Refusal(403, None, "subscription does not permit querying recent SIP data")


def _is_delayed(call: Call, name: str) -> bool:
    return name == "sip" and not call.settings.has_recent_sip


def _bound(call: Call, name: str, default: Micros) -> Micros:
    """Return a bound of the range, kept within the years that the session table knows."""
    text = call.query.get(name)
    if not text:
        return default
    try:
        first, last = midnight(FIRST), midnight(LAST)
        if int(text[:4]) < FIRST.year or int(text[:4]) > LAST.year:
            return first if int(text[:4]) < FIRST.year else last
        return min(max(micros(instant_parameter(text)), first), last)
    except ValueError as error:
        raise bad(f"invalid {name}: {text}") from error


def row_limit(call: Call, default: int, maximum: int) -> int:
    """Return how many rows of a page are asked for."""
    text = call.query.get("limit") or str(default)
    if not text.isascii() or not text.isdigit() or int(text) < 1:
        raise bad(f"invalid limit: {text}")
    if int(text) > maximum:
        raise bad(f"invalid limit: larger than the allowed maximum of {maximum}")
    return int(text)


def _after(
    rows: Iterable[Row], symbol: str, at: Micros, taken: int, *, descends: bool
) -> Iterator[Row]:
    """Leave out what earlier pages held: of the rows at the last instant, the first `taken`."""
    for each in rows:
        if each.symbol < symbol:
            continue
        if each.symbol == symbol:
            if each.at == at:
                taken -= 1
                if taken >= 0:
                    continue
            elif (each.at > at) is descends:
                continue
        yield each


def _token(symbol: str, at: Micros, taken: int) -> str:
    return base64.urlsafe_b64encode(f"{symbol}|{at}|{taken}".encode()).decode()


def _position(token: str) -> tuple[str, Micros, int]:
    try:
        symbol, at, taken = base64.urlsafe_b64decode(token).decode().split("|")
        return symbol, int(at), int(taken)
    except (ValueError, binascii.Error) as error:
        raise bad("invalid page_token") from error
