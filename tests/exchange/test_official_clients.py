"""alpaca-py's own clients over real HTTP, with nothing but the address changed.

Orders are in `test_over_http`, a day from hello to good night in `test_official_day`; here is
everything else.
"""

import datetime as dt

import pytest

#: Sent by nobody any more, or by no cash account.
NOT_SENT = {
    "pattern_day_trader", "daytrade_count", "daytrading_buying_power", "pending_transfer_in",
    "pending_transfer_out",
}  # fmt: skip


def utc(*parts):
    return dt.datetime(*parts, tzinfo=dt.UTC)


def buy(client, symbol, quantity, **more):
    from alpaca.trading.enums import OrderSide, TimeInForce
    from alpaca.trading.requests import LimitOrderRequest, MarketOrderRequest

    common = {
        "symbol": symbol, "qty": quantity, "side": OrderSide.BUY, "time_in_force": TimeInForce.DAY,
    }  # fmt: skip
    kind = LimitOrderRequest if "limit_price" in more else MarketOrderRequest
    return client.submit_order(kind(**common, **more))


def test_account_has_every_field_of_the_model(client):
    account = client.get_account()

    missing = {name for name, value in account.model_dump().items() if value is None}
    assert missing == NOT_SENT
    assert str(account.status.value) == "ACTIVE"
    assert account.account_number.startswith("PA")


def test_configurations_are_read_and_written(client):
    from alpaca.common.exceptions import APIError

    switches = client.get_account_configurations()
    switches.suspend_trade = True
    switches.max_margin_multiplier = "2"

    changed = client.set_account_configurations(switches)
    assert (changed.suspend_trade, changed.max_margin_multiplier) == (True, "2")
    assert client.get_account_configurations() == changed
    assert client.get_account().trade_suspended_by_user is True
    with pytest.raises(APIError) as refused:
        buy(client, "XYZ", 1)
    assert refused.value.message == "new orders are rejected by user request"


def test_clock_and_calendar_of_a_half_day(client, advance):
    from alpaca.trading.requests import GetCalendarRequest

    advance("2024-11-29T17:59:59Z")
    clock = client.get_clock()
    assert clock.is_open is True
    assert clock.next_close == utc(2024, 11, 29, 18)
    assert clock.next_open == utc(2024, 12, 2, 14, 30)
    days = client.get_calendar(
        GetCalendarRequest(start=dt.date(2024, 11, 27), end=dt.date(2024, 12, 2))
    )
    assert [(day.date.day, day.close.hour) for day in days] == [(27, 16), (29, 13), (2, 16)]


def test_assets(client):
    from alpaca.trading.enums import AssetClass, AssetExchange, AssetStatus
    from alpaca.trading.requests import GetAssetsRequest

    def symbols(**wanted):
        return [each.symbol for each in client.get_all_assets(GetAssetsRequest(**wanted))]

    assert symbols(status=AssetStatus.ACTIVE, asset_class=AssetClass.US_EQUITY) == ["ABC", "XYZ"]
    assert symbols(asset_class=AssetClass.CRYPTO) == symbols(exchange=AssetExchange.OTC) == []
    asset = client.get_asset("XYZ")
    assert client.get_asset(str(asset.id)) == asset


def test_there_are_no_options(client):
    from alpaca.common.exceptions import APIError
    from alpaca.trading.requests import GetOptionContractsRequest

    found = client.get_option_contracts(GetOptionContractsRequest(underlying_symbols=["XYZ"]))
    assert found.option_contracts == []
    with pytest.raises(APIError) as refused:
        client.get_option_contract("XYZ241220C00100000")
    assert refused.value.status_code == 404


def test_all_positions_are_closed(client, advance):
    buy(client, "XYZ", 6)
    buy(client, "ABC", 2)
    advance("2024-11-26T15:00:00Z")
    resting = buy(client, "XYZ", 1, limit_price=50)

    assert [(each.symbol, each.qty) for each in client.get_all_positions()] == [
        ("ABC", "2"), ("XYZ", "6"),
    ]  # fmt: skip
    rows = client.close_all_positions(cancel_orders=True)
    assert [(row.symbol, row.status) for row in rows] == [
        (str(resting.id), 200), ("ABC", 200), ("XYZ", 200),
    ]  # fmt: skip
    assert rows[1].body.side.value == "sell"
    assert client.get_all_positions() == []


def test_part_of_a_position_is_closed_by_percentage(client, advance):
    from alpaca.trading.requests import ClosePositionRequest

    buy(client, "XYZ", 8)
    advance("2024-11-26T15:00:00Z")
    closing = client.close_position("XYZ", ClosePositionRequest(percentage="25"))

    assert closing.qty == "2"
    assert client.get_open_position(str(closing.asset_id)).qty == "6"


def test_activities_page_by_page(client, session, url, advance):
    for number in range(5):
        buy(client, "XYZ", number + 1)
    advance("2024-11-26T22:00:00Z")
    dividend = {"activity_type": "DIV", "symbol": "XYZ", "qty": "15", "net_amount": "3"}
    session.post(f"{url}/_sim/activities", json=dividend, timeout=10).raise_for_status()
    seen, token = [], None
    while True:
        query = {"page_size": 4, "direction": "asc"} | ({"page_token": token} if token else {})
        page = client.get("/account/activities", query)
        seen += page
        if len(page) < 4:
            break
        token = page[-1]["id"]

    assert [row.get("qty") for row in seen] == ["1", "2", "3", "4", "5", "15"]
    assert client.get("/account/activities/DIV")[0]["per_share_amount"] == "0.2"
    assert client.get("/account/activities", {"date": "2024-11-25"}) == []


def test_portfolio_history(client, advance):
    from alpaca.trading.enums import ActivityType
    from alpaca.trading.requests import GetPortfolioHistoryRequest

    buy(client, "XYZ", 10)
    advance("2024-11-27T22:00:00Z")

    days = client.get_portfolio_history(GetPortfolioHistoryRequest(period="1W", timeframe="1D"))
    assert days.equity == [100020.0, 99950.0]
    hours = client.get_portfolio_history(
        GetPortfolioHistoryRequest(
            timeframe="1H", start=utc(2024, 11, 27, 12), end=utc(2024, 11, 27, 22),
            cashflow_types="ALL",
        )
    )  # fmt: skip
    assert hours.equity[-1] == 99950.0
    assert ActivityType.FILL not in hours.cashflow


def test_market_data(data, advance):
    from alpaca.data.enums import Adjustment, DataFeed
    from alpaca.data.requests import (
        StockBarsRequest,
        StockLatestBarRequest,
        StockLatestQuoteRequest,
        StockLatestTradeRequest,
        StockQuotesRequest,
        StockSnapshotRequest,
        StockTradesRequest,
    )
    from alpaca.data.timeframe import TimeFrame, TimeFrameUnit

    advance("2024-12-02T22:00:00Z")
    both = ["ABC", "XYZ", "NONE"]
    start = utc(2024, 11, 25)
    days = data.get_stock_bars(
        StockBarsRequest(
            symbol_or_symbols=both, timeframe=TimeFrame.Day, start=start, limit=7,
            adjustment=Adjustment.ALL, feed=DataFeed.IEX,
        )
    )  # fmt: skip
    assert {symbol: len(bars) for symbol, bars in days.data.items()} == {"ABC": 5, "XYZ": 2}
    assert days["ABC"][0].close == 20.0  # split two for one on the 29th
    weeks = data.get_stock_bars(
        StockBarsRequest(
            symbol_or_symbols="XYZ", timeframe=TimeFrame(1, TimeFrameUnit.Week), start=start
        )
    )
    assert [(bar.open, bar.high, bar.low, bar.close) for bar in weeks["XYZ"]] == [(99, 106, 90, 97)]

    trades = data.get_stock_trades(StockTradesRequest(symbol_or_symbols=both, start=start))
    assert {symbol: len(found) for symbol, found in trades.data.items()} == {"ABC": 20, "XYZ": 20}
    quotes = data.get_stock_quotes(
        StockQuotesRequest(symbol_or_symbols="XYZ", start=utc(2024, 12, 2, 20), limit=10)
    )
    assert [(each.bid_price, each.ask_price) for each in quotes["XYZ"]] == [(102.94, 103.06)]

    newest = {"symbol_or_symbols": both}
    assert data.get_stock_latest_trade(StockLatestTradeRequest(**newest))["XYZ"].price == 103
    assert data.get_stock_latest_quote(StockLatestQuoteRequest(**newest))["ABC"].ask_price == 42.03
    assert data.get_stock_latest_bar(StockLatestBarRequest(**newest))["XYZ"].close == 103
    shots = data.get_stock_snapshot(StockSnapshotRequest(**newest))
    assert set(shots) == {"ABC", "XYZ"}
    shot = shots["XYZ"]
    assert (shot.latest_trade.price, shot.daily_bar.low, shot.previous_daily_bar.close) == (
        103, 96, 97,
    )  # fmt: skip


def test_recent_consolidated_data_are_refused_without_a_code(data):
    from alpaca.common.exceptions import APIError
    from alpaca.data.enums import DataFeed
    from alpaca.data.requests import StockLatestTradeRequest

    with pytest.raises(APIError, match="recent SIP data") as refused:
        data.get_stock_latest_trade(
            StockLatestTradeRequest(symbol_or_symbols="XYZ", feed=DataFeed.SIP)
        )
    assert refused.value.status_code == 403


def test_corporate_actions(actions, advance):
    from alpaca.data.requests import CorporateActionsRequest

    wanted = CorporateActionsRequest(
        symbols=["ABC", "XYZ"], start=dt.date(2024, 11, 1), end=dt.date(2024, 12, 31)
    )

    assert actions.get_corporate_actions(wanted).data == {}
    advance("2024-11-29T15:00:00Z")
    (split,) = actions.get_corporate_actions(wanted).data["forward_splits"]
    assert (split.symbol, split.new_rate, split.old_rate) == ("ABC", 2.0, 1.0)
    assert split.ex_date == dt.date(2024, 11, 29)


@pytest.mark.slow
def test_a_killed_server_remembers_everything(start, session):
    """Killed without a word in the middle of the day, it goes on where it was."""

    def ask(address, path):
        return session.get(address + path, timeout=10).json()

    process, url = start()
    order = {"symbol": "XYZ", "qty": "4", "side": "buy", "type": "market", "time_in_force": "day"}
    resting = order | {
        "symbol": "ABC",
        "type": "limit",
        "limit_price": "20",
        "time_in_force": "gtc",
    }
    for body in (order, resting | {"client_order_id": "resting"}):
        session.post(f"{url}/v2/orders", json=body, timeout=10).raise_for_status()
    session.post(f"{url}/_sim/clock", json={"to": "2024-11-27T17:00:00Z"}, timeout=10)
    session.patch(
        f"{url}/v2/account/configurations", json={"trade_confirm_email": "all"}, timeout=10
    ).raise_for_status()
    dividend = {"activity_type": "DIV", "symbol": "XYZ", "qty": "4", "net_amount": "1"}
    session.post(f"{url}/_sim/activities", json=dividend, timeout=10).raise_for_status()
    paths = [
        "/v2/account", "/v2/account/configurations", "/v2/account/activities", "/v2/positions",
        "/v2/account/portfolio/history?timeframe=1D", "/v2/orders?status=all", "/v2/clock",
        "/v2/assets", "/v2/stocks/snapshots?symbols=ABC,XYZ",
    ]  # fmt: skip
    before = [ask(url, path) for path in paths]
    process.kill()
    process.wait()
    _, url = start()

    assert [ask(url, path) for path in paths] == before
    assert before[1]["trade_confirm_email"] == "all"
    assert [row["activity_type"] for row in before[2]] == ["DIV", "FILL"]
    assert len(before[4]["equity"]) == 2
    again = session.post(
        f"{url}/v2/orders", json=order | {"client_order_id": "resting"}, timeout=10
    )
    assert (again.status_code, again.json()["message"]) == (422, "client_order_id must be unique")
    session.post(f"{url}/_sim/clock", json={"to": "2024-12-02T22:00:00Z"}, timeout=10)
    assert ask(url, "/v2/positions")[0]["current_price"] == "103"
