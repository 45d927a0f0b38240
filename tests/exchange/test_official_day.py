"""One scripted day of alpaca-py's four clients: trading, stock data, corporate actions, stream.

Nothing about them is changed but their address. The day is the half day after Thanksgiving. XYZ
prints 95, 93, 98 and 97, at 9:30, 10:40, 11:50 and 13:00; ABC, halved that morning, 42, 41, 43, 42.
"""

import asyncio
import datetime as dt
import threading
import time

import pytest

from tests.exchange.market import KEY, SECRET

pytestmark = pytest.mark.slow

#: What became of each order, as the stream told it.
TOLD = {
    "opening": ["new", "fill"],
    "closing": ["new", "fill"],
    "worth": ["new", "fill"],
    "bracket": ["new", "fill"],
    "bracket's profit": ["new", "fill"],
    "bracket's loss": ["new", "canceled"],
    "oto": ["new", "fill"],
    "oto's loss": ["new"],
    "stop": ["new", "fill"],
    "stop limit": ["new", "fill"],
    "missed": ["new", "canceled"],
    "trailing": ["new", "replaced"],
    "trailing farther": ["new", "canceled"],
    "oco": ["new", "fill"],
    "oco's loss": ["new", "canceled"],
    "never": ["new", "canceled"],
    "at once": ["new", "fill"],
    "limit": ["new", "replaced"],
    "limit, more": ["new", "fill"],
}


class Trader:
    """Sends orders through the official client and gives each of them a name."""

    def __init__(self, client):
        self.client, self.orders = client, {}

    def send(self, name, kind, symbol, quantity, tif, *, sells=False, **more):
        from alpaca.trading import requests as forms
        from alpaca.trading.enums import OrderSide, TimeInForce

        size = {"notional": quantity[0]} if isinstance(quantity, tuple) else {"qty": quantity}
        form = getattr(forms, f"{kind}OrderRequest")
        side = OrderSide.SELL if sells else OrderSide.BUY
        request = form(symbol=symbol, side=side, time_in_force=TimeInForce(tif), **size, **more)
        return self.name(name, self.client.submit_order(request))

    def replace(self, name, order, **changes):
        from alpaca.trading.requests import ReplaceOrderRequest

        changed = self.client.replace_order_by_id(order.id, ReplaceOrderRequest(**changes))
        return self.name(name, changed)

    def name(self, name, order):
        self.orders[name] = order
        for leg in order.legs or ():
            part = "loss" if leg.stop_price else "profit"
            self.orders[f"{name}'s {part}"] = leg
        return order

    def now(self, name):
        return self.client.get_order_by_id(self.orders[name].id)


@pytest.fixture
def trader(client):
    return Trader(client)


@pytest.fixture
def told(url):
    """Return what the stream tells, as it grows: event and update."""
    from alpaca.trading.stream import TradingStream

    stream = TradingStream(KEY, SECRET, url_override=url.replace("http", "ws") + "/stream")
    heard, hello = [], threading.Event()

    async def keep(update):
        heard.append(update)

    async def listening(message, consume=stream._dispatch):
        if message.get("stream") == "listening":
            hello.set()
        await consume(message)

    stream._dispatch = listening  # the only way to know that it listens
    stream.subscribe_trade_updates(keep)
    threading.Thread(target=stream.run, daemon=True).start()
    assert hello.wait(20)
    yield heard
    asyncio.run_coroutine_threadsafe(stream.stop_ws(), stream._loop).result(5)


def test_every_kind_of_order_in_one_day(trader, told, advance, data, actions):
    advance("2024-11-29T13:00:00Z")
    before_the_open(trader)
    advance("2024-11-29T14:35:00Z")
    in_hours(trader)
    advance("2024-11-29T18:30:00Z")

    holds_what_it_should(trader)
    _until(lambda: len(told) >= sum(map(len, TOLD.values())))
    the_stream_told_all(trader, told)
    the_activities_page(trader)
    the_data_fit(data, actions)


def before_the_open(trader):
    from alpaca.trading.enums import OrderClass
    from alpaca.trading.requests import StopLossRequest, TakeProfitRequest

    profit, loss = TakeProfitRequest(limit_price=97.5), StopLossRequest(stop_price=80)
    trader.send("opening", "Market", "XYZ", 10, "opg")
    trader.send("closing", "Market", "XYZ", 10, "cls")
    worth = trader.send("worth", "Market", "XYZ", (950,), "day")
    assert (worth.qty, worth.notional) == (None, "950")
    bracket = trader.send(
        "bracket", "Limit", "XYZ", 10, "gtc", limit_price=94, order_class=OrderClass.BRACKET,
        take_profit=profit, stop_loss=loss,
    )  # fmt: skip
    assert [leg.status.value for leg in bracket.legs] == ["held", "held"]
    trader.send("oto", "Market", "XYZ", 10, "gtc", order_class=OrderClass.OTO, stop_loss=loss)
    trader.send("stop", "Stop", "ABC", 2, "day", stop_price=42.5)
    trader.send("stop limit", "StopLimit", "ABC", 2, "day", stop_price=42.5, limit_price=43)
    trader.send("missed", "Limit", "ABC", 5, "day", limit_price=30)


def in_hours(trader):
    from alpaca.trading.enums import OrderClass
    from alpaca.trading.requests import StopLossRequest, TakeProfitRequest

    client = trader.client
    trailing = trader.send(
        "trailing", "TrailingStop", "XYZ", 10, "gtc", sells=True, trail_percent=10
    )
    assert (trailing.hwm, trailing.stop_price) == ("95", "85.5")
    trailing = trader.replace("trailing farther", trailing, trail=20)
    assert (trailing.hwm, trailing.stop_price) == ("95", "76")
    client.cancel_order_by_id(trailing.id)
    trader.send(
        "oco", "Limit", "XYZ", 10, "gtc", sells=True, order_class=OrderClass.OCO,
        take_profit=TakeProfitRequest(limit_price=97.5), stop_loss=StopLossRequest(stop_price=80),
    )  # fmt: skip
    trader.send("never", "Limit", "XYZ", 10, "ioc", limit_price=85)
    trader.send("at once", "Limit", "XYZ", 5, "fok", limit_price=96)
    limit = trader.send("limit", "Limit", "XYZ", 3, "day", limit_price=90)
    trader.replace("limit, more", limit, qty=4, limit_price=94.5)
    client.cancel_order_by_id(trader.orders["missed"].id)


def holds_what_it_should(trader):
    from alpaca.trading.enums import QueryOrderStatus
    from alpaca.trading.requests import GetOrdersRequest

    prices = {
        "opening": "95", "closing": "97", "worth": "95", "bracket": "94",
        "bracket's profit": "97.5", "oto": "95", "stop": "42.5", "stop limit": "42.5",
        "oco": "97.5", "at once": "95", "limit, more": "94.5",
    }  # fmt: skip
    assert {name: trader.now(name).filled_avg_price for name in prices} == prices
    old, new = trader.now("limit"), trader.now("limit, more")
    assert (old.status.value, old.replaced_by, new.replaces) == ("replaced", new.id, old.id)
    held = {each.symbol: each.qty for each in trader.client.get_all_positions()}
    assert held == {"XYZ": "39", "ABC": "4"}  # 59 bought, 20 sold
    (left,) = trader.client.get_orders(GetOrdersRequest(status=QueryOrderStatus.OPEN))
    assert left.id == trader.orders["oto's loss"].id
    nested = trader.client.get_orders(GetOrdersRequest(status=QueryOrderStatus.ALL, nested=True))
    legs = {each.id: len(each.legs or ()) for each in nested}
    assert legs[trader.orders["bracket"].id] == 2
    assert trader.orders["bracket's loss"].id not in legs


def the_stream_told_all(trader, told):
    names = {order.id: name for name, order in trader.orders.items()}
    events = {}
    for update in told:
        events.setdefault(names[update.order.id], []).append(str(update.event))
    assert events == TOLD
    (fill,) = [u for u in told if str(u.event) == "fill" and names[u.order.id] == "oco"]
    assert (fill.price, fill.qty, fill.order.filled_avg_price) == (97.5, 10, "97.5")
    assert fill.execution_id is not None


def the_activities_page(trader):
    seen, token = [], None
    while True:
        query = {"page_size": 4, "direction": "asc"} | ({"page_token": token} if token else {})
        page = trader.client.get("/account/activities/FILL", query)
        seen += page
        if len(page) < 4:
            break
        token = page[-1]["id"]
    filled = [name for name, events in TOLD.items() if events[-1] == "fill"]
    assert len({row["id"] for row in seen}) == len(seen)
    assert sorted(row["order_id"] for row in seen) == sorted(
        str(trader.orders[name].id) for name in filled
    )
    (fees,) = [trader.client.get("/account/activities/FEE")]
    assert {row["activity_sub_type"] for row in fees} == {"REG", "TAF"}


def the_data_fit(data, actions):
    from alpaca.data.requests import CorporateActionsRequest, StockBarsRequest
    from alpaca.data.timeframe import TimeFrame

    start = dt.datetime(2024, 11, 27, tzinfo=dt.UTC)
    bars = data.get_stock_bars(
        StockBarsRequest(symbol_or_symbols=["XYZ", "ABC"], timeframe=TimeFrame.Day, start=start)
    )
    assert [(bar.low, bar.high) for bar in bars["XYZ"]] == [(90, 99), (93, 98)]
    day = dt.date(2024, 11, 29)
    found = actions.get_corporate_actions(
        CorporateActionsRequest(symbols=["ABC"], start=day, end=day)
    )
    assert [each.ex_date for each in found.data["forward_splits"]] == [day]


def _until(condition):
    for _ in range(200):
        if condition():
            return
        time.sleep(0.05)
    pytest.fail("it never happened")
