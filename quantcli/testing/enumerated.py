"""Deaths at every single moment of a day, and at every pair of moments of the steps that matter.

The day is typed once without trouble, and the moments of each command are counted. Then, for each
moment, the desk as it was before that command dies there, by a kill and by a power cut. Typed
again, it finishes its day, which must end as the untroubled one did; and if nobody types it
again, what cron types next must leave everything in order. Moments found and moments died at are
counted apart, so that a new touch of the world which escapes the enumeration shows.
"""

from __future__ import annotations

import datetime as dt
import json
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

from quantcli.contracts.errors import ArtifactError, OutcomeUnknown
from quantcli.contracts.session_table import hours
from quantcli.testing import checkers, cron, truth
from quantcli.testing.chooser import Chooser
from quantcli.testing.desks import Template, make_template
from quantcli.testing.history import Typed
from quantcli.testing.points import Blow, BlowKind
from quantcli.testing.stage import Fate, set_for
from quantcli.testing.swarm import CALM
from quantcli.testing.world import World

#: Steps whose moments are also died at in pairs.
PAIRED = ("execute", "exits", "reconcile")
#: Steps that may find nothing to go on after another one died.
TOWARDS_ENTRIES = ("decide", "enforce", "execute")


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


class Day:
    """One session of a market, which is run again and again from any of its commands.

    Attributes:
        lines: What cron types.
        next_lines: What it types in the session after.
    """

    def __init__(self, folder: Path, market: int, session: int) -> None:
        """Trade the sessions before without trouble.

        Args:
            folder: Where desks are made.
            market: Which market.
            session: Which of its sessions, from 0.
        """
        self._folder, self._made = folder, 0
        self.template: Template = make_template(folder, market)
        self.session: dt.date = self.template.sessions[session]
        self.lines = cron.regular_lines(self.session, is_by_day=False)
        following = self.template.sessions[session + 1]
        self.next_lines = cron.regular_lines(following, is_by_day=False)
        shutil.rmtree(folder / "day", ignore_errors=True)
        self._world = World(self.template, folder / "day", CALM)
        with set_for(self._world):
            for words in (("reconcile",), ("snapshot", "--genesis")):
                _require_whole(self._world.type(*words))
            for earlier in self.template.sessions[:session]:
                for line in cron.regular_lines(earlier, is_by_day=True):
                    self._world.advance(line.at)
                    _require_whole(self._world.type(*line.words))

    def befores(self) -> Iterator[tuple[int, World]]:
        """Yield each command's number with the world as it is just before it."""
        for number, line in enumerate(self.lines):
            with set_for(self._world):
                self._world.advance(line.at)
            yield number, self._world
            with set_for(self._world):
                _require_whole(self._world.type(*line.words))

    def twin(self, world: World) -> World:
        """Return a copy to be spoilt."""
        self._made += 1
        return world.twin(self._folder / f"twin-{self._made}")

    def end(self) -> None:
        """Release the world."""
        self._world.end()
        shutil.rmtree(self._world.root, ignore_errors=True)


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
        pairs = [
            (first, second)
            for first in range(part, len(_moments(day, world, number)), parts)
            for second in range(len(_moments(day, world, number, Blow(first, "kill"))))
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


#: What may happen to a request, by its method; the first is that nothing does.
_FATES: dict[str, tuple[Fate, ...]] = {
    "POST": ("carried", "lost", "answer lost", "timed out", "hidden"),
    "PATCH": ("carried", "lost", "answer lost", "timed out"),
    "DELETE": ("carried", "lost", "answer lost", "timed out"),
    "GET": ("carried", "lost", "timed out"),
}


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
            twin.choose = None
            twin.exchange.faults.remove(list(twin.exchange.faults.faults))
            found = _judged_day(day, twin, number, whole)
    finally:
        _drop(twin)
    return [f"{name} {chooser.vector}: {each}" for each in found]


def _fate(world: World, chooser: Chooser, method: str) -> Fate:
    options: tuple[Any, ...] = (*_FATES[method], "death before", "death after")
    fate = chooser.choose(options)
    if fate in {"death before", "death after"}:
        world.points.die_after_next(skipped=fate == "death after")
        return "carried"
    chosen: Fate = fate
    return chosen


def _whole_day(day: Day) -> Any:
    """Return how the untroubled day ends at the broker."""
    world = next(iter(day.befores()))[1]
    twin = day.twin(world)
    try:
        with set_for(twin):
            for line in day.lines:
                twin.advance(line.at)
                _require_whole(twin.type(*line.words))
            return _ending(twin)
    finally:
        _drop(twin)


def _untroubled(day: Day, world: World, number: int) -> Any:
    """Return what a command comes to without trouble."""
    twin = day.twin(world)
    try:
        with set_for(twin):
            _require_whole(twin.type(*day.lines[number].words))
            return _told(day, twin, number)
    finally:
        _drop(twin)


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
        _drop(twin)


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
        _drop(twin)
    return [f"{name}: {each}" for each in found]


def _finish(day: Day, world: World, number: int, whole: Any) -> list[str]:
    """Type a command and those after it; return what is not as on the untroubled day."""
    found = _typed_on(day, world, day.lines[number:])
    ending = _ending(world)
    if ending != whole:
        found.append(f"the day ended as {_first_difference(ending, whole)}")
    return found + _judged_books(day, world)


def _judged_day(day: Day, world: World, number: int, whole: Any) -> list[str]:
    """Type what follows a troubled command, and the next session; nothing may be out of order.

    What was not done may be given up: an entry, a session's own report. Nothing else may be sent.
    """
    found = _typed_on(day, world, day.lines[number + 1 :], is_troubled=True)
    bought = _bought(_ending(world))
    if not bought <= _bought(whole):
        found.append(f"it bought {sorted(bought)}, not {sorted(_bought(whole))}")
    found += _typed_on(day, world, day.next_lines, is_troubled=True)
    return found + _judged_books(day, world)


#: Ways to die, and what is typed afterwards: the same again, or only what comes next.
ENDINGS: tuple[tuple[BlowKind, Callable[..., list[str]]], ...] = (
    ("kill", _finish),
    ("power", _finish),
    ("kill", _judged_day),
)


def _bought(ending: Any) -> set[str]:
    orders = (json.loads(each) for each in ending[0])
    return {f"{o['client_order_id']} {o['qty']}" for o in orders if o["side"] == "buy"}


def _typed_on(
    day: Day, world: World, lines: Sequence[cron.Line], *, is_troubled: bool = False
) -> list[str]:
    """Type lines, which all must end well.

    After trouble an outcome may stay unknown until the close, and what leads to entries may lack
    what was not made.
    """
    found = []
    closes_at = hours(day.session).closes_at
    for line in lines:
        world.advance(line.at)
        typed = world.type(*line.words)
        is_unknown = typed.code == OutcomeUnknown.exit_code and line.at < closes_at
        is_missing = typed.code == ArtifactError.exit_code and line.words[0] in TOWARDS_ENTRIES
        if typed.code and not (is_troubled and (is_unknown or is_missing)):
            found.append(f"{typed.line()}: {typed.said}")
        found += [each.detail for each in checkers.Stops().judge(typed, truth.read(world.exchange))]
    return found


def _judged_books(day: Day, world: World) -> list[str]:
    found = [each.detail for each in checkers.judge_books(world)]
    last = max(path.name for path in (world.root / "artifacts").glob("2*"))
    for words in (
        ("prove", "--from", day.session.isoformat(), "--to", last),
        ("audit", "verify"),
    ):
        typed = world.type(*words)
        if typed.code:
            found.append(f"{typed.line()}: {typed.said}")
    return found


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
    path = checkers.newest(world.root / "artifacts" / day.session.isoformat(), step)
    artifact = {} if path is None else checkers.read_json(path)
    for name in ("inputs", "calls"):
        artifact.pop(name, None)
    return _ending(world), artifact


def _ending(world: World) -> Any:
    """Return what the broker knows in the end, without ids and instants of its own."""
    now = truth.read(world.exchange)
    told = ("client_order_id", "symbol", "side", "type", "qty", "filled_qty", "status",
            "limit_price", "stop_price", "filled_avg_price")  # fmt: skip
    orders = sorted(json.dumps({key: each[key] for key in told}) for each in now.orders)
    return orders, {symbol: now.held(symbol) for symbol in now.positions}, now.account["cash"]


def _first_difference(ending: Any, whole: Any) -> str:
    for ours, theirs in zip(ending, whole, strict=True):
        if ours != theirs and isinstance(ours, list):
            return f"{sorted(set(ours) - set(theirs))}, not {sorted(set(theirs) - set(ours))}"
        if ours != theirs:
            return f"{ours}, not {theirs}"
    return "the same"


def _drop(world: World) -> None:
    world.end()
    shutil.rmtree(world.root, ignore_errors=True)


def _require_whole(typed: Typed) -> None:
    if typed.code:
        raise AssertionError(f"{typed.line()}: {typed.said}")
