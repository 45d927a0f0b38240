"""Keys, routes, account, calendar, assets, activities and bars."""

import json
import uuid

import pytest

from quantcli.exchange.identities import activity_id
from quantcli.exchange.trading_hours import instant_of
from tests.exchange.market import KEY, KEYS, SECRET, customer


def test_wrong_keys_are_refused_without_a_code(queued):
    for headers in (
        {"APCA-API-KEY-ID": KEY, "APCA-API-SECRET-KEY": "bad"},
        {"APCA-API-KEY-ID": "bad", "APCA-API-SECRET-KEY": SECRET},
        {"apca-api-key-id": "naïve", "apca-api-secret-key": "naïve"},
    ):
        assert queued.ask("GET", "/v2/account", headers=headers) == (
            401, {"message": "unauthorized."},
        )  # fmt: skip


@pytest.mark.parametrize("path", ["/v2/account", "/_sim/clock", "/nowhere"])
@pytest.mark.parametrize("headers", [{}, {"APCA-API-KEY-ID": KEY}])
def test_missing_keys_meet_the_edge(queued, path, headers):
    status, answered, body = queued.exchange.handle("GET", path, "", b"", headers)

    assert (status, dict(answered)["Content-Type"]) == (401, "text/html")
    with pytest.raises(ValueError, match="Expecting value"):
        json.loads(body)


def test_header_names_have_no_case(queued):
    lowered = {name.lower(): value for name, value in KEYS.items()}

    assert queued.ask("GET", "/v2/account", headers=lowered)[0] == 200


@pytest.mark.parametrize(
    ("method", "path"), [("GET", "/v2/nothing"), ("PUT", "/v2/orders"), ("GET", "/"), ("GET", "")]
)
def test_unknown_endpoints(queued, method, path):
    assert queued.ask(method, path) == (
        404, {"code": 40410000, "message": "endpoint not found"},
    )  # fmt: skip


def test_doubled_slash_is_forgiven(queued):
    assert queued.ask("GET", "//v2/account")[0] == 200


def test_every_answer_has_a_request_id(queued):
    headers = [
        queued.exchange.handle("GET", path, "", b"", KEYS)[1] for path in ("/v2/clock", "/x")
    ]

    assert all(len(dict(each)["X-Request-ID"]) == 32 for each in headers)


# ------------------------------------------------------------------------------- account


def test_account_has_text_for_money_and_no_retired_fields(queued):
    account = queued.get("/v2/account")

    assert uuid.UUID(account["id"]).version == 4
    assert account["status"] == "ACTIVE"
    assert account["account_number"].startswith("PA")
    for name in ("equity", "last_equity", "cash", "buying_power", "portfolio_value"):
        assert account[name] == "100000"
    for name in ("trading_blocked", "account_blocked", "trade_suspended_by_user"):
        assert account[name] is False
    assert account["multiplier"] == "1"
    assert account["balance_asof"] == "2024-11-25"
    assert not {"pattern_day_trader", "daytrade_count", "daytrading_buying_power"} & set(account)
    assert account["shorting_enabled"] is True
    assert queued.get("/v2/account/configurations")["no_shorting"] is False


# ------------------------------------------------------------------------------- calendar


@pytest.mark.parametrize(
    ("day", "expected"),
    [
        ("2026-11-27", ["13:00", "1700", "2026-11-30"]),
        ("2024-11-26", ["16:00", "2000", "2024-11-27"]),
        ("2024-11-27", ["16:00", "2000", "2024-11-29"]),
    ],
)
def test_calendar_day(queued, day, expected):
    close, session_close, settlement = expected

    assert queued.get("/v2/calendar", start=day, end=day) == [
        {
            "date": day, "open": "09:30", "close": close, "session_open": "0400",
            "session_close": session_close, "settlement_date": settlement,
        }
    ]  # fmt: skip


def test_calendar_range(queued):
    days = queued.get("/v2/calendar", start="2024-11-27T00:00:00+00:00", end="2024-12-02")

    assert [day["date"] for day in days] == ["2024-11-27", "2024-11-29", "2024-12-02"]
    assert queued.get("/v2/calendar", start="2024-11-28", end="2024-11-28") == []
    assert queued.ask("GET", "/v2/calendar", {"start": "soon"})[0] == 422
    everything = queued.get("/v2/calendar")
    assert (everything[0]["date"], everything[-1]["date"]) == ("2007-01-03", "2027-12-31")


def test_calendar_by_settlement(queued):
    days = queued.get("/v2/calendar", start="2024-11-29", end="2024-12-02", date_type="SETTLEMENT")

    assert [(day["date"], day["settlement_date"]) for day in days] == [
        ("2024-11-27", "2024-11-29"), ("2024-11-29", "2024-12-02"),
    ]  # fmt: skip
    assert queued.ask("GET", "/v2/calendar", {"date_type": "MOON"})[0] == 422


# ------------------------------------------------------------------------------- assets


def test_assets(queued):
    listed = queued.get("/v2/assets", status="active", asset_class="us_equity")

    assert [asset["symbol"] for asset in listed] == ["ABC", "XYZ"]
    assert listed[1] == queued.get("/v2/assets/XYZ") == queued.get(f"/v2/assets/{listed[1]['id']}")
    assert (listed[1]["class"], listed[1]["tradable"], listed[1]["fractionable"]) == (
        "us_equity", True, True,
    )  # fmt: skip
    assert queued.get("/v2/assets", status="inactive") == []


def test_unknown_asset(queued):
    assert queued.ask("GET", "/v2/assets/FFFFF") == (
        404, {"code": 40410000, "message": "asset not found for FFFFF"},
    )  # fmt: skip
    assert queued.ask("GET", "/v2/assets/BTC/USD")[1]["message"] == "asset not found for BTC/USD"


def test_asset_ids_depend_on_seed_and_symbol_only(market):
    first, again, other = (customer(market, seed=seed) for seed in (1, 1, 2))
    ids = [each.get("/v2/assets/XYZ")["id"] for each in (first, again, other)]

    assert ids[0] == ids[1] != ids[2]


def test_symbol_new_to_the_bars_is_listed_when_asked_for(queued):
    rows = queued.exchange._market.bars.rows
    for row in rows.values():
        row["LATE"] = (10.0, 11.0, 9.0, 10.0, 1.0)

    assert queued.send("LATE", 10, "buy", "market")["symbol"] == "LATE"
    assert queued.get("/v2/account")["buying_power"] == "99896"  # 10 x 10 x 1.04


def test_symbol_new_to_the_bars_is_among_the_assets(queued):
    assert "LATE" not in str(queued.get("/v2/assets"))
    for row in queued.exchange._market.bars.rows.values():
        row["LATE"] = (10.0, 11.0, 9.0, 10.0, 1.0)

    assert [each["symbol"] for each in queued.get("/v2/assets")] == ["ABC", "LATE", "XYZ"]
    assert queued.get("/v2/assets/LATE")["symbol"] == "LATE"


# ------------------------------------------------------------------------------- activities


@pytest.mark.parametrize("path", ["/v2/orders", "/v2/account/activities"])
@pytest.mark.parametrize("date", ["0001-01-01", "1990-01-01", "2099-01-01", "9999-12-31"])
def test_a_date_outside_the_session_table_is_a_bound_like_any_other(traded, path, date):
    is_long_ago = date < "2007"
    query = {"status": "all"} if path == "/v2/orders" else {}
    rows = traded.get(path, **query)

    assert traded.get(path, after=date, **query) == (rows if is_long_ago else [])
    assert traded.get(path, until=date, **query) == ([] if is_long_ago else rows)


@pytest.fixture
def traded(holder):
    """Return one with a buy on Monday, a sale and two fees on Tuesday, a buy on Wednesday."""
    holder.send("XYZ", 10, "sell", "limit", "105")
    holder.to("2024-11-26T22:00:00Z")
    holder.send("ABC", 3, "buy")
    holder.to("2024-11-27T22:00:00Z")
    return holder


def kinds(rows):
    return " ".join(row["activity_sub_type"] if "date" in row else row["side"] for row in rows)


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({}, "buy TAF REG sell buy"),
        ({"direction": "asc"}, "buy sell REG TAF buy"),
        ({"activity_types": "FILL"}, "buy sell buy"),
        ({"activity_types": "FEE,FILL", "page_size": "2"}, "buy TAF"),
        ({"category": "non_trade_activity"}, "TAF REG"),
        ({"category": "trade_activity", "direction": "asc"}, "buy sell buy"),
        ({"date": "2024-11-26"}, "TAF REG sell"),
        ({"date": "2024-11-26", "page_size": "1"}, "TAF"),
        ({"after": "2024-11-26"}, "buy TAF REG sell"),
        ({"after": "2024-11-26T18:50:00Z"}, "buy TAF REG"),  # exclusive
        ({"until": "2024-11-26T18:50:00Z"}, "buy"),
        ({"after": "2024-11-26", "until": "2024-11-27"}, "TAF REG sell"),
        ({"after": "2024-11-27T22:00:00Z"}, ""),
    ],
)
def test_activity_filters(traded, query, expected):
    assert kinds(traded.get("/v2/account/activities", **query)) == expected


def test_pages_follow_the_last_id(traded):
    for direction in ("asc", "desc"):
        whole = traded.get("/v2/account/activities", direction=direction)
        pages, token = [], None
        while True:
            more = {"page_token": token} if token else {}
            page = traded.get("/v2/account/activities", direction=direction, page_size="2", **more)
            pages += page
            if len(page) < 2:
                break
            token = page[-1]["id"]
        assert pages == whole


def test_fill_row(traded):
    row = traded.get("/v2/account/activities/FILL", direction="asc")[1]
    order = traded.get("/v2/orders", status="closed", symbols="XYZ")[0]

    # 13:50 in New York
    assert row.pop("id").startswith("20241126135000000::")
    assert row == {
        "activity_type": "FILL", "transaction_time": "2024-11-26T18:50:00Z", "type": "fill",
        "price": "105", "qty": "10", "side": "sell", "symbol": "XYZ", "leaves_qty": "0",
        "order_id": order["id"], "cum_qty": "10", "order_status": "filled",
    }  # fmt: skip


def test_activity_id_carries_new_york_time():
    # the instant of a recorded example: 13:30:14.199812 UTC in summer is 09:30:14.199
    assert activity_id(1, 1, instant_of(1591191014199812)).startswith("20200603093014199::")


@pytest.mark.parametrize(
    ("path", "query"),
    [
        ("/v2/account/activities/GIFT", {}),
        ("/v2/account/activities", {"activity_types": "FILL,GIFT"}),
        ("/v2/account/activities", {"activity_types": "FILL", "category": "trade_activity"}),
        ("/v2/account/activities", {"category": "other"}),
        ("/v2/account/activities", {"page_token": "unknown"}),
        ("/v2/account/activities", {"page_size": "none"}),
        ("/v2/account/activities", {"date": "26.11."}),
    ],
)
def test_bad_activity_requests(traded, path, query):
    assert traded.ask("GET", path, query)[0] == 422


def test_unknown_activity_type_is_named(queued):
    assert queued.ask("GET", "/v2/account/activities/GIFT")[1]["message"] == (
        "invalid activity type: GIFT"
    )


# ------------------------------------------------------------------------------- bars


def bars(someone, **query):
    return someone.get("/v2/stocks/bars", **({"timeframe": "1Day", "start": "2024-11-25"} | query))


def test_daily_bars_are_complete_at_the_clock(queued):
    assert [bar["t"] for bar in bars(queued, symbols="XYZ,NONE")["bars"]["XYZ"]] == [
        "2024-11-25T05:00:00Z"
    ]
    queued.to("2024-11-26T20:59:59Z")
    assert len(bars(queued, symbols="XYZ")["bars"]["XYZ"]) == 1
    queued.to("2024-11-26T21:00:00Z")
    assert bars(queued, symbols="XYZ,NONE") == {
        "bars": {
            "XYZ": [
                {"t": "2024-11-25T05:00:00Z", "o": 99.0, "h": 101.0, "l": 97.0, "c": 98.0,
                 "v": 1000, "n": 0, "vw": 98.6667},
                {"t": "2024-11-26T05:00:00Z", "o": 100.0, "h": 106.0, "l": 94.0, "c": 102.0,
                 "v": 1000, "n": 0, "vw": 100.6667},
            ]
        },
        "next_page_token": None,
    }  # fmt: skip


def test_nothing_to_show_is_an_empty_object(queued):
    assert bars(queued, symbols="NONE") == {"bars": {}, "next_page_token": None}


@pytest.mark.parametrize("sort", ["asc", "desc"])
def test_pages_count_across_symbols(queued, sort):
    queued.to("2024-12-03T00:00:00Z")
    seen, token, pages = [], "", 0
    while token is not None:
        page = bars(queued, symbols="XYZ,ABC", limit="3", sort=sort, page_token=token)
        assert sum(len(each) for each in page["bars"].values()) <= 3
        seen += [(symbol, bar["t"][:10]) for symbol, each in page["bars"].items() for bar in each]
        token, pages = page["next_page_token"], pages + 1
    days = ["2024-11-25", "2024-11-26", "2024-11-27", "2024-11-29", "2024-12-02"]
    days = days if sort == "asc" else days[::-1]

    assert seen == [(symbol, day) for symbol in ("ABC", "XYZ") for day in days]
    assert pages == 4


def test_bounds_are_inclusive(queued):
    queued.to("2024-12-03T00:00:00Z")
    page = bars(
        queued, symbols="XYZ", start="2024-11-26T05:00:00+00:00", end="2024-11-29T05:00:00+00:00"
    )

    assert [bar["t"][:10] for bar in page["bars"]["XYZ"]] == [
        "2024-11-26", "2024-11-27", "2024-11-29",
    ]  # fmt: skip


def test_minute_bars_are_complete_at_the_clock():
    minutes = {
        ("2024-11-26", "MIN"): [
            ("2024-11-26T14:30:00Z", 50, 52, 49, 51),
            ("2024-11-26T14:31:00Z", 48, 49, 47, 48.5),
        ]
    }
    someone = customer({"2024-11-26": {"MIN": (50, 90, 10, 50)}}, minutes)
    seen = []
    for second in ("30:59", "31:00", "32:00"):
        someone.to(f"2024-11-26T14:{second}Z")
        page = someone.get(
            "/v2/stocks/bars", symbols="MIN,NONE", timeframe="1Min", start="2024-11-26"
        )
        seen.append(len(page["bars"].get("MIN", [])))

    assert seen == [0, 1, 2]


@pytest.mark.parametrize(
    "query",
    [
        {"timeframe": "60Min"}, {"timeframe": "24Hour"}, {"timeframe": "5Month"},
        {"timeframe": ""}, {"timeframe": "0Min"}, {"timeframe": "2Day"},
        {"feed": "cnn"}, {"adjustment": "raw,none"}, {"end": "2024-13-01"},
        {"limit": "10001"}, {"limit": "0"},
        {"sort": "up"}, {"page_token": "%%%"}, {"start": "soon"}, {"symbols": ""},
    ],
)  # fmt: skip
def test_bad_bar_requests_have_a_message_only(queued, query):
    status, body = queued.ask(
        "GET", "/v2/stocks/bars", {"symbols": "XYZ", "timeframe": "1Day"} | query
    )

    assert status == 400
    assert set(body) == {"message"}


def test_limit_above_the_maximum_is_named(queued):
    _, body = queued.ask(
        "GET", "/v2/stocks/bars", {"symbols": "XYZ", "timeframe": "1Day", "limit": "10001"}
    )

    assert body["message"] == "invalid limit: larger than the allowed maximum of 10000"
