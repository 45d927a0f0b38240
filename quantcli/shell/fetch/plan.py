"""What to ask for: of each symbol, from its newest bar to the newest complete one.

A bar is complete when its session is closed, or its minute over. Prices that are adjusted change
backwards in time: there the newest bar is asked for once more, and if it comes otherwise than it
is held, everything is (see `run`).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from quantcli.core.sessions import (
    data_session,
    hours,
    is_session,
    new_york,
    next_session,
    sessions_ending,
)
from quantcli.shell.catalog import NO_ADJUSTMENT, Shelf
from quantcli.shell.fetch.answers import Ask, midnight
from quantcli.shell.fetch.record import FetchEntry
from quantcli.shell.fetch.stored import Held

_MINUTE = dt.timedelta(minutes=1)
#: The tape's last prints and corrections come in after the close; a free subscription sees it a
#: quarter of an hour late. A daily bar fetched earlier is fetched once more.
SETTLED_AFTER = dt.timedelta(minutes=20)


class Target(NamedTuple):
    """The newest complete bar at an instant.

    Attributes:
        session: Whose bar it is.
        last: When it begins.
        through: When it is over.
        is_whole: The session's last bar is complete.
    """

    session: dt.date
    last: dt.datetime
    through: dt.datetime
    is_whole: bool


class Want(NamedTuple):
    """Bars of one symbol that begin in [first, last]."""

    symbol: str
    first: dt.datetime
    last: dt.datetime


def target_of(shelf: Shelf, as_of: dt.datetime) -> Target:
    """Return the newest complete bar of a shelf at an instant.

    Raises:
        SessionError: the instant lies outside the session table.
    """
    session = data_session(as_of)
    if shelf.series != "1Min":
        return Target(session, midnight(session), hours(session).closes_at, is_whole=True)
    today = new_york(as_of).date()
    if is_session(today) and hours(today).opens_at + _MINUTE <= as_of < hours(today).closes_at:
        through = as_of.replace(second=0, microsecond=0)
        return Target(today, through - _MINUTE, through, is_whole=False)
    closes_at = hours(session).closes_at
    return Target(session, closes_at - _MINUTE, closes_at, is_whole=True)


def wants_of(
    shelf: Shelf,
    symbols: Iterable[str],
    held: Mapping[str, Held],
    entries: Mapping[str, FetchEntry],
    as_of: dt.datetime,
    *,
    history_sessions: int,
    first: dt.date | None = None,
) -> tuple[Want, ...]:
    """Return what is to be asked, by symbol; a symbol that has everything is left out.

    Args:
        shelf: Which bars.
        symbols: Of what.
        held: What the store has.
        entries: How the newest fetches ended.
        as_of: Bars that are not complete then are not wanted.
        history_sessions: How far back to begin where the store has nothing.
        first: Begin here instead, whatever the store has.

    Raises:
        SessionError: the session table does not reach back so far.
    """
    target = target_of(shelf, as_of)
    found = []
    for symbol in sorted(set(symbols)):
        if first is not None:
            begin: dt.datetime | None = midnight(first)
        elif symbol in held and held[symbol].newest is not None:
            begin = _next(shelf, held[symbol], entries.get(symbol), target, as_of)
        else:
            begin = _begin(shelf, sessions_ending(target.session, history_sessions)[0])
        if begin is not None and begin <= target.last:
            found.append(Want(symbol, begin, target.last))
    return tuple(found)


def asks_of(shelf: Shelf, wants: Iterable[Want], symbols_max: int) -> tuple[Ask, ...]:
    """Return the questions: symbols with the same range together, so many at once."""
    groups: dict[tuple[dt.datetime, dt.datetime], list[str]] = {}
    for want in wants:
        groups.setdefault((want.first, want.last), []).append(want.symbol)
    return tuple(
        Ask(shelf.series, tuple(symbols[start : start + symbols_max]), *span)
        for span, symbols in sorted(groups.items())
        for start in range(0, len(symbols), symbols_max)
    )


def _next(
    shelf: Shelf, held: Held, entry: FetchEntry | None, target: Target, as_of: dt.datetime
) -> dt.datetime | None:
    """Return where to go on from the newest bar; None if nothing is left to ask."""
    newest = held.newest
    assert newest is not None, "asked for symbols with a bar"
    session = new_york(newest).date()
    is_early = _is_early(entry, session, as_of)
    if newest >= target.last and not is_early:
        return None
    if shelf.series == "1Min" and _was_asked(entry, session, target):
        return None
    if is_early or shelf.adjustment not in {"raw", NO_ADJUSTMENT}:
        return newest
    return newest + _MINUTE if shelf.series == "1Min" else midnight(next_session(session))


def _is_early(entry: FetchEntry | None, session: dt.date, as_of: dt.datetime) -> bool:
    """Return whether a session's daily bar was fetched before it had settled, and now it has."""
    if entry is None or entry.series != "1Day" or entry.code or entry.last != session:
        return False
    settles_at = hours(session).closes_at + SETTLED_AFTER
    return entry.as_of < settles_at <= as_of


def _was_asked(entry: FetchEntry | None, session: dt.date, target: Target) -> bool:
    """Return whether the minutes that are not there were asked for: not all have a trade."""
    return (
        entry is not None
        and not entry.code
        and entry.through >= target.through
        and entry.last == session == target.session
    )


def _begin(shelf: Shelf, session: dt.date) -> dt.datetime:
    return hours(session).opens_at if shelf.series == "1Min" else midnight(session)
