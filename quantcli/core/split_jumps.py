"""Moves overnight that look like a split nobody told of.

Raw bars of a company that split look like a fall by the ratio; without the record of it every
average, range and stop over that night is wrong. The market itself hardly ever moves so far from
a close to the next open, and when it does an operator can say so.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Collection

import numpy as np

from quantcli.contracts.bars import BarMatrix
from quantcli.core.sieve import Drop, Sieve, shown

#: Shares for one, or one for so many; 5:4 and 4:3 are within what a stock does by itself.
RATIOS = (1.5, *(float(number) for number in range(2, 101)))
#: How far from a ratio, in logarithm, a move may lie and still look like it: what a stock does
#: by itself in the night of its split.
TOLERANCE = 0.08


def is_split_like(factor: float) -> bool:
    """Return whether a price that was divided by `factor` overnight looks like a split.

    Examples:
        >>> is_split_like(499.23 / 127.58), is_split_like(0.1), is_split_like(1.2)
        (True, True, False)
    """
    if not 0 < factor < math.inf:
        return False
    size = abs(math.log(factor))
    return any(abs(size - math.log(ratio)) <= TOLERANCE for ratio in RATIOS)


def screen_splits(
    sieve: Sieve, matrix: BarMatrix, excused: Collection[tuple[str, dt.date]]
) -> None:
    """Drop symbols whose raw bars jump by a split-like ratio that no recorded action explains.

    Args:
        sieve: What falls out.
        matrix: Bars, those of before a recorded split in the shares of after it.
        excused: (symbol, session) of moves that an operator said to be the market's own.
    """
    if matrix.adjustment != "raw":
        return
    rows = np.arange(len(matrix.close))[:, None]
    known = np.maximum.accumulate(np.where(np.isfinite(matrix.close), rows, 0), axis=0)
    before = np.take_along_axis(matrix.close, known, axis=0)[:-1]
    factors = before / matrix.open[1:]
    # Nearly every night is within these; only the others are looked at one by one.
    far = np.abs(np.log(np.where(factors > 0, factors, np.nan))) >= math.log(1.5) - TOLERANCE
    for row, column in np.argwhere(far).tolist():
        symbol, session = matrix.symbols[column], matrix.sessions[row + 1]
        if (symbol, session) not in excused and is_split_like(float(factors[row, column])):
            close, opened = shown(before[row, column]), shown(matrix.open[row + 1, column])
            sieve.drop(
                symbol,
                Drop("split-unrecorded", f"close {close}, open {opened} in {session}", "an action"),
            )
