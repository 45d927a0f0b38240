"""An approval holds as long as the grounds it was given on: decision and configuration."""

import pytest

from tests.acceptance.typed import (
    AFTER_OPEN,
    CLOSE,
    OPEN,
    advance,
    artifact,
    orders_in_book,
    run_cycle,
    typed,
)

SESSION, LATER = "2024-11-27", "084000"


def tighten(desk):
    """Let the operator allow no position at all."""
    path = desk / "desk.toml"
    text = path.read_text()
    assert "positions_max = 10" in text
    path.write_text(text.replace("positions_max = 10", "positions_max = 0"))


@pytest.mark.parametrize("is_decided", [False, True], ids=["edited", "decided-again"])
def test_limits_tightened_after_enforce_hold_for_execute(is_decided, before):
    run_cycle(before, SESSION, OPEN, through="enforce")
    entries = len(orders_in_book(before))
    tighten(before)
    advance(before, SESSION, LATER)
    if is_decided:
        assert typed(before, "decide").code == 0
    said = typed(before, "execute")
    assert said.code == 4
    assert "enforce-outdated" in said.err
    assert len(orders_in_book(before)) == entries
    assert typed(before, "exits").code == 0
    run_cycle(before, SESSION, AFTER_OPEN)
    assert run_cycle(before, SESSION, CLOSE)["report"].code == 0
    counts = artifact(before, SESSION, CLOSE, "report")["counts"]
    assert "EXECUTED" not in {state for state, count in counts.items() if count}
    assert sum(counts.values()) == 2
    assert typed(before, "prove", SESSION).code == 0


def test_a_newer_decision_alone_outdates_the_approval(before):
    run_cycle(before, SESSION, OPEN, through="enforce")
    entries = len(orders_in_book(before))
    advance(before, SESSION, LATER)
    assert typed(before, "decide").code == 0
    assert typed(before, "execute").code == 4
    assert len(orders_in_book(before)) == entries
    advance(before, SESSION, "084100")
    for step in ("reconcile", "enforce", "execute"):
        assert typed(before, step).code == 0
    assert len(orders_in_book(before)) == entries + 2
