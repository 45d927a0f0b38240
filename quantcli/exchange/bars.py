"""What the exchange needs of market data: the bars that it turns into prints.

The bars are the market itself, so the exchange reads them ahead of its own clock; what leaves
it through the wire is only ever complete at the clock.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Protocol

from quantcli.contracts.bars import MinuteBar
from quantcli.contracts.corporate_actions import CorporateAction

__all__ = ["CorporateAction", "DailyRow", "ExchangeBars", "MinuteBar"]


#: One symbol's bar of one session: open, high, low, close in USD per share, volume in shares.
DailyRow = tuple[float, float, float, float, float]


class ExchangeBars(Protocol):
    """Bars by session. Answers may be empty; they may not change for a session once given."""

    def symbols(self) -> tuple[str, ...]:
        """Return all symbols that can be traded, sorted."""
        ...

    def last_session(self) -> dt.date | None:
        """Return the newest session with bars; None without any."""
        ...

    def session_row(self, session: dt.date) -> Mapping[str, DailyRow]:
        """Return symbol -> bar of a session; a symbol that is missing has no bar."""
        ...

    def minutes(self, symbol: str, session: dt.date) -> Sequence[MinuteBar]:
        """Return the regular-hours minute bars of a session by start; empty if there are none."""
        ...

    def actions(
        self, first: dt.date, last: dt.date, *, has_dividends: bool = True
    ) -> tuple[CorporateAction, ...]:
        """Return what happens to these shares, with ex-date in [first, last], by date.

        On prices that are adjusted for splits no split happens. Who pays no dividends asks for
        none, so that what only tells of them need not be there.
        """
        ...
