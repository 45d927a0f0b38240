"""Positions, account and fees, to the cent."""

import pytest

from tests.exchange.market import customer


def test_average_price_of_two_buys_survives_a_sale(queued):
    queued.send("XYZ", 10, "buy", "limit", "100")  # at the open: 100
    queued.to("2024-11-26T16:00:00Z")
    queued.send("XYZ", 20, "buy", "limit", "94")  # at the low: 94
    queued.to("2024-11-26T17:00:00Z")
    assert queued.position("XYZ")["avg_entry_price"] == "96"  # (1000 + 1880) / 30
    queued.send("XYZ", 7, "sell")
    queued.to("2024-11-26T22:00:00Z")

    row = queued.position("XYZ")
    assert (row["qty"], row["avg_entry_price"], row["cost_basis"]) == ("23", "96", "2208")
    assert (row["market_value"], row["unrealized_pl"]) == ("2346", "138")  # at 102
    assert row["unrealized_plpc"] == "0.0625"
    assert (row["lastday_price"], row["change_today"]) == ("98", "0.0408163265306122")


def test_average_price_has_sixteen_places(queued):
    queued.send("XYZ", 1, "buy", "limit", "100")
    queued.send("XYZ", 2, "buy", "limit", "94")
    queued.to("2024-11-26T17:00:00Z")

    assert queued.position("XYZ")["avg_entry_price"] == "96"
    queued.to("2024-11-26T20:00:00Z")
    queued.send("XYZ", 4, "buy", "limit", "103")
    queued.to("2024-11-26T21:00:00Z")
    # (288 + 412) / 7 = 100; one more share at 102.06 makes it periodic
    assert queued.position("XYZ")["avg_entry_price"] == "100"
    queued.to("2024-11-27T16:00:00Z")
    queued.send("XYZ", 2, "buy", "limit", "93")
    queued.to("2024-11-27T17:00:00Z")
    assert queued.position("XYZ")["avg_entry_price"] == "98.4444444444444444"  # 886 / 9


def test_equity_and_last_equity(holder):
    """10 shares bought at 99: cash 99,010; closes 98, 102 and 95."""

    def money():
        account = holder.get("/v2/account")
        return account["equity"], account["last_equity"], account["long_market_value"]

    assert money() == ("99990", "99990", "980")
    holder.to("2024-11-26T16:40:00Z")
    assert money() == ("99950", "99990", "940")
    holder.to("2024-11-26T21:00:00Z")
    assert money() == ("100030", "99990", "1020")
    holder.to("2024-11-27T05:00:00Z")  # midnight in New York: a new day
    assert money() == ("100030", "100030", "1020")
    holder.to("2024-11-27T22:00:00Z")
    assert money() == ("99960", "100030", "950")


def test_fees_of_a_session_are_booked_at_its_close(holder):
    holder.send("XYZ", 4, "sell", "limit", "100")  # 400 at the open
    holder.send("XYZ", 6, "sell", "limit", "106")  # 636 at the high
    holder.to("2024-11-26T20:59:59Z")
    assert (holder.cash(), holder.get("/v2/account/activities/FEE")) == ("100046", [])
    holder.to("2024-11-26T21:00:00Z")

    # 1036 x 27.80 / 1,000,000 = 0.0288 -> 0.03; 4 and 6 shares x 0.000166 -> 0.01 each
    rows = holder.get("/v2/account/activities/FEE", direction="asc")
    assert [(r["activity_sub_type"], r["net_amount"], r["date"]) for r in rows] == [
        ("REG", "-0.03", "2024-11-26"), ("TAF", "-0.02", "2024-11-26"),
    ]  # fmt: skip
    assert all(row["description"] and row["status"] == "executed" for row in rows)
    assert holder.cash() == "100045.95"
    holder.to("2024-11-27T22:00:00Z")
    assert len(holder.get("/v2/account/activities/FEE")) == 2


def test_every_begun_cent_counts(holder):
    holder.send("XYZ", 4, "sell", "limit", "100")
    holder.to("2024-11-26T21:00:00Z")

    # 400 x 27.80 / 1,000,000 = 0.01112 -> 0.02
    assert holder.get("/v2/account/activities/FEE", direction="asc")[0]["net_amount"] == "-0.02"


def test_taf_is_limited_for_each_trade():
    flat = {"2024-11-25": {"LOT": (1, 1, 1, 1)}, "2024-11-26": {"LOT": (1, 1, 1, 1)}}
    someone = customer(flat, cash=200_000)
    someone.send("LOT", 120_000, "buy", "limit", "1")
    someone.to("2024-11-26T14:30:00Z")
    for _ in range(2):
        someone.send("LOT", 60_000, "sell", "limit", "1")
    someone.to("2024-11-26T21:00:00Z")

    # 60,000 x 0.000166 = 9.96 each, limited to 8.30; SEC: 120,000 x 27.80 / 1,000,000 = 3.336
    amounts = [row["net_amount"] for row in someone.get("/v2/account/activities/FEE")]
    assert sorted(amounts) == ["-16.6", "-3.34"]


def test_no_sale_no_fee(queued):
    queued.send("XYZ", 1, "buy", "limit", "100")
    queued.to("2024-11-26T22:00:00Z")

    assert queued.get("/v2/account/activities/FEE") == []
    assert queued.cash() == "99900"


@pytest.mark.parametrize(
    ("qty", "cash"), [("0.5", "99950"), ("0.333333333", "99966.67"), ("0.01", "99999")]
)
def test_fractions_cost_their_cents(queued, qty, cash):
    queued.send("XYZ", qty, "buy", "limit", "100")
    queued.to("2024-11-26T15:00:00Z")

    assert queued.cash() == cash
    assert queued.position("XYZ")["qty"] == qty


def test_fraction_must_be_worth_a_dollar(queued):
    status, body = queued.refused("XYZ", "0.00999", "buy", "limit", "100")

    assert (status, body["message"]) == (403, "cost basis must be >= minimal amount of order 1")
