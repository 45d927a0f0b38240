"""Partitions laid out for reading: each verified, parsed and pivoted once in a process.

Layouts are keyed by digest, so that stores pinned to different days share what they have in
common. Arrays are read-only: one caller cannot change what the next one sees.
"""

from __future__ import annotations

import datetime as dt
import math
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from quantcli.contracts.bars import IndexValue, MinuteBar
from quantcli.contracts.corporate_actions import (
    CorporateAction,
    dividend_of,
    split_of,
    whole_rates,
)
from quantcli.contracts.envelope import InputRef
from quantcli.contracts.session_table import FIRST, LAST
from quantcli.core.sessions import sessions_between
from quantcli.shell.catalog import QuarantineEntry, load_quarantine, read_frame

if TYPE_CHECKING:
    import polars as pl

    from quantcli.contracts.bars import Column

#: open, high, low, close in USD per share, volume in shares.
Row = tuple[float, float, float, float, float]
COLUMNS = ("open", "high", "low", "close", "volume")
_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_EPOCH_DAY = _EPOCH.date()
#: Stacks of years kept at once: a replay moves through one or two at a time.
_STACKS_MAX = 4
_NO_SPLIT = 1.0
#: USD per share; less is none, to the places that amounts have.
_DIVIDEND_MIN = 0.0000005


class Contents(NamedTuple):
    """What a partition holds."""

    symbols: tuple[str, ...]
    first: dt.date
    last: dt.date


@dataclass(frozen=True, slots=True, eq=False)
class Stack:
    """Consecutive calendar years as [sessions x symbols] arrays, in the order of `COLUMNS`."""

    symbols: tuple[str, ...]
    row_of: dict[dt.date, int]
    columns: tuple[Column, ...]


@dataclass(frozen=True, slots=True, eq=False)
class YearBlock:
    """The daily bars of one calendar year; quarantined bars are NaN."""

    symbols: tuple[str, ...]
    row_of: dict[dt.date, int]
    columns: tuple[Column, ...]
    actions: tuple[CorporateAction, ...]
    _rows: dict[dt.date, dict[str, Row]] = field(default_factory=dict)

    def row(self, session: dt.date) -> dict[str, Row]:
        """Return symbol -> (open, high, low, close, volume) of a session; no NaN."""
        if session not in self._rows:
            place = self.row_of.get(session)
            bars = [] if place is None else list(self._bars(place))
            self._rows[session] = {symbol: bar for symbol, bar in bars if bar[3] == bar[3]}
        return self._rows[session]

    def _bars(self, place: int) -> Iterator[tuple[str, Row]]:
        values = (column[place].tolist() for column in self.columns)
        return zip(self.symbols, zip(*values, strict=True), strict=True)


class Layouts:
    """The partitions of one data folder that this process has read."""

    def __init__(self, data: Path) -> None:
        """Name the data folder; nothing is read yet."""
        self._data = data
        self._frames: dict[str, pl.DataFrame] = {}
        self._blocks: dict[tuple[str, str], YearBlock] = {}
        self._stacks: OrderedDict[tuple[str, ...], Stack] = OrderedDict()
        self._minutes: dict[str, dict[dt.date, tuple[MinuteBar, ...]]] = {}
        self._index: dict[str, tuple[IndexValue, ...]] = {}
        self._lists: dict[str, tuple[QuarantineEntry, ...]] = {}

    def contents(self, ref: InputRef) -> Contents:
        """Return what a partition holds, read from the partition itself."""
        frame = self._frame(ref)
        sessions = frame["session"].unique().sort().to_list()
        return Contents(tuple(frame["symbol"].unique().sort()), sessions[0], sessions[-1])

    def quarantine(self, ref: InputRef | None) -> tuple[QuarantineEntry, ...]:
        """Return the entries of a quarantine list; none without a list."""
        if ref is None:
            return ()
        if ref.sha256 not in self._lists:
            self._lists[ref.sha256] = load_quarantine(self._data, ref)
        return self._lists[ref.sha256]

    def block(self, ref: InputRef, quarantine: InputRef | None) -> YearBlock:
        """Return the block of a daily partition."""
        key = (ref.sha256, "" if quarantine is None else quarantine.sha256)
        if key not in self._blocks:
            frame = self._frame(ref)
            year = int(ref.name.split("/")[-2])
            wrong = {(entry.symbol, entry.session) for entry in self.quarantine(quarantine)}
            self._blocks[key] = _block(frame, _sessions_of(year), wrong)
        return self._blocks[key]

    def stack(
        self, years: tuple[tuple[str, InputRef | None], ...], quarantine: InputRef | None
    ) -> Stack:
        """Return consecutive years in one matrix; a year without partition is all NaN."""
        digests = (*((f"{y}:{r.sha256}" if r else y) for y, r in years), str(quarantine))
        if digests in self._stacks:
            self._stacks.move_to_end(digests)
            return self._stacks[digests]
        blocks = [(int(y), self.block(r, quarantine) if r else None) for y, r in years]
        stack = _stack(blocks)
        self._stacks[digests] = stack
        if len(self._stacks) > _STACKS_MAX:
            self._stacks.popitem(last=False)
        return stack

    def minutes(self, ref: InputRef, session: dt.date) -> tuple[MinuteBar, ...]:
        """Return the bars of one session of a minute partition, oldest first."""
        sessions = self._minutes.setdefault(ref.sha256, {})
        if session not in sessions:
            frame = self._frame(ref)
            sessions[session] = _minute_bars(frame.filter(frame["session"] == session))
        return sessions[session]

    def index(self, ref: InputRef) -> tuple[IndexValue, ...]:
        """Return the values of an index partition, oldest first, faulty ones included."""
        if ref.sha256 not in self._index:
            rows = self._frame(ref).select("session", "close").sort("session").iter_rows()
            self._index[ref.sha256] = tuple(IndexValue(*row) for row in rows)
        return self._index[ref.sha256]

    def _frame(self, ref: InputRef) -> pl.DataFrame:
        if ref.sha256 not in self._frames:
            self._frames[ref.sha256] = read_frame(self._data, ref)
        return self._frames[ref.sha256]


def _sessions_of(year: int) -> tuple[dt.date, ...]:
    return sessions_between(max(dt.date(year, 1, 1), FIRST), min(dt.date(year, 12, 31), LAST))


def _block(
    frame: pl.DataFrame, sessions: tuple[dt.date, ...], wrong: set[tuple[str, dt.date]]
) -> YearBlock:
    """Lay out the rows of one year; rows on dates without a session are passed over."""
    import numpy as np
    import polars as pl

    symbols = tuple(frame["symbol"].unique().sort())
    row_of = {session: place for place, session in enumerate(sessions)}
    days = np.array([(session - _EPOCH_DAY).days for session in sessions], dtype=np.int64)
    found = frame["session"].to_physical().to_numpy().astype(np.int64)
    place = np.searchsorted(days, found).clip(max=len(days) - 1)
    is_session = days[place] == found
    column = frame["symbol"].cast(pl.Enum(symbols)).to_physical().to_numpy()
    at = place[is_session], column[is_session]
    columns = []
    column_of = {symbol: number for number, symbol in enumerate(symbols)}
    hidden = [
        (row_of[session], column_of[symbol])
        for symbol, session in sorted(wrong)
        if session in row_of and symbol in column_of
    ]
    for name in COLUMNS:
        array = np.full((len(sessions), len(symbols)), np.nan)
        array[at] = frame[name].to_numpy()[is_session]
        for cell in hidden:
            array[cell] = np.nan
        array.setflags(write=False)
        columns.append(array)
    return YearBlock(symbols, row_of, tuple(columns), _actions(frame))


def _actions(frame: pl.DataFrame) -> tuple[CorporateAction, ...]:
    """Return the splits and dividends that the bars of a year tell of, by date and symbol."""
    import polars as pl

    is_split = (pl.col("split_ratio") > 0) & (pl.col("split_ratio") != _NO_SPLIT)
    splits = frame.filter(is_split).select("symbol", "session", "split_ratio")
    paid = frame.filter(pl.col("dividend") > _DIVIDEND_MIN).select("symbol", "session", "dividend")
    found = [
        *(split_of(name, day, Fraction(rate)) for name, day, rate in splits.iter_rows()
          if _is_told_in_shares(rate)),
        *(dividend_of(name, day, Decimal(repr(usd))) for name, day, usd in paid.iter_rows()),
    ]  # fmt: skip
    return tuple(sorted(set(found), key=lambda each: each.key))


def _is_told_in_shares(ratio: float) -> bool:
    """Return whether whole rates can tell a ratio, other than one for one."""
    try:
        return math.isfinite(ratio) and whole_rates(Fraction(ratio)) != 1
    except ValueError:
        return False


def _stack(blocks: list[tuple[int, YearBlock | None]]) -> Stack:
    """Put years above each other; the columns are the symbols of any of them."""
    import numpy as np

    symbols = tuple(sorted({s for _, block in blocks if block for s in block.symbols}))
    sessions = [session for year, _ in blocks for session in _sessions_of(year)]
    place = {symbol: number for number, symbol in enumerate(symbols)}
    columns = [np.full((len(sessions), len(symbols)), np.nan) for _ in COLUMNS]
    top = 0
    for year, block in blocks:
        height = len(_sessions_of(year))
        if block is not None:
            at = [place[symbol] for symbol in block.symbols]
            for target, source in zip(columns, block.columns, strict=True):
                target[top : top + height, at] = source
        top += height
    for column in columns:
        column.setflags(write=False)
    return Stack(symbols, {s: row for row, s in enumerate(sessions)}, tuple(columns))


def _minute_bars(rows: pl.DataFrame) -> tuple[MinuteBar, ...]:
    ordered = rows.sort("start")
    starts = ordered["start"].to_physical().to_list()
    values = ordered.select(COLUMNS).iter_rows()
    return tuple(
        MinuteBar(_EPOCH + dt.timedelta(microseconds=start), *bar)
        for start, bar in zip(starts, values, strict=True)
    )
