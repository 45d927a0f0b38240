"""Anchors: the bars from which a volume-weighted average price is worth watching.

Calendar anchors go by the data session's own year and month. An anchor that does not exist in
the rows at hand is -1, never a substitute such as the first row.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Hashable, Sequence
from typing import NamedTuple

import numpy as np

from quantcli.contracts.bars import BarMatrix
from quantcli.core.indicators import Column, Mask, Rows, last_true, ratio_of, rolling_mean

VOLUME_MEAN_BARS = 20
PRIOR_HIGH_BARS = 5
CLOSE_IN_RANGE_MIN = 0.7


class AnchorRules(NamedTuple):
    """How far back anchors are sought, and what makes a gap or a volume breakout.

    Attributes:
        lookback_bars: Rows searched for gaps and volume breakouts.
        swing_bars: Rows searched for the lowest low and the highest high.
        gap_fraction: Least |open - previous close| / previous close; 0.04 is four percent.
        volume_multiple: A breakout trades more than this many times its 20-bar mean volume.
    """

    lookback_bars: int
    swing_bars: int
    gap_fraction: float
    volume_multiple: float


class Anchor(NamedTuple):
    """One kind of anchor over all symbols.

    Attributes:
        name: Kebab-case.
        priority: Weight in the choice between anchors.
        rows: Row per symbol, -1 for none.
    """

    name: str
    priority: float
    rows: Rows


def find_anchors(bars: BarMatrix, rules: AnchorRules) -> tuple[Anchor, ...]:
    """Return the six kinds of anchors of `bars`, highest priority first.

    Where two kinds fall on one bar of a symbol, the lower priority has none there: it would be
    the same line counted twice.
    """
    gaps, breakouts = is_gap(bars, rules), is_volume_breakout(bars, rules)
    found = (
        Anchor("year-start", 100.0, period_rows(bars, lambda session: session.year)),
        Anchor("gap", 90.0, newest_row(gaps)),
        Anchor("volume-breakout", 80.0, newest_row(breakouts)),
        Anchor("month-start", 70.0, period_rows(bars, lambda session: session.month)),
        Anchor("swing-low", 50.0, extreme_rows(-bars.low, rules.swing_bars)),
        Anchor("swing-high", 40.0, extreme_rows(bars.high, rules.swing_bars)),
    )
    return without_repeats(found)


def without_repeats(anchors: Sequence[Anchor]) -> tuple[Anchor, ...]:
    """Return the anchors without the rows that an earlier one of the sequence already holds."""
    kept: list[Anchor] = []
    for anchor in anchors:
        is_repeated = np.zeros(anchor.rows.shape, dtype=np.bool_)
        for earlier in kept:
            is_repeated |= earlier.rows == anchor.rows
        kept.append(anchor._replace(rows=np.where(is_repeated, -1, anchor.rows)))
    return tuple(kept)


def period_rows(bars: BarMatrix, period_of: Callable[[dt.date], Hashable]) -> Rows:
    """Return each symbol's first bar in the data session's own period (year, month).

    -1 if the matrix does not reach back before the period: its first row may then be any day.
    A symbol listed within the period is anchored at its first bar.
    """
    period = period_of(bars.sessions[-1])
    first = len(bars.sessions) - 1
    while first >= 0 and period_of(bars.sessions[first]) == period:
        first -= 1
    columns = bars.close.shape[1]
    if first < 0:
        return np.full(columns, -1, dtype=np.int64)
    has_bar = ~np.isnan(bars.close[first + 1 :])
    return np.where(has_bar.any(axis=0), first + 1 + np.argmax(has_bar, axis=0), -1)


def is_gap(bars: BarMatrix, rules: AnchorRules) -> Mask:
    """Return, over all rows, which bars of the lookback opened away from the last close."""
    found = np.zeros(bars.close.shape, dtype=np.bool_)
    start = max(len(found) - rules.lookback_bars, 1)
    before = bars.close[start - 1 : -1]
    moved = ratio_of(np.abs(bars.open[start:] - before), before)
    found[start:] = moved >= rules.gap_fraction
    return found


def is_volume_breakout(bars: BarMatrix, rules: AnchorRules) -> Mask:
    """Return, over all rows, which bars of the lookback broke out on volume.

    A breakout trades more than `volume_multiple` times the mean of 20 bars that it ends itself,
    closes in the top 30 percent of its range, and above the highest high of the 5 bars before.
    A bar without range is none.
    """
    found = np.zeros(bars.close.shape, dtype=np.bool_)
    start = max(len(found) - rules.lookback_bars, VOLUME_MEAN_BARS - 1)
    if start >= len(found):
        return found
    volume = bars.volume[start - VOLUME_MEAN_BARS + 1 :]
    usual = rolling_mean(volume, VOLUME_MEAN_BARS)[VOLUME_MEAN_BARS - 1 :]
    high, low, close = bars.high[start:], bars.low[start:], bars.close[start:]
    place = ratio_of(close - low, high - low)
    found[start:] = (
        (bars.volume[start:] > rules.volume_multiple * usual)
        & (place >= CLOSE_IN_RANGE_MIN)
        & (close > prior_high(bars.high, start))
    )
    return found


def prior_high(high: Column, start: int) -> Column:
    """Return, for each row from `start` on, the highest high of the 5 rows before it."""
    end = len(high)
    highest = high[start - 1 : end - 1].copy()
    for back in range(2, PRIOR_HIGH_BARS + 1):
        np.maximum(highest, high[start - back : end - back], out=highest)
    return highest


def newest_row(mask: Mask) -> Rows:
    """Return the newest true row of each column, -1 for none."""
    return np.where(mask.any(axis=0), last_true(mask), -1)


def extreme_rows(values: Column, bars: int) -> Rows:
    """Return the row of each column's largest value among the last `bars` rows.

    The oldest of equals; -1 where a value is unknown or there are fewer rows.
    """
    if len(values) < bars:
        return np.full(values.shape[1], -1, dtype=np.int64)
    recent = values[-bars:]
    rows = len(values) - bars + np.argmax(recent, axis=0)
    return np.where(np.isnan(recent).any(axis=0), -1, rows)
