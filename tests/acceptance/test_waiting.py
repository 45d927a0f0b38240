"""`execute` waits for an answer that was lost, and meanwhile the account is free for others."""

import datetime as dt

import pytest

from quantcli.cli.wiring import Workspace
from quantcli.contracts.errors import LockHeld
from quantcli.shell.lock import FileLock
from tests.acceptance.faulty import (
    ENTRIES,
    POST,
    SESSION,
    Day,
    always,
    assert_ended_well,
    once,
)
from tests.acceptance.typed import AFTER_OPEN, OPEN, STEPS_OF, Served, artifact, typed

pytestmark = pytest.mark.slow


class Meanwhile:
    """Stands for the wall clock: while somebody waits, other commands are typed."""

    def __init__(self, desk):
        self.desk, self.commands, self.outcomes, self.waits = desk, [], [], 0

    def sleep(self, seconds):
        self.waits += 1
        commands, self.commands = self.commands, []
        for words in commands:
            self.outcomes.append(typed(self.desk, *words))


@pytest.fixture
def meanwhile(before, monkeypatch):
    found = Meanwhile(before)
    monkeypatch.setattr(
        "quantcli.shell.clock.WallClock.sleep", lambda self, seconds: found.sleep(seconds)
    )
    return found


@pytest.fixture
def day(before, meanwhile):
    """Return the day up to approved entries, the first answer about to be lost."""
    with Served(before) as exchange:
        found = Day(before, exchange)
        found.to(OPEN)
        assert found.run(OPEN, *STEPS_OF[OPEN][:-1]) == {}
        found.fault(once("late-visibility", calls=2), once("drop-after-accept", **POST))
        yield found


def tapes(desk):
    return sorted(path.name for path in (desk / "artifacts" / SESSION / OPEN).glob("execute.tape*"))


def end_well(day):
    day.clear()
    day.to(AFTER_OPEN)
    assert day.run(AFTER_OPEN, "execute", "exits") == {}
    assert_ended_well(day, ENTRIES)


def test_undisturbed_the_same_attempt_goes_on(day, meanwhile, before):
    day.run(OPEN, "execute")
    assert meanwhile.waits == 2
    assert (day.codes, tapes(before)) == ({}, ["execute.tape-1.jsonl"])
    end_well(day)


def test_the_lock_is_free_during_the_wait_and_taken_again(day, meanwhile, before):
    states = []

    def look(seconds):
        try:
            with FileLock(before / "state" / "lock").hold():
                states.append("free")
        except LockHeld:
            states.append("held")

    meanwhile.sleep = look
    day.run(OPEN, "execute")
    assert states == ["free", "free"]
    assert day.codes == {}
    end_well(day)


@pytest.mark.parametrize("step", ["exits", "execute"])
def test_another_command_works_and_the_one_that_waited_looks_again(day, meanwhile, before, step):
    """Whoever comes second finds what the first has journaled: nothing is sent twice."""
    meanwhile.commands = [(step,)]
    day.run(OPEN, "execute")
    (other,) = meanwhile.outcomes
    assert other.code in (0, 7), other.err
    assert day.codes == {}
    assert artifact(before, SESSION, OPEN, "execute")["exit_code"] == 0
    assert len(tapes(before)) > 1
    end_well(day)


def test_whoever_does_not_get_the_lock_again_writes_nothing_more(
    day, meanwhile, before, monkeypatch
):
    monkeypatch.setattr("quantcli.cli.stepping_aside._WAIT_SECONDS", 0.0)
    records = before / "state" / "runs" / f"{SESSION}.jsonl"
    known = records.read_bytes()
    held = FileLock(before / "state" / "lock").hold()
    meanwhile.sleep = lambda seconds: held.__enter__()
    day.run(OPEN, "execute")
    held.__exit__(None, None, None)
    assert day.codes == {(OPEN, "execute"): 5}
    assert records.read_bytes() == known
    meanwhile.sleep = lambda seconds: None
    day.codes.clear()
    assert day.run(OPEN, "execute") == {}
    end_well(day)


def test_a_journal_that_was_restored_meanwhile_is_another_one(day, meanwhile, before):
    """What waited writes nothing into it, and nothing into the old one that anybody reads."""
    seen = []

    def lose_and_restore(seconds):
        if not seen:
            for path in (before / "state").glob("desk.sqlite3*"):
                path.unlink()
            seen.append(typed(before, "restore", "--json"))

    meanwhile.sleep = lose_and_restore
    day.run(OPEN, "execute")
    assert seen[0].code == 0, seen[0].err
    assert day.codes == {(OPEN, "execute"): 10}
    day.codes.clear()
    assert typed(before, "audit", "verify", "--json").value["faults"] == []
    assert typed(before, "resume", "--reason", "restored").code == 0
    day.clear()
    assert day.run(OPEN, "execute") == {}
    end_well(day)


def test_no_step_of_a_day_begins_without_the_lock(day, meanwhile, before, monkeypatch):
    """The next step of the cycle would write beside another command."""
    monkeypatch.setattr("quantcli.cli.stepping_aside._WAIT_SECONDS", 0.0)
    day.fault(always("bad-gateway", path="/v2/orders:by_client_order_id"))
    day.run(OPEN, "execute")
    day.to(AFTER_OPEN)
    held = FileLock(before / "state" / "lock").hold()
    meanwhile.sleep = lambda seconds: held.__enter__()
    outcome = typed(before, "day")
    held.__exit__(None, None, None)
    assert outcome.code == 5
    assert "exits: lock-held" in outcome.err
    made = {path.stem for path in (before / "artifacts" / SESSION / AFTER_OPEN).glob("*.json")}
    assert made == set()
    meanwhile.sleep = lambda seconds: None
    day.codes.clear()
    end_well(day)


def test_the_day_goes_on_with_the_journal_that_was_restored_meanwhile(day, meanwhile, before):
    """Its exits book, and send, on what the next command will read."""
    day.fault(always("bad-gateway", path="/v2/orders:by_client_order_id"))
    day.run(OPEN, "execute")
    day.to(AFTER_OPEN)
    seen = []

    def lose_and_restore(seconds):
        if not seen:
            for path in (before / "state").glob("desk.sqlite3*"):
                path.unlink()
            seen.append(typed(before, "restore", "--json"))
            day.clear()

    meanwhile.sleep = lose_and_restore
    outcome = typed(before, "day")
    assert seen[0].code == 0, seen[0].err
    assert "execute: state-missing" in outcome.err
    assert artifact(before, SESSION, AFTER_OPEN, "exits")["certificate"]
    with Workspace(before, read_only=True) as desk:
        heads = desk.records.heads(dt.date.fromisoformat(SESSION))
        assert heads[-1] == desk.journal.head()
        assert desk.journal.rows(cycle=AFTER_OPEN, step="exits")
    assert typed(before, "audit", "verify", "--json").value["faults"] == []
