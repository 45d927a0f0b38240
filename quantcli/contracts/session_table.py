"""The sessions of the New York Stock Exchange, as a compiled table.

A weekday is a session unless it stands in `_CLOSED`; a session is 09:30 to 16:00 New York time
unless it stands in `_SHORT`, when it ends at 13:00. The table replaces a calendar library and a
zone database at run time: two machines with different ones would otherwise disagree about the
past. A date outside FIRST to LAST is an error, never a guess: the horizon is the end of the
calendar years that the exchange has published. Both sides, desk and local exchange, use it.
"""

from __future__ import annotations

import datetime as dt
from functools import lru_cache
from typing import NamedTuple

from quantcli.contracts.errors import SessionError

# The lines between the two marks are written by `python -m tests.docs.compile_sessions`.
# ---- compiled from here
#: The first and the last session of the table.
FIRST = dt.date(2007, 1, 3)
LAST = dt.date(2027, 12, 31)
# Weekdays without a session.
_CLOSED: dict[int, str] = {
    2007: "01-01 01-02 01-15 02-19 04-06 05-28 07-04 09-03 11-22 12-25",
    2008: "01-01 01-21 02-18 03-21 05-26 07-04 09-01 11-27 12-25",
    2009: "01-01 01-19 02-16 04-10 05-25 07-03 09-07 11-26 12-25",
    2010: "01-01 01-18 02-15 04-02 05-31 07-05 09-06 11-25 12-24",
    2011: "01-17 02-21 04-22 05-30 07-04 09-05 11-24 12-26",
    2012: "01-02 01-16 02-20 04-06 05-28 07-04 09-03 10-29 10-30 11-22 12-25",
    2013: "01-01 01-21 02-18 03-29 05-27 07-04 09-02 11-28 12-25",
    2014: "01-01 01-20 02-17 04-18 05-26 07-04 09-01 11-27 12-25",
    2015: "01-01 01-19 02-16 04-03 05-25 07-03 09-07 11-26 12-25",
    2016: "01-01 01-18 02-15 03-25 05-30 07-04 09-05 11-24 12-26",
    2017: "01-02 01-16 02-20 04-14 05-29 07-04 09-04 11-23 12-25",
    2018: "01-01 01-15 02-19 03-30 05-28 07-04 09-03 11-22 12-05 12-25",
    2019: "01-01 01-21 02-18 04-19 05-27 07-04 09-02 11-28 12-25",
    2020: "01-01 01-20 02-17 04-10 05-25 07-03 09-07 11-26 12-25",
    2021: "01-01 01-18 02-15 04-02 05-31 07-05 09-06 11-25 12-24",
    2022: "01-17 02-21 04-15 05-30 06-20 07-04 09-05 11-24 12-26",
    2023: "01-02 01-16 02-20 04-07 05-29 06-19 07-04 09-04 11-23 12-25",
    2024: "01-01 01-15 02-19 03-29 05-27 06-19 07-04 09-02 11-28 12-25",
    2025: "01-01 01-09 01-20 02-17 04-18 05-26 06-19 07-04 09-01 11-27 12-25",
    2026: "01-01 01-19 02-16 04-03 05-25 06-19 07-03 09-07 11-26 12-25",
    2027: "01-01 01-18 02-15 03-26 05-31 06-18 07-05 09-06 11-25 12-24",
}
# Sessions that end at 13:00.
_SHORT: dict[int, str] = {
    2007: "07-03 11-23 12-24",
    2008: "07-03 11-28 12-24",
    2009: "11-27 12-24",
    2010: "11-26",
    2011: "11-25",
    2012: "07-03 11-23 12-24",
    2013: "07-03 11-29 12-24",
    2014: "07-03 11-28 12-24",
    2015: "11-27 12-24",
    2016: "11-25",
    2017: "07-03 11-24",
    2018: "07-03 11-23 12-24",
    2019: "07-03 11-29 12-24",
    2020: "11-27 12-24",
    2021: "11-26",
    2022: "11-25",
    2023: "07-03 11-24",
    2024: "07-03 11-29 12-24",
    2025: "07-03 11-28 12-24",
    2026: "11-27 12-24",
    2027: "11-26",
}
# Sundays on which clocks go forward and back.
_DAYLIGHT: dict[int, str] = {
    2007: "03-11 11-04",
    2008: "03-09 11-02",
    2009: "03-08 11-01",
    2010: "03-14 11-07",
    2011: "03-13 11-06",
    2012: "03-11 11-04",
    2013: "03-10 11-03",
    2014: "03-09 11-02",
    2015: "03-08 11-01",
    2016: "03-13 11-06",
    2017: "03-12 11-05",
    2018: "03-11 11-04",
    2019: "03-10 11-03",
    2020: "03-08 11-01",
    2021: "03-14 11-07",
    2022: "03-13 11-06",
    2023: "03-12 11-05",
    2024: "03-10 11-03",
    2025: "03-09 11-02",
    2026: "03-08 11-01",
    2027: "03-14 11-07",
}
# ---- compiled to here

EASTERN_STANDARD = dt.timezone(dt.timedelta(hours=-5), "EST")
EASTERN_DAYLIGHT = dt.timezone(dt.timedelta(hours=-4), "EDT")

_OPEN = dt.time(9, 30)
_CLOSE = dt.time(16)
_CLOSE_SHORT = dt.time(13)
# Clocks change on a Sunday at 02:00 local time: 07:00 UTC in spring, 06:00 UTC in autumn.
_SPRING_CHANGE = dt.timedelta(hours=7)
_AUTUMN_CHANGE = dt.timedelta(hours=6)


def _dates(table: dict[int, str]) -> frozenset[dt.date]:
    return frozenset(
        dt.date(year, int(day[:2]), int(day[3:])) for year, days in table.items()
        for day in days.split()
    )  # fmt: skip


CLOSED: frozenset[dt.date] = _dates(_CLOSED)
SHORT: frozenset[dt.date] = _dates(_SHORT)


class Hours(NamedTuple):
    """Regular hours of one session: aware UTC instants; the close itself is outside."""

    opens_at: dt.datetime
    closes_at: dt.datetime


def is_session(date: dt.date) -> bool:
    """Return whether the exchange holds a session on a calendar date.

    Raises:
        SessionError: the date lies outside the table, or is an instant.
    """
    _require_covered(date)
    return date.weekday() < 5 and date not in CLOSED


def is_half_day(date: dt.date) -> bool:
    """Return whether a session ends at 13:00 New York time; False on a date without session.

    Raises:
        SessionError: the date lies outside the table, or is an instant.
    """
    _require_covered(date)
    return date in SHORT


@lru_cache(maxsize=4096)
def hours(date: dt.date) -> Hours:
    """Return the regular hours of a session.

    Raises:
        SessionError: no session on that date, or the date lies outside the table.
    """
    if not is_session(date):
        raise SessionError(
            "the exchange holds no session on that date", value=date, hint="quantcli calendar"
        )
    # No session is held on the Sunday of a change, so one offset serves the whole date.
    zone = _zone(dt.datetime.combine(date, dt.time(12), dt.UTC))
    close = _CLOSE_SHORT if date in SHORT else _CLOSE
    return Hours(
        dt.datetime.combine(date, _OPEN, zone).astimezone(dt.UTC),
        dt.datetime.combine(date, close, zone).astimezone(dt.UTC),
    )


def new_york(instant: dt.datetime) -> dt.datetime:
    """Return an aware instant as New York wall time, with its fixed offset (EST or EDT).

    Raises:
        SessionError: the instant is naive, or its year lies outside the table.
    """
    if instant.tzinfo is None:
        raise SessionError(
            "an instant needs a time zone", value=instant, hint="e.g. 2024-08-01T12:30:00Z"
        )
    return instant.astimezone(_zone(instant))


def _zone(instant: dt.datetime) -> dt.timezone:
    """Return the New York offset in force at an aware instant."""
    moment = instant.astimezone(dt.UTC)
    starts, ends = _daylight(moment.year)
    return EASTERN_DAYLIGHT if starts <= moment < ends else EASTERN_STANDARD


@lru_cache(maxsize=64)
def _daylight(year: int) -> tuple[dt.datetime, dt.datetime]:
    """Return the instants at which New York's clocks go forward and back."""
    if year not in _DAYLIGHT:
        raise _uncovered(str(year))
    days = _DAYLIGHT[year].split()
    starts, ends = (dt.datetime(year, int(d[:2]), int(d[3:]), tzinfo=dt.UTC) for d in days)
    return starts + _SPRING_CHANGE, ends + _AUTUMN_CHANGE


def _require_covered(date: dt.date) -> None:
    # A datetime is a date to Python, but never equal to one: a holiday would pass as a session.
    if isinstance(date, dt.datetime):
        raise SessionError("a session is a date, not an instant", value=date.isoformat())
    if not FIRST <= date <= LAST:
        raise _uncovered(date.isoformat())


def _uncovered(value: str) -> SessionError:
    return SessionError(
        f"the session table covers {FIRST} to {LAST} only",
        value=value,
        hint="update quantcli if the date lies in the future",
    )
