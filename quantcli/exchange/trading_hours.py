"""The simulated clock's arithmetic: instants as microseconds, and where sessions lie.

Instants are kept as whole microseconds since 1970 in UTC: they compare exactly and sort in
SQL. Regular hours contain the open and exclude the close.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

from quantcli.contracts.errors import SessionError
from quantcli.contracts.scalars import instant_text
from quantcli.contracts.session_table import FIRST, LAST, hours, is_session, new_york

Micros = int

_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_MICRO = dt.timedelta(microseconds=1)
_DAY = dt.timedelta(days=1)


class Span(NamedTuple):
    """A session with its regular hours in microseconds."""

    session: dt.date
    opens: Micros
    closes: Micros

    def contains(self, at: Micros) -> bool:
        """True from the open until just before the close."""
        return self.opens <= at < self.closes


def micros(instant: dt.datetime) -> Micros:
    """Return an aware instant as microseconds."""
    return (instant - _EPOCH) // _MICRO


def instant_of(at: Micros) -> dt.datetime:
    """Return microseconds as an aware UTC instant."""
    return _EPOCH + dt.timedelta(microseconds=at)


@lru_cache(maxsize=4096)
def spelled_instant(at: Micros | None) -> str | None:
    """Return the RFC 3339 spelling in UTC; None stays None."""
    return None if at is None else instant_text(instant_of(at))


@lru_cache(maxsize=4096)
def span_of(session: dt.date) -> Span:
    """Return a session's span."""
    opens_at, closes_at = hours(session)
    return Span(session, micros(opens_at), micros(closes_at))


@lru_cache(maxsize=4096)
def local_date(at: Micros) -> dt.date:
    """Return the New York date of an instant."""
    return new_york(instant_of(at)).date()


def midnight(date: dt.date) -> Micros:
    """Return when a date begins in New York."""
    start = dt.datetime.combine(date, dt.time(), dt.UTC)
    # Clocks change at two in the morning, so noon's offset may be an hour off: ask twice.
    guess = start - _offset(start)
    return micros(start - _offset(guess))


def _offset(instant: dt.datetime) -> dt.timedelta:
    """Return New York's offset; outside the years of the session table, where nothing is, zero."""
    if not FIRST.year <= instant.year <= LAST.year:
        return dt.timedelta(0)
    offset = new_york(instant).utcoffset()
    assert offset is not None
    return offset


def table_date(at: Micros) -> dt.date:
    """Return the New York date of an instant; beyond the session table its first or last date."""
    return local_date(min(max(at, _TABLE_FIRST), _TABLE_LAST))


def sessions_from(date: dt.date) -> Iterator[dt.date]:
    """Yield the sessions on and after a date, to the end of the table."""
    date = max(date, FIRST)
    while date <= LAST:
        if is_session(date):
            yield date
        date += _DAY


def sessions_before(date: dt.date) -> Iterator[dt.date]:
    """Yield the sessions before a date, newest first."""
    date = min(date, LAST + _DAY) - _DAY
    while date >= FIRST:
        if is_session(date):
            yield date
        date -= _DAY


def spans_touching(after: Micros, until: Micros) -> Iterator[Span]:
    """Yield the sessions with an instant of [open, close] in (after, until], oldest first."""
    last = local_date(until)
    for session in sessions_from(local_date(after)):
        if session > last:
            return
        span = span_of(session)
        if span.opens <= until and span.closes > after:
            yield span


_TABLE_FIRST = micros(dt.datetime.combine(FIRST, dt.time(12), dt.UTC))
_TABLE_LAST = micros(dt.datetime.combine(LAST, dt.time(12), dt.UTC))


def span_now(at: Micros) -> Span | None:
    """Return the session whose regular hours contain an instant, or None."""
    date = local_date(at)
    if not is_session(date):
        return None
    span = span_of(date)
    return span if span.contains(at) else None


def span_ahead(at: Micros) -> Span:
    """Return the session that an order of this instant belongs to: running, else the next.

    Raises:
        SessionError: the table knows none.
    """
    for session in sessions_from(local_date(at)):
        span = span_of(session)
        if at < span.closes:
            return span
    raise _table_ends(at)


def span_after(span: Span) -> Span:
    """Return the session after another.

    Raises:
        SessionError: the table knows none.
    """
    for session in sessions_from(span.session + _DAY):
        return span_of(session)
    raise _table_ends(span.closes)


def _table_ends(at: Micros) -> SessionError:
    return SessionError("the session table ends before the next session", value=instant_of(at))
