"""Reading a book's clock without opening the exchange, and without changing a byte of it."""

from __future__ import annotations

import datetime as dt
import sqlite3
from pathlib import Path

from quantcli.exchange.trading_hours import instant_of


def book_clock(path: Path) -> dt.datetime | None:
    """Return the clock of a book; None if there is no readable book.

    A book that nobody has open is read as immutable, so that no side file appears beside it.
    """
    if not path.is_file():
        return None
    log = path.with_name(path.name + "-wal")
    is_open = log.exists() and log.stat().st_size > 0
    flags = "mode=ro" if is_open else "mode=ro&immutable=1"
    try:
        connection = sqlite3.connect(f"{path.resolve().as_uri()}?{flags}", uri=True)
    except sqlite3.Error:
        return None
    try:
        row = connection.execute("SELECT clock FROM venue").fetchone()
    except sqlite3.Error:
        return None
    finally:
        connection.close()
    return instant_of(row[0]) if row else None
