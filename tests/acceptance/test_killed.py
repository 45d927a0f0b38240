"""kill -9 in the middle of `execute` and of `exits`, then the same command again."""

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.acceptance.typed import (
    AFTER_OPEN,
    OPEN,
    ROOT,
    advance,
    artifact,
    environment,
    orders_in_book,
    run_cycle,
    typed,
)  # fmt: skip

DYING = Path(__file__).with_name("dying.py")
#: Deaths of each command, spread over everything it does.
MOMENTS = 20


class Case(NamedTuple):
    """A session's morning, ready for the command that will die."""

    step: str
    session: str
    cycle: str


CASES = (
    Case("execute", "2024-11-27", OPEN),  # sends two entries
    Case("execute", "2024-12-03", AFTER_OPEN),  # cancels an entry that was not filled
    Case("exits", "2024-11-27", AFTER_OPEN),  # places two stops, raises two
)


def ready(desk, case):
    """Bring a desk to where the case's command is the next one to type."""
    if case.session > "2024-11-27":
        assert typed(desk, "replay", "--from", "2024-11-27", "--to", "2024-12-02", "-q").code == 0
    if case.cycle != OPEN:
        run_cycle(desk, case.session, OPEN)
        advance(desk, case.session, case.cycle)
    if case.step == "exits":
        assert typed(desk, "execute").code == 0
    if case.cycle == OPEN:
        run_cycle(desk, case.session, OPEN, through="enforce")


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.step}-{case.cycle}")
def test_killed_and_typed_again(case, before, tmp_path):
    ready(before, case)
    done = subprocess.run(
        [sys.executable, DYING, before, case.step, tmp_path, str(MOMENTS)],
        capture_output=True, text=True, timeout=300, check=False, env=environment(), cwd=ROOT,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert len(told["runs"]) == MOMENTS
    whole = Path(told["whole"])
    expected = artifact(whole, case.session, case.cycle, case.step)
    orders = orders_in_book(whole)
    for run in told["runs"]:
        where = f"{case.step} killed at: {run['moment']}\n{run['told']}"
        desk = Path(run["desk"])
        assert run["first"] == [None, 9], where
        assert run["second"] == [0, None], where
        found = orders_in_book(desk)
        assert all(n == 1 for n in Counter(o["client_order_id"] for o in found).values()), where
        assert found == orders, where
        resumed = artifact(desk, case.session, case.cycle, case.step)
        assert {**resumed, "inputs": []} == {**expected, "inputs": []}, where
        assert not list((desk / "artifacts").rglob("*.part")), where
