"""Drills: short scripts for what chance meets too seldom."""

from __future__ import annotations

import datetime as dt
import shutil
import tomllib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from quantcli.testing import checkers, cron, truth
from quantcli.testing.desks import make_template
from quantcli.testing.ending import judge_signals
from quantcli.testing.stage import set_for
from quantcli.testing.swarm import CALM
from quantcli.testing.world import World

#: A session with two signals, for a desk that has room for one more position.
MARKET, SESSION, POSITIONS = 2, 2, "2"
CHAIN = ("decide", "enforce", "execute")


def an_entry_in_doubt_and_a_second_decision(folder: Path) -> list[str]:
    """Let the answer to an entry be lost and the order hide; decide again; return what is broken.

    The order in doubt takes the last place: a second decision in the same session, which has no
    newer reconciliation, must not give that place away.

    Args:
        folder: Where the desk is made.
    """
    with _world(folder, POSITIONS) as world:
        lines = _traded_until(world, SESSION)
        orders = checkers.Orders(world, _limits(world))
        before = _bought(world)
        faults = world.exchange.faults
        faults.add({"kind": "late-visibility", "calls": 1000})
        faults.add({"kind": "drop-after-accept", "method": "POST", "path": "/v2/orders"})
        _type(world, [line for line in lines if line.at == lines[0].at])
        world.advance(lines[0].at + dt.timedelta(minutes=10))
        for step in CHAIN:
            world.type(step)
        found = [each.detail for each in orders.judge(truth.read(world.exchange))]
        return found if _bought(world) > before else [*found, "the drill sent nothing"]


def a_session_that_ends_after_its_first_cycle(folder: Path) -> list[str]:
    """Send entries and type nothing more that day; return what the days after tell wrongly.

    Args:
        folder: Where the desk is made.
    """
    with _world(folder, "5") as world:
        lines = _traded_until(world, SESSION)
        orders = checkers.Orders(world, _limits(world))
        before = _bought(world)
        _type(world, [line for line in lines if line.at == lines[0].at])
        for session in world.template.sessions[SESSION + 1 : SESSION + 3]:
            _type(world, cron.regular_lines(session, is_by_day=True))
            orders.judge(truth.read(world.exchange))
        found = [each.detail for each in judge_signals(world, orders)]
        return found if _bought(world) > before else [*found, "the drill sent nothing"]


@contextmanager
def _world(folder: Path, positions_max: str) -> Iterator[World]:
    template = make_template(folder, MARKET)
    swarm = replace(CALM, settings={**CALM.settings, "POSITIONS": positions_max})
    world = World(template, folder / "drill", swarm)
    try:
        with set_for(world):
            yield world
    finally:
        world.end()
        shutil.rmtree(world.root, ignore_errors=True)


def _traded_until(world: World, session: int) -> list[cron.Line]:
    """Trade the sessions before one without trouble; return that one's crontab."""
    for words in (("reconcile",), ("snapshot", "--genesis")):
        world.type(*words)
    for earlier in world.template.sessions[:session]:
        _type(world, cron.regular_lines(earlier, is_by_day=True))
    return cron.regular_lines(world.template.sessions[session], is_by_day=False)


def _type(world: World, lines: Sequence[cron.Line]) -> None:
    for line in lines:
        world.advance(line.at)
        world.type(*line.words)


def _limits(world: World) -> dict[str, Any]:
    limits: dict[str, Any] = tomllib.loads((world.root / "desk.toml").read_text())["limits"]
    return limits


def _bought(world: World) -> int:
    return sum(each["side"] == "buy" for each in truth.read(world.exchange).orders)


#: Name -> drill.
DRILLS: dict[str, Callable[[Path], list[str]]] = {
    "doubt": an_entry_in_doubt_and_a_second_decision,
    "short-day": a_session_that_ends_after_its_first_cycle,
}
