"""The file of a book: made privately, recognised by its mark, brought up to the newest tables."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path

from quantcli.contracts.errors import JournalCorrupt, StorageError
from quantcli.exchange.schema import APPLICATION_ID, TABLES, UPGRADES, VERSION

BUSY_SECONDS_MAX = 30


def connect(path: Path | None, *, is_synced_each_commit: bool) -> sqlite3.Connection:
    """Open or make the file of a book; None keeps it in memory.

    Raises:
        StorageError: the file cannot be opened.
        JournalCorrupt: it is no book of this program, or of a newer one.
    """
    try:
        if path is not None:
            _make_private(path)
        db = sqlite3.connect(
            ":memory:" if path is None else path,
            timeout=BUSY_SECONDS_MAX, isolation_level=None, check_same_thread=False,
        )  # fmt: skip
        db.execute("PRAGMA journal_mode = WAL")
        db.execute(f"PRAGMA synchronous = {'FULL' if is_synced_each_commit else 'NORMAL'}")
        if _marks(db) != (APPLICATION_ID, VERSION):
            _make_tables(db, path)
    except sqlite3.Error as error:
        raise storage_error(error, path) from error
    except OSError as error:
        raise StorageError(
            f"the exchange's book cannot be opened: {error.strerror}", value=path,
            hint="free space or repair permissions, then run the command again",
        ) from error  # fmt: skip
    return db


def storage_error(error: sqlite3.Error, path: Path | None) -> StorageError:
    """Return what an error of SQLite means to the caller."""
    hint = "another process may hold the book, or the disk is full"
    if isinstance(error, sqlite3.DatabaseError) and not isinstance(error, sqlite3.OperationalError):
        return JournalCorrupt(f"the exchange's book is damaged: {error}", value=path)
    return StorageError(f"the exchange's book cannot be used: {error}", value=path, hint=hint)


def _make_tables(db: sqlite3.Connection, path: Path | None) -> None:
    """Make the tables of an empty file, or change those of an older book, in one transaction.

    Another process may have been faster: then there is nothing left to do.
    """
    db.execute("BEGIN IMMEDIATE")
    with db:
        mark, version = _marks(db)
        if (mark, version) == (APPLICATION_ID, VERSION):
            return
        if mark == APPLICATION_ID and version in UPGRADES:
            statements = [each for old in range(version, VERSION) for each in UPGRADES[old]]
        elif version or db.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
            raise JournalCorrupt("not a book of this exchange, or of a newer one", value=path)
        else:
            statements = [*TABLES, f"PRAGMA application_id = {APPLICATION_ID}"]
        for statement in (*statements, f"PRAGMA user_version = {VERSION}"):
            db.execute(statement)


def _marks(db: sqlite3.Connection) -> tuple[int, int]:
    mark: int = db.execute("PRAGMA application_id").fetchone()[0]
    version: int = db.execute("PRAGMA user_version").fetchone()[0]
    return mark, version


def _make_private(path: Path) -> None:
    """Make the file, if there is none, readable by its owner only: SQLite would not.

    Its log and its shared memory take their mode from it.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
