"""`prove` of a session in which a command died between an answer and what follows from it."""

import pytest

from quantcli.shell.journal import SqliteJournal
from tests.acceptance.typed import AFTER_OPEN, CLOSE, OPEN, advance, run_cycle, typed

SESSION = "2024-11-27"


class Death(BaseException):
    """The process is gone: nothing may catch it."""


def dying_at(number, monkeypatch):
    """Let the process die when it is about to write to the journal for the n-th time."""
    append, left = SqliteJournal.append, [number]

    def dies(self, place, rows):
        left[0] -= 1
        if left[0] == 0:
            self.before_append()  # what was answered is on the tape by then
            raise Death
        return append(self, place, rows)

    monkeypatch.setattr(SqliteJournal, "append", dies)


def die_in(step, cycle, number, desk, monkeypatch):
    """Run the session up to a step, and let it die at its n-th row."""
    if cycle == OPEN:
        run_cycle(desk, SESSION, OPEN, through="enforce")
    else:
        run_cycle(desk, SESSION, OPEN)
        run_cycle(desk, SESSION, AFTER_OPEN, through="execute")
    advance(desk, SESSION, cycle)
    with monkeypatch.context() as dying:
        dying_at(number, dying)
        with pytest.raises(Death):
            typed(desk, step)


@pytest.mark.parametrize("number", [1, 2, 4])
@pytest.mark.parametrize(("step", "cycle"), [("execute", OPEN), ("exits", AFTER_OPEN)])
def test_answers_that_were_never_acted_on_are_no_difference(
    step, cycle, number, before, monkeypatch
):
    die_in(step, cycle, number, before, monkeypatch)
    assert typed(before, step).code == 0
    for following in {OPEN: (AFTER_OPEN, CLOSE), AFTER_OPEN: (CLOSE,)}[cycle]:
        assert {said.code for said in run_cycle(before, SESSION, following).values()} == {0}
    proof = typed(before, "prove", SESSION, "--json")
    assert proof.code == 0, proof.err
    assert len(list((before / "artifacts" / SESSION / cycle).glob(f"{step}.tape-*.jsonl"))) == 2


@pytest.mark.parametrize("number", [1, 2, 4])
@pytest.mark.parametrize(("step", "cycle"), [("execute", OPEN), ("exits", AFTER_OPEN)])
def test_a_step_that_died_and_was_never_finished_is_proven_to_where_it_died(
    step, cycle, number, before, monkeypatch
):
    """Cron was late: the next cycle goes on, and no artifact tells of the step."""
    die_in(step, cycle, number, before, monkeypatch)
    for following in {OPEN: (AFTER_OPEN, CLOSE), AFTER_OPEN: (CLOSE,)}[cycle]:
        run_cycle(before, SESSION, following)
    assert not (before / "artifacts" / SESSION / cycle / f"{step}.json").exists()
    proof = typed(before, "prove", SESSION, "--json")
    assert proof.code == 0, proof.err
    assert proof.value["attempts"] == proof.value["artifacts"] + 1


def test_rows_of_a_step_that_died_and_whose_tape_is_gone_are_named(before, monkeypatch):
    die_in("execute", OPEN, 2, before, monkeypatch)
    (tape,) = (before / "artifacts" / SESSION / OPEN).glob("execute.tape-*.jsonl")
    tape.unlink()
    for following in (AFTER_OPEN, CLOSE):
        assert {said.code for said in run_cycle(before, SESSION, following).values()} == {0}
    proof = typed(before, "prove", SESSION)
    assert proof.code == 4
    assert proof.err.startswith(f"journal/{SESSION}/{OPEN}/execute: recorded ")
    assert proof.err.count("\n") == 1
