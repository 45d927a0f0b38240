"""SQLite under the journal: connections, transactions and reads that fail in our words only."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from decimal import Decimal
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal, TypeVar

from quantcli.contracts.errors import JournalCorrupt, LedgerError, QuantcliError, StorageError
from quantcli.contracts.scalars import decimal_of
from quantcli.shell.files import make_directory, storage, sync_directory
from quantcli.shell.journal_schema import PRAGMAS

_DAMAGED = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_FORMAT})
_PRIMARY = 0xFF
_RESTORE = "see runbook/restore.md"
StoredT = TypeVar("StoredT", str, tuple[Any, ...])
ValueT = TypeVar("ValueT")


def connect(database: str) -> sqlite3.Connection:
    """Open a database, given as a path, a file: address or `:memory:`."""
    connection = sqlite3.connect(
        database, uri=database.startswith("file:"), isolation_level=None, check_same_thread=False
    )
    try:
        for pragma in PRAGMAS:
            connection.execute(pragma)
    except sqlite3.Error:
        connection.close()
        raise
    return connection


def is_at_rest(path: Path) -> bool:
    """Return whether nobody writes a database and we could not even make its side files.

    Reading a database with a write-ahead log needs a file of shared memory beside it. Where
    the folder is not to be written there is none, unless someone who may write has it open;
    with nothing in the log the file alone is the whole truth, and can be read as it lies.
    """
    log, shared = (path.with_name(path.name + end) for end in ("-wal", "-shm"))
    with storage(path):
        if shared.exists() or (log.exists() and log.stat().st_size > 0):
            return False
        # Who we are now decides, where the system can tell it from who started us.
        is_effective = os.access in os.supports_effective_ids
        return not os.access(path.parent, os.W_OK, effective_ids=is_effective)


def make_file(path: Path) -> None:
    """Make an empty file that only its owner can read: SQLite gives its log the same mode.

    Raises:
        StorageError: it exists, or the disk refused.
    """
    make_directory(path.parent)
    with storage(path):
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        os.close(os.open(path, flags, 0o600))
        sync_directory(path.parent)


def save_copy(db: sqlite3.Connection, path: Path, mode: Literal["WAL", "DELETE"]) -> None:
    """Write a consistent copy of a database, its log included, into a new file.

    With DELETE the file is all there is, and can be read where nothing may be written.

    Raises:
        StorageError: it exists, or the disk refused.
    """
    make_file(path)
    copy = connect(str(path))
    try:
        db.backup(copy)
        copy.execute(f"PRAGMA journal_mode = {mode}")
    except sqlite3.Error as error:
        raise unusable(error, "copied") from error
    finally:
        copy.close()


@contextmanager
def transaction(db: sqlite3.Connection) -> Iterator[None]:
    """Hold the write lock; commit at the end, or leave no trace of it.

    Raises:
        LedgerError: a row contradicts what is stored.
        StorageError: the disk refused, or another process keeps the lock.
    """
    try:
        db.execute("BEGIN IMMEDIATE")
        try:
            yield
            db.execute("COMMIT")
        finally:
            # A full disk may have rolled back by itself already.
            if db.in_transaction:
                db.execute("ROLLBACK")
    except sqlite3.IntegrityError as error:
        raise LedgerError(f"the journal refuses a row: {error}") from error
    except sqlite3.Error as error:
        raise unusable(error, "written") from error


@contextmanager
def snapshot(db: sqlite3.Connection) -> Iterator[None]:
    """Read one state of the journal throughout, whatever other processes write meanwhile.

    Within another snapshot it is that one's state.

    Raises:
        StorageError: it cannot be read.
    """
    if db.in_transaction:
        yield
        return
    try:
        db.execute("BEGIN")
    except sqlite3.Error as error:
        raise unusable(error, "read") from error
    try:
        yield
    finally:
        db.execute("ROLLBACK")


def query(
    db: sqlite3.Connection, statement: str, values: Sequence[Any] | Mapping[str, Any] = ()
) -> list[tuple[Any, ...]]:
    """Return all rows of a SELECT.

    Raises:
        JournalCorrupt: the file is damaged.
        StorageError: it cannot be read for another reason.
    """
    try:
        return db.execute(statement, values).fetchall()
    except sqlite3.Error as error:
        raise unusable(error, "read") from error


def unusable(error: sqlite3.Error, verb: str) -> QuantcliError:
    """Return our error for one of SQLite's: damage is told apart from a disk that says no."""
    code = getattr(error, "sqlite_errorcode", None)
    message = f"the journal cannot be {verb}: {error}"
    if code is not None and code & _PRIMARY in _DAMAGED:
        return JournalCorrupt(message, hint=_RESTORE)
    return StorageError(message, hint="check disk space and permissions, then run it again")


def parsed(read: Callable[[StoredT], ValueT], stored: StoredT) -> ValueT:
    """Return what a stored text or row says; it is immutable, and the same for the same text.

    Raises:
        JournalCorrupt: it says nothing that this program ever writes.
    """
    try:
        value: ValueT = _remembered(read, stored)
        return value
    except (ValueError, KeyError, TypeError, ArithmeticError) as error:
        raise JournalCorrupt(
            f"the journal holds something unreadable: {' '.join(str(error).split())[:120]}",
            hint=_RESTORE,
        ) from error


@lru_cache(maxsize=16_384)
def _remembered(read: Callable[[Any], Any], stored: Any) -> Any:
    """Read a text once: rows never change, and a step asks for the same orders over and over."""
    return read(stored)


def stored_number(text: str) -> Decimal:
    """Return a number as stored."""
    return parsed(decimal_of, text)
