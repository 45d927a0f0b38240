"""Timeframes: how long a bar is, where it begins, and when it is complete.

Minutes and hours are counted from New York's midnight, weeks from Monday, months from January.
A bar is complete once its last moment of regular trading has passed.
"""

from __future__ import annotations

import datetime as dt
import re
from typing import Literal, NamedTuple

Unit = Literal["minute", "day", "week", "month"]

_GRAMMAR = re.compile(
    r"(?:(?P<minutes>[1-9]|[1-5][0-9])(?:Min|T)|(?P<hours>[1-9]|1[0-9]|2[0-3])(?:Hour|H)"
    r"|(?P<day>1)(?:Day|D)|(?P<week>1)(?:Week|W)|(?P<months>1|2|3|4|6|12)(?:Month|M))"
)


class Timeframe(NamedTuple):
    """A length of bars: so many of a unit; hours are minutes."""

    amount: int
    unit: Unit

    @property
    def is_within_day(self) -> bool:
        """True for bars shorter than a session."""
        return self.unit == "minute"

    def first_date(self, date: dt.date) -> dt.date:
        """Return the first date of the bar of a day, a week or months that holds a date."""
        if self.unit == "week":
            return date - dt.timedelta(days=date.weekday())
        if self.unit == "month":
            return date.replace(month=date.month - (date.month - 1) % self.amount, day=1)
        return date

    def last_date(self, date: dt.date) -> dt.date:
        """Return the last date of the bar that holds a date."""
        first = self.first_date(date)
        if self.unit == "week":
            return first + dt.timedelta(days=6)
        if self.unit == "month":
            month = first.month - 1 + self.amount
            following = dt.date(first.year + month // 12, month % 12 + 1, 1)
            return following - dt.timedelta(days=1)
        return first


def timeframe_of(text: str) -> Timeframe | None:
    """Return the timeframe that a request spells, such as `5Min` or `1D`; None if it is none."""
    match = _GRAMMAR.fullmatch(text)
    if match is None:
        return None
    named = match.groupdict()
    if named["minutes"]:
        return Timeframe(int(named["minutes"]), "minute")
    if named["hours"]:
        return Timeframe(int(named["hours"]) * 60, "minute")
    if named["months"]:
        return Timeframe(int(named["months"]), "month")
    return Timeframe(1, "day" if named["day"] else "week")
