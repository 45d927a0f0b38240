"""Splits, dividends and new symbols happen to the account once, on their ex-date's midnight.

10 XYZ are held from Monday's open at 99; the action is on Wednesday 2024-11-27, whose bar in the
market below is in the shares of after it.
"""

import datetime as dt
from decimal import Decimal

import pytest

from quantcli.contracts.corporate_actions import CorporateAction, dividend_of, split_of
from quantcli.contracts.scalars import instant
from tests.exchange.market import customer

DAY = dt.date(2024, 11, 27)
BEFORE = {
    "2024-11-25": {"XYZ": (99, 101, 97, 98)},
    "2024-11-26": {"XYZ": (100, 106, 94, 100)},
}
#: The morning of the ex-date, before the open.
MORNING = "2024-11-27T13:00:00Z"


def holder(action, after=(25, 26, 24, 25), path=None, **changes):
    """Return a customer on the evening before the action, holding 10 XYZ bought at 99."""
    daily = BEFORE | {
        "2024-11-27": {"XYZ": after, "NEW": after},
        "2024-11-29": {"XYZ": after, "NEW": after},
    }
    someone = customer(
        daily, path=path, actions=[action], opening_at=instant("2024-11-25T13:00:00Z"), **changes
    )
    someone.send("XYZ", 10, "buy", "limit", "99")
    someone.to("2024-11-26T22:00:00Z")
    return someone


def rows(someone, *kinds):
    return someone.get("/v2/account/activities", activity_types=",".join(kinds), direction="asc")


FOUR = split_of("XYZ", DAY, 4)


def test_nothing_happens_before_midnight_in_new_york():
    someone = holder(FOUR)
    someone.to("2024-11-27T04:59:59Z")
    assert someone.position("XYZ")["qty"] == "10"
    someone.to("2024-11-27T05:00:00Z")
    assert someone.position("XYZ")["qty"] == "40"


def test_a_split_gives_new_shares_and_no_profit():
    someone = holder(FOUR)
    before = someone.get("/v2/account")
    someone.to(MORNING)
    held = someone.position("XYZ")
    assert (held["qty"], held["avg_entry_price"]) == ("40", "24.75")
    assert (held["current_price"], held["market_value"]) == ("25", "1000")
    assert someone.get("/v2/account")["equity"] == before["equity"]
    assert [(r["qty"], r["price"], r["net_amount"], r["activity_sub_type"])
            for r in rows(someone, "SPLIT")] == [
        ("-10", "99", "0", "FSPLIT"), ("40", "24.75", "0", "FSPLIT"),
    ]  # fmt: skip


def test_a_split_happens_once(tmp_path):
    path = tmp_path / "book.sqlite3"
    someone = holder(FOUR, path=path)
    someone.to(MORNING)
    someone.exchange.restart()
    for at in ("2024-11-27T15:00:00Z", "2024-11-29T22:00:00Z"):
        someone.to(at)
    assert someone.position("XYZ")["qty"] == "40"
    assert len(rows(someone, "SPLIT")) == 2


def test_a_clock_that_leaps_passes_the_action_on_its_way():
    someone = holder(FOUR)
    someone.send("XYZ", 3, "sell", "stop", "24.5", "gtc")
    someone.to("2024-11-29T22:00:00Z")
    # The stop was told in the old shares: it ended, and the low of 24 met nothing.
    assert someone.position("XYZ")["qty"] == "40"


def test_a_reverse_split_pays_cash_in_lieu_of_the_fraction():
    someone = holder(split_of("XYZ", DAY, 0.25), after=(400, 410, 390, 400))
    cash = Decimal(someone.cash())
    someone.to(MORNING)
    held = someone.position("XYZ")
    assert (held["qty"], held["avg_entry_price"]) == ("2", "396")
    # Half a new share at the last price of 100, which is 400 for a new one.
    assert Decimal(someone.cash()) - cash == 200
    (paid,) = rows(someone, "CIL")
    assert (paid["symbol"], paid["qty"], paid["net_amount"]) == ("XYZ", "0.5", "200")
    assert rows(someone, "SPLIT")[1]["activity_sub_type"] == "RSPLIT"


def test_a_reverse_split_that_leaves_no_whole_share_leaves_cash_only():
    someone = holder(split_of("XYZ", DAY, 0.05), after=(2000, 2050, 1950, 2000))
    someone.to(MORNING)
    status, _ = someone.ask("GET", "/v2/positions/XYZ")
    assert status == 404
    assert [r["net_amount"] for r in rows(someone, "CIL")] == ["1000"]


@pytest.mark.parametrize(
    ("kind", "price", "more"),
    [
        ("stop", "90", {}),
        ("stop_limit", None, {"stop_price": "90", "limit_price": "89"}),
        ("trailing_stop", None, {"trail_percent": "5"}),
    ],
)
def test_a_split_cancels_what_a_price_of_old_shares_would_set_off(kind, price, more):
    someone = holder(FOUR)
    sent = someone.send("XYZ", 10, "sell", kind, price, "gtc", **more)
    someone.to(MORNING)
    assert someone.order(sent)["status"] == "canceled"
    assert someone.position("XYZ")["qty_available"] == "40"


def test_a_split_cancels_orders_queued_for_the_day():
    someone = holder(FOUR)
    sent = someone.send("XYZ", 10, "sell")
    someone.to(MORNING)
    assert someone.order(sent)["status"] == "canceled"


def test_a_split_restates_limits_that_stand_until_cancelled():
    someone = holder(FOUR)
    sell = someone.send("XYZ", 10, "sell", "limit", "110.01", "gtc")
    someone.to(MORNING)
    after = someone.order(sell)
    assert (after["status"], after["qty"], after["limit_price"]) == ("accepted", "40", "27.51")
    assert someone.position("XYZ")["qty_available"] == "0"


def test_a_split_leaves_a_bracket_as_it_was_sent():
    someone = holder(FOUR)
    exits = {"take_profit": {"limit_price": "130"}, "stop_loss": {"stop_price": "10"}}
    group = someone.send("XYZ", 5, "buy", "limit", "20", "gtc", order_class="bracket", **exits)
    someone.to(MORNING)
    after = someone.order(group)
    assert (after["status"], after["qty"], after["limit_price"]) == ("accepted", "5", "20")


def test_exits_that_hold_more_than_a_reverse_split_left_are_cancelled():
    someone = holder(split_of("XYZ", DAY, 0.5), after=(200, 210, 190, 200))
    exits = {"take_profit": {"limit_price": "300"}, "stop_loss": {"stop_price": "50"}}
    oco = someone.send("XYZ", 10, "sell", "limit", "300", "gtc", order_class="oco", **exits)
    someone.to("2024-11-29T22:00:00Z")
    assert someone.order(oco)["status"] == "canceled"
    assert someone.position("XYZ")["qty"] == "5"


RENAME = CorporateAction(symbol="XYZ", ex_date=DAY, kind="rename", new_symbol="NEW")


def test_a_new_symbol_takes_the_position_along_and_ends_its_orders():
    someone = holder(RENAME, after=(100, 104, 96, 100))
    stop = someone.send("XYZ", 10, "sell", "stop", "90", tif="gtc")
    someone.to(MORNING)
    assert someone.order(stop)["status"] == "canceled"
    (held,) = someone.get("/v2/positions")
    assert (held["symbol"], held["qty"], held["avg_entry_price"]) == ("NEW", "10", "99")
    assert [(r["symbol"], r["qty"]) for r in rows(someone, "NC")] == [("XYZ", "-10"), ("NEW", "10")]
    someone.send("NEW", 10, "sell", "stop", "97", "gtc")
    someone.to("2024-11-27T22:00:00Z")
    assert someone.get("/v2/positions") == []


def test_dividends_are_paid_only_where_they_are_asked_for():
    paid = dividend_of("XYZ", DAY, 0.825)
    for pays, cash, count in ((False, "99010", 0), (True, "99018.25", 1)):
        someone = holder(paid, after=(100, 104, 96, 100), pays_dividends=pays)
        someone.to(MORNING)
        assert someone.cash() == cash
        assert len(rows(someone, "DIV")) == count
    (row,) = rows(someone, "DIV")
    assert (row["qty"], row["per_share_amount"], row["date"]) == ("10", "0.825", "2024-11-27")


def test_who_buys_on_the_ex_date_gets_no_dividend():
    someone = customer(
        BEFORE | {"2024-11-27": {"XYZ": (99, 101, 97, 98)}}, pays_dividends=True,
        actions=[dividend_of("XYZ", DAY, 1.0)], opening_at=instant(MORNING),
    )  # fmt: skip
    someone.send("XYZ", 10, "buy", "limit", "99")
    someone.to("2024-11-27T22:00:00Z")
    assert rows(someone, "DIV") == []


def test_activities_of_actions_are_paged_by_id():
    someone = holder(split_of("XYZ", DAY, 0.3), after=(333, 340, 330, 333))
    someone.to(MORNING)
    seen, token = [], {}
    while page := someone.get("/v2/account/activities", page_size=1, **token):
        seen += [(row["activity_type"], row.get("qty")) for row in page]
        token = {"page_token": page[-1]["id"]}
    assert seen == [("SPLIT", "3"), ("SPLIT", "-10"), ("FILL", "10")]


def test_past_equity_knows_no_profit_of_a_split():
    someone = holder(FOUR)
    someone.to("2024-11-29T22:00:00Z")
    told = someone.get("/v2/account/portfolio/history", period="1W", timeframe="1D")
    assert told["equity"][-3:] == [100_010, 100_010, 100_010]
    within = someone.get(
        "/v2/account/portfolio/history", period="1D", timeframe="1H", pnl_reset="no_reset"
    )
    assert within["equity"][-1] == 100_010


def test_actions_are_told_from_their_ex_date_on():
    for action, name in (
        (FOUR, "forward_splits"),
        (split_of("XYZ", DAY, 0.25), "reverse_splits"),
        (dividend_of("XYZ", DAY, 0.825), "cash_dividends"),
        (RENAME, "name_changes"),
    ):
        someone = holder(action)
        told = {"symbols": "XYZ", "start": "2024-11-01", "end": "2024-12-31"}
        assert someone.get("/v1/corporate-actions", **told)["corporate_actions"] == {}
        someone.to(MORNING)
        assert list(someone.get("/v1/corporate-actions", **told)["corporate_actions"]) == [name]
