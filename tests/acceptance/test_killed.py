"""kill -9 in the middle of a command, at many moments, then the same command again."""

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.acceptance.typed import (
    AFTER_OPEN,
    CLOSE,
    OPEN,
    ROOT,
    STEPS_OF,
    Served,
    advance,
    artifact,
    at,
    difference,
    environment,
    orders_in_book,
    path_of,
    run_cycle,
    tree,
    typed,
)  # fmt: skip

DYING = Path(__file__).with_name("dying.py")
#: Moments at which a command dies, spread over everything it does: all of them are more.
MOMENTS, FEWER = 20, 12
#: What a command that resumes has read and asked is not what one undisturbed has.
NEVER_ALIKE = {"inputs": [], "calls": []}


class Case(NamedTuple):
    """A command that will die, and where."""

    step: str
    session: str
    cycle: str
    moments: int


ENTRIES = Case("execute", "2024-11-27", OPEN, MOMENTS)  # sends two entries
CANCELS = Case("execute", "2024-12-03", AFTER_OPEN, FEWER)  # cancels one that was not filled
STOPS = Case("exits", "2024-11-27", AFTER_OPEN, MOMENTS)  # places two stops, raises two
SEALS = Case("report", "2024-11-27", CLOSE, FEWER)  # pages, report.json, manifest


def ready(desk, case):
    """Bring a desk to where the case's command is the next one to type."""
    if case.session > "2024-11-27":
        assert typed(desk, "replay", "--from", "2024-11-27", "--to", "2024-12-02", "-q").code == 0
    for cycle in (OPEN, AFTER_OPEN, CLOSE):
        advance(desk, case.session, cycle)
        for step in STEPS_OF[cycle]:
            if (step, cycle) == (case.step, case.cycle):
                return
            assert typed(desk, step).code == 0


def killed_and_typed_again(case, desk, into):
    """Return the desk of an undisturbed run, and (where it died, what was said, desk) of others."""
    ready(desk, case)
    done = subprocess.run(
        [sys.executable, DYING, desk, case.step, into, str(case.moments)],
        capture_output=True, text=True, timeout=900, check=False, env=environment(), cwd=ROOT,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert len(told["runs"]) == case.moments
    found = []
    for run in told["runs"]:
        where = f"{case.step} killed at: {run['moment']}\n{run['told']}"
        assert run["first"] == [None, 9], where
        assert run["second"] == [0, None], where
        found.append((where, Path(run["desk"])))
    return Path(told["whole"]), found


@pytest.mark.parametrize("case", [ENTRIES, CANCELS, STOPS], ids=lambda c: f"{c.step}-{c.cycle}")
def test_each_order_is_at_the_broker_once(case, before, tmp_path):
    whole, runs = killed_and_typed_again(case, before, tmp_path)
    expected = artifact(whole, case.session, case.cycle, case.step)
    orders = orders_in_book(whole)
    for number, (where, desk) in enumerate(runs):
        found = orders_in_book(desk)
        assert all(n == 1 for n in Counter(o["client_order_id"] for o in found).values()), where
        assert found == orders, where
        resumed = artifact(desk, case.session, case.cycle, case.step)
        assert {**resumed, **NEVER_ALIKE} == {**expected, **NEVER_ALIKE}, where
        assert not list((desk / "artifacts").rglob("*.part")), where
        if number % 4 == 0:
            proof = typed(desk, "prove", case.session)
            assert proof.code == 0, where + proof.err


def test_the_seal_is_the_same_wherever_the_report_died(before, tmp_path):
    whole, runs = killed_and_typed_again(SEALS, before, tmp_path)
    expected = tree(whole / "artifacts")
    assert f"{SEALS.session}/manifest.json" in expected
    for where, desk in runs:
        assert difference(tree(desk / "artifacts"), expected) == [], where
        audit = typed(desk, "audit", "verify")
        assert audit.code == 0, where + audit.err


def test_the_day_after_a_death_goes_on(before, tmp_path):
    _, runs = killed_and_typed_again(ENTRIES._replace(moments=4), before, tmp_path)
    _, desk = runs[2]
    run_cycle(desk, ENTRIES.session, AFTER_OPEN)
    said = run_cycle(desk, ENTRIES.session, CLOSE)
    assert {outcome.code for outcome in said.values()} == {0}
    assert artifact(desk, ENTRIES.session, CLOSE, "report")["counts"] == {"EXECUTED": 2}
    assert typed(desk, "prove", ENTRIES.session).code == 0


def test_a_report_that_died_is_finished_minutes_later(before):
    """Under a clock that runs, the second attempt has another instant; the pages are its own."""
    ready(before, SEALS)
    page = path_of(before, SEALS.session, CLOSE, "report").with_name("report.html")
    page.write_text("<html>of the attempt that died</html>\n")
    later = at(SEALS.session, "160700")
    assert typed(before, "exchange", "advance", "--to", later).code == 0
    outcome = typed(before, "report", "--as-of", later)
    assert outcome.code == 0, outcome.err
    assert artifact(before, SEALS.session, CLOSE, "report")["as_of"] == later
    assert later in page.read_text()
    assert typed(before, "audit", "verify").code == 0


#: Runs a command that is gone as soon as its n-th POST has left, before any answer came back.
GONE = """
import os, signal, socket, sys
from quantcli.cli.app import main
left = int(sys.argv[1])
sendall = socket.socket.sendall
def watched(self, data, *flags):
    global left
    sendall(self, data, *flags)
    if bytes(data).startswith(b"POST"):
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
socket.socket.sendall = watched
sys.exit(main(sys.argv[2:]))
"""


@pytest.mark.parametrize("number", [1, 2])
def test_gone_while_the_exchange_works_on_the_request(number, before, desks, monkeypatch):
    """The exchange lives in another process and goes on; nobody hears its answer."""
    ready(before, ENTRIES)
    with Served(before) as exchange:
        config = before / "desk.toml"
        config.write_text(config.read_text().replace('url = ""', f'url = "{exchange.url}"', 1))
        words = [sys.executable, "-c", GONE, str(number), "execute", "--desk", str(before)]
        done = subprocess.run(words, env=environment(), capture_output=True, check=False)
        assert done.returncode == -9, done.stderr
        monkeypatch.setattr("quantcli.shell.clock.WallClock.sleep", lambda self, seconds: None)
        again = typed(before, "execute")
        assert again.code == 0, again.err
    resumed = artifact(before, ENTRIES.session, OPEN, "execute")
    expected = artifact(desks.whole, ENTRIES.session, OPEN, "execute")
    assert {**resumed, **NEVER_ALIKE} == {**expected, **NEVER_ALIKE}
    sent = [o for o in orders_in_book(before) if o["submitted_at"] >= ENTRIES.session]
    assert len(sent) == 2
    assert typed(before, "prove", ENTRIES.session).code == 0
