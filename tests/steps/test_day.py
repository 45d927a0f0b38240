"""A cycle: every step of it runs, whatever becomes of the others; the gravest code is the day's."""

import pytest

from quantcli.contracts.errors import (
    BrokerUnreachable,
    HaltEngaged,
    LedgerError,
    StorageError,
)
from quantcli.contracts.execution import Execute, Exits
from quantcli.contracts.report import Report
from quantcli.steps import run as run_module
from quantcli.steps.day import exit_code_of, run_cycle
from tests.shell.faults import Died
from tests.steps.small_world import SmallWorld, nothing

LAST = ("execute", "exits", "report")


@pytest.fixture
def world(tmp_path):
    made = SmallWorld(tmp_path)
    yield made
    made.journal.close()


@pytest.fixture
def steps(monkeypatch):
    """The steps' functions, to be replaced by a test; both do nothing."""
    found = {"execute": nothing(Execute), "exits": nothing(Exits)}
    real = run_module.step_function
    monkeypatch.setattr(run_module, "step_function", lambda step: found.get(step) or real(step))
    return found


def raising(error):
    def fail(desk):
        raise error

    return fail


def test_all_is_well(world, steps):
    outcomes = run_cycle(world, LAST, world.stamp())

    assert [(each.step, each.exit_code, each.error) for each in outcomes[:2]] == [
        ("execute", 0, None), ("exits", 0, None),
    ]  # fmt: skip
    assert isinstance(outcomes[2].artifact, Report)
    assert exit_code_of(outcomes[:2]) == 0


ERRORS = [
    (BrokerUnreachable("gone"), 6),
    (LedgerError("broken"), 8),
    (HaltEngaged("halted"), 9),
    (StorageError("full"), 10),
    (ZeroDivisionError("bug"), 1),
    (KeyError("bug"), 1),
    (RecursionError("bug"), 1),
]


@pytest.mark.parametrize(("error", "code"), ERRORS, ids=lambda each: type(each).__name__)
@pytest.mark.parametrize("failing", ["execute", "exits"])
def test_a_step_that_fails_never_stops_the_next(world, steps, failing, error, code):
    steps[failing] = raising(error)
    outcomes = {each.step: each for each in run_cycle(world, LAST, world.stamp())}

    other = "exits" if failing == "execute" else "execute"
    assert (outcomes[failing].exit_code, outcomes[failing].artifact) == (code, None)
    assert outcomes[failing].error.exit_code == code
    assert outcomes[other].exit_code == 0
    assert isinstance(outcomes["report"].artifact, Report)
    if code == 1:
        assert outcomes[failing].error.__cause__ is error
        assert outcomes[failing].error.line().startswith(f"bug: {failing} failed: ")


def test_the_gravest_code_is_the_cycles(world, steps):
    steps["execute"] = raising(BrokerUnreachable("gone"))
    steps["exits"] = nothing(Exits, 8, codes=("share-uncovered",))
    outcomes = run_cycle(world, ("execute", "exits"), world.stamp())

    assert [each.exit_code for each in outcomes] == [6, 8]
    assert exit_code_of(outcomes) == 8
    steps["execute"] = raising(ZeroDivisionError())
    assert exit_code_of(run_cycle(world, ("execute", "exits"), world.stamp(cycle="093500"))) == 1


def test_a_crash_is_a_crash(world, steps):
    """Nobody catches the end of the process; the next run goes on from there."""
    steps["exits"] = raising(Died())
    with pytest.raises(Died):
        run_cycle(world, ("execute", "exits"), world.stamp())

    steps["execute"] = raising(AssertionError("done already"))
    steps["exits"] = nothing(Exits)
    outcomes = run_cycle(world, ("execute", "exits"), world.stamp())
    assert [each.exit_code for each in outcomes] == [0, 0]
    assert world.attempts.count(("083000", "execute")) == 1


def test_a_report_that_fails_is_an_outcome_as_well(world, steps, monkeypatch):
    monkeypatch.setattr(world, "pages", raising(ZeroDivisionError("bug")))
    outcomes = run_cycle(world, ("exits", "report"), world.stamp())

    assert [each.exit_code for each in outcomes] == [0, 1]
    assert world.store.list(world.stamp().session)[-1].step == "exits"


def test_no_steps_no_outcomes(world):
    assert run_cycle(world, (), world.stamp()) == ()
    assert exit_code_of(()) == 0
