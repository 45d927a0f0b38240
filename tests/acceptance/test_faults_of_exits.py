"""Leaving the market at a broker that fails: shares freed from their stops are sold, once.

The stop is cancelled before its shares are sold. Whatever happens in between, in the end each
share is either sold or under a stop again, and no share is sold twice.
"""

from collections import Counter

import pytest

from tests.acceptance.faulty import (
    ENTRIES,
    EXITS,
    LATER,
    POST,
    QUIET,
    QUIET_EXECUTE,
    Case,
    Day,
    always,
    assert_ended_well,
    assert_nothing_strange,
    once,
)  # fmt: skip
from tests.acceptance.typed import AFTER_OPEN, OPEN, STEPS_OF, Served

pytestmark = pytest.mark.slow

DELETE = {"method": "DELETE", "path": "/v2/orders/*"}
BARE = ["share-uncovered"]
#: Positions that are two sessions old and are left today, with their shares.
LEFT = {"SYNB": 67, "SYNC": 40, "SYNG": 83, "SYNK": 77, "SYNR": 36}

CASES = (
    Case("no-fault"),
    Case("cancels-lost", stopping=(always("drop-before-accept", **DELETE),)),
    Case("cancel-answers-lost", stopping=(always("drop-after-accept", **DELETE),)),
    Case("cancels-stuck", stopping=(always("stuck-pending-cancel"),),
         codes={EXITS: 8}, said={EXITS: BARE}),
    Case("cancels-not-read-back",
         stopping=(always("bad-gateway", path="/v2/orders:by_client_order_id"),),
         codes={LATER: 7, EXITS: 8}, said={EXITS: ["broker-unreachable", *BARE]}),
    Case("sales-dropped", stopping=(always("drop-before-accept", **POST),),
         codes={EXITS: 7, QUIET_EXECUTE: 7}, said={EXITS: ["outcome-unknown", *BARE]}),
    Case("sale-answers-lost", stopping=(always("drop-after-accept", **POST),)),
    Case("sale-gateway-times-out", stopping=(always("gateway-timeout-after-accept", **POST),)),
    Case("sale-status-unknown", stopping=(always("unknown-status", **POST),)),
    Case("sales-limited", stopping=(always("rate-limited", **POST),),
         codes={EXITS: 8}, said={EXITS: ["exit-refused", "stop-refused", *BARE]}),
    Case("sales-rejected-after-all", stopping=(always("accepted-then-rejected"),),
         codes={EXITS: 8}, said={EXITS: BARE}),
    Case("sale-filled-in-part", stopping=(once("partial-then-cancel"),),
         codes={EXITS: 8}, said={EXITS: BARE}),
)  # fmt: skip


@pytest.fixture
def day(before, monkeypatch):
    """Return a day on which positions of two sessions are left, up to just after the open."""
    monkeypatch.setattr("quantcli.shell.clock.WallClock.sleep", lambda self, seconds: None)
    config = before / "desk.toml"
    text = config.read_text()
    assert "hold_sessions_max = 0" in text
    config.write_text(text.replace("hold_sessions_max = 0", "hold_sessions_max = 2"))
    with Served(before) as exchange:
        found = Day(before, exchange)
        found.to(OPEN)
        assert found.run(OPEN, *STEPS_OF[OPEN]) == {}
        found.to(AFTER_OPEN)
        yield found


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_everything_is_left_once(case, day):
    day.fault(*case.stopping)
    day.run(AFTER_OPEN, "execute", "exits")
    assert any(day.clear()) or not case.stopping
    day.to(QUIET)
    assert day.run(QUIET, "execute", "exits") == case.codes
    for (cycle, step), codes in case.said.items():
        assert set(codes) <= set(day.said(cycle, step))
    assert_nothing_strange(day)
    sold = Counter()
    for order in day.orders():
        if order["side"] == "sell":
            sold[order["symbol"]] += int(order["filled_qty"])
    assert {symbol: shares for symbol, shares in sold.items() if shares} == LEFT
    assert_ended_well(day, ENTRIES)
