"""Bars drawn up by hand for tests of columns: small, on real exchange sessions."""

import datetime as dt
from bisect import bisect_right

import numpy as np

from quantcli.contracts.bars import BarMatrix
from quantcli.core.history import rows_of
from quantcli.core.sessions import sessions_ending


def matrix(*, last, symbols=("AAA",), close, high=None, low=None, open_=None, volume=None):
    """Return a matrix whose last row is session `last`.

    Each argument is a list of rows; a row is a number (one symbol) or a list with one per symbol.
    Without high, low and open a bar is its close; without volume it trades 100 shares.
    """
    closes = column(close, symbols)
    return BarMatrix(
        symbols=tuple(symbols),
        sessions=sessions_ending(dt.date.fromisoformat(last), len(closes)),
        open=closes.copy() if open_ is None else column(open_, symbols),
        high=closes.copy() if high is None else column(high, symbols),
        low=closes.copy() if low is None else column(low, symbols),
        close=closes,
        volume=np.where(np.isnan(closes), np.nan, 100.0)
        if volume is None
        else column(volume, symbols),
        feed="made",
        adjustment="split",
        refs=(),
    )


def through(bars, session):
    """Return the rows of sessions not after one."""
    return rows_of(bars, None, bisect_right(bars.sessions, session))


def column(rows, symbols=("AAA",)):
    """Return rows as a float array of one column per symbol."""
    return np.array(rows, dtype=np.float64).reshape(len(rows), len(symbols))
