"""Three positions missing pause a desk until it is reconciled; four halt it until it is resumed."""

import sqlite3

import pytest

from tests.acceptance.typed import (
    AFTER_OPEN,
    CLOSE,
    OPEN,
    STEPS_OF,
    Served,
    advance,
    artifact,
    at,
    orders_in_book,
    run_cycle,
    typed,
)  # fmt: skip

SESSION = "2024-11-27"


pytestmark = pytest.mark.usefixtures("no_waits")


@pytest.fixture
def desk(before):
    """Return a desk before the first cycle of a day with two entries."""
    advance(before, SESSION, "082500")
    return before


def change_book(desk, statement, *values):
    """Let the broker forget or remember: past every command."""
    book = sqlite3.connect(desk / "exchange" / "book.sqlite3")
    with book:
        found = book.execute(statement, values).fetchall()
    book.close()
    return found


def forget_positions(desk, count):
    rows = change_book(desk, "SELECT * FROM positions ORDER BY symbol LIMIT ?", count)
    for row in rows:
        change_book(desk, "DELETE FROM positions WHERE symbol = ?", row[0])
    return rows


def remember(desk, rows):
    for row in rows:
        change_book(desk, "INSERT INTO positions VALUES (?, ?, ?)", *row)


def standing(desk):
    value = typed(desk, "status", "--json").value
    return value["paused"]["is_set"], value["violations"], value["may_enter"]


def the_day(desk):
    """Run the day to its seal and prove it; return how many entries were sent, and why not."""
    for cycle in (OPEN, AFTER_OPEN, CLOSE):
        said = run_cycle(desk, SESSION, cycle)
        assert {outcome.code for outcome in said.values()} == {0}, said
    proof = typed(desk, "prove", SESSION)
    assert proof.code == 0, proof.err
    assert typed(desk, "audit", "verify").code == 0
    sent = artifact(desk, SESSION, OPEN, "execute")["orders"]
    verdicts = artifact(desk, SESSION, OPEN, "enforce")["verdicts"]
    codes = {gate["code"] for each in verdicts for gate in each["gates"] if gate["code"]}
    return len(sent), codes


def test_three_missing_pause_and_a_clean_reconciliation_goes_on(desk):
    gone = forget_positions(desk, 3)
    assert typed(desk, "reconcile").code == 8
    assert standing(desk) == (True, [], False)
    remember(desk, gone)
    assert the_day(desk) == (2, set())


def test_four_missing_halt_until_resumed_and_exits_go_on(desk):
    gone = forget_positions(desk, 4)
    assert typed(desk, "reconcile").code == 8
    seen = artifact(desk, SESSION, "082500", "reconcile")
    assert seen["exceeded"] == [{"code": "limit-positions-missing", "limit": "3", "observed": "4"}]
    assert standing(desk) == (True, ["limit-positions-missing"], False)

    # A stop that someone cancelled by hand is placed again all the same.
    missing = {row[0] for row in gone}
    with Served(desk) as exchange:
        orders = exchange.ask("GET", "/v2/orders")
        stop = next(o for o in orders if o["type"] == "stop" and o["symbol"] not in missing)
        exchange.ask("DELETE", f"/v2/orders/{stop['id']}")
    assert typed(desk, "exits").code == 8
    certificate = {
        row["symbol"]: row["uncovered"]
        for row in artifact(desk, SESSION, "082500", "exits")["certificate"]
    }
    assert certificate[stop["symbol"]] == "0"

    remember(desk, gone)
    assert the_day(desk) == (0, {"halted"})
    assert standing(desk) == (False, ["limit-positions-missing"], False)
    outcome = typed(desk, "resume", "--reason", "the broker's list is whole again", "--json")
    assert (outcome.code, outcome.value["ended"]) == (0, ["halt"])
    assert standing(desk) == (False, [], True)


def test_resumed_in_time_the_day_goes_on(desk):
    gone = forget_positions(desk, 4)
    assert typed(desk, "reconcile").code == 8
    remember(desk, gone)
    assert typed(desk, "resume", "--reason", "the list is whole again").code == 0
    assert the_day(desk) == (2, set())


def test_the_limits_are_read_from_the_desks_file(desk):
    path = desk / "desk.toml"
    text = path.read_text(encoding="utf-8")
    assert "positions_missing_max = 3" in text
    path.write_text(text.replace("positions_missing_max = 3", "positions_missing_max = 0"))
    forget_positions(desk, 1)
    assert typed(desk, "reconcile").code == 8
    assert standing(desk)[1] == ["limit-positions-missing"]


def test_a_silent_broker_sends_nothing_new_and_the_next_clean_reconciliation_goes_on(before):
    advance(before, SESSION, OPEN)
    path = before / "desk.toml"
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace('url = ""', 'url = "http://127.0.0.1:9"', 1))
    for step in STEPS_OF[OPEN]:
        typed(before, step, "--as-of", at(SESSION, OPEN))
    path.write_text(text)
    assert [o for o in orders_in_book(before) if o["submitted_at"] > SESSION] == []
    advance(before, SESSION, "084000")
    said = {step: typed(before, step) for step in STEPS_OF[OPEN]}
    assert {outcome.code for outcome in said.values()} == {0}, said
    assert len(artifact(before, SESSION, "084000", "execute")["orders"]) == 2
