"""One session that is run again and again from any of its commands, and how it may end."""

from __future__ import annotations

import datetime as dt
import json
import shutil
import tomllib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from quantcli.contracts.errors import ArtifactError, OutcomeUnknown
from quantcli.contracts.session_table import hours
from quantcli.testing import checkers, cron, truth
from quantcli.testing.desks import Template, make_template
from quantcli.testing.ending import judge_books
from quantcli.testing.history import Typed
from quantcli.testing.stage import set_for
from quantcli.testing.swarm import CALM
from quantcli.testing.world import World

#: Steps that may find nothing to go on after another one died.
TOWARDS_ENTRIES = ("decide", "enforce", "execute")


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
                require_whole(self._world.type(*words))
            for earlier in self.template.sessions[:session]:
                for line in cron.regular_lines(earlier, is_by_day=True):
                    self._world.advance(line.at)
                    require_whole(self._world.type(*line.words))

    def befores(self) -> Iterator[tuple[int, World]]:
        """Yield each command's number with the world as it is just before it."""
        for number, line in enumerate(self.lines):
            with set_for(self._world):
                self._world.advance(line.at)
            yield number, self._world
            with set_for(self._world):
                require_whole(self._world.type(*line.words))

    def twin(self, world: World) -> World:
        """Return a copy to be spoilt."""
        self._made += 1
        return world.twin(self._folder / f"twin-{self._made}")

    def end(self) -> None:
        """Release the world."""
        self._world.end()
        shutil.rmtree(self._world.root, ignore_errors=True)


def bought(ending: Any) -> set[str]:
    """Return what was bought in a session, by client order id and quantity."""
    orders = (json.loads(each) for each in ending[0])
    return {f"{o['client_order_id']} {o['qty']}" for o in orders if o["side"] == "buy"}


def typed_on(
    day: Day, world: World, lines: Sequence[cron.Line], *, is_troubled: bool = False
) -> list[str]:
    """Type lines, which all must end well.

    After trouble an outcome may stay unknown until the close, and what leads to entries may lack
    what was not made.
    """
    found = []
    closes_at = hours(day.session).closes_at
    config = tomllib.loads((world.root / "desk.toml").read_text())
    orders = checkers.Orders(world, config["limits"])
    for line in lines:
        world.advance(line.at)
        typed = world.type(*line.words)
        is_unknown = typed.code == OutcomeUnknown.exit_code and line.at < closes_at
        is_missing = typed.code == ArtifactError.exit_code and line.words[0] in TOWARDS_ENTRIES
        if typed.code and not (is_troubled and (is_unknown or is_missing)):
            found.append(f"{typed.line()}: {typed.said}")
        now = truth.read(world.exchange)
        broken = orders.judge(now) + checkers.judge_sends(typed, orders)
        broken += checkers.judge_life(typed, orders, now) + checkers.Stops().judge(typed, now)
        found += [f"{each.invariant}: {each.detail}" for each in broken]
    return found


def judged_books(day: Day, world: World) -> list[str]:
    """Return what is wrong with the books, and what cannot be proven of the day and after."""
    found = [each.detail for each in judge_books(world)]
    last = max(path.name for path in (world.root / "artifacts").glob("2*"))
    for words in (
        ("prove", "--from", day.session.isoformat(), "--to", last),
        ("audit", "verify"),
    ):
        typed = world.type(*words)
        if typed.code:
            found.append(f"{typed.line()}: {typed.said}")
    return found


def ending_of(world: World) -> Any:
    """Return what the broker knows in the end, without ids and instants of its own."""
    now = truth.read(world.exchange)
    told = ("client_order_id", "symbol", "side", "type", "qty", "filled_qty", "status",
            "limit_price", "stop_price", "filled_avg_price")  # fmt: skip
    orders = sorted(json.dumps({key: each[key] for key in told}) for each in now.orders)
    return orders, {symbol: now.held(symbol) for symbol in now.positions}, now.account["cash"]


def first_difference(ending: Any, whole: Any) -> str:
    """Return in words how one ending differs from another."""
    for ours, theirs in zip(ending, whole, strict=True):
        if ours != theirs and isinstance(ours, list):
            return f"{sorted(set(ours) - set(theirs))}, not {sorted(set(theirs) - set(ours))}"
        if ours != theirs:
            return f"{ours}, not {theirs}"
    return "the same"


def drop(world: World) -> None:
    """Release a world and its folder."""
    world.end()
    shutil.rmtree(world.root, ignore_errors=True)


def require_whole(typed: Typed) -> None:
    """Refuse to go on from a command that did not end well: the untroubled day must be whole."""
    if typed.code:
        raise AssertionError(f"{typed.line()}: {typed.said}")
