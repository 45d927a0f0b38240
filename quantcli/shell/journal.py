"""The journal in SQLite: rows are appended, hash-chained, and tables follow from them.

INV-12 (persist before send) rests on `append` being durable when it returns; INV-11 on the
UNIQUE constraints; INV-14 on transitions being judged against the stored state, here, inside
the transaction.
"""

from __future__ import annotations

import datetime as dt
import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal

from quantcli.contracts.canonical import canonical_line
from quantcli.contracts.envelope import Frozen
from quantcli.contracts.errors import JournalCorrupt, QuantcliError, StateMissing
from quantcli.contracts.journal_rows import (
    ROW_KINDS,
    FlagRow,
    GenesisRow,
    RowKind,
    StopRow,
)
from quantcli.contracts.orders import Fill, OrderRecord, Purpose
from quantcli.contracts.positions import PositionRecord
from quantcli.contracts.scalars import SessionDate
from quantcli.ports.journal import Head, JournalRow, Place
from quantcli.shell.files import storage
from quantcli.shell.journal_db import (
    connect,
    is_at_rest,
    make_file,
    parsed,
    query,
    save_copy,
    snapshot,
    stored_number,
    transaction,
    unusable,
)
from quantcli.shell.journal_derive import derive, position_of
from quantcli.shell.journal_schema import DERIVED_TABLES, SCHEMA_VERSION, TABLES
from quantcli.shell.journal_text import (
    FIRST_LINK,
    LIVE,
    ORDER_COLUMNS,
    RESTORE,
    check_chain,
    link_of,
    log_line,
    order_of,
    row_of,
    where_of,
)


class SqliteJournal:
    """The journal of one desk."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        """Wrap an open connection; use `create`, `open` or `in_memory`."""
        self._db = connection
        self.before_append: Callable[[], None] = lambda: None
        self.witness: Callable[[list[tuple[Any, ...]]], None] | None = None
        self.appends = 0

    @classmethod
    def create(cls, path: Path) -> SqliteJournal:
        """Create an empty journal.

        Raises:
            StorageError: it exists.
        """
        make_file(path)
        journal = cls(connect(str(path)))
        journal._create_tables()
        return journal

    @classmethod
    def open(cls, path: Path, *, read_only: bool = False) -> SqliteJournal:
        """Open an existing journal and check its newest link.

        Raises:
            StateMissing: there is none: halted and paused, never a fresh start.
            JournalCorrupt: not a journal of this program, or its head does not hold.
        """
        with storage(path):
            is_there = path.exists()
        if not is_there:
            raise StateMissing(
                "the journal is gone: the desk counts as halted and paused",
                value=path,
                hint="quantcli restore rebuilds it; see runbook/restore.md",
            )
        mode = "rw" if not read_only else "ro&immutable=1" if is_at_rest(path) else "ro"
        try:
            journal = cls(connect(f"{path.resolve().as_uri()}?mode={mode}"))
        except sqlite3.Error as error:
            raise unusable(error, "opened") from error
        try:
            journal._check_head()
        except QuantcliError:
            journal.close()
            raise
        return journal

    @classmethod
    def in_memory(cls) -> SqliteJournal:
        """Return an empty journal that lives in memory."""
        journal = cls(connect(":memory:"))
        journal._create_tables()
        return journal

    def sync_at_checkpoints(self) -> None:
        """Leave syncing to the end of each session: for replays, see `files.synced_together`."""
        self._db.execute("PRAGMA synchronous = NORMAL")

    def close(self) -> None:
        """Close the connection."""
        self._db.close()

    def head(self) -> Head:
        """Return the newest row's number and hash."""
        found = self._query("SELECT seq, sha256 FROM journal ORDER BY seq DESC LIMIT 1")
        return Head(*found[0]) if found else Head(0, FIRST_LINK)

    def append(self, place: Place, rows: Sequence[Frozen]) -> None:
        """Append rows in one durable transaction and derive the tables; all or nothing.

        A witness sees the rows as stored before they are committed: what it keeps is never
        behind the journal.
        """
        if not rows:
            return
        self.before_append()
        with self._writing():
            before = head = self.head()
            for row in rows:
                head = self._append_one(head, place, row)
            if self.witness is not None:
                self.witness(self.raw_rows(after=before.seq))
        self.appends += 1

    def copy_row(self, row: tuple[Any, ...]) -> None:
        """Append a raw row read from another journal, re-deriving its tables and its hash.

        Its text is kept as it is: an older program may have written fewer fields.

        Raises:
            JournalCorrupt: the hash does not follow from what was copied before.
        """
        _, session, cycle, step, kind, body, _, sha256 = row
        place = Place(dt.date.fromisoformat(session), cycle, step)
        with self._writing():
            head = self._append_text(self.head(), place, row_of(kind, body), kind, body)
            if head.sha256 != sha256:
                raise JournalCorrupt(
                    f"journal row {head.seq} does not continue the chain", hint=RESTORE
                )

    def raw_rows(self, *, after: int = 0, through: int | None = None) -> list[tuple[Any, ...]]:
        """Return rows as stored, in order, with after < seq <= through."""
        limit = through if through is not None else self.head().seq
        return self._query(
            "SELECT * FROM journal WHERE seq > ? AND seq <= ? ORDER BY seq", (after, limit)
        )

    def save_to(self, path: Path, mode: Literal["WAL", "DELETE"]) -> None:
        """Write a consistent copy, log included, into a new file; see `save_copy`."""
        save_copy(self._db, path, mode)

    def verify(self) -> None:
        """Recompute the whole chain.

        Raises:
            JournalCorrupt: naming the first row that does not hold.
        """
        check_chain(self.raw_rows())

    def verify_tables(self) -> None:
        """Derive every table again from the rows and compare.

        Raises:
            JournalCorrupt: naming the first table that does not follow from the rows.
            LedgerError: a row contradicts the rows before it.
        """
        rebuilt = SqliteJournal.in_memory()
        try:
            for row in self.raw_rows():
                rebuilt.copy_row(row)
            for table in DERIVED_TABLES:
                if self.table(table) != rebuilt.table(table):
                    raise JournalCorrupt(
                        f"the table {table} does not follow from the journal's rows", hint=RESTORE
                    )
        finally:
            rebuilt.close()

    def table(self, name: str) -> list[tuple[Any, ...]]:
        """Return a table as stored, by its key; for comparing it with another journal's."""
        assert name in {"journal", *DERIVED_TABLES}
        return self._query(f"SELECT * FROM {name} ORDER BY 1")  # noqa: S608 - a name of ours

    def rows(
        self,
        *,
        session: dt.date | None = None,
        cycle: str | None = None,
        step: str | None = None,
        kind: RowKind | None = None,
    ) -> tuple[JournalRow, ...]:
        """Return rows in order, filtered by place and kind."""
        day = session.isoformat() if session else None
        wanted = {"session": day, "cycle": cycle, "step": step, "kind": kind}
        where, values = where_of({key: value for key, value in wanted.items() if value})
        found = self._query(
            f"SELECT seq, session, cycle, step, kind, body FROM journal{where} ORDER BY seq",  # noqa: S608 - column names are ours
            values,
        )
        return tuple(
            JournalRow(seq, Place(dt.date.fromisoformat(day), at, by), kind, row_of(kind, body))
            for seq, day, at, by, kind, body in found
        )

    def transactions(self, session: dt.date) -> bytes:
        """Return a session's rows as JSON Lines, each with its link of the chain."""
        found = self._query(
            "SELECT * FROM journal WHERE session = ? ORDER BY seq", (session.isoformat(),)
        )
        return b"".join(log_line(row) for row in found)

    def genesis(self) -> GenesisRow | None:
        """Return the opening balance, if the journal has begun."""
        found = self._query("SELECT body FROM journal WHERE kind = 'genesis'")
        return parsed(GenesisRow.model_validate_json, found[0][0]) if found else None

    def order(self, client_order_id: str) -> OrderRecord | None:
        """Return one order."""
        return next(iter(self._orders({"client_order_id": client_order_id})), None)

    def order_by_broker_id(self, broker_order_id: str) -> OrderRecord | None:
        """Return the order that the broker knows under this id."""
        return next(iter(self._orders({"broker_order_id": broker_order_id})), None)

    def orders(
        self,
        *,
        purpose: Purpose | None = None,
        symbol: str | None = None,
        session: dt.date | None = None,
        since: dt.date | None = None,
        live_only: bool = False,
    ) -> tuple[OrderRecord, ...]:
        """Return orders in the sequence of their intents."""
        wanted = {
            "purpose": purpose,
            "symbol": symbol,
            "session": session.isoformat() if session else None,
            "session >=": since.isoformat() if since else None,
        }
        given = {name: value for name, value in wanted.items() if value is not None}
        return tuple(self._orders(given, live_only=live_only))

    def sequence_max(self, session: SessionDate, strategy: str, symbol: str, purpose: str) -> int:
        """Return the highest intent sequence of a key; 0 if none."""
        ((found,),) = self._query(
            "SELECT max(sequence) FROM orders"
            " WHERE session = ? AND strategy = ? AND symbol = ? AND purpose = ?",
            (session.isoformat(), strategy, symbol, purpose),
        )
        return int(found or 0)

    def fills(self, *, symbol: str | None = None) -> tuple[Fill, ...]:
        """Return fills in booking order."""
        where, values = where_of({"symbol": symbol} if symbol else {})
        found = self._query(f"SELECT body FROM fills{where} ORDER BY seq", values)  # noqa: S608 - column names are ours
        return tuple(parsed(Fill.model_validate_json, body) for (body,) in found)

    def has_activity(self, activity_id: str) -> bool:
        """Return whether a fill or cash movement with that id is booked."""
        found = self._query(
            "SELECT 1 FROM fills WHERE execution_id = :id"
            " UNION ALL SELECT 1 FROM cash_movements WHERE activity_id = :id",
            {"id": activity_id},
        )
        return bool(found)

    def positions(self) -> tuple[PositionRecord, ...]:
        """Return open positions by symbol."""
        found = self._query("SELECT body FROM positions ORDER BY symbol")
        return tuple(parsed(position_of, body) for (body,) in found)

    def stops(self) -> dict[str, StopRow]:
        """Return stop memory by symbol, of open positions only."""
        found = self._query("SELECT symbol, body FROM stops ORDER BY symbol")
        return {symbol: parsed(StopRow.model_validate_json, body) for symbol, body in found}

    def cash(self) -> Decimal:
        """Return cash in USD, to the cent; zero before genesis."""
        found = self._query("SELECT value FROM facts WHERE name = 'cash'")
        return stored_number(found[0][0]) if found else Decimal("0.00")

    def flags(self) -> dict[str, FlagRow]:
        """Return every flag's newest row."""
        found = self._query("SELECT name, body FROM flags ORDER BY name")
        return {name: parsed(FlagRow.model_validate_json, body) for name, body in found}

    @contextmanager
    def copy(self) -> Iterator[SqliteJournal]:
        """Return the journal as it is now, for trying out a sync: what is written stays private."""
        with snapshot(self._db):
            trial = _Trial(self._db)
            try:
                yield trial
            finally:
                trial.close()

    @contextmanager
    def _writing(self) -> Iterator[None]:
        with transaction(self._db):
            yield

    def _append_one(self, head: Head, place: Place, row: Frozen) -> Head:
        body = canonical_line(row.as_json()).decode().rstrip("\n")
        return self._append_text(head, place, row, ROW_KINDS[type(row)], body)

    def _append_text(self, head: Head, place: Place, row: Frozen, kind: str, body: str) -> Head:
        seq = head.seq + 1
        where = (place.session.isoformat(), place.cycle, place.step)
        sha256 = link_of(head.sha256, seq, *where, kind, body)
        self._db.execute(
            "INSERT INTO journal VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (seq, *where, kind, body, head.sha256, sha256),
        )
        derive(self._db, seq, place, row)
        return Head(seq, sha256)

    def _orders(self, wanted: dict[str, Any], *, live_only: bool = False) -> list[OrderRecord]:
        where, values = where_of(wanted, *([LIVE] if live_only else []))
        found = self._query(
            f"SELECT {ORDER_COLUMNS} FROM orders{where} ORDER BY seq",  # noqa: S608 - column names are ours
            values,
        )
        return [parsed(order_of, row) for row in found]

    def _query(
        self, statement: str, values: Sequence[Any] | Mapping[str, Any] = ()
    ) -> list[tuple[Any, ...]]:
        return query(self._db, statement, values)

    def _create_tables(self) -> None:
        try:
            self._db.execute("PRAGMA journal_mode = WAL")
            # One transaction: a crash leaves all of it or an empty file.
            version = f"PRAGMA user_version = {SCHEMA_VERSION};"
            self._db.executescript(f"BEGIN IMMEDIATE;{TABLES}{version}COMMIT;")
        except sqlite3.Error as error:
            raise unusable(error, "made") from error

    def _check_head(self) -> None:
        ((version,),) = self._query("PRAGMA user_version")
        if version != SCHEMA_VERSION:
            raise JournalCorrupt(
                f"the journal has schema version {version}, this program reads {SCHEMA_VERSION}",
                hint=RESTORE,
            )
        head = self.head()
        for row in self.raw_rows(after=head.seq - 1):
            seq, session, cycle, step, kind, body, previous, sha256 = row
            if link_of(previous, seq, session, cycle, step, kind, body) != sha256:
                raise JournalCorrupt(f"journal row {seq} does not hold", hint=RESTORE)


class _Trial(SqliteJournal):
    """Reads the journal it was made from, and leaves it for a copy in memory to write."""

    def __init__(self, own: sqlite3.Connection) -> None:
        super().__init__(own)
        self._own = own

    @contextmanager
    def _writing(self) -> Iterator[None]:
        if self._db is self._own:
            private = connect(":memory:")
            self._own.backup(private)
            self._db = private
        with super()._writing():
            yield

    def close(self) -> None:
        if self._db is not self._own:
            self._db.close()
