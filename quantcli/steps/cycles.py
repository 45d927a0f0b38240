"""Which cycle an instant belongs to, and which steps are due when.

A cycle's window opens at its scheduled instant and lasts five minutes, or until the next one: a
late cron still names the cycle it was meant for, and a command typed at another time has a
cycle of its own.
"""

from __future__ import annotations

import datetime as dt
from typing import NamedTuple

from quantcli.contracts.config import DeskConfig, Offset
from quantcli.contracts.envelope import Mode, StepName
from quantcli.core.sessions import cycle_name, hours

WINDOW = dt.timedelta(minutes=5)


class Cycle(NamedTuple):
    """A scheduled cycle of one session."""

    name: str
    at: dt.datetime
    steps: tuple[StepName, ...]


def cycles_of(config: DeskConfig, session: dt.date) -> tuple[Cycle, ...]:
    """Return the session's cycles in time order; half days move those tied to the close.

    Cycles within a regular session that a half day has no room for are left out; cycles that
    fall on the same instant are one, with the steps of all, a report last.
    """
    day = hours(session)
    found: dict[dt.datetime, tuple[StepName, ...]] = {}
    for offset, steps in config.schedule.offsets():
        if offset.is_kept(day.opens_at, day.closes_at):
            at = offset.of(day.opens_at, day.closes_at)
            found[at] = found.get(at, ()) + steps
    return tuple(Cycle(cycle_name(at), at, _once(found[at])) for at in sorted(found))


def _once(steps: tuple[StepName, ...]) -> tuple[StepName, ...]:
    """Return each step once, in the order of their first mention, a report last."""
    return tuple(sorted(dict.fromkeys(steps), key=lambda step: step == "report"))


def fetch_offset(config: DeskConfig, mode: Mode) -> Offset | None:
    """Return when bars are fetched; None: never, as on an exchange of our own making."""
    text = config.data.fetch_at
    return Offset.parse(text) if text and mode in {"paper", "live"} else None


def is_fetch_due(config: DeskConfig, mode: Mode, session: dt.date, as_of: dt.datetime) -> bool:
    """Return whether the fetch is the newest thing scheduled; on the same instant a cycle is."""
    offset = fetch_offset(config, mode)
    if offset is None:
        return False
    day = hours(session)
    at = offset.of(day.opens_at, day.closes_at)
    due = due_cycle(config, session, as_of)
    return at <= as_of and (due is None or due.at < at)


def cycle_at(config: DeskConfig, session: dt.date, as_of: dt.datetime) -> str:
    """Return the name of the cycle an instant belongs to."""
    due = due_cycle(config, session, as_of)
    if due is not None and as_of < due.at + WINDOW:
        return due.name
    return cycle_name(as_of)


def due_cycle(config: DeskConfig, session: dt.date, as_of: dt.datetime) -> Cycle | None:
    """Return the newest scheduled cycle not after `as_of`; None before the first."""
    past = [cycle for cycle in cycles_of(config, session) if cycle.at <= as_of]
    return past[-1] if past else None


def is_last_cycle(config: DeskConfig, session: dt.date, as_of: dt.datetime) -> bool:
    """Return whether the schedule holds nothing more for the session: its report seals."""
    cycles = cycles_of(config, session)
    return not cycles or as_of >= cycles[-1].at
