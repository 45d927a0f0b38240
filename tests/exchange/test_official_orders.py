"""alpaca-py's own client sends every kind of order to `quantcli exchange serve`.

AAPL on Monday prints 92, 90, 100 and 96; before it closed at 95.
"""

import pytest

from tests.exchange.conformance_world import IN_HOURS, MORNING, World, make_market

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def template(tmp_path_factory):
    return make_market(tmp_path_factory.mktemp("orders"))


@pytest.fixture
def served(template, tmp_path):
    """Return a function that serves the market with options and returns world and client."""
    worlds = []

    def serve(*options):
        from alpaca.trading.client import TradingClient

        world = World(template, tmp_path / "desk", *options)
        worlds.append(world)
        world.to(MORNING)
        client = TradingClient(world.key, world.secret, url_override=world.url)
        client._session.trust_env = False
        return world, client

    yield serve
    for world in worlds:
        world.close()


def test_every_kind_of_order(served):
    from alpaca.trading.enums import (
        OrderClass,
        OrderSide,
        OrderStatus,
        OrderType,
        QueryOrderStatus,
        TimeInForce,
    )
    from alpaca.trading.requests import (
        GetOrdersRequest,
        LimitOrderRequest,
        MarketOrderRequest,
        ReplaceOrderRequest,
        StopLimitOrderRequest,
        StopLossRequest,
        StopOrderRequest,
        TakeProfitRequest,
        TrailingStopOrderRequest,
    )

    world, client = served()
    buy = {"symbol": "AAPL", "side": OrderSide.BUY, "qty": 10}
    sell = {"symbol": "AAPL", "side": OrderSide.SELL, "qty": 10}
    day, gtc = TimeInForce.DAY, TimeInForce.GTC
    profit, loss = TakeProfitRequest(limit_price=99.5), StopLossRequest(stop_price=80)

    bracket = client.submit_order(
        LimitOrderRequest(**buy, limit_price=91, time_in_force=gtc, take_profit=profit,
                          order_class=OrderClass.BRACKET, stop_loss=loss)
    )  # fmt: skip
    assert bracket.order_class is OrderClass.BRACKET
    assert [leg.status for leg in bracket.legs] == [OrderStatus.HELD] * 2
    opening = client.submit_order(MarketOrderRequest(**buy, time_in_force=TimeInForce.OPG))
    closing = client.submit_order(MarketOrderRequest(**buy, time_in_force=TimeInForce.CLS))
    worth = client.submit_order(
        MarketOrderRequest(symbol="AAPL", side=OrderSide.BUY, notional=920, time_in_force=day)
    )
    assert (worth.qty, worth.notional) == (None, "920")
    oto = client.submit_order(
        MarketOrderRequest(**buy, time_in_force=gtc, order_class=OrderClass.OTO, stop_loss=loss)
    )
    world.to(IN_HOURS)
    assert client.get_order_by_id(opening.id).filled_avg_price == "92"
    assert client.get_order_by_id(worth.id).filled_qty == "10"
    assert client.get_order_by_id(oto.legs[0].id).status is OrderStatus.NEW

    trailing = client.submit_order(
        TrailingStopOrderRequest(**sell, time_in_force=gtc, trail_percent=10)
    )
    assert (trailing.type, trailing.hwm, trailing.stop_price) == (
        OrderType.TRAILING_STOP, "92", "82.8",
    )  # fmt: skip
    trailing = client.replace_order_by_id(trailing.id, ReplaceOrderRequest(trail=20))
    assert trailing.stop_price == "73.6"
    client.cancel_order_by_id(trailing.id)
    oco = client.submit_order(
        LimitOrderRequest(**sell, time_in_force=gtc, order_class=OrderClass.OCO,
                          take_profit=profit, stop_loss=loss)
    )  # fmt: skip
    assert (oco.type, oco.limit_price, oco.legs[0].type) == (
        OrderType.LIMIT, "99.5", OrderType.STOP,
    )  # fmt: skip
    never = client.submit_order(
        LimitOrderRequest(**buy, limit_price=85, time_in_force=TimeInForce.IOC)
    )
    assert client.get_order_by_id(never.id).status is OrderStatus.CANCELED
    other = {"symbol": "MSFT", "side": OrderSide.BUY, "qty": 1, "time_in_force": day}
    stop = client.submit_order(StopOrderRequest(**other, stop_price=409))
    client.submit_order(StopLimitOrderRequest(**other, stop_price=409, limit_price=410))

    listed = client.get_orders(GetOrdersRequest(status=QueryOrderStatus.ALL, nested=True))
    assert {each.id: len(each.legs or []) for each in listed} == {
        each.id: len(each.legs or [])
        for each in (bracket, opening, closing, worth, oto, oco, never, stop, *listed)
    }
    world.to("2026-03-02T22:00:00Z")
    filled = [bracket.id, bracket.legs[0].id, oco.id, closing.id, stop.id]
    assert [client.get_order_by_id(each).status for each in filled] == [OrderStatus.FILLED] * 5
    assert client.get_order_by_id(oco.legs[0].id).status is OrderStatus.CANCELED
    assert client.get_order_by_id(closing.id).filled_avg_price == "96"


def test_served_with_a_part_of_each_print(served):
    from alpaca.trading.enums import OrderSide, OrderStatus, TimeInForce
    from alpaca.trading.requests import LimitOrderRequest

    world, client = served("--volume-share", "0.00002")  # 5 of 250,000 shares
    booked = client.submit_order(
        LimitOrderRequest(symbol="AAPL", side=OrderSide.BUY, qty=12, limit_price=93,
                          time_in_force=TimeInForce.DAY)
    )  # fmt: skip
    world.to(IN_HOURS)

    after = client.get_order_by_id(booked.id)
    assert (after.status, after.filled_qty) == (OrderStatus.PARTIALLY_FILLED, "5")
