"""Deaths at every single moment of a day, and at every pair of moments of the steps that matter.

The day is typed once without trouble, and the moments of each command are counted. Then, for each
moment, the desk as it was before that command dies there, by a kill and by a power cut. Typed
again, it finishes its day, which must end as the untroubled one did; and if nobody types it
again, what cron types next must leave everything in order. Moments found and moments died at are
counted apart, so that a new touch of the world which escapes the enumeration shows.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from random import Random
from typing import Any, Literal

from quantcli.testing.chooser import Chooser
from quantcli.testing.days import (
    Day,
    bought,
    drop,
    ending_of,
    first_difference,
    judged_books,
    require_whole,
    typed_on,
)
from quantcli.testing.points import Blow, BlowKind
from quantcli.testing.published import Files, newest, read_json
from quantcli.testing.stage import Fate, set_for
from quantcli.testing.world import World

#: Steps whose moments are also died at in pairs.
PAIRED = ("execute", "exits", "reconcile")


@dataclass(slots=True)
class Count:
    """What an enumeration came to.

    Attributes:
        found: Moments counted in the untroubled day.
        crashed: Of these, how many somebody died at.
        runs: Days, or parts of days, that were run.
        violations: What was broken, and by which run.
    """

    found: int = 0
    crashed: int = 0
    runs: int = 0
    violations: list[str] = field(default_factory=list)

    def add(self, other: Count) -> None:
        """Take another count in."""
        self.found += other.found
        self.crashed += other.crashed
        self.runs += other.runs
        self.violations += other.violations


def every_moment(
    folder: Path,
    market: int,
    session: int,
    *,
    part: int = 0,
    parts: int = 1,
    stride: int = 1,
    only: int | None = None,
) -> Count:
    """Die at every moment of a day, once for each kind of death.

    Args:
        folder: Where desks are made.
        market: Which market.
        session: Which of its sessions, from 0.
        part: Which part of the moments, from 0; all parts are everything.
        parts: How many parts there are, e.g. processes.
        stride: 1: every moment; n: every n-th only.
        only: The number of a command, from 0: the moments of that one alone.
    """
    folder.mkdir(parents=True, exist_ok=True)
    day, total = Day(folder, market, session), Count()
    whole = _whole_day(day)
    for number, world in day.befores():
        if only not in {None, number}:
            continue
        moments = _moments(day, world, number)
        total.found += len(range(part, len(moments), parts))
        for at in range(part, len(moments), parts * stride):
            total.crashed += 1
            for kind, finish in ENDINGS:
                total.runs += 1
                blows = ((Blow(at, kind),),)
                where = f"market {market} session {session} command {number}"
                name = f"{where} {kind}@{at} {moments[at]}"
                end = partial(finish, day, number=number, whole=whole)
                total.violations += _spoilt(day, world, number, blows, name, end)
    day.end()
    return total


def every_pair(
    folder: Path, market: int, session: int, *, part: int = 0, parts: int = 1, stride: int = 1
) -> Count:
    """Die at every moment of execute, exits and reconcile, and again when typed again.

    Args:
        folder: Where desks are made.
        market: Which market.
        session: Which of its sessions, from 0.
        part: Which part of the pairs, by their first moment, from 0; all parts are everything.
        parts: How many parts there are, e.g. processes.
        stride: 1: every pair; n: every n-th only.
    """
    folder.mkdir(parents=True, exist_ok=True)
    day, total = Day(folder, market, session), Count()
    for number, world in day.befores():
        if day.lines[number].words[0] not in PAIRED:
            continue
        expected = _untroubled(day, world, number)
        firsts = _worth_a_pair(_moments(day, world, number))
        pairs = [
            (first, second)
            for first in firsts[part::parts]
            for second in _worth_a_pair(_moments(day, world, number, Blow(first, "kill")))
        ]
        total.found += len(pairs)
        for first, second in pairs[::stride]:
            total.crashed += 1
            total.runs += 1
            blows = ((Blow(first, "kill"),), (Blow(second, "kill"),))
            name = f"market {market} session {session} command {number} kills@{first},{second}"
            end = partial(_again, day, number=number, expected=expected)
            total.violations += _spoilt(day, world, number, blows, name, end)
    day.end()
    return total


#: Beyond a cycle's window.
AGAIN_AFTER = dt.timedelta(minutes=6)
#: What may happen to a request, or to the desk around it.
Choice = Fate | Literal["death before", "death after"]
#: By method; the first is that nothing happens. To ask in vain is one thing, whoever is to blame.
_CHOICES: dict[str, tuple[Choice, ...]] = {
    "POST": (
        "carried", "lost", "answer lost", "timed out", "hidden", "death before", "death after",
    ),
    "GET": ("carried", "lost", "death before"),
}  # fmt: skip


def every_choice(
    folder: Path, market: int, session: int, faults_max: int, *, part: int = 0, parts: int = 1
) -> Count:
    """Let up to so many things go wrong with the requests of an entry, in every possible way.

    The step that sends is run twice under whatever was chosen, then the day goes on untroubled.

    Args:
        folder: Where desks are made.
        market: Which market.
        session: Which of its sessions, from 0; one with a single entry keeps it small.
        faults_max: Most faults in one run.
        part: Which part of the choices, by their first fault, from 0; all parts are everything.
        parts: How many parts there are, e.g. processes.
    """
    folder.mkdir(parents=True, exist_ok=True)
    day, total = Day(folder, market, session), Count()
    whole = _whole_day(day)
    for number, world in day.befores():
        if day.lines[number].words == ("execute",):
            chooser = Chooser(faults_max, part=part, parts=parts)
            while chooser.begin():
                total.runs += 1
                name = f"market {market} session {session} command {number} choices"
                total.violations += _chosen(day, world, number, chooser, whole, name)
            break
    day.end()
    total.found = total.crashed = total.runs
    return total


def _chosen(
    day: Day, world: World, number: int, chooser: Chooser, whole: Any, name: str
) -> list[str]:
    twin = day.twin(world)
    try:
        with set_for(twin):
            twin.choose = lambda method, _: _fate(twin, chooser, method)
            for _ in range(2):
                twin.type("execute")
                # A pass that ended has its artifact: the next one needs a cycle of its own.
                twin.advance(twin.exchange.clock + AGAIN_AFTER)
            twin.choose = None
            twin.exchange.faults.remove(list(twin.exchange.faults.faults))
            found = _judged_day(day, twin, number, whole)
    finally:
        drop(twin)
    return [f"{name} {chooser.vector}: {each}" for each in found]


def _fate(world: World, chooser: Chooser, method: str) -> Fate:
    choice = chooser.choose(_CHOICES[method])
    if choice == "death before" or choice == "death after":  # noqa: PLR1714 - mypy narrows it
        world.points.die_after_next(skipped=choice == "death after")
        return "carried"
    return choice


def _whole_day(day: Day) -> Any:
    """Return how the untroubled day ends at the broker."""
    world = next(iter(day.befores()))[1]
    twin = day.twin(world)
    try:
        with set_for(twin):
            for line in day.lines:
                twin.advance(line.at)
                require_whole(twin.type(*line.words))
            return ending_of(twin)
    finally:
        drop(twin)


def _worth_a_pair(moments: Sequence[str]) -> list[int]:
    """Return the moments that are combined: torn writes and flushes are died at singly."""
    return [
        number
        for number, name in enumerate(moments)
        if not name.startswith(("half a write", "fsync"))
    ]


def _untroubled(day: Day, world: World, number: int) -> Any:
    """Return what a command comes to without trouble."""
    twin = day.twin(world)
    try:
        with set_for(twin):
            require_whole(twin.type(*day.lines[number].words))
            return _told(day, twin, number)
    finally:
        drop(twin)


def _moments(day: Day, world: World, number: int, first: Blow | None = None) -> list[str]:
    """Return the moments of a command, or of the one typed after it died at `first`."""
    twin = day.twin(world)
    try:
        with set_for(twin):
            if first is not None:
                twin.type(*day.lines[number].words, blows=(first,))
            twin.type(*day.lines[number].words)
            return twin.moments
    finally:
        drop(twin)


def _spoilt(
    day: Day,
    world: World,
    number: int,
    blows: tuple[tuple[Blow, ...], ...],
    name: str,
    end: Callable[[World], list[str]],
) -> list[str]:
    """Let a command die, once for each of the blows, and return what `end` finds broken."""
    twin = day.twin(world)
    try:
        with set_for(twin):
            for each in blows:
                typed = twin.type(*day.lines[number].words, blows=each)
                if typed.code is None and each[0].kind == "power":
                    twin.cut_power(Random(name))
            found = end(twin)
    finally:
        drop(twin)
    return [f"{name}: {each}" for each in found]


def _finish(day: Day, world: World, number: int, whole: Any) -> list[str]:
    """Type a command and those after it; return what is not as on the untroubled day."""
    found = typed_on(day, world, day.lines[number:])
    ending = ending_of(world)
    if ending != whole:
        found.append(f"the day ended as {first_difference(ending, whole)}")
    return found + judged_books(day, world)


def _finish_in_the_dark(day: Day, world: World, number: int, whole: Any) -> list[str]:
    """Type a command again, and cut the power when it has ended: what it published stays."""
    require_whole(world.type(*day.lines[number].words))
    published = Files(world.root)
    before = published.digest()
    world.cut_power()
    lost = [] if published.digest() == before else ["a power cut took what was published"]
    return lost + _finish(day, world, number, whole)


def _judged_day(day: Day, world: World, number: int, whole: Any) -> list[str]:
    """Type what follows a troubled command, and the next session; nothing may be out of order.

    What was not done may be given up: an entry, a session's own report. Nothing else may be sent.
    """
    found = typed_on(day, world, day.lines[number + 1 :], is_troubled=True)
    ours, allowed = bought(ending_of(world)), bought(whole)
    if not ours <= allowed:
        found.append(f"it bought {sorted(ours)}, not {sorted(allowed)}")
    found += typed_on(day, world, day.next_lines, is_troubled=True)
    return found + judged_books(day, world)


#: Ways to die, and what is typed afterwards: the same again, or only what comes next.
ENDINGS: tuple[tuple[BlowKind, Callable[..., list[str]]], ...] = (
    ("kill", _finish),
    ("power", _finish),
    ("kill", _judged_day),
    ("kill", _finish_in_the_dark),
)


def _again(day: Day, world: World, number: int, expected: Any) -> list[str]:
    """Type a command once more; return how its end differs from that without trouble."""
    typed = world.type(*day.lines[number].words)
    if typed.code:
        return [f"{typed.line()}: {typed.said}"]
    found = _told(day, world, number)
    return [] if found == expected else [f"it told {found}, not {expected}"]


def _told(day: Day, world: World, number: int) -> Any:
    """Return what the broker knows and what the step's artifact says.

    Not compared are its inputs and calls, which tell of the attempts.
    """
    step = day.lines[number].words[0]
    path = newest(world.root / "artifacts" / day.session.isoformat(), step)
    artifact = {} if path is None else read_json(path)
    for name in ("inputs", "calls"):
        artifact.pop(name, None)
    return ending_of(world), artifact
