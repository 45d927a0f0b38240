"""The exchange: one function for the wire, one for its clock.

`handle` is all that a transport needs. It authorises, routes, opens a transaction, lets one
endpoint answer, and commits before it returns; a refusal rolls back whatever was begun. An
unexpected exception rolls back as well and passes through: a bug is not an answer.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import hmac
import re
import sqlite3
from collections.abc import Mapping
from contextlib import contextmanager
from pathlib import Path
from threading import RLock
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, unquote

from quantcli.exchange.advance import AdvanceSummary, Market, advance, list_assets, unlisted
from quantcli.exchange.bars import ExchangeBars
from quantcli.exchange.book import Book, VenueRow, storage_error
from quantcli.exchange.calls import Answer, Call, encoded
from quantcli.exchange.refusals import Refusal, not_found
from quantcli.exchange.routes import Route, find_route
from quantcli.exchange.settings import ExchangeSettings
from quantcli.exchange.trading_hours import instant_of, micros

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["AdvanceSummary", "Exchange", "ExchangeSettings"]

WireAnswer = tuple[int, list[tuple[str, str]], bytes]
#: Status and body.
SentAnswer = tuple[int, bytes]

BODY_BYTES_MAX = 1024 * 1024
#: How many answers are kept for the case that the same is asked again before the book changes.
ANSWERS_KEPT_MAX = 16

_JSON = "application/json; charset=UTF-8"
_EDGE_PAGE = (
    b"<html>\r\n<head><title>401 Authorization Required</title></head>\r\n<body>\r\n"
    b"<center><h1>401 Authorization Required</h1></center>\r\n</body>\r\n</html>\r\n"
)
_SLASHES = re.compile("/{2,}")


class Exchange:
    """A broker with one customer, whose memory is its book and whose time is simulated."""

    def __init__(
        self, book_path: Path | None, bars: ExchangeBars, settings: ExchangeSettings
    ) -> None:
        """Open the book, or found it: opening cash, opening instant, the prices known by then.

        Args:
            book_path: The SQLite file; None keeps the book in memory.
            bars: The market. Read when a book is founded, when the clock moves, and when
                somebody asks for bars or assets.
            settings: Of these, seed, cash and opening instant count for a new book only.

        Raises:
            StorageError: the book cannot be opened.
            JournalCorrupt: the file is no book, or damaged.
        """
        self.settings = settings
        self._market = Market(bars)
        self._lock = RLock()
        self._kept: dict[tuple[str, str], SentAnswer] = {}
        self._kept_of = (-1, -1)
        self._book = Book(book_path, is_synced_each_commit=settings.is_synced_each_commit)
        with self._storage():
            if self._book.venue() is None:
                self._found()

    def handle(
        self, method: str, path: str, query: str, body: bytes, headers: Mapping[str, str]
    ) -> WireAnswer:
        """Answer one request of the wire.

        Args:
            method: Upper case.
            path: As sent, percent-encoded, without query.
            query: As sent, without the question mark.
            body: Raw bytes.
            headers: Any case; only the two keys are read.

        Returns:
            HTTP status, headers, body. Every change the answer speaks of is committed.
        """
        refused = self._unauthorised(headers)
        if refused is not None:
            return refused
        try:
            status, data = self._answer(method, path, query, body)
        except Refusal as refusal:
            status, data = refusal.status, encoded(refusal.body)
        request_id = hashlib.sha256(f"{method} {path}?{query}\n".encode() + body).hexdigest()[:32]
        headers_out = [("X-Request-ID", request_id)]
        if data:
            headers_out.append(("Content-Type", _JSON))
        return status, headers_out, data

    def advance(self, to: dt.datetime) -> AdvanceSummary:
        """Move the clock to an instant and let happen what happens until then, it included.

        Raises:
            ValueError: the instant lies before the clock, or is naive.
            SessionError: it lies outside the session table.
            StorageError: the book cannot be written.
        """
        if to.tzinfo is None:
            raise ValueError(f"an instant needs a time zone: {to}")
        with self._lock, self._storage():
            with self._book.transaction():
                summary = advance(self._book, self._market, self.settings, micros(to))
            if summary.sessions_closed:
                self._sync()
            return summary

    @property
    def clock(self) -> dt.datetime:
        """The simulated clock, UTC."""
        with self._lock, self._storage(), self._book.transaction(is_write=False):
            return instant_of(self._venue().clock)

    def close(self) -> None:
        """Release the book."""
        with self._lock:
            self._book.close()

    def _found(self) -> None:
        """Make a new book's first rows, unless another process was faster."""
        with self._book.transaction():
            if self._book.venue() is None:
                settings, opening = self.settings, micros(self.settings.opening_at)
                self._book.found(
                    VenueRow(settings.seed, opening, opening, settings.cash, settings.cash)
                )
                list_assets(self._book, self._market, settings.seed, opening)

    def _answer(self, method: str, path: str, query: str, body: bytes) -> SentAnswer:
        if len(body) > BODY_BYTES_MAX:
            raise Refusal(413, 41310000, "request body too large")
        found = find_route(method, _SLASHES.sub("/", path))
        if found is None:
            raise not_found("endpoint not found")
        route, segments = found
        with self._lock, self._storage():
            if route.source == "book":
                kept = self._kept_answers()
                if (path, query) not in kept:
                    kept[path, query] = _sent(self._ask(route, segments, query, body))
                return kept[path, query]
            if route.source == "bars":
                self._list_symbols()
            answer = self._ask(route, segments, query, body)
            if isinstance(answer.body, dict) and answer.body.get("sessions_closed"):
                self._sync()
            return _sent(answer)

    def _ask(self, route: Route, segments: tuple[str, ...], query: str, body: bytes) -> Answer:
        """Let the endpoint answer, within one transaction."""
        with self._book.transaction(is_write=route.source == "change"):
            venue = self._venue()
            return route.handler(
                Call(
                    book=self._book,
                    market=self._market,
                    settings=self.settings,
                    clock=venue.clock,
                    seed=venue.seed,
                    segments=tuple(unquote(each) for each in segments),
                    query=dict(parse_qsl(query, keep_blank_values=True)),
                    body=body,
                )
            )

    def _kept_answers(self) -> dict[tuple[str, str], SentAnswer]:
        """Return the answers, by path and query, that hold as long as the book is as it is now.

        A desk asks for account, orders and positions in each of its steps; most of the time
        nothing has happened in between.
        """
        version = self._book.version()
        if version != self._kept_of or len(self._kept) >= ANSWERS_KEPT_MAX:
            self._kept.clear()
            self._kept_of = version
        return self._kept

    def _list_symbols(self) -> None:
        """List the symbols that are new to the bars; only then is anything written."""
        if unlisted(self._book, self._market):
            with self._book.transaction():
                venue = self._venue()
                list_assets(self._book, self._market, venue.seed, venue.clock)

    def _sync(self) -> None:
        """Bring a session's end to the disk, if single commits did not."""
        if not self.settings.is_synced_each_commit:
            self._book.sync()

    def _venue(self) -> VenueRow:
        venue = self._book.venue()
        assert venue is not None, "founded when it was opened"
        return venue

    def _unauthorised(self, headers: Mapping[str, str]) -> WireAnswer | None:
        """Return the refusal of a request without the right keys; None lets it pass."""
        sent = {name.lower(): value for name, value in headers.items()}
        key_id, secret = sent.get("apca-api-key-id"), sent.get("apca-api-secret-key")
        if not key_id or not secret:
            return 401, [("Content-Type", "text/html")], _EDGE_PAGE
        is_known = hmac.compare_digest(key_id.encode(), self.settings.key_id.encode())
        is_known &= hmac.compare_digest(secret.encode(), self.settings.secret.encode())
        if is_known:
            return None
        return 401, [("Content-Type", _JSON)], encoded({"message": "unauthorized."})

    @contextmanager
    def _storage(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise storage_error(error, self._book.path) from error


def _sent(answer: Answer) -> SentAnswer:
    return answer.status, b"" if answer.body is None else encoded(answer.body)
