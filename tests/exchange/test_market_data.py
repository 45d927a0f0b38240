"""Market data: put together, adjusted, newest, trades and quotes, feeds, corporate actions."""

import pytest

from tests.exchange.market import customer

# A week that ends with a month, and the Monday after: AAA splits two for one on the Thursday.
WEEK = {
    "2024-02-26": {"AAA": (100, 104, 98, 102)},
    "2024-02-27": {"AAA": (102, 110, 100, 108)},
    "2024-02-28": {"AAA": (108, 109, 96, 98)},
    "2024-02-29": {"AAA": (50, 52, 47, 51)},
    "2024-03-01": {"AAA": (51, 55, 50, 54)},
    "2024-03-04": {"AAA": (54, 56, 53, 55)},
}
SPLIT = [("2024-02-29", "AAA", 2.0)]
MINUTES = {
    ("2024-02-26", "AAA"): [
        ("2024-02-26T14:30:00Z", 100, 101, 99, 100.5),
        ("2024-02-26T14:31:00Z", 100.5, 103, 100, 102),
        ("2024-02-26T14:34:00Z", 102, 102.5, 98, 98.5),
        ("2024-02-26T14:35:00Z", 98.5, 99, 98.4, 98.8),
    ]
}


def one(clock, minutes=None, **changes):
    someone = customer(WEEK, minutes, splits=SPLIT, **changes)
    someone.to(clock)
    return someone


@pytest.fixture
def opened():
    import datetime as dt

    return {"opening_at": dt.datetime(2024, 2, 23, tzinfo=dt.UTC)}


def bars(someone, timeframe, **query):
    page = someone.get(
        "/v2/stocks/bars",
        **({"symbols": "AAA", "timeframe": timeframe, "start": "2024-01-01"} | query),
    )
    return [
        (bar["t"], bar["o"], bar["h"], bar["l"], bar["c"], bar["v"])
        for bar in page["bars"].get("AAA", [])
    ]


# --------------------------------------------------------------------- bars put together


def test_week_is_stamped_with_its_monday_and_complete_after_its_last_close(opened):
    before = one("2024-03-01T20:59:59Z", **opened)
    after = one("2024-03-01T21:00:00Z", **opened)

    assert bars(before, "1Week") == []
    assert bars(after, "1Week") == [("2024-02-26T05:00:00Z", 100.0, 110.0, 47.0, 54.0, 5000)]


def test_month_is_complete_after_its_last_session(opened):
    someone = one("2024-03-04T22:00:00Z", **opened)

    assert bars(someone, "1Month") == [("2024-02-01T05:00:00Z", 100.0, 110.0, 47.0, 51.0, 4000)]
    assert bars(someone, "3Month") == []


def test_a_bar_keeps_all_its_days_when_the_range_ends_within_it(opened):
    someone = one("2024-03-04T22:00:00Z", **opened)

    assert bars(someone, "1W", end="2024-02-27")[0][-2:] == (54.0, 5000)
    assert bars(someone, "1W", start="2024-02-27") == []


@pytest.mark.parametrize(
    ("timeframe", "expected"),
    [
        ("5Min", [("14:30", 100.0, 103.0, 98.0, 98.5, 30), ("14:35", 98.5, 99.0, 98.4, 98.8, 10)]),
        ("2T", [("14:30", 100.0, 103.0, 99.0, 102.0, 20), ("14:34", 102.0, 102.5, 98.0, 98.8, 20)]),
        ("1Hour", [("14:00", 100.0, 103.0, 98.0, 98.8, 40)]),
    ],
)
def test_minutes_put_together_from_midnight_on(opened, timeframe, expected):
    someone = one("2024-02-26T21:00:00Z", MINUTES, **opened)

    found = [(at[11:16], *rest) for at, *rest in bars(someone, timeframe)]
    assert found == expected


def test_bars_put_together_are_complete_when_their_time_is_over(opened):
    someone = one("2024-02-26T14:35:59Z", MINUTES, **opened)

    assert [at[11:16] for at, *_ in bars(someone, "5Min")] == ["14:30"]
    assert bars(someone, "1Hour") == []


def test_mean_price_of_bars_put_together_is_by_volume(opened):
    someone = one("2024-02-26T21:00:00Z", MINUTES, **opened)
    page = someone.get(
        "/v2/stocks/bars", symbols="AAA", timeframe="2Min", start="2024-02-26", limit="1"
    )

    # (101 + 99 + 100.5) / 3 and (103 + 100 + 102) / 3, of ten shares each
    assert page["bars"]["AAA"][0]["vw"] == 100.9167


# --------------------------------------------------------------------- adjustment and feeds


@pytest.mark.parametrize("adjustment", ["split", "all", "dividend,split"])
def test_prices_before_a_split_are_divided(opened, adjustment):
    someone = one("2024-03-04T22:00:00Z", **opened)

    closes = [bar[4] for bar in bars(someone, "1Day", adjustment=adjustment)]
    assert closes == [51.0, 54.0, 49.0, 51.0, 54.0, 55.0]
    assert bars(someone, "1Day", adjustment=adjustment)[0][-1] == 2000
    assert [bar[4] for bar in bars(someone, "1Day", adjustment="dividend")][:3] == [102, 108, 98]


def test_a_split_ahead_adjusts_nothing(opened):
    someone = one("2024-02-28T22:00:00Z", **opened)

    assert [bar[4] for bar in bars(someone, "1Day", adjustment="all")] == [102, 108, 98]


@pytest.mark.parametrize("path", ["bars", "trades", "quotes"])
def test_newest_consolidated_data_need_a_subscription(opened, path):
    someone = one("2024-02-26T21:10:00Z", **opened)
    query = {"symbols": "AAA", "timeframe": "1Day", "feed": "sip", "start": "2024-02-26"}
    refusal = {"message": "subscription does not permit querying recent SIP data"}

    end = {"end": "2024-02-26T20:55:01Z"}
    assert someone.ask("GET", f"/v2/stocks/{path}", query | end) == (403, refusal)
    assert someone.ask("GET", f"/v2/stocks/{path}/latest", query) == (403, refusal)
    for allowed in ({}, {"end": "2024-02-26T20:55:00Z"}, {"feed": "iex"}):
        assert someone.ask("GET", f"/v2/stocks/{path}", query | allowed)[0] == 200
    payer = one("2024-02-26T21:10:00Z", has_recent_sip=True, **opened)
    assert payer.ask("GET", f"/v2/stocks/{path}", query | end)[0] == 200


def test_consolidated_data_without_an_end_stop_a_quarter_of_an_hour_ago(opened):
    someone = one("2024-02-26T21:10:00Z", **opened)
    query = {"symbols": "AAA", "start": "2024-02-26"}

    assert len(someone.get("/v2/stocks/trades", **query)["trades"]["AAA"]) == 4
    assert len(someone.get("/v2/stocks/trades", feed="sip", **query)["trades"]["AAA"]) == 3


# --------------------------------------------------------------------- trades and quotes


def test_prints_are_trades_with_quotes_around_them(opened):
    someone = one("2024-02-26T21:00:00Z", **opened)
    query = {"symbols": "AAA,NONE", "start": "2024-02-26"}
    trades = someone.get("/v2/stocks/trades", **query)
    quotes = someone.get("/v2/stocks/quotes", **query)

    # open; low at a third of the session, 11:40; high at two thirds, 13:50; close
    assert [(each["t"][11:], each["p"]) for each in trades["trades"]["AAA"]] == [
        ("14:30:00Z", 100.0), ("16:40:00Z", 98.0), ("18:50:00Z", 104.0), ("21:00:00Z", 102.0),
    ]  # fmt: skip
    # five basis points either way, rounded outwards
    assert [(each["bp"], each["ap"]) for each in quotes["quotes"]["AAA"]] == [
        (99.95, 100.05), (97.95, 98.05), (103.94, 104.06), (101.94, 102.06),
    ]  # fmt: skip
    assert trades["next_page_token"] is quotes["next_page_token"] is None


@pytest.mark.parametrize("sort", ["asc", "desc"])
def test_pages_part_trades_of_one_instant(opened, sort):
    """A minute's close prints at the same instant as the next minute's open."""
    someone = one("2024-02-26T21:00:00Z", MINUTES, **opened)
    query = {"symbols": "AAA", "start": "2024-02-26", "sort": sort}
    whole = someone.get("/v2/stocks/trades", **query)["trades"]["AAA"]
    pages, token = [], ""
    while token is not None:
        page = someone.get("/v2/stocks/trades", limit="1", page_token=token, **query)
        pages += page["trades"]["AAA"]
        token = page["next_page_token"]

    assert pages == whole
    assert len(whole) == 16


def test_nothing_after_the_clock_is_shown(opened):
    someone = one("2024-02-26T16:00:00Z", **opened)
    query = {"symbols": "AAA", "start": "2024-02-26", "end": "2024-03-31"}

    assert len(someone.get("/v2/stocks/trades", **query)["trades"]["AAA"]) == 1


def test_latest(opened):
    someone = one("2024-02-27T16:45:00Z", **opened)

    trade = someone.get("/v2/stocks/trades/latest", symbols="AAA,NONE")["trades"]
    quote = someone.get("/v2/stocks/quotes/latest", symbols="AAA,NONE")["quotes"]
    bar = someone.get("/v2/stocks/bars/latest", symbols="AAA,NONE")["bars"]
    assert list(trade) == list(quote) == list(bar) == ["AAA"]
    assert (trade["AAA"]["t"], trade["AAA"]["p"]) == ("2024-02-27T16:40:00Z", 100.0)
    assert (quote["AAA"]["bp"], quote["AAA"]["ap"]) == (99.95, 100.05)
    assert (bar["AAA"]["t"], bar["AAA"]["c"]) == ("2024-02-27T16:40:00Z", 100.0)


def test_latest_bar_is_a_minute_that_is_over(opened):
    with_minutes = one("2024-02-26T14:35:30Z", MINUTES, **opened)
    without = one("2024-02-26T16:40:30Z", **opened)

    def newest(someone):
        bar = someone.get("/v2/stocks/bars/latest", symbols="AAA")["bars"]["AAA"]
        return bar["t"][11:16], bar["c"]

    assert newest(with_minutes) == ("14:34", 98.5)
    assert newest(without) == ("14:30", 100.0)
    # the first minute still runs: the newest is the close of the day before
    assert newest(one("2024-02-27T14:30:59Z", **opened)) == ("21:00", 102.0)
    first = one("2024-02-26T14:30:30Z", MINUTES, **opened)
    assert first.get("/v2/stocks/bars/latest", symbols="AAA") == {"bars": {}}


@pytest.mark.parametrize("start", ["1990-01-01", "0001-01-01T00:00:00Z"])
def test_a_range_may_begin_before_all_sessions(opened, start):
    someone = one("2024-02-27T14:00:00Z", **opened)

    assert len(bars(someone, "1Day", start=start, end="2999-01-01")) == 1
    assert bars(someone, "1Day", start="2999-01-01") == []


# --------------------------------------------------------------------- snapshots


def test_snapshot_of_a_running_session(opened):
    someone = one("2024-02-27T16:45:00Z", **opened)
    found = someone.get("/v2/stocks/snapshots", symbols="AAA,NONE")

    assert list(found) == ["AAA"]
    shot = found["AAA"]
    assert shot["latestTrade"]["p"] == shot["minuteBar"]["c"] == 100.0
    assert shot["latestQuote"]["ap"] == 100.05
    daily, before = shot["dailyBar"], shot["prevDailyBar"]
    assert (daily["t"], daily["o"], daily["h"], daily["l"], daily["c"]) == (
        "2024-02-27T05:00:00Z", 102.0, 102.0, 100.0, 100.0,
    )  # fmt: skip
    assert (before["t"], before["c"], before["v"]) == ("2024-02-26T05:00:00Z", 102.0, 1000)


def test_snapshot_after_the_close_has_the_whole_session(opened):
    shot = one("2024-02-27T23:00:00Z", **opened).get("/v2/stocks/AAA/snapshot")

    assert shot["symbol"] == "AAA"
    assert [shot["dailyBar"][key] for key in "ohlcv"] == [102.0, 110.0, 100.0, 108.0, 1000]


def test_snapshot_of_minutes_counts_their_volume(opened):
    someone = one("2024-02-26T14:35:30Z", MINUTES, **opened)
    shot = someone.get("/v2/stocks/AAA/snapshot")

    assert [shot["dailyBar"][key] for key in "ohlcv"] == [100.0, 103.0, 98.0, 98.4, 30]
    assert shot["prevDailyBar"] is None


def test_single_symbol_paths(opened):
    someone = one("2024-02-27T23:00:00Z", **opened)

    page = someone.get("/v2/stocks/AAA/bars", timeframe="1Day", start="2024-02-26", limit="1")
    assert (page["symbol"], len(page["bars"])) == ("AAA", 1)
    assert page["next_page_token"]
    assert someone.get("/v2/stocks/NONE/trades", start="2024-02-26") == {
        "trades": [], "symbol": "NONE", "next_page_token": None,
    }  # fmt: skip
    assert someone.get("/v2/stocks/AAA/trades/latest")["trade"]["p"] == 108.0
    assert someone.ask("GET", "/v2/stocks/NONE/quotes/latest")[0] == 400
    assert someone.ask("GET", "/v2/stocks/NONE/snapshot")[0] == 400


# --------------------------------------------------------------------- corporate actions


def actions(someone, **query):
    return someone.get("/v1/corporate-actions", **query)


def test_a_split_is_known_from_its_day_on(opened):
    query = {"start": "2024-01-01", "symbols": "AAA"}
    nothing = {"corporate_actions": {}, "next_page_token": None}

    assert actions(one("2024-02-28T23:00:00Z", **opened), **query) == nothing
    assert actions(one("2024-03-04T00:00:00Z", **opened)) == nothing  # today alone by default
    row = actions(one("2024-02-29T06:00:00Z", **opened), **query)
    split = row["corporate_actions"]["forward_splits"][0]
    assert (split["symbol"], split["new_rate"], split["old_rate"], split["ex_date"]) == (
        "AAA", 2, 1, "2024-02-29",
    )  # fmt: skip


def test_rates_of_splits_are_whole_shares():
    splits = [("2024-11-27", "ABC", 0.1), ("2024-11-27", "XYZ", 1.5), ("2024-11-29", "ABC", 4.0)]
    someone = customer({"2024-11-26": {"XYZ": (1, 1, 1, 1)}}, splits=splits)
    someone.to("2024-12-01T00:00:00Z")
    found = actions(someone, start="2024-11-01")["corporate_actions"]

    rates = {
        kind: [(each["new_rate"], each["old_rate"]) for each in rows]
        for kind, rows in found.items()
    }
    assert rates == {"reverse_splits": [(1, 10)], "forward_splits": [(3, 2), (4, 1)]}
    only = actions(someone, start="2024-11-01", types="reverse_split")["corporate_actions"]
    assert list(only) == ["reverse_splits"]
    assert actions(someone, ids=found["reverse_splits"][0]["id"])["corporate_actions"] == only
    first = actions(someone, start="2024-11-01", limit="2")
    last = actions(someone, start="2024-11-01", limit="2", page_token=first["next_page_token"])
    assert last == {
        "corporate_actions": {"forward_splits": found["forward_splits"][1:]},
        "next_page_token": None,
    }
    newest = actions(someone, start="2024-11-01", limit="1", sort="desc")["corporate_actions"]
    assert newest == last["corporate_actions"]


@pytest.mark.parametrize(
    "query",
    [
        {"types": "gift"}, {"limit": "1001"}, {"limit": "0"}, {"sort": "up"}, {"start": "soon"},
        {"page_token": "x"}, {"ids": "1", "symbols": "AAA"},
    ],
)  # fmt: skip
def test_bad_questions_about_corporate_actions(queued, query):
    status, body = queued.ask("GET", "/v1/corporate-actions", query)

    assert status == 400
    assert set(body) == {"message"}
