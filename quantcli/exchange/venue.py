"""The exchange: one function for the wire, one for its clock.

`handle` is all that a transport needs. It authorises, routes, opens a transaction, lets one
endpoint answer, and commits before it returns; a refusal rolls back whatever was begun. An
unexpected exception rolls back as well and passes through: a bug is not an answer.
"""

from __future__ import annotations

import datetime as dt
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
from quantcli.exchange.book import Book, VenueRow
from quantcli.exchange.book_file import storage_error
from quantcli.exchange.calls import Answer, Call
from quantcli.exchange.credentials import sent_keys
from quantcli.exchange.faults import FaultBoard
from quantcli.exchange.order_record import Order
from quantcli.exchange.pending_cancels import pass_request
from quantcli.exchange.refusals import Refusal, not_found
from quantcli.exchange.routes import Route, find_route
from quantcli.exchange.settings import ExchangeSettings
from quantcli.exchange.trading_hours import Micros, instant_of, micros
from quantcli.exchange.wire_answers import (
    SentAnswer,
    WireAnswer,
    gateway_page,
    refused,
    said,
    sent,
    spoken,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from quantcli.exchange.order_events import Mark

__all__ = ["AdvanceSummary", "Exchange", "ExchangeSettings"]

BODY_BYTES_MAX = 1024 * 1024
#: Below this path the simulation is controlled; a customer of a broker has nothing like it.
CONTROL = "/_sim/"
#: How many answers are kept for the case that the same is asked again before the book changes.
ANSWERS_KEPT_MAX = 16

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
        self.faults = FaultBoard()
        self._bars = bars
        self._market = Market(bars)
        self._lock = RLock()
        self._kept: dict[tuple[str, str], SentAnswer] = {}
        self._kept_of = (-1, -1)
        self._book = Book(book_path, is_synced_each_commit=settings.is_synced_each_commit)
        self._own_book: Book | None = None
        with self._storage():
            if self._book.venue() is None:
                self._found(settings.seed, micros(settings.opening_at))
            self._was_cancelling = bool(self._book.cancels())

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
        if (self._was_cancelling or self.settings.cancel_requests) and not path.startswith(CONTROL):
            with self.change() as book:
                pass_request(book)
                self._was_cancelling = bool(book.cancels())
        if self.faults.faults:
            from quantcli.exchange.fault_line import answer_faultily

            with self._lock:
                return answer_faultily(self, method, _SLASHES.sub("/", path), query, body)
        return self.answer(method, path, query, body)

    def seconds_before(self, method: str, path: str, headers: Mapping[str, str]) -> float:
        """Return how long a request lies on the line before it is handled; see `faults`."""
        if not self.faults.faults or self._unauthorised(headers) is not None:
            return 0
        return self.faults.seconds_before(method, _SLASHES.sub("/", path))

    def answer(self, method: str, path: str, query: str, body: bytes) -> WireAnswer:
        """Answer one authorised request as `handle` does when no fault is set."""
        try:
            answer = self._answer(method, path, query, body)
        except Refusal as refusal:
            answer = refused(refusal)
        return spoken(method, path, query, body, answer)

    def answer_skewed(
        self, method: str, path: str, query: str, body: bytes, skew: Micros
    ) -> WireAnswer:
        """Answer one authorised request as if the clock were elsewhere."""
        found = find_route(method, path)
        if found is None:
            return self.answer(method, path, query, body)
        with self._lock, self._storage():
            try:
                answer = sent(self._ask(*found, query, body, skew))
            except Refusal as refusal:
                answer = refused(refusal)
        return spoken(method, path, query, body, answer)

    def answer_and_undo(
        self, method: str, path: str, query: str, body: bytes
    ) -> tuple[WireAnswer, Order | None]:
        """Answer one authorised order request and forget it; return the order that it made.

        Of a request that is refused, or makes more than one order, nothing is forgotten and no
        order is returned.
        """
        found = find_route(method, path)
        if found is None:
            return self.answer(method, path, query, body), None
        try:
            self._answer_and_undo(*found, query, body)
        except _Undone as undone:
            return spoken(method, path, query, body, sent(undone.answer)), undone.order
        except Refusal:
            pass
        return self.answer(method, path, query, body), None

    def _answer_and_undo(
        self, route: Route, segments: tuple[str, ...], query: str, body: bytes
    ) -> None:
        with self._lock, self._storage(), self._book.transaction():
            answer = route.handler(self._call(segments, query, body))
            order = self._book.order(str(answer.body["id"]))
            if order is not None and not answer.body["legs"]:
                raise _Undone(order, answer)
            raise Refusal(501, None, "not a single order")

    @contextmanager
    def change(self) -> Iterator[Book]:
        """Hold one transaction of the book, for what happens to it apart from requests."""
        with self._lock, self._storage(), self._book.transaction():
            yield self._book

    @property
    def market(self) -> Market:
        """The bars and their newest tape."""
        return self._market

    def restart(self) -> None:
        """Begin again from the file, as after a death: what only memory held is gone."""
        with self._lock, self._storage():
            path = self._book.path
            if path is not None:
                self._book.close()
                self._book = Book(path, is_synced_each_commit=self.settings.is_synced_each_commit)
            self._forget()

    @property
    def is_other_account(self) -> bool:
        """True while the customer is shown another account than their own."""
        return self._own_book is not None

    def open_other_account(self) -> None:
        """Show an account with another id, opened just now, until `close_other_account`."""
        if self._own_book is not None:
            return
        with self._lock, self._storage():
            with self._book.transaction(is_write=False):
                venue = self._venue()
            self._own_book, self._book = self._book, Book(None)
            self._forget()
            self._found(venue.seed + 1, venue.clock)

    def close_other_account(self) -> None:
        """Show the customer's own account again, brought to the present."""
        if self._own_book is None:
            return
        with self._lock:
            present = self.clock
            self._book.close()
            self._book, self._own_book = self._own_book, None
            self._forget()
            if present > self.clock:
                self.advance(present)

    def _forget(self) -> None:
        """Drop what was kept of the book and of the bars."""
        self._market = Market(self._bars)
        self._kept.clear()
        self._kept_of = (-1, -1)

    def advance(self, to: dt.datetime) -> AdvanceSummary:
        """Move the clock to an instant and let happen what happens until then, it included.

        Raises:
            ValueError: the instant lies before the clock, or is naive.
            SessionError: it lies outside the session table.
            StorageError: the book cannot be written.
        """
        if to.tzinfo is None:
            raise ValueError(f"an instant needs a time zone: {to}")
        if self.faults.parts:
            from quantcli.exchange.fault_line import end_parts

            end_parts(self, micros(to))
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
            if self._own_book is not None:
                self._own_book.close()

    def admits(self, key_id: str, secret: str) -> bool:
        """Return whether two keys open the wire."""
        is_known = hmac.compare_digest(key_id.encode(), self.settings.key_id.encode())
        return is_known & hmac.compare_digest(secret.encode(), self.settings.secret.encode())

    def updates(self, mark: Mark | None) -> tuple[Mark, list[dict[str, Any]]]:
        """Return what happened to orders since a mark, and the new mark; see `order_events`.

        Without a mark it is the mark of now, and nothing has happened.
        """
        from quantcli.exchange.order_events import mark_of, updates_since

        with self._lock, self._storage(), self._book.transaction(is_write=False):
            if mark is None:
                return mark_of(self._book), []
            return updates_since(self._book, mark)

    def _found(self, seed: int, opening: Micros) -> None:
        """Make a new book's first rows, unless another process was faster."""
        with self._book.transaction():
            if self._book.venue() is None:
                cash = self.settings.cash
                self._book.found(VenueRow(seed, opening, opening, cash, cash))
                list_assets(self._book, self._market, seed, opening)

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
                    kept[path, query] = sent(self._ask(route, segments, query, body))
                return kept[path, query]
            if route.source == "bars":
                self._list_symbols()
            answer = self._ask(route, segments, query, body)
            if isinstance(answer.body, dict) and answer.body.get("sessions_closed"):
                self._sync()
            return sent(answer)

    def _ask(
        self, route: Route, segments: tuple[str, ...], query: str, body: bytes, skew: Micros = 0
    ) -> Answer:
        """Let the endpoint answer, within one transaction."""
        with self._book.transaction(is_write=route.source == "change"):
            return route.handler(self._call(segments, query, body, skew))

    def _call(self, segments: tuple[str, ...], query: str, body: bytes, skew: Micros = 0) -> Call:
        venue = self._venue()
        return Call(
            book=self._book,
            market=self._market,
            settings=self.settings,
            clock=venue.clock + skew,
            seed=venue.seed,
            segments=tuple(unquote(each) for each in segments),
            query=dict(parse_qsl(query, keep_blank_values=True)),
            body=body,
            faults=self.faults,
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
        keys = sent_keys(headers)
        if keys is None:
            return gateway_page(401, "Authorization Required")
        if self.admits(*keys):
            return None
        return said(refused(Refusal(401, None, "unauthorized.")))

    @contextmanager
    def _storage(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise storage_error(error, self._book.path) from error


class _Undone(Exception):
    """Ends a transaction without its changes; carries what it was for."""

    def __init__(self, order: Order, answer: Answer) -> None:
        super().__init__()
        self.order, self.answer = order, answer
