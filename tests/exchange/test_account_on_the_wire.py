"""Configurations, closing all positions, booked dividends, and the portfolio's history."""

import pytest

from tests.exchange.market import Customer, customer, order

# ------------------------------------------------------------------------- configurations


def change(someone, **switches):
    return someone.ask("PATCH", "/v2/account/configurations", body=switches)


def test_configurations_change_one_by_one_and_stay(queued):
    before = queued.get("/v2/account/configurations")
    assert change(queued, trade_confirm_email="all")[1] == before | {"trade_confirm_email": "all"}
    change(queued, max_margin_multiplier=2, max_options_trading_level=None)

    assert queued.get("/v2/account/configurations") == before | {
        "trade_confirm_email": "all", "max_margin_multiplier": "2",
        "max_options_trading_level": None,
    }  # fmt: skip


@pytest.mark.parametrize(
    "switches",
    [
        {"suspend_trade": "yes"}, {"suspend_trade": 1}, {"suspend_trade": None},
        {"max_margin_multiplier": "3"}, {"max_options_trading_level": 4},
        {"max_options_trading_level": True}, {"trade_confirm_email": "some"}, {"color": "red"},
    ],
)  # fmt: skip
def test_bad_configurations_change_nothing(queued, switches):
    before = queued.get("/v2/account/configurations")

    assert change(queued, no_shorting=False, **switches)[0] == 422
    assert queued.get("/v2/account/configurations") == before


def test_suspended_account_takes_no_orders_but_closes_positions(holder):
    change(holder, suspend_trade=True, pdt_check="both")

    assert holder.get("/v2/account")["trade_suspended_by_user"] is True
    assert holder.refused("ABC", 1, "buy") == (
        403, {"code": 40310000, "message": "new orders are rejected by user request"},
    )  # fmt: skip
    assert holder.ask("DELETE", "/v2/positions/XYZ")[0] == 200
    change(holder, suspend_trade=False)
    assert holder.get("/v2/account")["trade_suspended_by_user"] is False
    holder.send("ABC", 1, "buy")


def test_fractions_can_be_switched_off(queued):
    change(queued, fractional_trading=False)

    assert queued.refused("ABC", "1.5", "buy")[0] == 403
    assert queued.ask("POST", "/v2/orders", body=order("ABC", None, "buy", notional=50))[0] == 403
    queued.send("ABC", "2.0", "buy")


# ------------------------------------------------------------------------- close all


@pytest.fixture
def two(holder):
    """Return one who holds 10 XYZ and 4 ABC, with a stop on the XYZ, at noon on the Tuesday."""
    holder.send("ABC", 4, "buy")
    holder.to("2024-11-26T17:00:00Z")
    holder.stop = holder.send("XYZ", 10, "sell", "stop", "80", tif="gtc")
    return holder


def close_all(someone, **query):
    status, rows = someone.ask("DELETE", "/v2/positions", query)
    assert status == 207
    return rows


def test_held_shares_stay_and_the_others_go(two):
    abc, xyz = close_all(two)

    assert (abc["symbol"], abc["status"], abc["body"]["side"]) == ("ABC", 200, "sell")
    assert (xyz["symbol"], xyz["status"], xyz["body"]["code"]) == ("XYZ", 403, 40310000)
    assert xyz["body"]["related_orders"] == [two.stop["id"]]
    assert [each["symbol"] for each in two.get("/v2/positions")] == ["XYZ"]


def test_cancelled_orders_come_first_in_the_answer(two):
    rows = close_all(two, cancel_orders="True")

    assert [row["symbol"] for row in rows] == [two.stop["id"], "ABC", "XYZ"]
    assert rows[0]["body"]["id"] == two.stop["id"]
    assert [row["status"] for row in rows] == [200, 200, 200]
    two.to("2024-11-26T22:00:00Z")
    assert two.get("/v2/positions") == two.get("/v2/orders") == []


def test_nothing_to_close(queued):
    assert close_all(queued, cancel_orders="true") == []


# ------------------------------------------------------------------------- booked by the broker


def book(someone, **body):
    return someone.ask("POST", "/_sim/activities", body=body)


def test_a_dividend_pays_for_each_share(holder):
    cash = float(holder.cash())
    status, row = book(
        holder, activity_type="DIV", symbol="XYZ", qty="10", net_amount="2.50",
        activity_sub_type="CDIV", description="Cash DIV @ 0.25",
    )  # fmt: skip

    assert (status, row.pop("id")[:18]) == (200, "20241126080000000:")
    assert row == {
        "activity_type": "DIV", "activity_sub_type": "CDIV", "date": "2024-11-26",
        "net_amount": "2.5", "symbol": "XYZ", "qty": "10", "per_share_amount": "0.25",
        "description": "Cash DIV @ 0.25", "status": "executed",
    }  # fmt: skip
    assert float(holder.cash()) == cash + 2.5
    assert [each["qty"] for each in holder.get("/v2/account/activities/DIV")] == ["10"]
    assert holder.get("/v2/account/activities", activity_types="FEE,DIV")[0]["symbol"] == "XYZ"
    assert holder.get("/v2/account/activities/FILL")[0]["activity_type"] == "FILL"


@pytest.mark.parametrize(
    "body",
    [
        {}, {"activity_type": "FILL"}, {"activity_type": "DIV", "net_amount": "0.001"},
        {"activity_type": "DIV", "net_amount": "much"}, {"activity_type": "DIV", "qty": "x"},
        {"activity_type": "DIV", "symbol": 5},
    ],
)  # fmt: skip
def test_bad_bookings_change_nothing(queued, body):
    assert book(queued, **body)[0] == 422
    assert queued.get("/v2/account/activities") == []


# ------------------------------------------------------------------------- portfolio history


def history(someone, **query):
    return someone.get("/v2/account/portfolio/history", **query)


@pytest.fixture
def week(holder):
    """Bought 10 XYZ at 99 on Monday; closes 98, 102, 95, 97, 103 from Monday to Monday."""
    holder.to("2024-12-02T18:00:00Z")
    return holder


def test_history_by_sessions_with_the_running_one(week):
    found = history(week, timeframe="1D", period="1W")

    # Tuesday to Monday; on Monday at 13:00 the last print is the low, 96
    assert found["equity"] == [100030.0, 99960.0, 99980.0, 99970.0]
    # midnight in New York: 2024-11-26T05:00:00Z and so on
    assert found["timestamp"] == [1732597200, 1732683600, 1732856400, 1733115600]
    assert (found["base_value"], found["base_value_asof"]) == (99990.0, "2024-11-25")
    assert found["profit_loss"] == [40.0, -30.0, -10.0, -20.0]
    assert found["profit_loss_pct"][0] == pytest.approx(40 / 99990)
    assert (found["timeframe"], found["cashflow"]) == ("1D", {})


@pytest.mark.parametrize(
    ("query", "equities"),
    [
        ({"period": "1M"}, [99990.0, 100030.0, 99960.0, 99980.0, 99970.0]),
        ({"period": "2D"}, [99980.0, 99970.0]),
        ({"period": "1A"}, [99990.0, 100030.0, 99960.0, 99980.0, 99970.0]),
        ({"start": "2024-11-26", "end": "2024-11-27"}, [100030.0, 99960.0]),
        ({"start": "2024-11-26T05:00:00Z", "period": "1D"}, [100030.0]),
        ({"period": "1D", "date_end": "2024-11-30"}, [99980.0]),
        ({"start": "2030-01-01"}, []),
    ],
)
def test_periods(week, query, equities):
    assert history(week, timeframe="1D", **query)["equity"] == equities


def test_nothing_before_the_account_was_opened(week):
    found = history(week, timeframe="1D", start="2024-01-01", end="2024-11-25")

    assert found["equity"] == [99990.0]
    assert found["base_value"] == 100000.0


def test_history_within_a_session(week):
    found = history(week, timeframe="1H", start="2024-11-26", end="2024-11-26")

    # from 9:30: open 100, low 94 at 11:40, high 106 at 13:50, close 102; ten shares
    assert found["equity"] == [
        100010.0, 100010.0, 99950.0, 99950.0, 100070.0, 100070.0, 100030.0,
    ]  # fmt: skip
    assert found["timestamp"][0] == 1732631400  # 14:30 UTC
    assert found["base_value"] == 99990.0
    assert found["profit_loss"][-1] == 40.0


def test_gains_within_sessions_begin_anew_each_day_unless_asked_not_to(week):
    query = {"timeframe": "1H", "start": "2024-11-26", "end": "2024-11-27"}

    assert history(week, **query)["profit_loss"][-1] == -70.0
    assert history(week, pnl_reset="no_reset", **query)["profit_loss"][-1] == -30.0


def test_history_knows_trades_within_the_session(holder):
    holder.send("XYZ", 10, "sell", "limit", "105")
    holder.to("2024-11-26T22:00:00Z")
    found = history(holder, timeframe="1H", period="1D", cashflow_types="FEE")

    # sold at 105 at 13:50; both fees, a cent each and some, are booked at the close
    assert found["equity"][:6] == [100010.0, 100010.0, 99950.0, 99950.0, 100060.0, 100060.0]
    assert found["equity"][6] == 100060.0 + found["cashflow"]["FEE"][6]
    assert found["cashflow"]["FEE"][:6] == [0.0] * 6
    assert found["cashflow"]["FEE"][6] < 0


def test_last_point_within_sessions_is_what_the_account_says(week):
    found = history(week, timeframe="15Min", period="1W")

    assert found["equity"][-1] == float(week.get("/v2/account")["equity"])
    closes = [
        worth
        for start, worth in zip(found["timestamp"], found["equity"], strict=True)
        if start in {1732653900, 1732740300, 1732902300}  # 15:45, 15:45, 12:45 in New York
    ]
    assert closes == [100030.0, 99960.0, 99980.0]


def test_no_points_within_sessions_before_the_account_was_opened(week):
    found = history(week, timeframe="1H", start="2024-11-21", end="2024-11-25")

    assert found["timestamp"][0] == 1732545000  # the Monday, 14:30 UTC
    assert len(found["equity"]) == 7


def test_of_prints_at_one_instant_the_last_counts(market):
    """A minute's close and the next one's open print together; the open is the newer."""
    minutes = {
        ("2024-11-26", "XYZ"): [
            ("2024-11-26T14:30:00Z", 100, 100, 100, 100),
            ("2024-11-26T14:31:00Z", 90, 90, 90, 90),
        ]
    }
    someone = customer(market, minutes)
    someone.send("XYZ", 10, "buy")
    someone.to("2024-11-26T14:31:00Z")

    assert history(someone, timeframe="1Min", period="1D")["equity"] == [99900.0]
    assert someone.get("/v2/account")["equity"] == "99900"


@pytest.mark.parametrize(
    ("period", "expected"), [("1D", "1Min"), ("1W", "15Min"), ("1M", "1D"), ("2M", "1D")]
)
def test_timeframe_goes_with_the_period(queued, period, expected):
    assert history(queued, period=period)["timeframe"] == expected


@pytest.mark.parametrize(
    "query",
    [
        {"period": "1Y"}, {"period": "0D"}, {"timeframe": "2H"}, {"pnl_reset": "never"},
        {"start": "soon"}, {"period": "2M", "timeframe": "1H"}, {"intraday_reporting": "always"},
        {"start": "2024-01-01", "end": "2024-02-01", "period": "1D"},
    ],
)  # fmt: skip
def test_bad_questions_about_history(queued, query):
    assert queued.ask("GET", "/v2/account/portfolio/history", query)[0] == 422


# ------------------------------------------------------------------------- memory


def test_a_book_opened_again_remembers_all_of_it(market, tmp_path):
    path = tmp_path / "book.sqlite3"
    first = customer(market, path=path)
    first.send("XYZ", 3, "buy")
    change(first, suspend_trade=True)
    first.to("2024-11-27T22:00:00Z")
    book(first, activity_type="DIV", net_amount="1", symbol="XYZ", qty="3")
    questions = [
        ("/v2/account", {}), ("/v2/account/configurations", {}), ("/v2/account/activities", {}),
        ("/v2/account/portfolio/history", {"timeframe": "1D"}), ("/v2/positions", {}),
        ("/v2/orders", {"status": "all"}), ("/v2/clock", {}), ("/v2/assets", {}),
        ("/v2/stocks/snapshots", {"symbols": "XYZ,ABC"}),
    ]  # fmt: skip
    before = [first.get(path, **query) for path, query in questions]
    first.exchange.close()
    again = customer(market, path=path)

    assert isinstance(again, Customer)
    assert [again.get(path, **query) for path, query in questions] == before
