"""Market data, read from immutable partitions."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import NamedTuple, Protocol

from quantcli.contracts.bars import BarMatrix, FetchFaults, IndexSeries, MinuteBar
from quantcli.contracts.corporate_actions import ActionKind, ActionSeries
from quantcli.contracts.envelope import InputRef


class StoreSummary(NamedTuple):
    """What the store holds for one feed and adjustment."""

    symbols: tuple[str, ...]
    first: dt.date | None
    last: dt.date | None


class MarketData(Protocol):
    """Bars of the configured feed and adjustment; every answer names its partitions."""

    def summary(self, timeframe: str) -> StoreSummary:
        """Return which symbols and sessions exist for `1Day` or `1Min`."""
        ...

    def daily(
        self, through: dt.date, sessions: int, *, in_shares_of: dt.date | None = None
    ) -> BarMatrix:
        """Return daily bars of all symbols in the last `sessions` exchange sessions <= through.

        Rows are exchange sessions of the calendar, whether or not any symbol has a bar;
        quarantined bars are NaN. Raw bars from before a split are rebased to the shares of
        `in_shares_of` (`through` unless given), so that a row can be held against another.

        Raises:
            BarsMissing: the store holds no daily bars of the feed and adjustment.
        """
        ...

    def minutes(
        self, symbol: str, first: dt.date, last: dt.date
    ) -> tuple[tuple[MinuteBar, ...], tuple[InputRef, ...]]:
        """Return regular-hours minute bars of sessions in [first, last]; empty if none.

        Raw bars from before a split are rebased to the shares of `last`.
        """
        ...

    def index(self, symbol: str, through: dt.date, sessions: int) -> IndexSeries:
        """Return values of an index in the last `sessions` sessions <= through; maybe empty."""
        ...

    def actions(
        self, first: dt.date, last: dt.date, *, kinds: frozenset[ActionKind] = ...
    ) -> ActionSeries:
        """Return the corporate actions with ex-date in [first, last] that these prices show.

        On prices adjusted for splits no split happens, on prices adjusted for dividends too no
        dividend. Of the kinds not asked for nothing is read.
        """
        ...

    def quarantined(self) -> dict[str, Sequence[dt.date]]:
        """Return symbol -> sessions whose bars are held to be wrong."""
        ...

    def fetch_faults(self, session: dt.date) -> FetchFaults:
        """Return which bars and index values of a session were asked for and did not arrive."""
        ...

    def table(self, file: str) -> tuple[tuple[tuple[str, ...], ...], InputRef]:
        """Return the rows of a CSV file of the desk, its heading first, and its reference.

        Raises:
            MarketDataError: the file is missing or is not CSV in UTF-8.
        """
        ...
