"""Every kind of break has a way out that an operator can type, and the day after it is proven."""

import sqlite3

import pytest

from tests.acceptance.typed import (
    AFTER_OPEN,
    CLOSE,
    INDEXES,
    OPEN,
    Served,
    advance,
    artifact,
    difference,
    run_cycle,
    tree,
    typed,
)  # fmt: skip

SESSION = "2024-11-27"


pytestmark = pytest.mark.usefixtures("no_waits")


@pytest.fixture
def desk(before):
    """Return a desk after the open of a trading day, every share under a stop."""
    for cycle in (OPEN, AFTER_OPEN):
        said = run_cycle(before, SESSION, cycle)
        assert {outcome.code for outcome in said.values()} == {0}, said
    advance(before, SESSION, "100000")
    return before


def change_book(desk, statement, *values):
    """Let the broker change its mind: past every command."""
    book = sqlite3.connect(desk / "exchange" / "book.sqlite3")
    with book:
        found = book.execute(statement, values).fetchall()
    book.close()
    return found


def breaks(desk, cycle="100000"):
    typed(desk, "reconcile")
    return {
        (each["code"], each["subject"])
        for each in artifact(desk, SESSION, cycle, "reconcile")["breaks"]
    }


def adopted(desk, subject):
    outcome = typed(desk, "reconcile", "--adopt", subject, "--reason", "seen", "--json")
    assert outcome.code == 0, outcome.err
    return {(each["code"], each["subject"]) for each in outcome.value["left"]}


def seals(desk, *, resumed=False):
    """Run the close: clean, covered, sealed and proven."""
    if resumed:
        assert typed(desk, "resume", "--reason", "adopted").code == 0
    said = run_cycle(desk, SESSION, CLOSE)
    assert {outcome.code for outcome in said.values()} == {0}, said
    assert artifact(desk, SESSION, CLOSE, "reconcile")["breaks"] == []
    for words in (("prove", SESSION), ("audit", "verify"), ("restore", "--check")):
        outcome = typed(desk, *words)
        assert outcome.code == 0, outcome.err
    return artifact(desk, SESSION, CLOSE, "snapshot")


def test_a_position_of_which_the_broker_tells_no_execution(desk):
    """Shares that were transferred in; money does not move."""
    change_book(desk, "INSERT INTO positions VALUES ('SYNA', '7', '25')")
    assert breaks(desk) == {("position-foreign", "SYNA")}
    assert adopted(desk, "SYNA") == {("cash-difference", "cash")}
    assert adopted(desk, "cash") == set()
    held = {each["symbol"]: each for each in seals(desk)["positions"]}
    assert held["SYNA"]["quantity"] == "7"
    certificate = artifact(desk, SESSION, CLOSE, "exits")["certificate"]
    assert {row["symbol"]: row["uncovered"] for row in certificate}["SYNA"] == "0"


def test_a_quantity_that_differs_and_a_price_that_follows(desk):
    symbol, shares, _ = change_book(desk, "SELECT * FROM positions ORDER BY symbol LIMIT 1")[0]
    change_book(
        desk, "UPDATE positions SET quantity = ? WHERE symbol = ?", str(int(shares) - 1), symbol
    )
    assert ("position-quantity", symbol) in breaks(desk)
    left = adopted(desk, symbol)
    assert ("position-quantity", symbol) not in left
    assert ("cash-difference", "cash") in left
    assert adopted(desk, "cash") == set()


def test_a_position_that_is_gone(desk):
    symbol, _, _ = change_book(desk, "SELECT * FROM positions ORDER BY symbol LIMIT 1")[0]
    change_book(desk, "DELETE FROM positions WHERE symbol = ?", symbol)
    assert breaks(desk) == {("position-missing", symbol)}
    assert adopted(desk, symbol) == {("cash-difference", "cash")}
    assert adopted(desk, "cash") == set()


def test_a_price_that_differs_is_seen_once(desk):
    symbol, _, at = change_book(desk, "SELECT * FROM positions ORDER BY symbol LIMIT 1")[0]
    change_book(
        desk, "UPDATE positions SET average_price = ? WHERE symbol = ?", f"{float(at) + 1:.4f}",
        symbol,
    )  # fmt: skip
    assert breaks(desk) == {("position-price", symbol)}
    assert adopted(desk, symbol) == set()
    change_book(
        desk, "UPDATE positions SET average_price = ? WHERE symbol = ?", f"{float(at) + 2:.4f}",
        symbol,
    )  # fmt: skip
    advance(desk, SESSION, "101000")
    assert breaks(desk, "101000") == {("position-price", symbol)}
    assert adopted(desk, symbol) == set()
    seals(desk)


@pytest.mark.parametrize("name", ["web", "q1-20241127-e-1-aaaaaaaaaaaaaaaa"])
def test_an_open_order_that_is_not_ours_or_no_longer_known(desk, name):
    """Under a name of ours it halts as well: another journal sent it."""
    with Served(desk) as exchange:
        exchange.ask(
            "POST", "/v2/orders",
            {"symbol": "SYNA", "qty": "1", "side": "buy", "type": "limit", "limit_price": "1",
             "time_in_force": "day", "client_order_id": name},
        )  # fmt: skip
    is_ours = name.startswith("q1-")
    code = "order-forgotten" if is_ours else "order-foreign"
    assert breaks(desk) == {(code, name)}
    status = typed(desk, "status", "--json").value
    assert status["violations"] == (["order-forgotten"] if is_ours else [])
    assert adopted(desk, name) == set()
    if is_ours:
        advance(desk, SESSION, "101000")
        assert typed(desk, "reconcile").code == 0
        assert typed(desk, "status", "--json").value["may_enter"] is False
    seals(desk, resumed=is_ours)


def test_exits_halt_over_an_order_of_another_journal_too(desk):
    with Served(desk) as exchange:
        exchange.ask(
            "POST", "/v2/orders",
            {"symbol": "SYNA", "qty": "1", "side": "buy", "type": "limit", "limit_price": "1",
             "time_in_force": "day", "client_order_id": "q1-20241127-e-1-aaaaaaaaaaaaaaaa"},
        )  # fmt: skip
    outcome = typed(desk, "exits")
    assert "CRITICAL order-forgotten: q1-20241127-e-1-aaaaaaaaaaaaaaaa" in outcome.err
    assert typed(desk, "status", "--json").value["violations"] == ["order-forgotten"]
    certificate = artifact(desk, SESSION, "100000", "exits")["certificate"]
    assert {row["uncovered"] for row in certificate} == {"0"}


def test_an_order_that_the_broker_lost(desk):
    stop = change_book(
        desk,
        "SELECT client_order_id FROM orders WHERE order_type = 'stop' AND status = 'new'"
        " ORDER BY sequence LIMIT 1",
    )[0][0]
    change_book(desk, "DELETE FROM orders WHERE client_order_id = ?", stop)
    assert breaks(desk) == {("order-missing", stop)}
    assert adopted(desk, stop) == set()
    seals(desk)


def test_an_execution_that_the_broker_took_back(desk):
    """It busts the trade: shares, cash and the row of it are as if it had never been."""
    (row,) = change_book(
        desk,
        "SELECT activity_id, symbol, quantity, price FROM activities WHERE activity_type = 'FILL'"
        " AND side = 'buy' AND date = ? ORDER BY sequence DESC LIMIT 1",
        SESSION,
    )
    activity, symbol, shares, paid = row
    change_book(desk, "DELETE FROM activities WHERE activity_id = ?", activity)
    change_book(desk, "DELETE FROM positions WHERE symbol = ?", symbol)
    change_book(
        desk, "UPDATE venue SET cash = printf('%.2f', cash + ?)", float(shares) * float(paid)
    )
    found = breaks(desk)
    assert {("fill-missing", activity), ("position-missing", symbol)} <= found
    early = typed(desk, "reconcile", "--adopt", symbol, "--reason", "x")
    assert early.code == 2
    assert "adopt those first" in early.err
    assert adopted(desk, activity) == set()


@pytest.mark.parametrize("subject", ["cash"])
def test_money_waits_for_shares(desk, subject):
    change_book(desk, "INSERT INTO positions VALUES ('SYNA', '7', '25')")
    change_book(desk, "UPDATE venue SET cash = printf('%.2f', cash + 100)")
    assert ("cash-difference", "cash") in breaks(desk)
    earlier = tree(desk, without=INDEXES)
    outcome = typed(desk, "reconcile", "--adopt", subject, "--reason", "x")
    assert outcome.code == 2
    assert "position-foreign SYNA" in outcome.err
    assert difference(tree(desk, without=INDEXES), earlier) == []
