"""Drills: short scripts for what chance meets too seldom."""

from __future__ import annotations

import datetime as dt
import shutil
import tomllib
from dataclasses import replace
from pathlib import Path

from quantcli.testing import checkers, cron, truth
from quantcli.testing.desks import make_template
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
    template = make_template(folder, MARKET)
    swarm = replace(CALM, settings={**CALM.settings, "POSITIONS": POSITIONS})
    world = World(template, folder / "drill", swarm)
    session = template.sessions[SESSION]
    try:
        with set_for(world):
            for words in (("reconcile",), ("snapshot", "--genesis")):
                world.type(*words)
            for earlier in template.sessions[:SESSION]:
                for line in cron.regular_lines(earlier, is_by_day=True):
                    world.advance(line.at)
                    world.type(*line.words)
            return _drilled(world, cron.regular_lines(session, is_by_day=False))
    finally:
        world.end()
        shutil.rmtree(world.root, ignore_errors=True)


def _drilled(world: World, lines: list[cron.Line]) -> list[str]:
    config = tomllib.loads((world.root / "desk.toml").read_text())
    orders = checkers.Orders(world, config["limits"])
    before = {each["id"] for each in truth.read(world.exchange).orders}
    first = lines[0].at
    faults = world.exchange.faults
    faults.add({"kind": "late-visibility", "calls": 1000})
    faults.add({"kind": "drop-after-accept", "method": "POST", "path": "/v2/orders"})
    for line in (line for line in lines if line.at == first):
        world.advance(line.at)
        world.type(*line.words)
    world.advance(first + dt.timedelta(minutes=10))
    for step in CHAIN:
        world.type(step)
    now = truth.read(world.exchange)
    sent = [each for each in now.orders if each["side"] == "buy" and each["id"] not in before]
    found = [f"{each.invariant}: {each.detail}" for each in orders.judge(now)]
    if not sent:
        found.append("the drill sent nothing: it drills nothing")
    return found
