"""Shares sold that are not there: unless it is forbidden, and signed as the broker does."""

import datetime as dt
from decimal import Decimal

import pytest

from quantcli.contracts.corporate_actions import dividend_of, split_of
from tests.exchange.market import customer

#: XYZ on the Tuesday prints 100, 94, 106 and 102, on the Wednesday 96, 90, 99 and 95.
MARKET = {
    "2024-11-25": {"XYZ": (99, 101, 97, 98)},
    "2024-11-26": {"XYZ": (100, 106, 94, 102)},
    "2024-11-27": {"XYZ": (96, 99, 90, 95)},
    "2024-11-29": {"XYZ": (250, 260, 240, 255)},
}
IN_HOURS = "2024-11-26T15:00:00Z"
WEDNESDAY = dt.date(2024, 11, 27)


def allowed(**changes):
    """Return a customer at 08:00 on the Tuesday, who has not forbidden shorts."""
    return customer(MARKET, sec_usd_per_million=0, taf_usd_per_share=0, **changes)


@pytest.fixture
def seller():
    return allowed()


@pytest.fixture
def short(seller):
    """Return a customer at 10:00 who sold 10 short at 100."""
    seller.send("XYZ", 10, "sell")
    seller.to(IN_HOURS)
    return seller


def test_the_account_may_unless_it_does_not_want_to(seller):
    booked = seller.send("XYZ", 1, "sell")
    assert (booked["side"], booked["position_intent"]) == ("sell", "sell_to_open")
    assert seller.get("/v2/account")["shorting_enabled"] is True
    seller.ask("PATCH", "/v2/account/configurations", body={"no_shorting": True})

    assert seller.get("/v2/account")["shorting_enabled"] is False
    assert seller.refused("XYZ", 1, "sell") == (
        403, {"code": 40310000, "message": "account is not allowed to short"},
    )  # fmt: skip


def test_a_short_position_is_below_zero(short):
    row = short.position("XYZ")
    signed = {
        "side": "short", "qty": "-10", "qty_available": "-10", "avg_entry_price": "100",
        "market_value": "-1000", "cost_basis": "-1000", "unrealized_pl": "0",
    }  # fmt: skip
    assert {name: row[name] for name in signed} == signed
    account = short.get("/v2/account")
    assert [account[name] for name in ("cash", "equity", "short_market_value", "buying_power")] == [
        "101000", "100000", "-1000", "99000",
    ]  # fmt: skip

    short.to("2024-11-26T17:00:00Z")  # at 94
    row = short.position("XYZ")
    assert (row["unrealized_pl"], row["unrealized_plpc"]) == ("60", "0.06")
    assert short.get("/v2/account")["equity"] == "100060"


def test_buying_it_back_closes_it(short):
    stop = short.send("XYZ", 4, "buy", "stop", "105", tif="gtc")
    assert stop["position_intent"] == "buy_to_close"
    assert short.position("XYZ")["qty_available"] == "-6"
    status, refused = short.refused("XYZ", 7, "buy", "limit", "80")
    assert (status, refused["available"], refused["existing_qty"]) == (403, "6", "10")
    short.to("2024-11-26T21:30:00Z")  # by way of 106

    assert short.position("XYZ")["qty"] == "-6"
    rows = short.get("/v2/account/activities/FILL", direction="asc")
    assert [(row["side"], row["qty"], row["price"]) for row in rows] == [
        ("sell_short", "10", "100"), ("buy", "4", "105"),
    ]  # fmt: skip
    short.to("2024-11-27T15:00:00Z")
    closing = short.ask("DELETE", "/v2/positions/XYZ")[1]
    assert (closing["side"], closing["qty"]) == ("buy", "6")
    assert short.ask("GET", "/v2/positions/XYZ")[0] == 404


def test_more_sold_short_averages_the_price(short):
    short.to("2024-11-26T17:00:00Z")
    short.send("XYZ", 10, "sell", "limit", "94", tif="ioc")

    row = short.position("XYZ")
    assert (row["qty"], row["avg_entry_price"]) == ("-20", "97")


def test_nobody_opens_both_ways(seller):
    seller.send("XYZ", 1, "sell", "limit", "150")
    assert seller.refused("XYZ", 1, "buy", "limit", "50") == (
        403, {"code": 40310000,
              "message": "cannot open a long buy while a short sell order is open"},
    )  # fmt: skip
    other = allowed()
    other.send("XYZ", 1, "buy", "limit", "50")
    assert other.refused("XYZ", 1, "sell", "limit", "150")[1]["message"] == (
        "cannot open a short sell while a long buy order is open"
    )


def test_nobody_sells_a_position_into_a_short_one(seller):
    seller.send("XYZ", 5, "buy")
    seller.to(IN_HOURS)
    status, refused = seller.refused("XYZ", 6, "sell")

    assert (status, refused["message"]) == (
        403, "insufficient qty available for order (requested: 6, available: 5)",
    )  # fmt: skip


@pytest.mark.parametrize(("quantity", "more"), [("1.5", {}), (None, {"notional": "50"})])
def test_parts_of_shares_are_not_sold_short(seller, quantity, more):
    assert seller.refused("XYZ", quantity, "sell", **more) == (
        422, {"code": 42210000, "message": "fractional orders cannot be sold short"},
    )  # fmt: skip


def test_a_short_sale_is_worth_its_limit_or_three_per_cent_more_than_the_price(seller):
    status, refused = seller.refused("XYZ", 1000, "sell")  # last at 98
    assert (status, refused["cost_basis"], refused["buying_power"]) == (403, "100940", "100000")
    seller.send("XYZ", 10, "sell", "limit", "90")
    assert seller.get("/v2/account")["buying_power"] == "98990.6"
    seller.send("XYZ", 10, "sell", "limit", "150")
    assert seller.get("/v2/account")["buying_power"] == "97490.6"


def test_the_exits_of_a_short_entry_lie_the_other_way_round(seller):
    exits = {"take_profit": {"limit_price": "95"}, "stop_loss": {"stop_price": "110"}}
    entry = seller.send("XYZ", 10, "sell", "limit", "100", "gtc", order_class="bracket", **exits)
    assert [leg["position_intent"] for leg in entry["legs"]] == ["buy_to_close"] * 2
    seller.to("2024-11-26T17:00:00Z")

    nested = seller.get(f"/v2/orders/{entry['id']}", nested="true")
    assert [each["status"] for each in (nested, *nested["legs"])] == [
        "filled", "filled", "canceled",
    ]  # fmt: skip
    assert nested["legs"][0]["filled_avg_price"] == "95"


@pytest.mark.parametrize(
    ("profit", "stop", "message"),
    [
        ("100", "110", "take_profit.limit_price must be <= base_price - 0.01"),
        ("90", "100", "stop_loss.stop_price must be >= base_price + 0.01"),
        ("110", "90", "take_profit.limit_price must be < stop_loss.stop_price"),
    ],
)
def test_exits_on_the_wrong_side_of_a_short_entry(seller, profit, stop, message):
    exits = {"take_profit": {"limit_price": profit}, "stop_loss": {"stop_price": stop}}
    refused = seller.refused(
        "XYZ", 10, "sell", "limit", "100", "gtc", order_class="bracket", **exits
    )
    assert (refused[0], refused[1]["message"]) == (422, message)


def test_the_stated_intent_must_be_the_true_one(short):
    right = short.send("XYZ", 1, "buy", "limit", "80", position_intent="buy_to_close")
    assert right["position_intent"] == "buy_to_close"
    assert short.refused("XYZ", 1, "buy", "limit", "80", position_intent="buy_to_open") == (
        422, {"code": 42210000, "message":
              "position intent mismatch, inferred: buy_to_close, specified: buy_to_open"},
    )  # fmt: skip


def test_bought_back_by_value_it_never_becomes_a_long_one(short):
    short.to("2024-11-26T22:00:00Z")  # last at 102, opens at 96
    short.send("XYZ", None, "buy", notional="1020")
    short.to("2024-11-27T15:00:00Z")

    assert short.ask("GET", "/v2/positions/XYZ")[0] == 404


def test_no_lack_of_cash_stops_buying_back():
    someone = allowed(cash=1100)
    someone.send("XYZ", 10, "sell")
    someone.to("2024-11-29T15:00:00Z")  # opens at 250
    someone.send("XYZ", 10, "buy")

    assert someone.ask("GET", "/v2/positions/XYZ")[0] == 404
    account = someone.get("/v2/account")
    assert (account["equity"], account["buying_power"]) == (account["cash"], "0")
    assert float(account["cash"]) < 0


def test_equity_of_the_past_knows_the_sign(short):
    short.to("2024-11-26T22:00:00Z")
    days = short.get("/v2/account/portfolio/history", timeframe="1D", period="1D")

    assert days["equity"] == [99980.0]  # 10 short at 100, closed at 102
    hours = short.get("/v2/account/portfolio/history", timeframe="1H", period="1D")
    assert hours["equity"][-1] == 99980.0
    assert short.get("/v2/account")["equity"] == "99980"


def seller_before(action):
    """Return a customer at 22:00 on the Tuesday, 10 short at 100, the last print being 102."""
    daily = MARKET | {"2024-11-27": {"XYZ": (34, 35, 33, 34), "NEW": (34, 35, 33, 34)}}
    someone = customer(
        daily, sec_usd_per_million=0, taf_usd_per_share=0, actions=[action], pays_dividends=True
    )
    someone.send("XYZ", 10, "sell")
    someone.to("2024-11-26T22:00:00Z")
    return someone


def test_a_split_finds_the_debt_in_new_shares():
    someone = seller_before(split_of("XYZ", WEDNESDAY, 3))
    stop = someone.send("XYZ", 10, "buy", "limit", "80", "gtc")
    before = someone.get("/v2/account")["equity"]
    someone.to("2024-11-27T13:00:00Z")

    row = someone.position("XYZ")
    assert (row["qty"], row["side"], row["cost_basis"]) == ("-30", "short", "-1000")
    assert someone.order(stop)["qty"] == "30"
    assert someone.get("/v2/account")["equity"] == before


def test_a_rest_of_whole_shares_is_owed_after_a_reverse_split():
    someone = seller_before(split_of("XYZ", WEDNESDAY, 0.25))
    before = someone.get("/v2/account")
    someone.to("2024-11-27T13:00:00Z")

    assert someone.position("XYZ")["qty"] == "-2"
    after = someone.get("/v2/account")
    assert float(after["cash"]) - float(before["cash"]) == -0.5 * 4 * 102
    assert after["equity"] == before["equity"]


def test_whoever_is_short_owes_the_dividend():
    someone = seller_before(dividend_of("XYZ", WEDNESDAY, Decimal("0.5")))
    cash = float(someone.get("/v2/account")["cash"])
    someone.to("2024-11-27T13:00:00Z")

    assert float(someone.get("/v2/account")["cash"]) == cash - 5
    (row,) = someone.get("/v2/account/activities/DIV")
    assert (row["net_amount"], row["qty"]) == ("-5", "-10")
