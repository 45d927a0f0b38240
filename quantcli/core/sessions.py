"""Sessions in order: which one is it, which comes before and after, how far apart are they.

All answers come from the compiled table; an instant or a date outside it raises SessionError.
A session is named by its New York calendar date, at whatever UTC date it may be.
"""

from __future__ import annotations

import datetime as dt
from bisect import bisect_left, bisect_right
from functools import lru_cache

from quantcli.contracts import session_table
from quantcli.contracts.errors import SessionError
from quantcli.contracts.session_table import FIRST, LAST, hours, is_session, new_york

#: An instant of ours and a broker's clock that are farther apart than this do not agree.
SKEW_MAX = dt.timedelta(seconds=30)

__all__ = [
    "SKEW_MAX",
    "cycle_name",
    "data_session",
    "hours",
    "is_regular_hours",
    "is_session",
    "new_york",
    "next_session",
    "previous_session",
    "session_of",
    "sessions_apart",
    "sessions_between",
    "sessions_ending",
]


@lru_cache(maxsize=1)
def _all() -> tuple[dt.date, ...]:
    """Return every session of the table, oldest first."""
    closed = {date.toordinal() for date in session_table.CLOSED}
    # Ordinal 1 is a Monday, so ordinal % 7 is 1 to 5 from Monday to Friday.
    return tuple(
        dt.date.fromordinal(day)
        for day in range(FIRST.toordinal(), LAST.toordinal() + 1)
        if 0 < day % 7 < 6 and day not in closed
    )


def previous_session(date: dt.date) -> dt.date:
    """Return the newest session before `date`, which need not be a session itself.

    Raises:
        SessionError: `date` lies outside the table, or no session of the table is older.
    """
    is_session(date)
    place = bisect_left(_all(), date)
    if place == 0:
        raise _beyond("before", date)
    return _all()[place - 1]


def next_session(date: dt.date) -> dt.date:
    """Return the first session after `date`, which need not be a session itself.

    Raises:
        SessionError: `date` lies outside the table, or no session of the table is newer.
    """
    is_session(date)
    place = bisect_right(_all(), date)
    if place == len(_all()):
        raise _beyond("after", date)
    return _all()[place]


def sessions_between(first: dt.date, last: dt.date) -> tuple[dt.date, ...]:
    """Return the sessions in [first, last], oldest first; empty when `last` < `first`.

    Raises:
        SessionError: a bound lies outside the table.
    """
    is_session(first)
    is_session(last)
    return _all()[bisect_left(_all(), first) : bisect_right(_all(), last)]


@lru_cache(maxsize=1024)
def sessions_ending(last: dt.date, count: int) -> tuple[dt.date, ...]:
    """Return the `count` newest sessions not after `last`, oldest first.

    Fewer would silently shorten an indicator's history, so the table's start is an error.

    Raises:
        SessionError: `last` lies outside the table, or it holds fewer than `count` such sessions.
    """
    is_session(last)
    end = bisect_right(_all(), last)
    if count > end:
        raise _beyond(f"{count} sessions back from", last)
    return _all()[end - count : end] if count > 0 else ()


def sessions_apart(first: dt.date, second: dt.date) -> int:
    """Return how many sessions lie in (first, second]: 1 for neighbours; negative backwards.

    Raises:
        SessionError: a date lies outside the table.
    """
    is_session(first)
    is_session(second)
    return bisect_right(_all(), second) - bisect_right(_all(), first)


def session_of(instant: dt.datetime) -> dt.date:
    """Return the session on whose New York calendar date the instant lies, at any hour of it.

    Raises:
        SessionError: that date is not a session; the message names the next one.
    """
    date = new_york(instant).date()
    if not is_session(date):
        raise SessionError(
            f"no session on {date} in New York; the next one is {next_session(date)}",
            value=instant.isoformat(),
            hint="give --as-of an instant on a session, or see quantcli calendar",
        )
    return date


def data_session(as_of: dt.datetime) -> dt.date:
    """Return the newest session whose close is not after `as_of`: its daily bar is complete.

    Raises:
        SessionError: the instant lies outside the table, or before its first close.
    """
    date = new_york(as_of).date()
    if is_session(date) and hours(date).closes_at <= as_of:
        return date
    return previous_session(date)


def is_regular_hours(instant: dt.datetime) -> bool:
    """Return whether open <= instant < close of a session, half days respected.

    Raises:
        SessionError: the instant is naive or lies outside the table.
    """
    date = new_york(instant).date()
    if not is_session(date):
        return False
    opens_at, closes_at = hours(date)
    return opens_at <= instant < closes_at


def cycle_name(instant: dt.datetime) -> str:
    """Return the New York time of day as HHMMSS, truncated to the second.

    Raises:
        SessionError: the instant is naive or lies outside the table.
    """
    return new_york(instant).strftime("%H%M%S")


def _beyond(side: str, date: dt.date) -> SessionError:
    return SessionError(
        f"the session table ({FIRST} to {LAST}) holds no session {side} that date",
        value=date,
        hint="update quantcli if the date lies in the future",
    )
