"""Words and numbers that explain an AVWAP signal to a person.

Every label compares the last closes with today's level: the rolling 20-bar VWAP or the chosen
anchored VWAP. Labels decide nothing.
"""

from __future__ import annotations

from collections.abc import Sequence

from quantcli.contracts.bars import BarMatrix
from quantcli.core.indicators import Column, ratio_of, relative_change, trailing_mean

VWAP_BARS = 20
CONTROL_BAND_PERCENT = 0.2
BALANCED_PERCENT, EXTENDED_PERCENT = 1.0, 6.0
GAP_RECENT_BARS = 5
STRUCTURE_BARS = 5


def rolling_vwap(bars: BarMatrix) -> Column:
    """Return the volume-weighted price of the last 20 bars, USD; NaN without volume."""
    turnover = (bars.high + bars.low + bars.close) / 3.0 * bars.volume
    return ratio_of(trailing_mean(turnover, VWAP_BARS), trailing_mean(bars.volume, VWAP_BARS))


def average_slope(bars: BarMatrix) -> Column:
    """Return the relative change of the 50-bar average over 5 bars."""
    return relative_change(
        trailing_mean(bars.close, 50), trailing_mean(bars.close, 50, ago=STRUCTURE_BARS)
    )


def percent_above(close: float, level: float) -> float:
    """Return how far a close lies above a level, in percent; NaN for a level of zero."""
    return 100.0 * (close - level) / level if level else float("nan")


def control(distance_percent: float) -> str:
    """Return who controls the price, outside of a band of 0.2 percent around the level."""
    if distance_percent > CONTROL_BAND_PERCENT:
        return "bullish"
    return "bearish" if distance_percent < -CONTROL_BAND_PERCENT else "neutral"


def reclaim(closes: Sequence[float], level: float) -> str:
    """Return whether the last close crossed the level upwards (bullish) or downwards."""
    before, now = closes[-2:]
    if before <= level < now:
        return "bullish"
    return "bearish" if now < level <= before else "none"


def acceptance(closes: Sequence[float], level: float) -> str:
    """Return the side of the level on which all of the last three closes lie."""
    if all(close > level for close in closes[-3:]):
        return "bullish"
    return "bearish" if all(close < level for close in closes[-3:]) else "none"


def extension(distance_percent: float) -> str:
    """Return how far the price has run from the level: 1 and 6 percent divide the states."""
    away = abs(distance_percent)
    if away <= BALANCED_PERCENT:
        return "balanced"
    return "extended" if away >= EXTENDED_PERCENT else "moderate"


def gap_reset(gap_row: int, rows: int) -> str:
    """Return how long ago the newest gap of the lookback was; -1 is no gap."""
    if gap_row < 0:
        return "none"
    return "recent" if rows - 1 - gap_row < GAP_RECENT_BARS else "stale"


def structure(average_20: float, average_50: float, slope: float) -> str:
    """Return the direction in which both averages agree, else mixed."""
    if average_20 > average_50 and slope > 0:
        return "bullish"
    return "bearish" if average_20 < average_50 and slope < 0 else "mixed"


def level_labels(name: str, closes: Sequence[float], level: float) -> dict[str, str]:
    """Return control, reclaim and acceptance of one level, prefixed by its name."""
    return {
        f"{name}_control": control(percent_above(closes[-1], level)),
        f"{name}_reclaim": reclaim(closes, level),
        f"{name}_acceptance": acceptance(closes, level),
    }
