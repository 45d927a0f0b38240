"""A broker that fails in every way it can, asked by the real commands over HTTP.

Each day ends as if nothing had been: every intent at the broker at most once, nothing lost, a
stop under each share after the quiet cycle that follows, the books equal to the cent, the day
proven. In between, exit codes and reason codes say what was in doubt.
"""

import pytest

from tests.acceptance.faulty import (
    ENTRIES,
    EXECUTE,
    EXITS,
    LATER,
    PATCH,
    POST,
    QUIET,
    QUIET_EXECUTE,
    SESSION,
    Case,
    Day,
    always,
    assert_ended_well,
    assert_nothing_strange,
    once,
)  # fmt: skip
from tests.acceptance.typed import AFTER_OPEN, CLOSE, OPEN, STEPS_OF, Served, artifact, typed

pytestmark = pytest.mark.slow

#: A session whose only entry is never filled.
UNFILLED = "2024-12-03"
ORDERS = {"path": "/v2/orders*"}
ACTIVITIES = {"path": "/v2/account/activities*"}
#: Nobody knows whether the entries are there, and by the end of the day they prove not to be.
NEVER_THERE = {
    "codes": {EXECUTE: 7, LATER: 7, EXITS: 7, QUIET_EXECUTE: 7, (QUIET, "exits"): 7},
    "said": {EXECUTE: ["outcome-unknown"]},
    "bought": {},
}
#: Entries that were never sent: their time has passed when the broker can be read again.
NEVER_SENT = {"bought": {}}
UNCOVERED = ["outcome-unknown", "share-uncovered"]

CASES = (
    # entries
    Case("entry-dropped-once", sending=(once("drop-before-accept", **POST),)),
    Case("entries-dropped", sending=(always("drop-before-accept", **POST),), **NEVER_THERE),
    Case("entry-answers-lost", sending=(always("drop-after-accept", **POST),)),
    Case("entry-gateway-times-out", sending=(always("gateway-timeout-after-accept", **POST),)),
    Case("entry-bad-gateway-once", sending=(once("bad-gateway", **POST),)),
    Case("entry-bad-gateway", sending=(always("bad-gateway", **POST),), **NEVER_THERE),
    Case("entry-answers-truncated", sending=(always("truncated-json", **POST),)),
    Case("entry-answers-malformed", sending=(always("malformed-json", **POST),)),
    Case("entry-answers-without-id", sending=(always("missing-field", field="id", **POST),)),
    Case("entry-answers-without-qty", sending=(always("missing-field", field="qty", **POST),)),
    Case("entry-status-unknown", sending=(always("unknown-status", **POST),)),
    Case("entries-refused-by-rate", sending=(always("rate-limited", **POST),), bought={}),
    Case("entries-refused-bare", sending=(always("rate-limited", headers=False, **POST),),
         bought={}),
    Case("entry-rejected-after-all", sending=(once("accepted-then-rejected"),),
         bought={"SYNN": "51"}),
    Case("entries-rejected-after-all", sending=(always("accepted-then-rejected"),), bought={}),
    Case("entry-filled-in-part", sending=(once("partial-then-cancel", qty=20),
                                          always("partial-then-cancel", qty=20) | {"nth": 2}),
         lasting=True,
         bought={"SYNN": "20", "SYNO": "20"}),
    Case("entry-broker-restarts", sending=(once("broker-restart", **POST),)),
    Case("entries-seen-late", sending=(always("late-visibility", calls=9),
                                       always("drop-after-accept", **POST)),
         codes={EXECUTE: 7}, said={EXECUTE: ["outcome-unknown"]}),
    Case("another-account", sending=(once("account-reset"),), codes={EXECUTE: 8},
         said={EXECUTE: ["account-differs"]}, **NEVER_SENT),
    Case("clock-off", sending=(always("clock-skew", seconds=31),), codes={EXECUTE: 5},
         said={EXECUTE: ["clock-skew"]}, **NEVER_SENT),
    Case("clock-nearly-right", sending=(always("clock-skew", seconds=-30),)),
    # stops, raised stops, and what they are decided on
    Case("stop-dropped-once", stopping=(once("drop-before-accept", **POST),)),
    Case("stops-dropped", stopping=(always("drop-before-accept", **POST),),
         codes={EXITS: 7, QUIET_EXECUTE: 7}, said={EXITS: UNCOVERED}),
    Case("stop-answers-lost", stopping=(always("drop-after-accept", **POST),)),
    Case("stop-gateway-times-out", stopping=(always("gateway-timeout-after-accept", **POST),)),
    Case("stop-status-unknown", stopping=(always("unknown-status", **POST),)),
    Case("stops-rejected-after-all", stopping=(always("accepted-then-rejected"),),
         codes={EXITS: 8}, said={EXITS: ["share-uncovered", "stop-refused"]}),
    Case("stops-seen-late", stopping=(always("late-visibility", calls=20),
                                      always("drop-after-accept", **POST)),
         codes={EXITS: 7}, said={EXITS: UNCOVERED}),
    Case("raise-dropped", stopping=(always("drop-before-accept", **PATCH),),
         codes={EXITS: 7, QUIET_EXECUTE: 7}, said={EXITS: ["outcome-unknown"]}),
    Case("raise-answers-lost", stopping=(always("drop-after-accept", **PATCH),)),
    Case("raise-answers-without-qty", stopping=(always("missing-field", field="qty", **PATCH),)),
    Case("everything-limited", stopping=(always("rate-limited"),),
         codes={LATER: 7, EXITS: 6}, said={EXITS: ["broker-refused"]}),
    Case("no-order-status-known", stopping=(always("unknown-status", **ORDERS),),
         codes={LATER: 7, EXITS: 7}, said={EXITS: UNCOVERED}),
    Case("orders-without-qty", stopping=(always("missing-field", field="qty", **ORDERS),),
         codes={LATER: 7, EXITS: 7},
         said={EXITS: ["broker-contract-drift", "outcome-unknown", "share-uncovered"]}),
    Case("positions-unreadable", stopping=(always("bad-gateway", path="/v2/positions"),),
         codes={LATER: 6, EXITS: 6}, said={EXITS: ["broker-unreachable"]}),
    Case("open-orders-unreadable",
         stopping=(always("bad-gateway", method="GET", path="/v2/orders"),),
         codes={LATER: 6, EXITS: 6}, said={LATER: ["broker-unreachable"]}),
    Case("activities-twice", stopping=(always("duplicate-activities"),)),
    Case("activities-backwards", stopping=(always("reordered-activities"),)),
    Case("activities-unreadable", stopping=(always("bad-gateway", **ACTIVITIES),),
         codes={LATER: 8, EXITS: 8}, said={EXITS: ["broker-unreachable", "share-uncovered"]}),
    Case("nothing-but-orders-readable", stopping=(always("bad-gateway", **ACTIVITIES),
                                                  always("bad-gateway", path="/v2/positions")),
         codes={LATER: 6, EXITS: 8}, said={EXITS: ["broker-unreachable", "share-uncovered"]}),
    Case("another-account-later", stopping=(always("account-reset"),),
         codes={LATER: 7, EXITS: 8}, said={EXITS: ["account-differs"]}),
    Case("clock-off-later", stopping=(always("clock-skew", seconds=600),)),
    # words
    Case("numbers-for-text", sending=(always("number-for-string", field="qty"),
                                      always("number-for-string", field="filled_qty"),
                                      always("number-for-string", field="limit_price"),
                                      always("number-for-string", field="equity")),
         stopping=(always("number-for-string", field="stop_price"),
                   always("number-for-string", field="price"),
                   always("number-for-string", field="avg_entry_price"),
                   always("number-for-string", field="filled_avg_price"))),
)  # fmt: skip


@pytest.fixture
def day(before, monkeypatch):
    """Return the day, up to the approved entries."""
    monkeypatch.setattr("quantcli.shell.clock.WallClock.sleep", lambda self, seconds: None)
    with Served(before) as exchange:
        found = Day(before, exchange)
        found.to(OPEN)
        assert found.run(OPEN, *STEPS_OF[OPEN][:-1]) == {}
        yield found


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_day_with_a_fault_ends_as_one_without(case, day):
    day.fault(*case.sending)
    day.run(OPEN, "execute")
    if not case.lasting:
        assert all(day.clear()) or not case.sending
    day.to(AFTER_OPEN)
    day.fault(*case.stopping)
    day.run(AFTER_OPEN, "execute", "exits")
    assert any(day.clear()) or not (case.stopping or case.lasting)
    day.to(QUIET)
    assert day.run(QUIET, "execute", "exits") == case.codes
    for (cycle, step), codes in case.said.items():
        assert set(codes) <= set(day.said(cycle, step))
    assert_nothing_strange(day)
    assert_ended_well(day, case.bought)


def test_an_order_that_lands_late_is_not_there_twice(day):
    """The desk gives up waiting and sends the same order again; then the first one arrives."""
    config = day.desk / "desk.toml"
    text = config.read_text()
    assert "[broker]\n" in text
    config.write_text(text.replace("[broker]\n", "[broker]\nread_timeout_seconds = 1\n"))
    day.fault(once("delay", seconds="1.8", **POST))
    day.run(OPEN, "execute")
    assert day.clear() == [1]
    day.to(AFTER_OPEN)
    day.run(AFTER_OPEN, "execute", "exits")
    day.to(QUIET)
    assert day.run(QUIET, "execute", "exits") == {}
    assert_ended_well(day, ENTRIES)


def test_a_stale_list_of_positions_delays_the_stop_and_says_so(day):
    """The broker fills, and goes on showing the positions of before."""
    day.run(OPEN, "execute")
    day.fault(always("stale-positions"))
    day.to(AFTER_OPEN)
    day.run(AFTER_OPEN, "execute", "exits")
    assert day.codes == {LATER: 8, EXITS: 8}
    assert {"position-missing", "share-uncovered"} <= set(day.said(*EXITS))
    day.clear()
    day.to(QUIET)
    day.codes.clear()
    assert day.run(QUIET, "execute", "exits") == {}
    assert_ended_well(day, ENTRIES)


@pytest.fixture
def unfilled(before, monkeypatch):
    """Return the day whose entry is never filled, up to just after the open."""
    monkeypatch.setattr("quantcli.shell.clock.WallClock.sleep", lambda self, seconds: None)
    assert typed(before, "replay", "--from", SESSION, "--to", "2024-12-02", "-q").code == 0
    with Served(before) as exchange:
        found = Day(before, exchange, UNFILLED)
        found.to(OPEN)
        assert found.run(OPEN, *STEPS_OF[OPEN]) == {}
        found.to(AFTER_OPEN)
        yield found


def test_a_cancel_that_is_stuck_is_told_until_it_is_done(unfilled):
    unfilled.fault(always("stuck-pending-cancel"))
    assert unfilled.run(AFTER_OPEN, "execute", "exits") == {LATER: 7}
    assert unfilled.said(*LATER) == ["cancel-unconfirmed"]
    entry = next(order for order in unfilled.orders() if order["side"] == "buy")
    assert entry["status"] == "pending_cancel"
    unfilled.clear()
    unfilled.to(QUIET)
    unfilled.codes.clear()
    assert unfilled.run(QUIET, "execute", "exits") == {}
    assert_ended_well(unfilled, {})


def test_a_cancel_whose_answer_is_lost_is_read_back(unfilled):
    unfilled.fault(always("drop-after-accept", method="DELETE"))
    assert unfilled.run(AFTER_OPEN, "execute", "exits") == {}
    assert unfilled.clear() == [1]
    assert_ended_well(unfilled, {})


def test_somebody_elses_cancel_is_stuck_and_the_order_fills(day):
    """An order that waits for its cancel may be filled: its shares are ours, and get a stop."""
    day.run(OPEN, "execute")
    day.fault(once("stuck-pending-cancel"))
    entry = next(order for order in day.orders() if order["symbol"] == "SYNN")
    day.exchange.ask("DELETE", f"/v2/orders/{entry['id']}")
    day.to(AFTER_OPEN)
    assert day.run(AFTER_OPEN, "execute", "exits") == {}
    day.clear()
    assert_ended_well(day, ENTRIES)


# ------------------------------------------------------------------ drift of the contract

RETIRED = (
    "pattern_day_trader", "daytrade_count", "last_daytrade_count", "daytrading_buying_power",
    "last_daytrading_buying_power",
)  # fmt: skip
NOVELTIES = [("broker-field-unknown", f"account.novelty_{number:02d}") for number in range(1, 11)]


def test_retired_fields_gone_ten_new_ones_and_a_new_status(before, monkeypatch):
    """The desk trades on, and each artifact names what it was told and did not understand."""
    monkeypatch.setattr("quantcli.shell.clock.WallClock.sleep", lambda self, seconds: None)
    with Served(before) as exchange:
        day = Day(before, exchange)
        assert not set(RETIRED) & set(exchange.ask("GET", "/v2/account"))
        day.fault(always("extra-fields", path="/v2/account"),
                  always("unknown-status", **POST), always("unknown-status", **PATCH))  # fmt: skip
        day.to(OPEN)
        assert day.run(OPEN, *STEPS_OF[OPEN]) == {}
        day.to(AFTER_OPEN)
        assert day.run(AFTER_OPEN, "execute", "exits") == {}
        new_word = [*NOVELTIES, ("broker-status-unknown", "order.status = pondering")]
        assert day.drift(OPEN, "reconcile") == NOVELTIES
        assert day.drift(OPEN, "enforce") == NOVELTIES
        assert day.drift(OPEN, "execute") == new_word
        assert day.drift(AFTER_OPEN, "execute") == NOVELTIES
        assert day.drift(AFTER_OPEN, "exits") == new_word
        day.clear()
        assert_ended_well(day, ENTRIES)
        assert "drift" not in artifact(before, SESSION, CLOSE, "reconcile")


def test_an_account_without_equity_blocks_entries_and_no_exit(day):
    """The two entries of before are there; their shares get stops, and nothing new is bought."""
    named = ("broker-answer-unusable",
             "account: the broker's answer lacks a required field: equity")  # fmt: skip
    day.run(OPEN, "execute")
    day.fault(always("missing-field", field="equity", path="/v2/account"))
    day.to(AFTER_OPEN)
    assert day.run(AFTER_OPEN, "execute", "exits") == {LATER: 6, EXITS: 6}
    assert day.said(*EXITS) == ["broker-contract-drift"]
    assert day.drift(*EXITS) == day.drift(*LATER) == [named]
    assert day.stops() == day.positions()
    assert set(ENTRIES) <= set(day.stops())
    day.clear()
    day.to(QUIET)
    day.codes.clear()
    assert day.run(QUIET, "execute", "exits") == {}
    assert_ended_well(day, ENTRIES)


def test_without_equity_no_entry_is_approved_or_sent(before):
    with Served(before) as exchange:
        day = Day(before, exchange)
        day.fault(always("missing-field", field="equity", path="/v2/account"))
        day.to(OPEN)
        codes = day.run(OPEN, *STEPS_OF[OPEN])
        assert codes == {(OPEN, "reconcile"): 6, (OPEN, "enforce"): 6, EXECUTE: 6}
        enforce = artifact(before, SESSION, OPEN, "enforce")
        assert enforce["intents"] == []
        assert enforce["account"]["status"] == "unreadable"
        assert len(enforce["verdicts"]) == len(ENTRIES)
        assert all(verdict["decision"] == "BLOCK" for verdict in enforce["verdicts"])
        blocking = {gate["code"] for gate in enforce["verdicts"][0]["gates"]}
        assert "broker-unavailable" in blocking
        assert [code for code, _ in day.drift(OPEN, "enforce")] == ["broker-answer-unusable"]
        assert [order for order in day.orders() if order["side"] == "buy"] == []
