"""Ctrl-C in a place where a library makes another exception of it."""

import signal

import pytest
from pydantic_core import PydanticSerializationError

from quantcli.steps import snapshot as module
from tests.acceptance.typed import CLOSE, OPEN, STEPS_OF, advance, run_cycle, tree, typed

SESSION, NEXT = "2024-11-27", "2024-11-29"


@pytest.fixture
def ctrl_c(monkeypatch):
    """Type Ctrl-C inside the next `snapshot`, which then fails as pydantic's serializers do."""
    real = module.portfolio.pnl_of
    left = [1]

    def interrupted(*words):
        if left.pop() if left else 0:
            try:
                signal.raise_signal(signal.SIGINT)
            except KeyboardInterrupt as error:
                raise PydanticSerializationError(f"KeyboardInterrupt: {error}") from error
        return real(*words)

    monkeypatch.setattr(module.portfolio, "pnl_of", interrupted)


def test_a_replay_stops_seals_nothing_and_goes_on(before, ctrl_c):
    words = ("replay", "--from", SESSION, "--to", NEXT, "-q")
    outcome = typed(before, *words)
    assert outcome.code == 1
    assert "interrupted" in outcome.err
    assert not list((before / "artifacts" / SESSION).glob("manifest.json"))
    assert not (before / "artifacts" / NEXT).exists()
    assert typed(before, *words).code == 0
    assert typed(before, "prove", "--from", SESSION, "--to", NEXT).code == 0
    assert (before / "artifacts" / SESSION / CLOSE / "snapshot.json").exists()


def test_a_day_begins_no_step_after_it(before, ctrl_c):
    for cycle in (OPEN, "093500"):
        run_cycle(before, SESSION, cycle)
    advance(before, SESSION, CLOSE)
    outcome = typed(before, "day")
    assert outcome.code == 1
    assert "interrupted" in outcome.err
    present = tree(before / "artifacts" / SESSION / CLOSE)
    assert "reconcile.json" in present
    assert "report.json" not in present
    assert typed(before, "day").code == 0
    assert {f"{step}.json" for step in STEPS_OF[CLOSE]} <= {
        *tree(before / "artifacts" / SESSION / CLOSE)
    }


def test_a_single_step_says_so(before, ctrl_c):
    advance(before, SESSION, CLOSE)
    outcome = typed(before, "snapshot")
    assert (outcome.code, outcome.err) == (1, "interrupted: run the command again; it resumes\n")
