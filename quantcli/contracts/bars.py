"""Bars as columns: the value that passes from the bar store to strategies and stops.

Floats inside, [sessions x symbols]; NaN where a symbol has no bar. They are rounded to
Decimal at the contract border only.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Column = NDArray[np.float64]

from quantcli.contracts.envelope import InputRef

Timeframe = str  # "1Day" or "1Min"


@dataclass(frozen=True, slots=True, eq=False)
class BarMatrix:
    """Daily bars of many symbols over consecutive exchange sessions, oldest first.

    Attributes:
        symbols: Sorted symbols; column j of each array belongs to symbols[j].
        sessions: Sorted session dates; row i of each array belongs to sessions[i].
        open, high, low, close: USD per share, float64, shape (sessions, symbols), NaN: no bar.
        volume: Shares, same shape.
        feed, adjustment: Of every bar in the matrix; feeds are never mixed.
        refs: The partitions the bars came from.
    """

    symbols: tuple[str, ...]
    sessions: tuple[dt.date, ...]
    open: Column
    high: Column
    low: Column
    close: Column
    volume: Column
    feed: str
    adjustment: str
    refs: tuple[InputRef, ...]


class MinuteBar(NamedTuple):
    """One bar of one symbol; `start` is UTC, the bar covers [start, start + 1 minute)."""

    start: dt.datetime
    open: float
    high: float
    low: float
    close: float
    volume: float


class IndexValue(NamedTuple):
    """The close of an index (VIX) in one session."""

    session: dt.date
    close: float


@dataclass(frozen=True, slots=True)
class IndexSeries:
    """Values of one index, oldest first, with the partitions they came from."""

    symbol: str
    values: tuple[IndexValue, ...]
    refs: tuple[InputRef, ...]


class FetchFaults(NamedTuple):
    """Why bars of a session did not arrive: symbol -> cause; and the record that says so.

    A symbol that nobody tried to fetch is not among them.
    """

    daily: dict[str, str]
    indices: dict[str, str]
    refs: tuple[InputRef, ...]
