"""Events read from two looks at the book: which, in which order, and the order as it was."""

from decimal import Decimal

import pytest

from quantcli.contracts.scalars import instant
from tests.exchange.conftest import MARKET
from tests.exchange.market import customer


@pytest.fixture
def told(queued):
    """Return a function that returns the events since it was last called."""
    mark = queued.exchange.updates(None)[0]

    def news():
        nonlocal mark
        mark, events = queued.exchange.updates(mark)
        return events

    return news


def brief(events):
    """Return (event, New York hour and minute less 5 h, symbol, status, filled) of each."""
    return [
        (each["event"], each["timestamp"][11:16], each["order"]["status"],
         each["order"]["filled_qty"])
        for each in events
    ]  # fmt: skip


def test_queued_order_is_new_at_the_open_and_fills(queued, told):
    queued.send("XYZ", 10, "buy", "limit", "99")
    assert told() == []
    queued.to("2024-11-26T22:00:00Z")

    events = told()
    assert brief(events) == [("new", "14:30", "new", "0"), ("fill", "16:40", "filled", "10")]
    new, fill = events
    assert new["order"]["filled_avg_price"] is new["order"]["filled_at"] is None
    assert "price" not in new
    assert (fill["price"], fill["qty"], fill["position_qty"]) == ("99", "10", "10")
    assert fill["order"]["filled_at"] == fill["timestamp"] == fill["at"]
    assert new["execution_id"] != fill["execution_id"]
    assert told() == []


def test_order_sent_in_hours_is_new_and_filled_at_once(queued, told):
    queued.to("2024-11-26T15:00:00Z")
    queued.send("XYZ", 2, "buy")

    assert brief(told()) == [("new", "15:00", "new", "0"), ("fill", "15:00", "filled", "2")]


def test_cancel_before_the_open_was_never_new(queued, told):
    queued.cancel(queued.send("XYZ", 2, "buy"))

    assert brief(told()) == [("canceled", "13:00", "canceled", "0")]


def test_cancel_replace_and_expiry(queued, told):
    queued.to("2024-11-26T15:00:00Z")
    first = queued.send("XYZ", 2, "buy", "limit", "50")
    assert brief(told()) == [("new", "15:00", "new", "0")]
    second = queued.replace(first, limit_price="51")
    events = told()
    assert brief(events) == [("replaced", "15:00", "replaced", "0"), ("new", "15:00", "new", "0")]
    assert events[0]["order"]["replaced_by"] == events[1]["order"]["id"] == second["id"]
    third = queued.send("ABC", 2, "buy", "limit", "5")
    queued.cancel(third)
    assert brief(told()) == [("new", "15:00", "new", "0"), ("canceled", "15:00", "canceled", "0")]
    queued.to("2024-11-26T22:00:00Z")
    assert brief(told()) == [("expired", "21:00", "expired", "0")]


def test_rejected(queued, told):
    """Two buys reserve a little, the open costs more than there is."""
    queued.exchange._market.bars.rows[instant("2024-11-26T13:00:00Z").date()]["XYZ"] = (
        200.0, 200.0, 200.0, 200.0, 1.0,
    )  # fmt: skip
    queued.send("XYZ", 900, "buy")
    queued.to("2024-11-26T14:30:00Z")

    assert brief(told()) == [("new", "14:30", "new", "0"), ("rejected", "14:30", "rejected", "0")]


def test_days_in_one_move_come_in_the_order_of_time(queued, told):
    queued.send("XYZ", 10, "buy", tif="gtc")
    queued.send("ABC", 5, "buy", "limit", "37", tif="gtc")
    queued.to("2024-11-26T22:00:00Z")
    queued.send("XYZ", 4, "sell", "stop", "93", tif="gtc")
    queued.to("2024-12-02T22:00:00Z")

    events = told()
    stamps = [each["timestamp"] for each in events]
    assert stamps == sorted(stamps)
    fills = [
        (each["order"]["symbol"], each["order"]["side"], each["position_qty"])
        for each in events
        if each["event"] == "fill"
    ]
    assert fills == [("XYZ", "buy", "10"), ("ABC", "buy", "5"), ("XYZ", "sell", "6")]


BRACKET = {
    "order_class": "bracket", "tif": "gtc",
    "take_profit": {"limit_price": "105"}, "stop_loss": {"stop_price": "90"},
}  # fmt: skip


@pytest.mark.parametrize("steps", [["22"], ["15", "17", "19", "22"]])
def test_exits_of_a_bracket_wake_with_its_fill_and_end_together(queued, told, steps):
    queued.send("XYZ", 10, "buy", "limit", "99", **BRACKET)
    events = []
    for hour in steps:
        queued.to(f"2024-11-26T{hour}:00:00Z")
        events += told()

    found = [(each["event"], each["order"]["type"], each["timestamp"][11:16]) for each in events]
    assert found == [
        ("new", "limit", "14:30"), ("fill", "limit", "16:40"), ("new", "limit", "16:40"),
        ("new", "stop", "16:40"), ("fill", "limit", "18:50"), ("canceled", "stop", "18:50"),
    ]  # fmt: skip
    assert events[4]["position_qty"] == "0"


def test_exits_that_never_woke_are_only_cancelled(queued, told):
    queued.cancel(queued.send("XYZ", 10, "buy", "limit", "99", **BRACKET))

    assert [each["event"] for each in told()] == ["canceled"] * 3


@pytest.mark.parametrize("looks", [1, 3])
def test_parts_of_a_fill_add_up(looks):
    """A hundredth of each print's 250 shares: two and two and two, and the last at the close."""
    someone = customer(MARKET, volume_share_max=Decimal("0.01"))
    mark = someone.exchange.updates(None)[0]
    someone.send("XYZ", 7, "buy")
    events = []
    for hour in ("15", "17", "22")[-looks:]:
        someone.to(f"2024-11-26T{hour}:00:00Z")
        mark, news = someone.exchange.updates(mark)
        events += news

    assert brief(events) == [
        ("new", "14:30", "new", "0"), ("partial_fill", "14:30", "partially_filled", "2"),
        ("partial_fill", "16:40", "partially_filled", "4"),
        ("partial_fill", "18:50", "partially_filled", "6"), ("fill", "21:00", "filled", "7"),
    ]  # fmt: skip
    assert [each.get("position_qty") for each in events] == [None, "2", "4", "6", "7"]
    # 100 and 94.05: market orders slip on prints that are no open
    assert events[2]["order"]["filled_avg_price"] == "97.025"


def test_an_event_has_the_same_ids_however_it_is_seen(queued):
    before = queued.exchange.updates(None)[0]
    queued.send("XYZ", 10, "buy")
    queued.to("2024-11-26T14:31:00Z")

    first, again = (queued.exchange.updates(before)[1] for _ in range(2))
    assert first == again
    assert len({each["event_id"] for each in first}) == 2


def test_cancel_before_the_open_heard_of_after_it(queued, told):
    queued.cancel(queued.send("XYZ", 2, "buy"))
    queued.to("2024-11-26T15:00:00Z")

    assert [each["event"] for each in told()] == ["canceled"]


def test_queued_order_that_waits_for_its_cancel_was_never_new(queued, told):
    fault = {"kind": "stuck-pending-cancel", "method": "DELETE", "path": "/v2/orders/*", "nth": 1}
    assert queued.ask("POST", "/_sim/faults", body=fault)[0] == 200
    booked = queued.send("XYZ", 2, "buy")
    queued.cancel(booked)

    assert queued.order(booked)["status"] == "pending_cancel"
    assert told() == []


def test_a_book_with_fewer_fills_is_another_one(queued, holder):
    holder.send("ABC", 1, "buy", "limit", "5")
    mark = holder.exchange.updates(None)[0]
    for _ in range(2):
        last = queued.send("ABC", 1, "buy", "limit", "5")
    queued.cancel(last)

    assert queued.exchange.updates(mark)[1] == []


def test_another_book_is_not_a_flood_of_news(queued, holder):
    mark = holder.exchange.updates(None)[0]

    assert queued.exchange.updates(mark)[1] == []
