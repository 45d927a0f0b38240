"""Replay: past sessions on the local exchange, by the same step functions that cron calls."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import NamedTuple, Protocol

from quantcli.contracts.errors import UsageError
from quantcli.core.sessions import cycle_name, next_session, sessions_between
from quantcli.steps.cycles import cycles_of
from quantcli.steps.day import StepOutcome, run_cycle
from quantcli.steps.run import World, run_step
from quantcli.steps.snapshot import genesis_snapshot

#: Genesis lies this long before the first cycle of the first session.
GENESIS_LEAD = dt.timedelta(minutes=5)


class Stage(World, Protocol):
    """A world whose exchange clock can be moved."""

    def advance(self, to: dt.datetime) -> None:
        """Move the exchange's clock forward."""
        ...

    def exchange_time(self) -> dt.datetime:
        """Return the exchange's clock."""
        ...


class SessionResult(NamedTuple):
    """What became of one session."""

    session: dt.date
    outcomes: tuple[StepOutcome, ...]
    was_sealed_before: bool


def replay(
    stage: Stage,
    first: dt.date,
    last: dt.date,
    told: Callable[[SessionResult], None],
) -> int:
    """Run every session in [first, last] and return how many were run.

    Sessions that are sealed already are passed over, so an interrupted replay continues; a
    desk whose last session lies elsewhere is refused.

    Raises:
        UsageError: no session in the range, or the desk does not continue there.
    """
    sessions = sessions_between(first, last)
    if not sessions:
        raise UsageError("no exchange session in that range", value=f"{first} to {last}")
    _require_continuation(stage, sessions)
    count = 0
    passed = stage.store.sessions()[:-1]
    for session in sessions:
        if stage.store.is_sealed(session) or session in passed:
            told(SessionResult(session, (), was_sealed_before=True))
            continue
        told(SessionResult(session, _run_session(stage, session), was_sealed_before=False))
        count += 1
    return count


def _require_continuation(stage: Stage, sessions: tuple[dt.date, ...]) -> None:
    """Refuse to run anything but the session that comes next on this desk.

    Its exchange's clock cannot go back, and a gap would leave positions without their days.
    """
    known = stage.store.sessions()
    ahead = [
        each for each in sessions if not stage.store.is_sealed(each) and each not in known[:-1]
    ]
    if not known or not ahead:
        return
    newest = known[-1]
    expected = next_session(newest) if stage.store.is_sealed(newest) else newest
    if ahead[0] != expected:
        raise UsageError(
            f"the desk's last session is {newest}: a replay continues at {expected}",
            value=ahead[0],
            hint="start there, or make another desk",
        )


def _run_session(stage: Stage, session: dt.date) -> tuple[StepOutcome, ...]:
    cycles = cycles_of(stage.config, session)
    if _has_not_begun(stage, session, cycles[0].name):
        begin(stage, session, cycles[0].at - GENESIS_LEAD)
    outcomes: list[StepOutcome] = []
    for cycle in cycles:
        move_clock(stage, cycle.at)
        outcomes += run_cycle(stage, cycle.steps, stage.stamp(session, cycle.name, cycle.at))
    return tuple(outcomes)


def _has_not_begun(stage: Stage, session: dt.date, first_cycle: str) -> bool:
    """Return whether genesis is still to be made, or was interrupted before its artifact."""
    genesis = stage.journal.genesis()
    if genesis is None:
        return True
    if genesis.first_session != session:
        return False
    return stage.store.find(session, "snapshot", not_after=first_cycle) is None


def move_clock(stage: Stage, to: dt.datetime) -> None:
    """Move the exchange's clock to an instant; an instant that is past was run before."""
    if stage.exchange_time() < to:
        stage.advance(to)


def begin(stage: Stage, session: dt.date, at: dt.datetime) -> None:
    """Take stock of the empty account and journal its cash, before the first cycle."""
    move_clock(stage, at)
    stamp = stage.stamp(session, cycle_name(at), at)
    run_step(stage, "reconcile", stamp)
    run_step(stage, "snapshot", stamp, genesis_snapshot)
