"""The rows and columns a scan may look at, and which symbols have enough of them.

A bar is a row whose five values are all known; anything less is a missing bar. Single old holes
are closed by a bar without trade (the last close, no volume), which says what is known and adds
nothing to a volume-weighted price. Holes in recent rows are not closed by trust: they exclude.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from quantcli.contracts.bars import BarMatrix
from quantcli.core.indicators import Column, Mask, Rows


class HistoryRules(NamedTuple):
    """How much history a symbol needs.

    Attributes:
        bars_min: Bars that must exist.
        gaps_max: They must lie within the newest `bars_min` + `gaps_max` sessions.
        unbroken_bars: The newest sessions that must all have a bar.
    """

    bars_min: int
    gaps_max: int
    unbroken_bars: int


class Coverage(NamedTuple):
    """What history each symbol has.

    Attributes:
        is_current: There is a bar in the last session.
        hole_rows: Row of the newest missing bar among those that must be unbroken, -1 for none.
        counts: Bars within the sessions that count.
    """

    is_current: Mask
    hole_rows: Rows
    counts: Rows


def rows_of(matrix: BarMatrix, start: int | None, stop: int | None) -> BarMatrix:
    """Return a slice of the rows: views, nothing is copied."""
    rows = slice(start, stop)
    return _changed(matrix, matrix.symbols, matrix.sessions[rows], lambda values: values[rows])


def columns_of(matrix: BarMatrix, symbols: Sequence[str]) -> BarMatrix:
    """Return the columns of `symbols` in that order; a symbol the matrix lacks is all NaN."""
    if tuple(symbols) == matrix.symbols:
        return matrix
    known = {symbol: column for column, symbol in enumerate(matrix.symbols)}
    places = np.array([known.get(symbol, -1) for symbol in symbols], dtype=np.int64)
    absent = places < 0

    def taken(values: Column) -> Column:
        if absent.all():
            return np.full((len(values), len(places)), np.nan)
        chosen: Column = np.take(values, places, axis=1)
        chosen[:, absent] = np.nan
        return chosen

    return _changed(matrix, tuple(symbols), matrix.sessions, taken)


def has_bar(matrix: BarMatrix) -> Mask:
    """Return which cells hold a whole bar, (sessions, symbols)."""
    return np.isfinite(matrix.open + matrix.high + matrix.low + matrix.close + matrix.volume)


def newest_session(matrix: BarMatrix) -> dt.date | None:
    """Return the newest session in which any symbol has a bar; None if there is none."""
    for row in range(len(matrix.sessions) - 1, -1, -1):
        if has_bar(rows_of(matrix, row, row + 1)).any():
            return matrix.sessions[row]
    return None


def coverage_of(matrix: BarMatrix, rules: HistoryRules) -> Coverage:
    """Return what history each symbol of a matrix of at least one row has."""
    present = has_bar(matrix)
    recent = present[-rules.unbroken_bars :]
    newest_hole = len(present) - 1 - np.argmin(recent[::-1], axis=0)
    hole_rows = np.where(recent.all(axis=0), -1, newest_hole)
    counted = present[-(rules.bars_min + rules.gaps_max) :]
    return Coverage(present[-1], hole_rows, counted.sum(axis=0, dtype=np.int64))


def is_covered(coverage: Coverage, rules: HistoryRules) -> Mask:
    """Return which symbols have all the history that the rules ask for."""
    return (coverage.hole_rows < 0) & (coverage.counts >= rules.bars_min)


def without_holes(matrix: BarMatrix) -> BarMatrix:
    """Return the matrix with each missing bar that follows a bar replaced by one without trade.

    Rows before a symbol's first bar stay NaN.
    """
    present = has_bar(matrix)
    if present.all():
        return matrix
    rows = np.maximum.accumulate(
        np.where(present, np.arange(len(present))[:, None], -1), axis=0
    )  # the newest bar at or before each cell
    last_close = np.take_along_axis(matrix.close, np.maximum(rows, 0), axis=0)
    quiet = np.where(rows >= 0, last_close, np.nan)
    silent = np.where(rows >= 0, 0.0, np.nan)
    volume = np.where(present, matrix.volume, silent)
    prices = _changed(
        matrix, matrix.symbols, matrix.sessions, lambda values: np.where(present, values, quiet)
    )
    return BarMatrix(
        prices.symbols, prices.sessions, prices.open, prices.high, prices.low, prices.close,
        volume, prices.feed, prices.adjustment, prices.refs,
    )  # fmt: skip


def _changed(
    matrix: BarMatrix,
    symbols: tuple[str, ...],
    sessions: tuple[dt.date, ...],
    change: Callable[[Column], Column],
) -> BarMatrix:
    return BarMatrix(
        symbols, sessions, change(matrix.open), change(matrix.high), change(matrix.low),
        change(matrix.close), change(matrix.volume), matrix.feed, matrix.adjustment, matrix.refs,
    )  # fmt: skip
