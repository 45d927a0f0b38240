"""Indicators over columns: float64 arrays with one row per session and one column per symbol.

Rows run oldest first; NaN means unknown and stays unknown. Every sum is added oldest first with
`numpy.add.accumulate`, which is sequential: `sum` and `mean` choose their order by memory layout,
and another order gives other last digits. An indicator reads a fixed number of rows, so its value
does not depend on how much history happens to lie before them.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Column = NDArray[np.float64]
Rows = NDArray[np.int64]
Mask = NDArray[np.bool_]


def ratio_of(numerator: Column, denominator: Column) -> Column:
    """Return the quotient; NaN where the denominator is zero or unknown."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(denominator == 0, np.nan, numerator / denominator)


def trailing_mean(values: Column, bars: int, ago: int = 0) -> Column:
    """Return each column's mean of `bars` rows, the newest of them `ago` rows before the last.

    NaN everywhere when there are fewer rows than that, and in columns with a NaN among them.

    Examples:
        >>> trailing_mean(np.array([[1.0], [2.0], [4.0]]), 2).tolist()
        [3.0]
        >>> trailing_mean(np.array([[1.0], [2.0], [4.0]]), 2, ago=1).tolist()
        [1.5]
    """
    end = len(values) - ago
    if end < bars:
        return np.full(values.shape[1:], np.nan)
    total: Column = np.add.accumulate(values[end - bars : end], axis=0)[-1]
    return total / bars


def rolling_mean(values: Column, bars: int) -> Column:
    """Return the mean of each row and the `bars` - 1 rows before it; NaN in the first rows."""
    means = np.full(values.shape, np.nan)
    count = len(values) - bars + 1
    if count > 0:
        total = values[:count].copy()
        for offset in range(1, bars):
            total += values[offset : offset + count]
        means[bars - 1 :] = total / bars
    return means


def trailing_median(values: Column, bars: int) -> Column:
    """Return each column's median of the last `bars` rows; NaN if one is unknown or missing."""
    if len(values) < bars:
        return np.full(values.shape[1:], np.nan)
    ordered = np.sort(values[-bars:], axis=0)  # NaN sorts last
    middle = (ordered[(bars - 1) // 2] + ordered[bars // 2]) / 2
    return np.where(np.isnan(ordered[-1]), np.nan, middle)


def relative_change(now: Column, before: Column) -> Column:
    """Return (now - before) / |before|; NaN where `before` is zero or unknown."""
    return ratio_of(now - before, np.abs(before))


def true_range(high: Column, low: Column, close: Column) -> Column:
    """Return the true range, USD: the bar's own range, or its reach from the close before.

    The first row has no close before it and is NaN.
    """
    before = close[:-1]
    ranges = np.full(close.shape, np.nan)
    ranges[1:] = np.maximum(
        high[1:] - low[1:], np.maximum(np.abs(high[1:] - before), np.abs(low[1:] - before))
    )
    return ranges


def smoothed(values: Column, period: int) -> Column:
    """Return Wilder's average of values >= 0: the first row, then 1/period of each new row.

    Written as one running sum of rows weighted by the inverse of what is forgotten, which gives
    the recursion's values without a loop. The weights grow as (1 - 1/period) ** -rows: period 14
    reaches the limit of a float after 9,500 rows. A NaN makes the rest of its column NaN.
    """
    alpha = 1.0 / period
    kept = np.multiply.accumulate(np.full(len(values), 1.0 - alpha)) / (1.0 - alpha)
    kept = kept.reshape(-1, *([1] * (values.ndim - 1)))
    weighted = values * (alpha / kept)
    weighted[0] = values[0]
    averages: Column = np.add.accumulate(weighted, axis=0) * kept
    return averages


def directional_index(high: Column, low: Column, close: Column, period: int, bars: int) -> Column:
    """Return the average directional index (0 to 100) of the last row.

    Args:
        high: USD per share.
        low: USD per share.
        close: USD per share.
        period: Wilder's period, usually 14.
        bars: Movements to start from; the averages forget at (1 - 1/period) a bar, and a fixed
            start makes the value independent of older history.

    Returns:
        One value per column; NaN with fewer than `bars` + 1 rows or a NaN among them.

    Source:
        J. W. Wilder, New Concepts in Technical Trading Systems, 1978.
    """
    if len(close) <= bars:
        return np.full(close.shape[1:], np.nan)
    high, low, close = high[-bars - 1 :], low[-bars - 1 :], close[-bars - 1 :]
    up, down = high[1:] - high[:-1], low[:-1] - low[1:]
    moves = np.stack(
        [
            np.where((up > down) & (up > 0), up, 0.0),
            np.where((down > up) & (down > 0), down, 0.0),
            true_range(high, low, close)[1:],
        ],
        axis=1,
    )
    averages = smoothed(moves, period)
    plus, minus, reach = averages[:, 0], averages[:, 1], averages[:, 2]
    spread = np.where(plus + minus > 0, ratio_of(np.abs(plus - minus), plus + minus), 0.0)
    index: Column = 100.0 * smoothed(spread, period)[-1]
    return np.where(np.isnan(reach[-1]), np.nan, index)


def weekly_last_rows(sessions: Sequence[dt.date]) -> Rows:
    """Return the row of the last session of each week, the current week included.

    Weeks run from Monday to Friday, so that a holiday on Friday ends the week on Thursday.
    """
    weeks = np.array([(session.toordinal() - 1) // 7 for session in sessions], dtype=np.int64)
    ends = np.flatnonzero(weeks[1:] != weeks[:-1])
    return np.append(ends, len(weeks) - 1).astype(np.int64)


def anchored_vwap(
    turnover: Column, volume: Column, first_rows: Rows, ago: Sequence[int] = (0,)
) -> Column:
    """Return each column's volume-weighted price from its anchor row on, in USD per share.

    Args:
        turnover: Typical price times volume, USD, (rows, columns).
        volume: Shares, same shape.
        first_rows: The anchor's row per column; -1 for a column without this anchor.
        ago: Ends of the sum, in rows before the last one.

    Returns:
        One row per end; NaN without an anchor, with the anchor after that end, or if no share
        was traded in between.
    """
    levels = np.full((len(ago), volume.shape[1]), np.nan)
    anchored = first_rows >= 0
    if not anchored.any():
        return levels
    start, end = int(first_rows[anchored].min()), len(volume)
    inside = (np.arange(start, end)[:, None] >= first_rows) & anchored
    paid = np.add.accumulate(np.where(inside, turnover[start:], 0.0), axis=0)
    shares = np.add.accumulate(np.where(inside, volume[start:], 0.0), axis=0)
    for place, back in enumerate(ago):
        if back < end - start:
            levels[place] = ratio_of(paid[-1 - back], shares[-1 - back])
    return levels


def swing_low_rows(low: Column, bars: int) -> Rows:
    """Return the row of each column's newest swing low among its last `bars` rows, else -1.

    A swing low lies strictly below both neighbours; the last row has only one and never is.
    """
    first = max(len(low) - bars, 1)
    rows = np.full(low.shape[1:], -1, dtype=np.int64)
    if len(low) - 1 <= first:
        return rows
    is_low = (low[first:-1] < low[first - 1 : -2]) & (low[first:-1] < low[first + 1 :])
    return np.where(is_low.any(axis=0), first + last_true(is_low), rows)


def last_true(mask: Mask) -> Rows:
    """Return the newest row that is true in each column; meaningless in columns without one."""
    rows: Rows = len(mask) - 1 - np.argmax(mask[::-1], axis=0)
    return rows
