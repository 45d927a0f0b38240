"""What the checks say has happened before, by their own words."""

from tests.exchange.conformance_world import EVENING, IN_HOURS


def hold_ten(world):
    """Hold ten AAPL, in regular hours."""
    world.order(qty="10")
    world.to(IN_HOURS)


def hundreds_of_requests(world):
    for _ in range(200):
        assert world.send("GET", "/v2/account").status_code == 200


def resting_order(world):
    world.places["$ID"] = world.order(type="limit", limit_price="50.00")["id"]


BEFORE = {
    "200 requests already made in this simulated minute": hundreds_of_requests,
    "POST order client_order_id=c-dup accepted": lambda world: world.order(client_order_id="c-dup"),
    "asset HALT exists with tradable=false": lambda world: world.ask(
        "POST", "/_sim/assets/HALT", body={"tradable": False}
    ),
    "long 10 AAPL": hold_ten,
    "open GTC stop sell for 10 AAPL": lambda world: world.order(
        qty="10", side="sell", type="stop", stop_price="80", time_in_force="gtc"
    ),
    "open plain limit sell 5 AAPL at 100.00": lambda world: world.order(
        qty="5", side="sell", type="limit", limit_price="100.00"
    ),
    "simulated clock 16:30 ET": lambda world: world.to(EVENING),
    "market closed": lambda world: None,  # every check begins before the open
    "fault injection: drop after accept on next POST /v2/orders": lambda world: world.ask(
        "POST",
        "/_sim/faults",
        body={"kind": "drop-after-accept", "method": "POST", "path": "/v2/orders"},
    ),
    "order $ID status accepted": resting_order,
    "open order $ID": resting_order,
}
