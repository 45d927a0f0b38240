"""A share bought, or an order placed, with the account's keys, past every command of the desk."""

import sqlite3

import pytest

from tests.acceptance.typed import (
    AFTER_OPEN,
    CLOSE,
    INDEXES,
    OPEN,
    STEPS_OF,
    Served,
    advance,
    artifact,
    difference,
    orders_in_book,
    run_cycle,
    spawned,
    tree,
    typed,
)  # fmt: skip

SESSION, NEXT = "2024-11-27", "2024-11-29"
FOREIGN = "SYNA"


def buy_behind_the_desk(desk, **terms):
    order = {"symbol": FOREIGN, "qty": "1", "side": "buy", "time_in_force": "day", **terms}
    with Served(desk) as exchange:
        return exchange.ask("POST", "/v2/orders", order)["id"]


def stops_in_book(desk):
    return {o["id"] for o in orders_in_book(desk) if o["type"] == "stop" and o["side"] == "sell"}


@pytest.fixture
def desk(before):
    """Return a desk after the open of a trading day, with one share it never ordered."""
    run_cycle(before, SESSION, OPEN)
    run_cycle(before, SESSION, AFTER_OPEN)
    advance(before, SESSION, "100000")
    buy_behind_the_desk(before, type="market")
    return before


def test_read_only_names_it_and_changes_nothing_else(desk):
    earlier = tree(desk, without=INDEXES)
    outcome = typed(desk, "reconcile", "--read-only")
    assert outcome.code == 8
    assert f"position-foreign {FOREIGN}" in outcome.out
    assert f"position-foreign {FOREIGN}" in outcome.err
    written = "checks/20241127T150000Z/reconcile.json"
    assert difference(tree(desk, without=INDEXES), earlier) == [written]
    assert typed(desk, "reconcile", "--read-only").code == 8
    assert difference(tree(desk, without=INDEXES), earlier) == [written]


def test_a_second_look_at_the_same_instant_sees_what_came_since(before):
    advance(before, SESSION, "100000")
    assert typed(before, "reconcile", "--read-only").code == 0
    buy_behind_the_desk(before, type="market")
    assert typed(before, "reconcile", "--read-only").code == 8


def test_a_read_only_look_does_not_stand_for_the_reconciliation(desk):
    """The local exchange's clock stands still, so both belong to the same instant."""
    assert typed(desk, "reconcile", "--read-only").code == 8
    outcome = typed(desk, "reconcile")
    assert outcome.code == 8
    assert "PAUSED" in outcome.out
    assert artifact(desk, SESSION, "100000", "reconcile")["paused"]["is_set"] is True


def test_reconcile_pauses_entries_for_good_and_exits_go_on(desk):
    outcome = typed(desk, "reconcile")
    assert outcome.code == 8
    assert f"position-foreign {FOREIGN}" in outcome.err
    said = run_cycle(desk, SESSION, CLOSE)
    assert [said[step].code for step in STEPS_OF[CLOSE]] == [8, 8, 0, 0]
    stops = stops_in_book(desk)

    advance(desk, NEXT, OPEN)
    said = {step: spawned(desk, step) for step in STEPS_OF[OPEN]}
    assert said["reconcile"].code == 8
    assert artifact(desk, NEXT, OPEN, "execute")["orders"] == []

    advance(desk, NEXT, AFTER_OPEN)
    assert spawned(desk, "exits").code == 8
    reviews = artifact(desk, NEXT, AFTER_OPEN, "exits")["reviews"]
    assert "raise" in {review["action"] for review in reviews}
    assert len(stops_in_book(desk) - stops) == sum(r["action"] == "raise" for r in reviews)
    certificate = artifact(desk, NEXT, AFTER_OPEN, "exits")["certificate"]
    assert certificate
    assert all(row["uncovered"] == "0" for row in certificate)


def paused_morning(desk):
    """Let a foreign order rest from before the day's first cycle, and type that cycle."""
    advance(desk, SESSION, "082500")
    order = buy_behind_the_desk(desk, type="limit", limit_price="1.00")
    assert spawned(desk, "reconcile").code == 8
    run_cycle(desk, SESSION, OPEN)
    return order


def blocked_by(desk, cycle):
    """Return, for each signal, the gates that refused it."""
    verdicts = artifact(desk, SESSION, cycle, "enforce")["verdicts"]
    return [
        {gate["gate"] for gate in verdict["gates"] if gate["verdict"] == "BLOCK"}
        for verdict in verdicts
    ]


def test_entries_that_would_have_been_sent_are_refused_and_told(before):
    paused_morning(before)
    assert blocked_by(before, OPEN) == [{"paused", "reconciled"}] * 2
    assert [o for o in orders_in_book(before) if o["submitted_at"] > SESSION] == [
        o for o in orders_in_book(before) if o["symbol"] == FOREIGN
    ]
    run_cycle(before, SESSION, AFTER_OPEN)
    run_cycle(before, SESSION, CLOSE)
    report = artifact(before, SESSION, CLOSE, "report")
    assert report["counts"] == {"REJECTED_BY_CIRCUIT_BREAKER": 2}
    assert report["verdict"] == "attention"
    assert "order-foreign" in {incident["code"] for incident in report["incidents"]}
    # The order ended with the day, so the close's reconciliation was clean.
    assert report["go_no_go"] == "GO"


def enter_again(desk, cycle):
    """Type the entry's chain in an unscheduled cycle of its own."""
    advance(desk, SESSION, cycle)
    return {step: typed(desk, step) for step in STEPS_OF[OPEN]}


def test_a_clean_reconciliation_clears_it(before):
    order = paused_morning(before)
    with Served(before) as exchange:
        exchange.ask("DELETE", f"/v2/orders/{order}")
    said = enter_again(before, "084000")
    assert {outcome.code for outcome in said.values()} == {0}
    assert artifact(before, SESSION, "084000", "reconcile")["paused"]["is_set"] is False
    assert len(artifact(before, SESSION, "084000", "execute")["orders"]) == 2


def test_resume_clears_it_until_the_next_reconciliation_finds_the_break(before):
    """The break itself still stops entries: its reconciliation is the newest."""
    paused_morning(before)
    assert typed(before, "resume").code == 2
    outcome = typed(before, "resume", "--reason", "seen by the owner", "--json")
    assert (outcome.code, outcome.value["ended"]) == (0, ["PAUSED"])
    assert typed(before, "status", "--json").value["paused"]["is_set"] is False
    assert typed(before, "resume", "--reason", "again", "--json").value["ended"] == []
    advance(before, SESSION, "084000")
    for step in ("scan", "decide", "enforce"):
        typed(before, step)
    blocked = blocked_by(before, "084000")
    assert blocked
    assert all("reconciled" in gates for gates in blocked)
    enter_again(before, "085000")
    assert blocked_by(before, "085000") == [{"paused", "reconciled"}] * 2
    assert typed(before, "status", "--json").value["paused"]["is_set"] is True


def test_exits_names_the_shares_that_are_not_ours_to_protect(desk):
    outcome = typed(desk, "exits")
    assert outcome.code == 8
    assert f"UNCOVERED {FOREIGN}" in outcome.out
    assert f"uncovered {FOREIGN}" in outcome.err
    differences = artifact(desk, SESSION, "100000", "exits")["differences"]
    assert [(each["code"], each["subject"]) for each in differences] == [
        ("position-foreign", FOREIGN)
    ]


def test_a_stop_that_the_broker_forgot_covers_nothing_and_is_placed_anew(before):
    """It was acknowledged, and is in no list and under no id any more."""
    run_cycle(before, SESSION, OPEN)
    run_cycle(before, SESSION, AFTER_OPEN)
    working = [o for o in orders_in_book(before) if o["status"] == "new"]
    # Not the newest: the exchange would give its number, and so its id, to the next order.
    stop = [o for o in working if o["id"] in stops_in_book(before)][-1]
    book = sqlite3.connect(before / "exchange" / "book.sqlite3")
    with book:
        book.execute("DELETE FROM orders WHERE order_id = ?", (stop["id"],))
    book.close()
    advance(before, SESSION, "100000")
    assert typed(before, "reconcile", "--read-only").code == 8
    outcome = typed(before, "exits")
    assert outcome.code == 0, outcome.err
    exits = artifact(before, SESSION, "100000", "exits")
    assert {row["uncovered"] for row in exits["certificate"]} == {"0"}
    orders = {order["client_order_id"]: order for order in exits["orders"]}
    gone = orders.pop(stop["client_order_id"])
    assert (gone["state"], gone["code"]) == ("REJECTED", "order-missing")
    (anew,) = orders.values()
    assert (anew["symbol"], anew["stop_price"]) == (
        stop["symbol"],
        f"{float(stop['stop_price']):.4f}",
    )
    assert {o["client_order_id"] for o in orders_in_book(before)} >= {anew["client_order_id"]}
    assert typed(before, "reconcile").code == 0
    said = run_cycle(before, SESSION, CLOSE)
    assert {outcome.code for outcome in said.values()} == {0}
    assert typed(before, "prove", SESSION).code == 0


# ------------------------------------------------------------------------------ adopting


def breaks_of(outcome):
    return [(each["code"], each["subject"]) for each in outcome.value["left"]]


def foreign_fill(desk):
    typed(desk, "reconcile")
    breaks = artifact(desk, SESSION, "100000", "reconcile")["breaks"]
    return next(each for each in breaks if each["code"] == "fill-foreign")


def test_a_share_bought_by_hand_is_adopted_protected_and_sealed(desk):
    """The execution explains position and cash as well: one adoption ends all three breaks."""
    found = foreign_fill(desk)
    outcome = typed(
        desk, "reconcile", "--adopt", found["subject"], "--reason", "mine, by hand", "--json"
    )
    assert outcome.code == 0, outcome.err
    assert outcome.value["adopted"]["break_id"] == found["break_id"]
    assert breaks_of(outcome) == []
    assert typed(desk, "status", "--json").value["paused"]["is_set"] is True

    said = run_cycle(desk, SESSION, CLOSE)
    assert {outcome.code for outcome in said.values()} == {0}
    exits = artifact(desk, SESSION, CLOSE, "exits")
    assert {row["symbol"]: row["uncovered"] for row in exits["certificate"]}[FOREIGN] == "0"
    assert artifact(desk, SESSION, CLOSE, "reconcile")["paused"]["is_set"] is False
    held = {p["symbol"]: p for p in artifact(desk, SESSION, CLOSE, "snapshot")["positions"]}
    assert (held[FOREIGN]["quantity"], held[FOREIGN]["strategy"]) == ("1", "foreign")
    log = (desk / "artifacts" / SESSION / "transactions.jsonl").read_text()
    assert '"reason":"mine, by hand"' in log
    assert typed(desk, "prove", SESSION).code == 0
    assert typed(desk, "audit", "verify").code == 0
    run_cycle(desk, NEXT, OPEN)
    assert artifact(desk, NEXT, OPEN, "reconcile")["breaks"] == []


def test_an_adoption_may_name_the_beginning_of_a_breaks_id(desk):
    found = foreign_fill(desk)
    words = ("--adopt", found["break_id"][:8], "--reason", "mine")
    assert typed(desk, "reconcile", *words).code == 0
    again = typed(desk, "reconcile", *words)
    assert again.code == 2
    assert "no such break" in again.err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--adopt", "cash", "--reason", "x"), "adopt those first"),
        (("--adopt", FOREIGN, "--reason", "x"), "adopt those first -> there are: fill-foreign"),
        (("--adopt", "nonsense", "--reason", "x"), "there are: position-foreign SYNA"),
        (("--adopt", "cash"), "needs --reason"),
        (("--adopt", "cash", "--reason", " "), "needs --reason"),
        (("--adopt", "cash", "--reason", "x", "--read-only"), "adopts nothing"),
        (("--reason", "x"), "is for --adopt"),
    ],
)
def test_what_is_not_adopted_leaves_no_trace(desk, words, said):
    typed(desk, "reconcile")
    earlier = tree(desk, without=INDEXES)
    outcome = typed(desk, "reconcile", *words)
    assert outcome.code == 2
    assert said in outcome.err
    assert difference(tree(desk, without=INDEXES), earlier) == []


def test_cash_that_nothing_explains_is_adopted_as_a_transfer(before):
    """It is no profit: return and result of the session stay what they are."""
    run_cycle(before, SESSION, OPEN)
    run_cycle(before, SESSION, AFTER_OPEN)
    book = sqlite3.connect(before / "exchange" / "book.sqlite3")
    with book:
        book.execute("UPDATE venue SET cash = printf('%.2f', cash + 100)")
    book.close()
    advance(before, SESSION, "100000")
    assert typed(before, "reconcile").code == 8
    outcome = typed(before, "reconcile", "--adopt", "cash", "--reason", "a deposit", "--json")
    assert outcome.code == 0, outcome.err
    assert breaks_of(outcome) == []
    said = run_cycle(before, SESSION, CLOSE)
    assert {outcome.code for outcome in said.values()} == {0}
    assert artifact(before, SESSION, CLOSE, "snapshot")["pnl"]["transfers"] == "100.00"
    assert typed(before, "prove", SESSION).code == 0
