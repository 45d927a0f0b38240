"""The AVWAP setup: a calm uptrend held close above, or reclaiming, an anchored VWAP.

One evaluation looks at the last row of its matrix and at rows before it, never further. The same
evaluation of a matrix that ends one row earlier tells whether the setup is new.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import NamedTuple

import numpy as np

from quantcli.contracts.bars import BarMatrix
from quantcli.contracts.config import AvwapSection
from quantcli.core.anchors import Anchor, AnchorRules, find_anchors
from quantcli.core.indicators import (
    Column,
    Mask,
    Rows,
    anchored_vwap,
    ratio_of,
    relative_change,
    rolling_mean,
    trailing_mean,
    trailing_median,
    true_range,
    weekly_last_rows,
)

ATR_BARS = 14
ATR_MEDIAN_BARS = 120
SLOPE_BARS = 5
TREND_CHANGE_BARS = 10
WEEKS_FAST, WEEKS_SLOW = 10, 40
NEAR_PERCENT = (0.1, 1.5)
NEAR_BONUS, RECLAIM_BONUS = 50.0, 40.0
CONFLUENCE_FRACTION = 0.01


class SetupRules(NamedTuple):
    """The thresholds of the setup; units as in their names."""

    anchors: AnchorRules
    slope_min: float
    distance_percent_max: float
    atr_usd_min: float
    atr_percent_max: float
    atr_median_multiple_max: float


def rules_of(section: AvwapSection) -> SetupRules:
    """Return the rules that a config section spells."""
    return SetupRules(
        AnchorRules(
            section.anchor_lookback_bars,
            section.swing_lookback_bars,
            float(section.gap_fraction),
            float(section.volume_spike_multiple),
        ),
        float(section.slope_min),
        float(section.distance_percent_max),
        float(section.atr_usd_min),
        float(section.atr_percent_max),
        float(section.atr_median_multiple_max),
    )


@dataclass(frozen=True, slots=True, eq=False)
class Quality:
    """The trend and the calm of each symbol at the last row.

    Attributes:
        weekly_fast, weekly_slow: Means of 10 and 40 weekly closes, USD.
        atr_usd, atr_percent: Mean true range of 14 bars, in USD and in percent of the close.
        atr_percent_median: Median of `atr_percent` over 120 bars.
        average_20, average_50: Means of closes, USD.
        change_percent: Relative change of `average_50` over 10 bars, in percent.
        tier: 1: above a rising pair of averages; 2: above a rising `average_50`; 0: neither.
    """

    weekly_fast: Column
    weekly_slow: Column
    atr_usd: Column
    atr_percent: Column
    atr_percent_median: Column
    average_20: Column
    average_50: Column
    change_percent: Column
    tier: Rows

    def of(self, columns: Rows) -> Quality:
        """Return the quality of these columns alone."""
        return Quality(**{part.name: getattr(self, part.name)[columns] for part in fields(self)})


@dataclass(frozen=True, slots=True, eq=False)
class Choice:
    """The anchor that each symbol's setup rests on.

    Attributes:
        names: Kinds of anchors, in order of priority.
        index: The chosen kind per symbol, -1 if none passes.
        row: The chosen anchor's bar.
        level: Its anchored VWAP now, USD.
        slope: Relative change of the level over 5 bars.
        distance_percent: How far the close lies above the level.
        is_reclaim: The last close but one was at or below the level, the last is above.
        confluence: Passing anchors within one percent of the level, itself included.
        score: Weight by which it was chosen, without the symbol's trend score.
        distances_percent: Distance for every kind, (kinds, symbols).
    """

    names: tuple[str, ...]
    index: Rows
    row: Rows
    level: Column
    slope: Column
    distance_percent: Column
    is_reclaim: Mask
    confluence: Rows
    score: Column
    distances_percent: Column

    def of(self, columns: Rows) -> Choice:
        """Return the choice for these columns alone."""
        parts = {part.name: getattr(self, part.name) for part in fields(self)}
        names = parts.pop("names")
        return Choice(names, **{name: part[..., columns] for name, part in parts.items()})


def quality_of(bars: BarMatrix) -> Quality:
    """Return the trend and the calm of each symbol; NaN where history is too short."""
    close = bars.close[-1]
    ranges = true_range(
        *(values[-(ATR_BARS + ATR_MEDIAN_BARS) :] for values in (bars.high, bars.low, bars.close))
    )
    atr = rolling_mean(ranges, ATR_BARS)
    percent = 100.0 * ratio_of(atr, bars.close[-len(atr) :])
    average_20, average_50 = trailing_mean(bars.close, 20), trailing_mean(bars.close, 50)
    change = relative_change(average_50, trailing_mean(bars.close, 50, ago=TREND_CHANGE_BARS))
    is_stacked = (close > average_20) & (average_20 >= average_50)
    is_rising = (close > average_50) & (change > 0)
    weekly = bars.close[weekly_last_rows(bars.sessions)]
    return Quality(
        weekly_fast=trailing_mean(weekly, WEEKS_FAST),
        weekly_slow=trailing_mean(weekly, WEEKS_SLOW),
        atr_usd=atr[-1],
        atr_percent=percent[-1],
        atr_percent_median=trailing_median(percent, ATR_MEDIAN_BARS),
        average_20=average_20,
        average_50=average_50,
        change_percent=100.0 * change,
        tier=np.where(is_stacked, 1, np.where(is_rising, 2, 0)),
    )


def is_weekly_up(quality: Quality) -> Mask:
    """Return where the mean of 10 weekly closes lies above the mean of 40."""
    return quality.weekly_fast > quality.weekly_slow


def atr_percent_cap(quality: Quality, rules: SetupRules) -> Column:
    """Return the largest ATR percent that counts as calm: the fixed cap or the median's band."""
    band = rules.atr_median_multiple_max * quality.atr_percent_median
    return np.minimum(rules.atr_percent_max, band)


def is_setup(quality: Quality, choice: Choice, rules: SetupRules) -> Mask:
    """Return where every part of the setup holds."""
    return (
        is_weekly_up(quality)
        & (quality.atr_usd >= rules.atr_usd_min)
        & (quality.tier > 0)
        & (quality.atr_percent <= atr_percent_cap(quality, rules))
        & (choice.index >= 0)
    )


def choose_anchor(bars: BarMatrix, rules: SetupRules) -> Choice:
    """Return the anchor of highest score among those that pass, for each symbol.

    An anchor passes if the close lies above its level, at most `distance_percent_max` away, and
    the level's slope is known and at least `slope_min`; a reclaim excuses the slope's size. An
    anchor younger than 5 bars has no slope yet and does not pass. On equal scores the kind of
    higher priority wins.
    """
    anchors = find_anchors(bars, rules.anchors)
    level, before = _levels(bars, anchors)
    close, last_close = bars.close[-1], bars.close[-2]
    slope = relative_change(level, before)
    distance = 100.0 * ratio_of(close - level, level)
    is_reclaim = (last_close <= level) & (close > level)
    passes = (
        (close > level)
        & (distance <= rules.distance_percent_max)
        & ((slope >= rules.slope_min) | (is_reclaim & ~np.isnan(slope)))
    )
    is_near = (distance >= NEAR_PERCENT[0]) & (distance <= NEAR_PERCENT[1])
    priority = np.array([anchor.priority for anchor in anchors])[:, None]
    bonus = NEAR_BONUS * is_near + RECLAIM_BONUS * is_reclaim
    score = np.where(passes, priority - np.abs(distance) + bonus, -np.inf)
    best = np.argmax(score, axis=0)

    def chosen(values: Column) -> Column:
        picked: Column = np.take_along_axis(values, best[None], axis=0)[0]
        return picked

    winner = chosen(level)
    is_close = passes & (np.abs(level - winner) <= CONFLUENCE_FRACTION * winner)
    rows = np.stack([anchor.rows for anchor in anchors])
    return Choice(
        names=tuple(anchor.name for anchor in anchors),
        index=np.where(passes.any(axis=0), best, -1),
        row=np.take_along_axis(rows, best[None], axis=0)[0],
        level=winner,
        slope=chosen(slope),
        distance_percent=chosen(distance),
        is_reclaim=np.take_along_axis(is_reclaim, best[None], axis=0)[0],
        confluence=is_close.sum(axis=0, dtype=np.int64),
        score=chosen(score),
        distances_percent=distance,
    )


def _levels(bars: BarMatrix, anchors: tuple[Anchor, ...]) -> tuple[Column, Column]:
    """Return every anchor's VWAP now and 5 bars ago, each (kinds, symbols)."""
    turnover = (bars.high + bars.low + bars.close) / 3.0 * bars.volume
    levels = [
        anchored_vwap(turnover, bars.volume, anchor.rows, ago=(0, SLOPE_BARS)) for anchor in anchors
    ]
    return np.stack([pair[0] for pair in levels]), np.stack([pair[1] for pair in levels])
