"""A broker with thousands of orders and activities: nothing is cut off, every question counted.

Another hand trades the same account all day: its resting orders and its fills stand among ours
on every page of the broker's lists, 500 orders and 100 activities long.
"""

import http.client
import json
from collections import Counter
from contextlib import closing
from urllib.parse import urlsplit

import pytest

from tests.acceptance.faulty import ENTRIES, SESSION, Day
from tests.acceptance.typed import AFTER_OPEN, CLOSE, OPEN, STEPS_OF, Served, artifact, typed

pytestmark = pytest.mark.slow

RESTING, CLOSED = 1001, 1500
#: Not in the desk's universe of today's entries, and not held.
THEIRS_RESTING, THEIRS_TRADED = "SYNA", "SYND"


class OtherHand:
    """Another client of the same account, on one connection."""

    def __init__(self, desk, exchange):
        keys = json.loads((desk / "exchange" / "keys.json").read_bytes())
        self._headers = {
            "APCA-API-KEY-ID": keys["key_id"],
            "APCA-API-SECRET-KEY": keys["secret"],
            "Content-Type": "application/json",
        }
        self._line = http.client.HTTPConnection(urlsplit(exchange.url).netloc, timeout=60)
        # Its clock stands still while thousands of orders come in; all day long they would be few.
        exchange.ask("POST", "/_sim/limits", {"requests_per_minute": None})

    def order(self, **terms):
        body = json.dumps({"qty": "1", "time_in_force": "day", **terms})
        self._line.request("POST", "/v2/orders", body, self._headers)
        answer = self._line.getresponse()
        said = answer.read()
        assert answer.status == 200, said

    def close(self):
        self._line.close()

    def rest(self, count):
        """Leave purchases that nobody will sell at."""
        for _ in range(count):
            self.order(symbol=THEIRS_RESTING, side="buy", type="limit", limit_price="1")

    def trade(self, count):
        """Buy and sell a share in turn; each order fills at once."""
        for number in range(count):
            side = "sell" if number % 2 else "buy"
            self.order(symbol=THEIRS_TRADED, side=side, type="market")


def stops_of(exchange):
    """Return symbol -> shares under stops, without the other hand's orders, which are buys."""
    sells = exchange.ask("GET", "/v2/orders?limit=500&side=sell")
    return {order["symbol"]: order["qty"] for order in sells}


def calls(desk, cycle, step):
    """Return endpoint -> (calls, requests) as the artifact counts them."""
    found = artifact(desk, SESSION, cycle, step)["calls"]
    return {each["endpoint"]: (each["calls"], each["requests"]) for each in found}


def pages(count, size):
    """Return how many requests read a list to its end: the last page is not full."""
    return count // size + 1


def test_nothing_is_truncated_and_every_question_is_counted(before):
    with Served(before) as exchange, closing(OtherHand(before, exchange)) as other:
        day = Day(before, exchange)
        day.to(OPEN)
        held = len(day.positions())
        assert day.run(OPEN, *STEPS_OF[OPEN]) == {}
        other.rest(RESTING // 2)
        day.to(AFTER_OPEN)
        other.trade(CLOSED)
        other.rest(RESTING - RESTING // 2)

        # Our purchases were filled among theirs; each gets its stop, in one pass.
        day.run(AFTER_OPEN, "execute", "exits")
        stops = stops_of(exchange)
        held += len(ENTRIES)
        assert {symbol: stops[symbol] for symbol in ENTRIES} == ENTRIES
        assert stops == day.positions()
        exits = artifact(before, SESSION, AFTER_OPEN, "exits")
        assert len(exits["certificate"]) == held
        assert all(row["uncovered"] == "0" for row in exits["certificate"])

        day.run(AFTER_OPEN, "reconcile")
        told = artifact(before, SESSION, AFTER_OPEN, "reconcile")
        ours = held
        assert len(told["broker"]["open_orders"]) == RESTING + ours
        kinds = Counter(each["code"] for each in told["breaks"])
        assert kinds["order-foreign"] == RESTING
        assert kinds["fill-foreign"] == CLOSED
        activities = exchange.ask("GET", f"/v2/account/activities/FILL?date={SESSION}")
        assert len(activities) == CLOSED + len(ENTRIES)

        # One question each of positions, open orders and activities, however many pages.
        quiet = calls(before, AFTER_OPEN, "reconcile")
        assert quiet["positions"] == (1, 1)
        assert quiet["open-orders"] == (1, pages(RESTING + ours, 500))
        asked, requests = quiet["activities"]
        assert asked == 1
        assert requests >= pages(CLOSED + len(ENTRIES), 100)
        assert "order-look-up" not in quiet
        for step, more in (("execute", set()), ("exits", {"order-submit", "order-replace"})):
            found = calls(before, AFTER_OPEN, step)
            assert [found[name][0] for name in ("positions", "open-orders", "activities")] == [
                1, 1, 1,
            ]  # fmt: skip
            assert more <= {*found}

        # Typed again with nothing new, each step asks once for each.
        day.to("094500")
        day.run("094500", "execute", "exits")
        for step in ("execute", "exits"):
            found = calls(before, "094500", step)
            for name in ("positions", "open-orders", "activities"):
                assert found[name][0] == 1, (step, name)
        assert stops_of(exchange) == day.positions()

        # The day ends: every break is in the report, the session is sealed and proven.
        day.to(CLOSE)
        day.run(CLOSE, *STEPS_OF[CLOSE])
        report = artifact(before, SESSION, CLOSE, "report")
        assert Counter(each["code"] for each in report["breaks"])["fill-foreign"] == CLOSED
        proof = typed(before, "prove", SESSION)
        assert proof.code == 0, proof.err
