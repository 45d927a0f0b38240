"""Gate: the broker's calendar names the same session with the same hours."""

from __future__ import annotations

import datetime as dt

from quantcli.contracts.scalars import instant_text
from quantcli.core.gates.facts import Facts
from quantcli.core.gates.rulings import DeskGate, Ruling, allow, block


def broker_calendar(facts: Facts) -> Ruling:
    """Block unless the broker lists exactly this session, opening and closing as our table says."""
    ours = _spelled(facts.session, facts.hours.start, facts.hours.end)
    days = facts.calendar.value
    if days is None:
        return block(facts.calendar.fault or "broker-unavailable", "unreadable", ours)
    theirs = "; ".join(_spelled(day.session, day.opens_at, day.closes_at) for day in days)
    if theirs != ours:
        return block("calendar-disagrees", theirs or "no session", ours)
    return allow(theirs, ours)


def _spelled(session: dt.date, opens_at: dt.datetime, closes_at: dt.datetime) -> str:
    return f"{session} {instant_text(opens_at)} {instant_text(closes_at)}"


GATE = DeskGate(
    "broker-calendar",
    ("broker-unavailable", "calendar-disagrees"),
    "Does the broker's calendar hold this session with our hours?",
    broker_calendar,
)
