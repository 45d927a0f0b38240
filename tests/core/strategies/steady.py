"""A calm uptrend in which the AVWAP setup holds, and ways to disturb it."""

import numpy as np

from quantcli.contracts.config import AvwapSection
from quantcli.core.strategies.avwap import rows_needed
from tests.core.made_bars import matrix

SECTION = AvwapSection()
ROWS = rows_needed(SECTION)
START, STEP = 100.0, 0.1


def steady(symbols=("AAA",), *, last="2024-06-14", rows=ROWS):
    """Return bars that rise by 10 cents a session in a range of one dollar, all columns alike."""
    close = (START + STEP * np.arange(rows))[:, None] * np.ones(len(symbols))
    return matrix(
        last=last, symbols=symbols, close=close, high=close + 0.5, low=close - 0.5,
        open_=close - STEP, volume=np.full(close.shape, 1_000_000.0),
    )  # fmt: skip


def excited(bars, row, column=0, by=10.0):
    """Let one bar reach far up and come back: its true range weighs on 14 sessions."""
    bars.high[row, column] += by
    return bars
