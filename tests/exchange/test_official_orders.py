"""alpaca-py's own client sends orders to `quantcli exchange serve` with options.

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
