"""From columns to one proposal: prices, labels and features of a symbol whose setup is new."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

import numpy as np

from quantcli.contracts.bars import BarMatrix
from quantcli.contracts.scalars import ratio
from quantcli.core.anchors import is_gap, newest_row
from quantcli.core.indicators import (
    Column,
    Rows,
    directional_index,
    ratio_of,
    swing_low_rows,
)
from quantcli.core.strategies import avwap_labels as words
from quantcli.core.strategies.avwap_levels import Levels, levels_of
from quantcli.core.strategies.avwap_setup import (
    ATR_BARS,
    Choice,
    Quality,
    SetupRules,
)
from quantcli.core.strategies.candidate import Candidate

NAME = "avwap"
TIERS = {1: "A", 2: "B"}


@dataclass(frozen=True, slots=True, eq=False)
class View:
    """Everything known about the symbols of one session, one entry per column of `bars`.

    Attributes:
        bars: Through the data session, without holes.
        quality, choice: The parts of the setup.
        adx: Average directional index, 0 to 100.
        trend: Trend score; NaN with too little history.
        vwap: Rolling 20-bar VWAP, USD.
        slope_50: Relative change of the 50-bar average over 5 bars.
        gap_rows: Newest gap within the lookback, -1 for none.
        swing_rows: Newest swing low within the lookback, -1 for none.
    """

    bars: BarMatrix
    quality: Quality
    choice: Choice
    adx: Column
    trend: Column
    vwap: Column
    slope_50: Column
    gap_rows: Rows
    swing_rows: Rows


def view_of(
    bars: BarMatrix, quality: Quality, choice: Choice, rules: SetupRules, adx_bars: int
) -> View:
    """Return the view of a session.

    Args:
        bars: Through the data session, without holes.
        quality: Of the same columns.
        choice: Of the same columns.
        rules: Where gaps and swing lows are sought.
        adx_bars: Movements that feed the directional index.
    """
    adx = adx_of(bars, adx_bars)
    return View(
        bars=bars,
        quality=quality,
        choice=choice,
        adx=adx,
        trend=trend_score(quality, adx),
        vwap=words.rolling_vwap(bars),
        slope_50=words.average_slope(bars),
        gap_rows=newest_row(is_gap(bars, rules.anchors)),
        swing_rows=swing_low_rows(bars.low, rules.anchors.swing_bars),
    )


def adx_of(bars: BarMatrix, adx_bars: int) -> Column:
    """Return the 14-bar average directional index fed by the last `adx_bars` movements."""
    return directional_index(bars.high, bars.low, bars.close, ATR_BARS, adx_bars)


def trend_score(quality: Quality, adx: Column) -> Column:
    """Return how strong and calm each trend is; larger is better, NaN if a part is unknown.

    Twice the 50-bar average's change in percent, 0.7 of the directional index with that change's
    sign, less ten times the volatility in units of its own median.
    """
    change = quality.change_percent
    unrest = ratio_of(quality.atr_percent, quality.atr_percent_median)
    score: Column = 2.0 * change + 0.7 * adx * np.sign(change) - 10.0 * unrest
    return score


def candidate_of(view: View, column: int, limit_fraction: Decimal) -> Candidate:
    """Return the proposal for one symbol whose setup holds."""
    bars, choice = view.bars, view.choice
    levels = _levels(view, column, limit_fraction)
    tier = int(view.quality.tier[column])
    return Candidate(
        strategy=NAME,
        symbol=bars.symbols[column],
        tier=tier,
        trend_score=ratio(float(view.trend[column])),
        triggering_bar=bars.sessions[-1],
        reference_price=levels.reference,
        limit_price=levels.limit,
        stop=levels.stop,
        targets=(levels.target_r1, levels.target_r2),
        anchor=choice.names[int(choice.index[column])],
        anchor_date=bars.sessions[int(choice.row[column])],
        labels={"tier": TIERS[tier], **_labels(view, column)},
        features=_features(view, column),
    )


def _levels(view: View, column: int, limit_fraction: Decimal) -> Levels:
    bars, row = view.bars, int(view.swing_rows[column])
    last = (bars.high[-1, column], bars.low[-1, column], bars.close[-1, column])
    return levels_of(
        (float(last[0]), float(last[1]), float(last[2])),
        level=float(view.choice.level[column]),
        swing_low=float(bars.low[row, column]) if row >= 0 else None,
        atr=float(view.quality.atr_usd[column]),
        limit_fraction=limit_fraction,
    )


def _labels(view: View, column: int) -> dict[str, str]:
    closes = [float(close) for close in view.bars.close[-3:, column]]
    quality = view.quality
    return {
        **words.level_labels("vwap", closes, float(view.vwap[column])),
        **words.level_labels("avwap", closes, float(view.choice.level[column])),
        "extension": words.extension(float(view.choice.distance_percent[column])),
        "gap_reset": words.gap_reset(int(view.gap_rows[column]), len(view.bars.sessions)),
        "structure": words.structure(
            float(quality.average_20[column]),
            float(quality.average_50[column]),
            float(view.slope_50[column]),
        ),
    }


def _features(view: View, column: int) -> dict[str, Decimal]:
    quality, choice = view.quality, view.choice
    close, vwap = float(view.bars.close[-1, column]), float(view.vwap[column])
    numbers = {
        "adx": view.adx[column],
        "anchor_score": choice.score[column] + 1.5 * view.trend[column],
        "atr_percent": quality.atr_percent[column],
        "atr_percent_median": quality.atr_percent_median[column],
        "atr_usd": quality.atr_usd[column],
        "average_20_usd": quality.average_20[column],
        "average_50_change_percent": quality.change_percent[column],
        "average_50_usd": quality.average_50[column],
        "avwap_confluence": choice.confluence[column],
        "avwap_distance_percent": choice.distance_percent[column],
        "avwap_slope": choice.slope[column],
        "avwap_usd": choice.level[column],
        "trend_score": view.trend[column],
        "vwap_distance_percent": words.percent_above(close, vwap),
        "vwap_usd": vwap,
        "weekly_average_10_usd": quality.weekly_fast[column],
        "weekly_average_40_usd": quality.weekly_slow[column],
    }
    return {name: ratio(float(value)) for name, value in numbers.items()}
