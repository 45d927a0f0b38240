"""Structural stop levels from the bars that are complete at the pass's instant.

Bars are read once, when the first position asks. Without bars there is no candidate, never an
error that stops an exit.
"""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

from quantcli.contracts.bars import BarMatrix
from quantcli.contracts.errors import QuantcliError
from quantcli.contracts.positions import PositionRecord
from quantcli.contracts.scalars import price
from quantcli.core.sessions import data_session, hours, sessions_ending
from quantcli.core.stops import (
    Level,
    choose,
    daily_level,
    intraday_level,
    intraday_lows,
    is_intraday_phase,
    phase_of,
)
from quantcli.steps.desk import Desk


class Structure:
    """Candidates for the stops of one pass."""

    def __init__(self, desk: Desk) -> None:
        """Note the phase of the session; nothing is read yet."""
        opens_at, closes_at = hours(desk.stamp.session)
        self._desk = desk
        self._phase = phase_of(desk.stamp.as_of, opens_at, closes_at)
        self._matrix: BarMatrix | None = None
        self._is_read = False
        self.codes: list[str] = []

    def candidate(self, position: PositionRecord) -> Level | None:
        """Return the structural level of a position; None without structure."""
        return choose(self._phase, self._daily(position.symbol), self._intraday(position))

    def last_close(self, symbol: str) -> Decimal | None:
        """Return the close of the newest complete daily bar, USD per share."""
        matrix = self._bars()
        if matrix is None or symbol not in matrix.symbols:
            return None
        closes = matrix.close[:, matrix.symbols.index(symbol)].tolist()
        known = [close for close in closes if close == close]  # noqa: PLR0124 - drops NaN
        return price(known[-1]) if known else None

    def _daily(self, symbol: str) -> Level | None:
        matrix = self._bars()
        if matrix is None or symbol not in matrix.symbols:
            return None
        lows = matrix.low[:, matrix.symbols.index(symbol)].tolist()
        return daily_level(lows, self._desk.config.exits.stop_buffer_usd)

    def _intraday(self, position: PositionRecord) -> Level | None:
        """Return the higher low, once the position is old enough for its own noise to be over."""
        settings, as_of = self._desk.config.exits, self._desk.stamp.as_of
        age = as_of - position.opened_at
        delay = dt.timedelta(seconds=settings.intraday_delay_seconds)
        if not is_intraday_phase(self._phase) or age < delay:
            return None
        session = self._desk.stamp.session
        first = sessions_ending(session, settings.intraday_lookback_sessions)[0]
        try:
            bars, refs = self._desk.market.minutes(position.symbol, first, session)
        except QuantcliError as error:
            self.codes.append(error.code)
            return None
        self._desk.note(refs)
        lows = intraday_lows(bars, settings.intraday_minutes, as_of)
        return intraday_level(lows, settings.intraday_bars_min, settings.stop_buffer_usd)

    def _bars(self) -> BarMatrix | None:
        if not self._is_read:
            self._is_read = True
            through = data_session(self._desk.stamp.as_of)
            count = self._desk.config.exits.daily_lookback_bars
            try:
                self._matrix = self._desk.market.daily(
                    through, count, in_shares_of=self._desk.stamp.session
                )
                self._desk.note(self._matrix.refs)
            except QuantcliError as error:
                self.codes.append(error.code)
        return self._matrix
