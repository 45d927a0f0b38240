"""One seeded world: a desk, its broker, its disk, and commands that are typed into it."""

from __future__ import annotations

import datetime as dt
import io
import json
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from decimal import Decimal
from pathlib import Path
from random import Random

from quantcli.cli.app import main
from quantcli.cli.venue import exchange_keys
from quantcli.contracts.scalars import instant, instant_text
from quantcli.contracts.session_table import new_york
from quantcli.exchange.settings import ExchangeSettings
from quantcli.shell import files
from quantcli.testing.desks import Template, copy_desk, copy_state
from quantcli.testing.disk import WatchedDisk
from quantcli.testing.history import History, Typed
from quantcli.testing.points import Blow, Crash, Points
from quantcli.testing.stage import Fate, LastingExchange
from quantcli.testing.swarm import Swarm

#: Seconds by which the machine's clock moves on for each command.
COMMAND_SECONDS = 2
#: A clock that is further off than this is wrong.
SKEW_MAX = dt.timedelta(seconds=30)


class World:
    """A desk in a folder of its own, at an exchange that lives in memory.

    Attributes:
        root: The desk's folder.
        exchange: The broker; its clock is the world's.
        disk: The files, watched.
        history: What was typed and asked.
        points: The moments of the command under way.
    """

    def __init__(self, template: Template, root: Path, swarm: Swarm) -> None:
        """Copy the template and found the exchange."""
        copy_desk(template, root, swarm.settings)
        self._begin(template, root, swarm, _exchange(template, root, swarm))
        self.exchange.advance(template.begins_at)

    def twin(self, root: Path) -> World:
        """Return a world in another folder that is just as this one is now."""
        made = World.__new__(World)
        copy_state(self.root, root)
        made._begin(self.template, root, self.swarm, self.exchange.twin())
        made._waited = self._waited
        return made

    def _begin(
        self, template: Template, root: Path, swarm: Swarm, exchange: LastingExchange
    ) -> None:
        self.template, self.root, self.swarm = template, root, swarm
        self.exchange = exchange
        self.secret = exchange.settings.secret
        self.disk = WatchedDisk(root)
        self.history = History()
        self.points = Points()
        self.moments: list[str] = []
        self.choose: Callable[[str, str], Fate] | None = None
        self._waited = 0.0

    def chosen(self, method: str, path: str) -> Fate:
        """Return what becomes of a request."""
        return "carried" if self.choose is None else self.choose(method, path)

    def end(self) -> None:
        """Release the exchange."""
        self.exchange.end()

    def now(self) -> dt.datetime:
        """Return the machine's clock: the exchange's, and the time that commands have taken."""
        return self.exchange.clock + dt.timedelta(seconds=self._waited)

    def monotonic(self) -> float:
        """Return seconds since the world began."""
        return self._waited

    def wait(self, seconds: float) -> None:
        """Let a command wait: no real time passes."""
        self._waited += seconds
        self.points.passed("wait")

    def advance(self, to: dt.datetime) -> None:
        """Move the exchange's clock forward; the disk has flushed everything meanwhile."""
        if to > self.exchange.clock:
            self.exchange.advance(to)
            self.disk.settle()

    def type(
        self, *words: str, blows: tuple[Blow, ...] = (), overlap: tuple[str, ...] = ()
    ) -> Typed:
        """Type one command and return what became of it.

        Args:
            words: The command line, without the desk.
            blows: What happens to it at which of its moments.
            overlap: What somebody types at the same time, at the moment of an overlapping blow.
        """
        clock = self.exchange.clock
        typed = Typed(
            new_york(clock).date().isoformat(),
            instant_text(clock),
            words,
            is_inner=self.history.is_busy and self.points.has_begun,
            is_halted=_is_halted(self.root),
            is_paused=_is_paused(self.root),
        )
        outer = self.points
        self.points = Points(blows, (lambda: self._overlap(overlap)) if overlap else None)
        self.disk.points = self.points
        self.history.begin(typed)
        files._SETTLED.clear()
        printed = io.StringIO()
        try:
            with redirect_stdout(printed), redirect_stderr(printed):
                typed.code = main([*words, "--desk", str(self.root)])
        except Crash:
            typed.died_at = self.points.names[-1]
            self.disk.let_go()
        finally:
            typed.said = printed.getvalue()
            typed.struck = tuple(f"{b.kind}@{b.at}" for b in self.points.struck)
            self.history.end()
            self.moments = self.points.names
            self.points = self.disk.points = outer
            self._waited += COMMAND_SECONDS
        return typed

    def is_skewed(self, body: bytes) -> bool:
        """Return whether a clock's answer is far from the exchange's real clock."""
        try:
            told = instant(json.loads(body)["timestamp"])
        except (ValueError, KeyError, TypeError):
            return False
        return abs(told - self.exchange.clock) > SKEW_MAX

    def cut_power(self, chance: Random | None = None) -> None:
        """Let the disk forget what was not flushed: any part of it by chance, or all of it."""
        lost = self.disk.cut_power(chance)
        self.history.notes.append(f"{len(self.history.commands)}: power cut, {lost} effects lost")

    def _overlap(self, words: tuple[str, ...]) -> None:
        self.type(*words)


def _exchange(template: Template, root: Path, swarm: Swarm) -> LastingExchange:
    key_id, secret = exchange_keys(root)
    settings = ExchangeSettings(
        key_id=key_id, secret=secret, seed=1, cash=Decimal(100_000), slippage_bps=Decimal(5),
        limit_fills_on=swarm.limit_fills_on, volume_share_max=swarm.volume_share_max,
        is_synced_each_commit=False, requests_per_minute=None,
    )  # fmt: skip
    return LastingExchange(None, template.bars, settings)


def _is_halted(root: Path) -> bool:
    try:
        said = json.loads((root / "state" / "halt.json").read_bytes())
    except (OSError, ValueError):
        return True
    return bool(said["entries"] or said["all"])


def _is_paused(root: Path) -> bool:
    """Return whether the newest reconciliation on the disk paused the desk."""
    found = sorted((root / "artifacts").glob("2*"))[-1:]
    newest = max((path for each in found for path in each.glob("*/reconcile.json")), default=None)
    try:
        return newest is not None and bool(json.loads(newest.read_bytes())["paused"]["is_set"])
    except ValueError:
        return False  # the judges of files will say so
