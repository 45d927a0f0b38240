"""Prices of a proposal: entry limit, stop and targets, in whole cents.

Levels are computed in floats on columns and become Decimal here, once.
"""

from __future__ import annotations

from decimal import ROUND_DOWN, ROUND_HALF_EVEN, Decimal
from typing import NamedTuple

from quantcli.contracts.scalars import CENT, decimal_of, price

SWING_BUFFER = 0.995
LEVEL_BUFFER = 0.985


class Levels(NamedTuple):
    """USD per share; all but `reference` in whole cents.

    Nothing here says that `stop` lies below `limit`, or above zero: the caller must ask.
    """

    reference: Decimal
    limit: Decimal
    stop: Decimal
    target_r1: Decimal
    target_r2: Decimal


def levels_of(
    last_bar: tuple[float, float, float],
    *,
    level: float,
    swing_low: float | None,
    atr: float,
    limit_fraction: Decimal,
) -> Levels:
    """Return the prices of a proposal at the open after `last_bar`.

    Args:
        last_bar: High, low and close of the data session, USD.
        level: The chosen anchored VWAP, USD.
        swing_low: The newest swing low, USD; None if there is none.
        atr: Mean true range of 14 bars, USD.
        limit_fraction: How far above the close an entry may still fill; 0.005 is half a percent.

    Returns:
        The limit rounded down (a buyer never bids more than it means to), the stop rounded down
        (away from the market), the targets rounded to the nearest cent.
    """
    high, low, close = last_bar
    reference = price(close)
    pivot = (high + low + close) / 3.0
    return Levels(
        reference=reference,
        limit=(reference * (1 + limit_fraction)).quantize(CENT, ROUND_DOWN),
        stop=_cents_down(structural_stop(level, swing_low, atr)),
        target_r1=price(2.0 * pivot - low).quantize(CENT, ROUND_HALF_EVEN),
        target_r2=price(pivot + (high - low)).quantize(CENT, ROUND_HALF_EVEN),
    )


def structural_stop(level: float, swing_low: float | None, atr: float) -> float:
    """Return the stop under the structure, USD: the lowest of three proposals.

    Half a percent under the newest swing low, one true range under the level, and 1.5 percent
    under the level. A swing low above the level proposes nothing lower, so it needs no rule.
    """
    proposals = [level - atr, level * LEVEL_BUFFER]
    if swing_low is not None:
        proposals.append(swing_low * SWING_BUFFER)
    return min(proposals)


def _cents_down(value: float) -> Decimal:
    return decimal_of(value).quantize(CENT, ROUND_DOWN)
