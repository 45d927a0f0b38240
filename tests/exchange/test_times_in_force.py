"""Auction orders, and orders that fill at once or never: from the bar 100, 94, 106, 102.

It prints 100 at 14:30, 94 at 16:40, 106 at 18:50 and 102 at 21:00 UTC; New York is five hours
behind.
"""

from decimal import Decimal

import pytest

from quantcli.contracts.scalars import instant
from tests.exchange.market import customer, order

OPEN, CLOSE = "2024-11-26T14:30:00Z", "2024-11-26T21:00:00Z"
END = "2024-11-26T22:00:00Z"
OPG = "opg orders must be submitted after 7:00pm and before 9:28am"
CLS = "cls orders must be submitted after 7:00pm and before 3:55pm"


# -------------------------------------------------------------------------------- auctions


@pytest.mark.parametrize(
    ("side", "kind", "price", "at"),
    [
        ("buy", "market", None, OPEN),
        ("buy", "limit", "100", OPEN),
        ("buy", "limit", "101", OPEN),
        ("buy", "limit", "99.99", None),  # 94 came later: not in the auction
        ("sell", "limit", "100", OPEN),
        ("sell", "limit", "100.01", None),
    ],
)
def test_order_for_the_opening_auction(holder, side, kind, price, at):
    booked = holder.send("XYZ", 10, side, kind, price, "opg")
    assert (booked["status"], booked["time_in_force"]) == ("accepted", "opg")
    holder.to(END)

    after = holder.order(booked)
    assert holder.fills()[1:] == ([(at, side, "10", "100")] if at else [])
    assert after["status"] == ("filled" if at else "canceled")
    assert after["canceled_at"] == (None if at else OPEN)


@pytest.mark.parametrize(
    ("side", "kind", "price", "at"),
    [
        ("buy", "market", None, CLOSE),
        ("buy", "limit", "102", CLOSE),
        ("buy", "limit", "105", CLOSE),  # one price for all, not the path's worse end
        ("buy", "limit", "101.99", None),  # 94 was no auction
        ("sell", "limit", "102", CLOSE),
        ("sell", "limit", "105", None),
    ],
)
@pytest.mark.parametrize("sent", ["2024-11-26T13:00:00Z", "2024-11-26T20:00:00Z"])
def test_order_for_the_closing_auction(holder, sent, side, kind, price, at):
    holder.to(sent)
    booked = holder.send("XYZ", 10, side, kind, price, "cls")
    holder.to("2024-11-26T20:59:59Z")
    assert len(holder.fills()) == 1
    holder.to(END)

    assert holder.fills()[1:] == ([(at, side, "10", "102")] if at else [])
    assert holder.order(booked)["status"] == ("filled" if at else "canceled")
    assert holder.order(booked)["canceled_at"] == (None if at else CLOSE)


def test_what_the_opening_leaves_gives_back_its_cash_before_the_next_print(market):
    """However the clock is moved: the limit at 94 has the cash that the auction set aside."""
    for steps in ([], [OPEN]):
        someone = customer(market, cash=1000)
        someone.send("XYZ", 5, "buy", "limit", "98", "opg")
        someone.send("ABC", 10, "buy", "stop", "43", "day")  # 44 at 18:50; 440.80 set aside
        for step in [*steps, END]:
            someone.to(step)
        assert [row[1:] for row in someone.fills()] == [("buy", "10", "43")]


def test_auction_in_minute_bars():
    """A first minute that is not the session's first is no opening auction."""
    minutes = [("2024-11-26T14:31:00Z", 100, 101, 99, 100), ("2024-11-26T20:59:00Z", 5, 5, 5, 5)]
    someone = customer(
        {"2024-11-25": {"XYZ": (98, 98, 98, 98)}, "2024-11-26": {"XYZ": (98, 98, 98, 98)}},
        {("2024-11-26", "XYZ"): minutes},
    )
    opening = someone.send("XYZ", 1, "buy", tif="opg")
    someone.send("XYZ", 1, "buy", tif="cls")
    someone.to(END)

    assert someone.order(opening)["status"] == "canceled"
    assert someone.fills() == [("2024-11-26T21:00:00Z", "buy", "1", "5")]


@pytest.mark.parametrize(
    ("at", "tif", "message"),
    [
        ("2024-11-26T14:27:59Z", "opg", None),
        ("2024-11-26T14:28:00Z", "opg", OPG),
        ("2024-11-26T23:59:59Z", "opg", OPG),
        ("2024-11-27T00:00:00Z", "opg", None),
        ("2024-11-26T20:49:59Z", "cls", None),
        ("2024-11-26T20:50:00Z", "cls", CLS),
        ("2024-11-26T23:00:00Z", "cls", CLS),
        ("2024-11-27T00:00:00Z", "cls", None),
        ("2024-11-29T17:49:59Z", "cls", None),  # the half day closes at 18:00
        ("2024-11-29T17:50:00Z", "cls", CLS),
        ("2024-11-30T18:30:00Z", "cls", None),  # a Saturday has no close
    ],
)
def test_windows(queued, at, tif, message):
    queued.to(at)
    if message is None:
        queued.send("XYZ", 1, "buy", tif=tif)
    else:
        assert queued.refused("XYZ", 1, "buy", tif=tif) == (
            403, {"code": 40310000, "message": message},
        )  # fmt: skip


def test_an_auction_order_changes_nothing_for_the_others(holder):
    """The low is reached on a path from the open, whether or not the open was an auction."""
    holder.send("XYZ", 1, "sell", tif="opg")
    holder.send("XYZ", 9, "sell", "stop", "97")
    holder.to(END)

    assert [row[2:] for row in holder.fills()[1:]] == [("1", "100"), ("9", "97")]


# --------------------------------------------------------------------- at once, or never


@pytest.mark.parametrize("tif", ["ioc", "fok"])
@pytest.mark.parametrize(
    ("side", "kind", "price", "fill"),
    [
        ("buy", "market", None, "94.05"),  # slippage of 5 basis points, up to the cent
        ("sell", "market", None, "93.95"),
        ("buy", "limit", "94", "94"),
        ("buy", "limit", "99", "94"),
        ("buy", "limit", "93.99", None),
        ("sell", "limit", "94", "94"),
        ("sell", "limit", "94.01", None),
    ],
)
def test_at_once_or_never(holder, tif, side, kind, price, fill):
    sent = "2024-11-26T17:00:00Z"
    holder.to(sent)
    booked = holder.send("XYZ", 10, side, kind, price, tif)

    assert booked["status"] == "new"
    assert holder.fills()[1:] == ([(sent, side, "10", fill)] if fill else [])
    assert holder.order(booked)["status"] == ("filled" if fill else "canceled")


@pytest.mark.parametrize("tif", ["ioc", "fok"])
@pytest.mark.parametrize(("price", "fill"), [("100", "100"), ("99.99", None)])
def test_queued_for_at_once_meets_the_open_alone(queued, tif, price, fill):
    booked = queued.send("XYZ", 10, "buy", "limit", price, tif)
    queued.to(END)

    assert queued.fills() == ([(OPEN, "buy", "10", fill)] if fill else [])
    assert queued.order(booked)["status"] == ("filled" if fill else "canceled")


def test_at_once_before_the_first_print_is_never():
    someone = customer({"2024-11-25": {"XYZ": (98, 98, 98, 98)}, "2024-11-26": {}})
    someone.to("2024-11-26T15:00:00Z")
    booked = someone.send("XYZ", 1, "buy", "limit", "200", "ioc")

    assert someone.order(booked)["status"] == "canceled"


@pytest.mark.parametrize(
    ("tif", "quantity", "status", "filled"),
    [("ioc", 10, "canceled", "4"), ("fok", 10, "canceled", "0"), ("fok", 4, "filled", "4"),
     ("ioc", 3, "filled", "3")],
)  # fmt: skip
@pytest.mark.parametrize("sent", ["2024-11-26T13:00:00Z", "2024-11-26T15:00:00Z"])
def test_part_of_it_or_all_of_it(market, sent, tif, quantity, status, filled):
    thin = customer(market, volume_share_max=Decimal("0.016"))  # 4 of 250 shares
    thin.to(sent)
    booked = thin.send("XYZ", quantity, "buy", "limit", "101", tif)
    thin.to("2024-11-26T15:30:00Z")

    after = thin.order(booked)
    assert (after["status"], after["filled_qty"]) == (status, filled)


@pytest.mark.parametrize("kind", ["stop", "stop_limit"])
@pytest.mark.parametrize("tif", ["opg", "cls", "ioc", "fok"])
def test_stops_rest_by_their_nature(holder, kind, tif):
    prices = {"stop_price": "90"} | ({"limit_price": "89"} if kind == "stop_limit" else {})
    body = order("XYZ", 1, "sell", kind, tif=tif, **prices)

    assert holder.ask("POST", "/v2/orders", body=body) == (
        422,
        {"code": 42210000, "message": f"{kind.replace('_', ' ')} orders must be DAY or GTC orders"},
    )


def test_extended_hours_are_taken_and_change_nothing(queued):
    booked = queued.send("XYZ", 1, "buy", "limit", "99", extended_hours=True)
    assert booked["extended_hours"] is True
    queued.to("2024-11-26T22:00:00Z")

    assert queued.fills() == [("2024-11-26T16:40:00Z", "buy", "1", "99")]


# ------------------------------------------------------------------- what there is of it


def test_resting_orders_fill_in_parts(market):
    thin = customer(market, volume_share_max=Decimal("0.016"))
    booked = thin.send("XYZ", 10, "buy", "limit", "101", "gtc")
    seen = []
    for stamp in ("14:30", "16:40", "18:50", "21:00"):
        thin.to(f"2024-11-26T{stamp}:00Z")
        row = thin.order(booked)
        seen.append((row["status"], row["filled_qty"], row["filled_at"]))
    thin.to("2024-11-27T15:00:00Z")

    assert seen == [
        ("partially_filled", "4", None), ("partially_filled", "8", None),
        ("partially_filled", "8", None), ("partially_filled", "8", None),
    ]  # fmt: skip
    # On the way down to 94 it gets its worse end of the path within the limit, then the open.
    assert [row[2:] for row in thin.fills()] == [("4", "100"), ("4", "100"), ("2", "96")]
    rows = thin.get("/v2/account/activities/FILL", direction="asc")
    assert [(row["type"], row["cum_qty"], row["leaves_qty"]) for row in rows] == [
        ("partial_fill", "4", "6"), ("partial_fill", "8", "2"), ("fill", "10", "0"),
    ]  # fmt: skip
    assert thin.order(booked)["filled_avg_price"] == "99.2"


def test_orders_share_what_a_print_offers(market):
    thin = customer(market, volume_share_max=Decimal("0.016"))
    first = thin.send("XYZ", 3, "buy", "limit", "101", "gtc")
    second = thin.send("XYZ", 3, "buy", "limit", "101", "gtc")
    thin.to("2024-11-26T15:00:00Z")

    assert [thin.order(each)["filled_qty"] for each in (first, second)] == ["3", "1"]


def test_market_order_takes_what_there_is_and_waits_for_more(market):
    thin = customer(market, volume_share_max=Decimal("0.016"))
    thin.to("2024-11-26T15:00:00Z")
    booked = thin.send("XYZ", 10, "buy")
    thin.to(END)

    assert thin.order(booked)["status"] == "filled"
    assert [row[2:] for row in thin.fills()] == [("4", "100.05"), ("4", "94.05"), ("2", "106.06")]


def test_partly_filled_day_order_expires_with_what_it_has(market):
    thin = customer(market, volume_share_max=Decimal("0.016"))
    booked = thin.send("XYZ", 10, "buy", "limit", "100")
    thin.to(END)

    row = thin.order(booked)
    assert (row["status"], row["filled_qty"]) == ("expired", "8")
    assert thin.position("XYZ")["qty"] == "8"


def test_rest_that_nobody_can_pay_is_cancelled():
    """12 shares at 10.40 set 124.80 aside; eight come at 10, the others would cost 30 each."""
    bars = {"2024-11-25": {"UP": (10, 10, 10, 10)}, "2024-11-26": {"UP": (10, 30, 10, 30)}}
    poor = customer(bars, cash=130, volume_share_max=Decimal("0.016"))
    booked = poor.send("UP", 12, "buy")
    poor.to(END)

    row = poor.order(booked)
    assert (row["status"], row["filled_qty"], poor.cash()) == ("canceled", "8", "49.96")


def test_half_filled_order_can_be_replaced(market):
    thin = customer(market, volume_share_max=Decimal("0.016"))
    old = thin.send("XYZ", 10, "buy", "limit", "100", "gtc")
    thin.to("2024-11-26T15:00:00Z")
    status, body = thin.ask("PATCH", f"/v2/orders/{old['id']}", body={"qty": 4})
    assert (status, body["message"]) == (422, "unable to replace order, qty must be > filled_qty")
    new = thin.replace(old, qty=6)
    thin.to(END)

    assert (new["status"], new["filled_qty"]) == ("partially_filled", "4")
    assert thin.order(new)["filled_qty"] == "6"
    assert thin.position("XYZ")["qty"] == "6"


def test_bar_without_volume_fills_nothing():
    bars = {"2024-11-25": {"XYZ": (98, 98, 98, 98)}, "2024-11-26": {"XYZ": (98, 98, 98, 98)}}
    someone = customer(bars, volume_share_max=Decimal(1))
    rows = someone.exchange._market.bars.rows
    day = instant("2024-11-26T00:00:00Z").date()
    rows[day] = {"XYZ": (*rows[day]["XYZ"][:4], float("nan"))}
    someone.send("XYZ", 1, "buy")
    someone.to(END)

    assert someone.fills() == []


# ---------------------------------------------------------------------------------- halts


def test_halted_symbol(holder):
    resting = holder.send("XYZ", 10, "sell", "stop", "97", tif="gtc")
    halt(holder, is_halted=True)
    assert holder.refused("XYZ", 1, "buy") == (
        422, {"code": 42210000, "message": "asset XYZ is not tradable"},
    )  # fmt: skip
    assert holder.get("/v2/assets/XYZ")["tradable"] is False
    holder.to("2024-11-26T18:00:00Z")
    assert holder.order(resting)["status"] == "new"
    halt(holder, is_halted=False)
    assert holder.get("/v2/assets/XYZ")["tradable"] is True
    holder.to("2024-11-27T22:00:00Z")

    assert holder.fills()[1:] == [("2024-11-27T14:30:00Z", "sell", "10", "96")]


def test_stop_passed_during_a_halt_gets_a_price_of_afterwards(holder):
    holder.send("XYZ", 10, "sell", "stop", "105")
    halt(holder, is_halted=True)
    holder.to("2024-11-26T15:00:00Z")  # 100
    halt(holder, is_halted=False)
    holder.to(END)

    assert holder.fills()[1:] == [("2024-11-26T16:40:00Z", "sell", "10", "100")]


@pytest.mark.parametrize(
    ("symbol", "body", "status"),
    [("XYZ", {}, 422), ("XYZ", {"tradable": 0}, 422), ("NONE", {"tradable": False}, 404)],
)
def test_halts_that_make_no_sense(holder, symbol, body, status):
    assert holder.ask("POST", f"/_sim/assets/{symbol}", body=body)[0] == status


def halt(someone, *, is_halted):
    status, _ = someone.ask("POST", "/_sim/assets/XYZ", body={"tradable": not is_halted})
    assert status == 200
