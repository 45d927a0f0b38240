"""Fills worked out by hand from one bar: open 100, low 94, high 106, close 102.

It prints 100 at 14:30, 94 at 16:40, 106 at 18:50 and 102 at 21:00 UTC.
"""

import pytest

from tests.exchange.market import customer

OPEN, LOW, HIGH, CLOSE = (
    "2024-11-26T14:30:00Z",
    "2024-11-26T16:40:00Z",
    "2024-11-26T18:50:00Z",
    "2024-11-26T21:00:00Z",
)

QUEUED_BUYS = [
    ("market", None, OPEN, "100"),
    ("limit", "101", OPEN, "100"),  # better than asked for
    ("limit", "100", OPEN, "100"),
    ("limit", "99.5", LOW, "99.5"),
    ("limit", "94", LOW, "94"),  # only touched
    ("limit", "93.99", None, None),
    ("stop", "99", OPEN, "100"),  # already passed at the open: worse
    ("stop", "103", HIGH, "103"),
    ("stop", "106", HIGH, "106"),
    ("stop", "106.01", None, None),
]
QUEUED_SELLS = [
    ("market", None, OPEN, "100"),
    ("limit", "99", OPEN, "100"),
    ("limit", "100", OPEN, "100"),
    ("limit", "104.25", HIGH, "104.25"),
    ("limit", "106", HIGH, "106"),
    ("limit", "106.01", None, None),
    ("stop", "101", OPEN, "100"),
    ("stop", "97", LOW, "97"),
    ("stop", "94", LOW, "94"),
    ("stop", "93.99", None, None),
]


@pytest.mark.parametrize(("kind", "price", "at", "fill"), QUEUED_BUYS)
def test_buy_queued_before_the_open(queued, kind, price, at, fill):
    queued.send("XYZ", 10, "buy", kind, price)
    queued.to("2024-11-26T22:00:00Z")

    assert queued.fills() == ([(at, "buy", "10", fill)] if at else [])


@pytest.mark.parametrize(("kind", "price", "at", "fill"), QUEUED_SELLS)
def test_sell_queued_before_the_open(holder, kind, price, at, fill):
    holder.send("XYZ", 10, "sell", kind, price)
    holder.to("2024-11-26T22:00:00Z")

    assert holder.fills()[1:] == ([(at, "sell", "10", fill)] if at else [])


@pytest.mark.parametrize(
    ("limit", "at", "fill"),
    [("94", None, None), ("94.01", LOW, "94.01"), ("100", LOW, "100"), ("100.01", OPEN, "100")],
)
def test_trade_through_wants_a_print_beyond_the_limit(market, limit, at, fill):
    careful = customer(market, limit_fills_on="trade-through")
    careful.send("XYZ", 10, "buy", "limit", limit)
    careful.to("2024-11-26T22:00:00Z")

    assert careful.fills() == ([(at, "buy", "10", fill)] if at else [])


@pytest.mark.parametrize(
    ("sent", "side", "kind", "price", "at", "fill"),
    [
        # at once, 5 basis points against the customer, to the cent against the customer
        ("2024-11-26T17:00:00Z", "buy", "market", None, "2024-11-26T17:00:00Z", "94.05"),
        ("2024-11-26T17:00:00Z", "sell", "market", None, "2024-11-26T17:00:00Z", "93.95"),
        ("2024-11-26T14:30:00Z", "sell", "market", None, "2024-11-26T14:30:00Z", "99.95"),
        # the low has printed before: it cannot fill what came later
        ("2024-11-26T16:40:00Z", "buy", "limit", "94.5", None, None),
        ("2024-11-26T17:00:00Z", "sell", "stop", "93", None, None),
        # on the way from 106 down to the close at 102
        ("2024-11-26T19:00:00Z", "buy", "limit", "103", CLOSE, "103"),
        ("2024-11-26T19:00:00Z", "sell", "stop", "104.5", CLOSE, "104.5"),
        # a limit beyond the whole path fills at the path's worse end, not at a price never traded
        ("2024-11-26T19:00:00Z", "buy", "limit", "120", CLOSE, "106"),
        ("2024-11-26T17:00:00Z", "sell", "limit", "50", HIGH, "94"),
        # a stop that the price has passed already is a market order
        ("2024-11-26T17:00:00Z", "sell", "stop", "97", "2024-11-26T17:00:00Z", "93.95"),
        ("2024-11-26T17:00:00Z", "sell", "stop", "94", "2024-11-26T17:00:00Z", "93.95"),
        ("2024-11-26T19:00:00Z", "buy", "stop", "105", "2024-11-26T19:00:00Z", "106.06"),
    ],
)
def test_order_sent_in_regular_hours(holder, sent, side, kind, price, at, fill):
    holder.to(sent)
    booked = holder.send("XYZ", 10, side, kind, price)
    holder.to("2024-11-26T22:00:00Z")

    assert (booked["status"], booked["filled_qty"]) == ("new", "0")
    assert holder.fills()[1:] == ([(at, side, "10", fill)] if at else [])


def test_gap_through_the_stop_fills_at_the_open(holder):
    holder.to("2024-11-26T15:00:00Z")
    holder.send("XYZ", 10, "sell", "stop", "93", tif="gtc")
    holder.to("2024-11-27T14:30:00Z")  # opens at 96: above the stop
    assert len(holder.fills()) == 1
    holder.to("2024-11-27T22:00:00Z")

    assert holder.fills()[1:] == [("2024-11-27T16:40:00Z", "sell", "10", "93")]


def test_overnight_gap_below_the_stop_costs_the_gap(holder):
    holder.to("2024-11-26T20:00:00Z")
    holder.send("XYZ", 10, "sell", "stop", "99", tif="gtc")
    holder.to("2024-11-27T22:00:00Z")

    assert holder.fills()[1:] == [("2024-11-27T14:30:00Z", "sell", "10", "96")]


def test_stop_comes_before_target_on_the_same_print(holder):
    target = holder.send("XYZ", 5, "sell", "limit", "99")
    stop = holder.send("XYZ", 5, "sell", "stop", "101")
    holder.to("2024-11-26T22:00:00Z")

    rows = holder.get("/v2/account/activities/FILL", direction="asc")[1:]
    assert [row["order_id"] for row in rows] == [stop["id"], target["id"]]


def test_symbols_come_in_order_within_an_instant(queued):
    later = queued.send("XYZ", 1, "buy")
    first = queued.send("ABC", 1, "buy")
    queued.to("2024-11-26T14:30:00Z")

    rows = queued.get("/v2/account/activities", direction="asc")
    assert [row["order_id"] for row in rows] == [first["id"], later["id"]]


def test_prints_are_half_even_cents():
    someone = customer({"2024-11-26": {"HALF": (10.125, 10.375, 10.115, 10.135)}})
    someone.send("HALF", 1, "buy", "limit", "11")
    stamps = ("14:30", "16:40", "18:50", "21:00")
    seen = []
    for stamp in stamps:
        someone.to(f"2024-11-26T{stamp}:00Z")
        seen.append(someone.position("HALF")["current_price"])

    assert seen == ["10.12", "10.12", "10.38", "10.14"]


def test_amount_of_each_fill_is_rounded_to_the_cent(queued):
    queued.send("XYZ", "0.123456789", "buy", "limit", "99.99")  # 12.344444...
    queued.to("2024-11-26T17:00:00Z")

    assert queued.cash() == "99987.66"


def test_last_print_is_the_current_price(holder):
    seen = []
    for stamp in ("14:29:59", "14:30:00", "16:39:59", "16:40:00", "18:50:00", "21:00:00"):
        holder.to(f"2024-11-26T{stamp}Z")
        row = holder.position("XYZ")
        seen.append((row["current_price"], row["lastday_price"]))

    assert seen == [
        ("98", "98"), ("100", "98"), ("100", "98"), ("94", "98"), ("106", "98"), ("102", "98"),
    ]  # fmt: skip


def test_next_morning_the_close_is_both_current_and_last_days(holder):
    holder.to("2024-11-27T05:00:00Z")  # midnight in New York
    row = holder.position("XYZ")

    assert (row["current_price"], row["lastday_price"], row["change_today"]) == ("102", "102", "0")


def test_buy_that_gaps_beyond_the_cash_is_rejected_not_borrowed():
    gap = {"2024-11-25": {"GAP": (10, 10, 10, 10)}, "2024-11-26": {"GAP": (20, 20, 20, 20)}}
    poor = customer(gap, cash=1000)
    booked = poor.send("GAP", 90, "buy")  # set aside at 10.40
    poor.to("2024-11-26T15:00:00Z")

    order = poor.order(booked)
    assert (order["status"], order["failed_at"]) == ("rejected", "2024-11-26T14:30:00Z")
    assert (poor.cash(), poor.fills()) == ("1000", [])
