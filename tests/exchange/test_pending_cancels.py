"""Cancels that are taken now and done later: what an order is meanwhile, and who may be faster."""

import pytest

from tests.exchange.market import KEYS, customer

MONDAY = {
    "2024-11-25": {"XYZ": (99, 101, 97, 98)},
    "2024-11-26": {"XYZ": (100, 106, 94, 102)},
    "2024-11-27": {"XYZ": (96, 99, 90, 95)},
}


@pytest.fixture
def slow():
    """Return a customer at 08:00 on Tuesday; two requests find a cancel undone."""
    return customer(MONDAY, cancel_requests=2)


def status(someone, order):
    return someone.order(order)["status"]


def test_two_looks_find_it_pending_and_the_third_finds_it_done(slow):
    booked = slow.send("XYZ", 1, "buy", "limit", "50")
    assert slow.cancel(booked) is None

    looks = [slow.order(booked) for _ in range(3)]
    assert [look["status"] for look in looks] == ["pending_cancel", "pending_cancel", "canceled"]
    assert [look["canceled_at"] for look in looks] == [None, None, "2024-11-26T13:00:00Z"]


def test_while_it_is_pending_it_counts_and_cannot_be_touched(slow):
    slow.send("XYZ", 10, "buy")
    slow.to("2024-11-26T15:00:00Z")
    slow.exchange.settings = settings_with(slow, 9)
    stop = slow.send("XYZ", 10, "sell", "stop", "80", tif="gtc")
    slow.cancel(stop)

    path = f"/v2/orders/{stop['id']}"
    assert slow.ask("DELETE", path) == (422, {"code": 42210000, "message": "order pending cancel"})
    assert slow.ask("PATCH", path, body={"stop_price": "81"}) == (
        422, {"code": 40010001, "message": "unable to replace order, order is pending cancel"},
    )  # fmt: skip
    (row,) = slow.get("/v2/orders", status="open")
    assert (row["id"], row["status"]) == (stop["id"], "pending_cancel")
    code, refused = slow.refused("XYZ", 10, "sell")
    assert (code, refused["held_for_orders"]) == (403, "10")
    assert slow.position("XYZ")["qty_available"] == "0"


def test_a_fill_may_be_faster(slow):
    booked = slow.send("XYZ", 1, "buy", "limit", "97")
    slow.to("2024-11-26T15:00:00Z")
    slow.cancel(booked)
    slow.to("2024-11-26T17:00:00Z")

    assert slow.order(booked)["status"] == "filled"
    assert [status(slow, booked) for _ in range(3)] == ["filled"] * 3
    assert slow.ask("DELETE", f"/v2/orders/{booked['id']}")[0] == 422


def test_a_whole_group_goes_in_the_end(slow):
    exits = {"take_profit": {"limit_price": "120"}, "stop_loss": {"stop_price": "40"}}
    entry = slow.send("XYZ", 1, "buy", "limit", "50", tif="gtc", order_class="bracket", **exits)
    slow.cancel(entry)
    for _ in range(2):
        slow.get("/v2/clock")

    nested = slow.get(f"/v2/orders/{entry['id']}", nested="true")
    assert [each["status"] for each in (nested, *nested["legs"])] == ["canceled"] * 3


def test_the_book_remembers_what_was_under_way(tmp_path):
    first = customer(MONDAY, path=tmp_path / "book.sqlite3", cancel_requests=1)
    booked = first.send("XYZ", 1, "buy", "limit", "50")
    first.cancel(booked)
    first.exchange.close()

    second = customer(MONDAY, path=tmp_path / "book.sqlite3")
    assert [status(second, booked) for _ in range(2)] == ["pending_cancel", "canceled"]


def test_control_requests_and_strangers_bring_it_no_nearer(slow):
    booked = slow.send("XYZ", 1, "buy", "limit", "50")
    slow.cancel(booked)
    for _ in range(3):
        slow.get("/_sim/clock")
        slow.ask("GET", "/v2/clock", headers=KEYS | {"APCA-API-SECRET-KEY": "bad"})

    assert status(slow, booked) == "pending_cancel"


def test_closing_all_finds_the_shares_still_held(slow):
    slow.send("XYZ", 10, "buy")
    slow.to("2024-11-26T15:00:00Z")
    stop = slow.send("XYZ", 10, "sell", "stop", "80", tif="gtc")
    code, rows = slow.ask("DELETE", "/v2/positions", {"cancel_orders": "true"})

    assert code == 207
    assert [(row["symbol"], row["status"]) for row in rows] == [(stop["id"], 200), ("XYZ", 403)]
    assert rows[0]["body"]["status"] == "pending_cancel"
    assert rows[1]["body"]["held_for_orders"] == "10"


@pytest.mark.parametrize("requests", [0, 2])
def test_cancelling_all_shows_each_as_the_cancel_finds_it(requests):
    someone = customer(MONDAY, cancel_requests=requests)
    exits = {"take_profit": {"limit_price": "120"}, "stop_loss": {"stop_price": "40"}}
    plain = someone.send("XYZ", 1, "buy", "limit", "50")
    entry = someone.send("XYZ", 1, "buy", "limit", "50", tif="gtc", order_class="bracket", **exits)
    code, rows = someone.ask("DELETE", "/v2/orders")

    group = [entry["id"], *(leg["id"] for leg in entry["legs"])]
    assert code == 207
    assert [row["id"] for row in rows] == [plain["id"], *group]
    assert {row["body"]["status"] for row in rows} == {"pending_cancel"}
    assert [row["body"]["id"] for row in rows[1:]] == [entry["id"]] * 3
    assert rows[0]["body"]["canceled_at"] is None
    for _ in range(requests):
        assert len(someone.get("/v2/orders")) == 4
    assert someone.get("/v2/orders") == []
    assert someone.ask("DELETE", "/v2/orders") == (207, [])


def settings_with(someone, requests):
    from dataclasses import replace

    return replace(someone.exchange.settings, cancel_requests=requests)
