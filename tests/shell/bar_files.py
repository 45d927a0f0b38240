"""Small files of bars, as a vendor would deliver them, and a store to import them into."""

import polars as pl

from quantcli.shell.bar_import import import_file

HEADING = "date,symbol,open,high,low,close,volume"
# Five sessions around Thanksgiving 2024; the 28th is a holiday, the 29th a half day.
SESSIONS = ("2024-11-25", "2024-11-26", "2024-11-27", "2024-11-29", "2024-12-02")


def daily_line(session, symbol="AAA", close=100.0, volume=1000):
    """Return one sound daily bar as CSV."""
    return f"{session},{symbol},{close - 1},{close + 2},{close - 3},{close},{volume}"


def write_csv(folder, lines, heading=HEADING, name="bars.csv"):
    """Write a CSV file and return its path."""
    path = folder / name
    path.write_text("\n".join((heading, *lines)) + "\n")
    return path


def daily_file(folder, closes, symbol="AAA", sessions=SESSIONS, name="bars.csv"):
    """Write sound daily bars of one symbol, one close per session."""
    lines = [daily_line(s, symbol, c) for s, c in zip(sessions, closes, strict=True)]
    return write_csv(folder, lines, name=name)


def take(data, path, **options):
    """Import a file; split-adjusted bars of feed `test` unless said otherwise."""
    return import_file(data, path, **{"adjustment": "split", "feed": "test", **options})


def partition(data, summary, number=0):
    """Return the rows of a partition that an import wrote."""
    return pl.read_parquet(data / summary.partitions[number])


def minute_lines(starts, symbol="AAA", price=100.0):
    """Return sound minute bars as CSV; the starts are written as they are."""
    return [f"{s},{symbol},{price},{price + 1},{price - 1},{price},10" for s in starts]
