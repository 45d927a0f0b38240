"""One world from its first session to its judgement: a faulty phase, then a quiet one."""

from __future__ import annotations

import datetime as dt
import json
import shutil
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from quantcli.contracts.session_table import hours
from quantcli.testing import checkers, cron, ending, published, truth
from quantcli.testing.desks import Template, make_template
from quantcli.testing.history import Typed
from quantcli.testing.points import Blow, BlowKind
from quantcli.testing.published import Violation
from quantcli.testing.stage import set_for
from quantcli.testing.swarm import draw, draw_fault, focused
from quantcli.testing.world import World

#: Different markets; each is traded by many worlds.
MARKETS = 16
#: Moments among which a death is drawn; a command has 5 to 300.
MOMENTS_DRAWN = (6, 30, 120, 300)
#: Between the two rounds of the quiet session: beyond a cycle's window.
_QUIET_MINUTES = 5


@dataclass(slots=True)
class Result:
    """What became of one world.

    Attributes:
        name: The world's own seed.
        violations: Broken promises, with the command after which they were seen.
        sessions, commands, deaths, fills, signals: How much happened.
        digest: Of all artifacts in the end.
        lines: The history, kept if something was broken.
    """

    name: str
    violations: list[str] = field(default_factory=list)
    sessions: int = 0
    commands: int = 0
    deaths: int = 0
    faults: int = 0
    fills: int = 0
    signals: int = 0
    digest: str = ""
    lines: list[str] = field(default_factory=list)


class Simulation:
    """Runs one world."""

    def __init__(self, name: str, world: World, chance: Random) -> None:
        """Set the judges around a world."""
        self.world, self._chance = world, chance
        self.result = Result(name)
        config = tomllib.loads((world.root / "desk.toml").read_text())
        self._orders = checkers.Orders(world, config["limits"])
        self._stops = checkers.Stops(world.template.bars.splits)
        self._files = published.Files(world.root)
        self._judged = 0

    def run(self, sessions: tuple[dt.date, ...]) -> Result:
        """Trade all sessions but the last under faults, the last one without, and judge."""
        try:
            return self._run(sessions)
        except published.Unreadable as error:
            self._object([Violation("INV-23", str(error))], self.world.history.commands[-1])
            return self._ended()

    def _run(self, sessions: tuple[dt.date, ...]) -> Result:
        self._begin()
        for session in sessions[:-1]:
            self._faulty_session(session)
            if self.result.violations:
                return self._ended()
        self._quiet_session(sessions[-1])
        if not self.result.violations:
            self._judge_end()
        return self._ended()

    def _begin(self) -> None:
        for words in (("reconcile",), ("snapshot", "--genesis")):
            self._judge(self.world.type(*words))

    def _faulty_session(self, session: dt.date) -> None:
        for line in cron.disturbed_lines(session, self.world.swarm, self._chance):
            self.world.advance(line.at)
            self._disturb()
            self._run_disturbed(line.words)
            self._operate()
            if self.result.violations:
                return
        self.result.sessions += 1

    def _run_disturbed(self, words: tuple[str, ...]) -> None:
        """Run a command with whatever befalls it, and after a death maybe once more."""
        swarm = self.world.swarm
        while True:
            blows = self._blows()
            overlap = (self._chance.choice(("execute", "exits", "reconcile", "report")),)
            typed = self.world.type(*words, blows=blows, overlap=overlap)
            if typed.code is None and any(blow.kind == "power" for blow in blows):
                self.world.cut_power(self._chance)
            self._judge(typed)
            if typed.code is not None or self._chance.random() >= swarm.again_rate:
                return

    def _blows(self) -> tuple[Blow, ...]:
        swarm = self.world.swarm
        rates: tuple[tuple[BlowKind, float], ...] = (
            ("kill", swarm.kill_rate),
            ("power", swarm.power_rate),
            ("no-space", swarm.disk_rate),
            ("no-space-any-more", swarm.disk_rate / 2),
            ("overlap", swarm.overlap_rate),
        )
        most = self._chance.choice(MOMENTS_DRAWN)
        return tuple(
            Blow(self._chance.randrange(most), kind)
            for kind, rate in rates
            if self._chance.random() < rate
        )

    def _disturb(self) -> None:
        """Let the broker have other faults than before."""
        swarm, exchange = self.world.swarm, self.world.exchange
        if self._chance.random() >= swarm.fault_lasting:
            self._heal()
        if swarm.kinds and self._chance.random() < swarm.fault_rate:
            for _ in range(self._chance.choice((1, 1, 2, 3))):
                fault = draw_fault(self._chance, swarm.kinds)
                exchange.handle("POST", "/_sim/faults", "", json.dumps(fault).encode(), self._keys)
                self.result.faults += 1

    def _heal(self) -> None:
        if self.world.exchange.faults.numbered:
            self.world.exchange.handle("DELETE", "/_sim/faults", "", b"", self._keys)

    @property
    def _keys(self) -> dict[str, str]:
        settings = self.world.exchange.settings
        return {"APCA-API-KEY-ID": settings.key_id, "APCA-API-SECRET-KEY": settings.secret}

    def _operate(self) -> None:
        """Let the operator do something, rarely."""
        if self._chance.random() >= self.world.swarm.operator_rate:
            return
        words = self._chance.choice(
            (
                ("halt", "--entries", "--reason", "drill"),
                ("halt", "--all", "--reason", "drill"),
                ("resume", "--reason", "drill is over"),
                ("reconcile", "--read-only"),
                ("status",),
            )
        )
        self._judge(self.world.type(*words))

    def _quiet_session(self, session: dt.date) -> None:
        """Everything works again: within two rounds the desk has to be in order."""
        self._heal()
        world = self.world
        day = hours(session)
        world.advance(day.opens_at - dt.timedelta(minutes=75))
        for words in (("reconcile",), ("resume", "--reason", "faults are over")):
            self._judge(world.type(*words))
        lines = cron.regular_lines(session, is_by_day=False)
        middle = day.opens_at + dt.timedelta(minutes=5)
        for line in (line for line in lines if line.at <= middle):
            self._at(line.at, line.words)
        for step in ("reconcile", "execute", "exits"):
            self._quiet(self._at(middle + dt.timedelta(minutes=_QUIET_MINUTES), (step,)))
        for line in (line for line in lines if line.at > middle):
            self._quiet(self._at(line.at, line.words))
        self.result.sessions += 1

    def _at(self, at: dt.datetime, words: tuple[str, ...]) -> Typed:
        self.world.advance(at)
        typed = self.world.type(*words)
        self._judge(typed)
        return typed

    def _quiet(self, typed: Typed) -> None:
        if typed.code:
            self._object([Violation("INV-30", f"still exit {typed.code}: {typed.said}")], typed)

    def _judge(self, typed: Typed) -> None:
        """Show a command to the judges."""
        self.result.commands += 1
        self.result.deaths += typed.code is None
        if self.world.exchange.is_other_account:
            found = checkers.judge_codes(typed) + self._files.judge(typed)
        else:
            now = truth.read(self.world.exchange)
            found = checkers.judge_codes(typed) + self._orders.judge(now)
            found += self._stops.judge(typed, now) + self._files.judge(typed)
            found += checkers.judge_life(typed, self._orders, now)
        for each in self.world.history.commands[self._judged :]:
            found += checkers.judge_sends(each, self._orders) + checkers.judge_alone(each)
        self._judged = len(self.world.history.commands)
        self._object(found, typed)

    def _judge_end(self) -> None:
        world, last = self.world, self.world.history.commands[-1]
        found: list[Violation] = []
        found += [
            Violation("INV-25", f"{session.name} is not sealed")
            for session in sorted((world.root / "artifacts").glob("2*"))
            if not (session / "manifest.json").exists()
        ]
        self.result.signals = len(ending.scanned(world))
        found += ending.judge_signals(world, self._orders)
        found += ending.judge_books(world) + published.judge_secrets(world)
        found += self._files.judge(last, whole=True)
        self.result.fills = len(truth.fills(world.exchange))
        self._object(found, last)
        self._judge_again()
        self._prove()

    def _judge_again(self) -> None:
        """Everything typed once more changes nothing."""
        world = self.world
        before = self._files.digest(), world.exchange.answer("GET", "/v2/orders", "status=all", b"")
        for step in ("exits", "reconcile", "snapshot", "report"):
            self._quiet(world.type(step))
        after = self._files.digest(), world.exchange.answer("GET", "/v2/orders", "status=all", b"")
        self.result.digest = after[0]
        if before != after:
            last = world.history.commands[-1]
            self._object([Violation("INV-26", "typed again, something changed")], last)

    def _prove(self) -> None:
        """Every sealed byte follows from what was recorded."""
        first, last = self.world.template.sessions[0], self.world.template.sessions[-1]
        for words in (
            ("prove", "--from", first.isoformat(), "--to", last.isoformat()),
            ("audit", "verify"),
        ):
            typed = self.world.type(*words)
            if typed.code:
                self._object([Violation("INV-24", f"{words[0]}: {typed.said}")], typed)

    def _object(self, found: list[Violation], typed: Typed) -> None:
        number = len(self.world.history.commands)
        self.result.violations += [
            f"{each.invariant} after command {number} ({typed.line()}): {each.detail}"
            for each in found
        ]

    def _ended(self) -> Result:
        if self.result.violations:
            self.result.lines = [
                f"{number} {typed.line()}"
                for number, typed in enumerate(self.world.history.commands, start=1)
            ]
        return self.result


def run_world(name: str, folder: Path, *, keeps: bool = False) -> Result:
    """Run the world of a name; the same name is the same world.

    Args:
        name: Any text; the seed of everything in the world. After a plus sign stand the only
            troubles that it has, e.g. `1-3+kill+drop-after-accept`.
        folder: Where templates and desks are made.
        keeps: Leave the desk there.
    """
    chance = Random(name)
    has_splits = "splits" in name.split("+")
    template = make_template(folder, chance.randrange(MARKETS), has_splits=has_splits)
    world = _world(name, template, folder / f"world-{name}", chance)
    try:
        with set_for(world):
            return Simulation(name, world, chance).run(template.sessions)
    finally:
        world.end()
        if not keeps:
            shutil.rmtree(world.root, ignore_errors=True)


def _world(name: str, template: Template, root: Path, chance: Random) -> World:
    shutil.rmtree(root, ignore_errors=True)
    _, *wanted = name.split("+")
    return World(template, root, focused(wanted) if wanted else draw(chance))
