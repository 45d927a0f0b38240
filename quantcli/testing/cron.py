"""A crontab, and how cron gets it wrong: lines skipped, doubled, swapped, late and overlapping."""

from __future__ import annotations

import datetime as dt
from random import Random
from typing import NamedTuple

from quantcli.contracts.config import DEFAULT_CYCLES, Offset
from quantcli.contracts.session_table import hours
from quantcli.testing.swarm import Swarm

LATE_MINUTES = (1, 4, 6, 20, 50)


class Line(NamedTuple):
    """One thing that cron starts."""

    at: dt.datetime
    words: tuple[str, ...]


def regular_lines(session: dt.date, *, is_by_day: bool) -> list[Line]:
    """Return a session's crontab as it is meant."""
    day = hours(session)
    lines = []
    for text, steps in DEFAULT_CYCLES.items():
        at = Offset.parse(text).of(day.opens_at, day.closes_at)
        words = [("day",)] if is_by_day else [(step,) for step in steps]
        lines += [Line(at, each) for each in words]
    return sorted(lines, key=lambda line: line.at)


def disturbed_lines(session: dt.date, swarm: Swarm, chance: Random) -> list[Line]:
    """Return a session's crontab as cron runs it in this world."""
    lines = []
    for line in regular_lines(session, is_by_day=swarm.is_by_day):
        if chance.random() < swarm.skip_rate:
            continue
        lines.append(_late(line, swarm, chance))
        if chance.random() < swarm.double_rate:
            lines.append(line)
    lines.sort(key=lambda line: line.at)
    for left in range(len(lines) - 1):
        if chance.random() < swarm.swap_rate:
            first, second = lines[left], lines[left + 1]
            lines[left] = Line(first.at, second.words)
            lines[left + 1] = Line(second.at, first.words)
    return lines


def _late(line: Line, swarm: Swarm, chance: Random) -> Line:
    if chance.random() >= swarm.late_rate:
        return line
    return Line(line.at + dt.timedelta(minutes=chance.choice(LATE_MINUTES)), line.words)
