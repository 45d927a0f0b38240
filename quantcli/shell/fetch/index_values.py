"""Daily values of an index from a CSV file or address: Cboe's form or FRED's.

Cboe: `DATE,OPEN,HIGH,LOW,CLOSE` with dates as MM/DD/YYYY. FRED: a date column and one named after
the series, dates as YYYY-MM-DD, missing values as `.` or nothing. Both hold the whole history.
"""

from __future__ import annotations

import csv
import datetime as dt
import re
from pathlib import Path

from quantcli.contracts.session_table import FIRST, LAST
from quantcli.shell.fetch.answers import Ask, Bar, Page, SourceFailed, midnight
from quantcli.shell.fetch.line import Line
from quantcli.shell.wire import BODY_BYTES_MAX, host_of

HOSTS = ("cdn.cboe.com", "fred.stlouisfed.org")
_DATES = ("date", "observation_date")
_CLOSES = ("close", "value", "vixcls")
_OTHERS = ("open", "high", "low")
_AMERICAN = re.compile(r"([0-9]{2})/([0-9]{2})/([0-9]{4})")
_MISSING = ("", ".")


class _Csv:
    """What both places have in common: the text."""

    name = "vix"
    symbols_max = 1

    def read(self, ask: Ask, body: bytes) -> Page:
        """Return the values of the range asked for.

        Raises:
            SourceFailed: it is not CSV of either form.
        """
        try:
            lines = body.decode("utf-8-sig").splitlines()
            rows = [row for row in csv.reader(lines, strict=True) if row]
        except (UnicodeDecodeError, csv.Error) as error:
            raise SourceFailed("answer-malformed", f"not CSV in UTF-8: {error}") from error
        heading = [word.strip().lower() for word in rows[0]] if rows else []
        columns, drift = _columns(heading)
        found = (_bar(row, columns, len(heading)) for row in rows[1:])
        bars = [bar for bar in found if bar is not None and ask.first <= bar.at <= ask.last]
        return Page({ask.symbols[0]: bars}, {}, "", drift)


class IndexAddress(_Csv):
    """Implements `Source` over HTTP."""

    def __init__(self, line: Line, url: str) -> None:
        """Name where."""
        self._line, self._url = line, url
        self.place = host_of(url)

    def fetch(self, ask: Ask, token: str) -> bytes:
        """Return the whole file.

        Raises:
            SourceFailed: there is none.
        """
        return self._line.get(self._url, {"Accept": "text/csv, */*"}, is_json=False)


class IndexFile(_Csv):
    """Implements `Source` over a file."""

    def __init__(self, path: Path) -> None:
        """Name where."""
        self._path = path
        self.place = path.name

    def fetch(self, ask: Ask, token: str) -> bytes:
        """Return the whole file.

        Raises:
            SourceFailed: it is missing, unreadable or too large.
        """
        try:
            if self._path.stat().st_size > BODY_BYTES_MAX:
                raise SourceFailed("answer-malformed", f"{self.place} is too large")
            return self._path.read_bytes()
        except OSError as error:
            raise SourceFailed("source-unreachable", f"{self.place}: {error.strerror}") from error


def _columns(heading: list[str]) -> tuple[dict[str, int], tuple[str, ...]]:
    """Return the place of each column we know, and the names of the others."""
    found: dict[str, int] = {}
    strange = []
    for place, word in enumerate(heading):
        ours = "date" if word in _DATES else "close" if word in _CLOSES else word
        if ours not in {"date", "close", *_OTHERS}:
            strange.append(f"column {word}")
        elif ours in found:
            raise SourceFailed("answer-malformed", f"two columns for {ours}")
        else:
            found[ours] = place
    if not {"date", "close"} <= set(found):
        raise SourceFailed("answer-malformed", "no columns for a date and a close")
    return found, tuple(strange)


def _bar(row: list[str], columns: dict[str, int], width: int) -> Bar | None:
    """Return one value; None for a date that has none, or that the session table lacks."""
    if len(row) != width:
        raise SourceFailed("answer-malformed", f"a row of {len(row)} columns, of {width}")
    date = _date(row[columns["date"]].strip())
    if not FIRST <= date <= LAST:
        return None
    opened, high, low = (
        _number(row[columns[name]]) if name in columns else None for name in _OTHERS
    )
    close = _number(row[columns["close"]])
    return None if close is None else Bar(midnight(date), opened, high, low, close, None)


def _date(text: str) -> dt.date:
    match = _AMERICAN.fullmatch(text)
    try:
        if match is not None:
            return dt.date(int(match[3]), int(match[1]), int(match[2]))
        if len(text) == 10:
            return dt.date.fromisoformat(text)
    except ValueError:
        pass
    raise SourceFailed("answer-malformed", f"not a date: {text[:20]!r}")


def _number(text: str) -> float | None:
    text = text.strip()
    if text in _MISSING:
        return None
    try:
        return float(text)
    except ValueError as error:
        raise SourceFailed("answer-malformed", f"not a number: {text[:20]!r}") from error
