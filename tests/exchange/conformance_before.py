"""What the checks say has happened before, by their own words."""

from tests.exchange.conformance_needs import CONTROLS, SHARES, needs


@needs(SHARES)
def hold_ten(world):
    """Hold ten AAPL, in regular hours."""
    world.order(qty="10")
    world.to(world.IN_HOURS)


@needs("would use up the minute of everybody who trades the account")
def hundreds_of_requests(world):
    for _ in range(200):
        assert world.send("GET", "/v2/account").status_code == 200


@needs(CONTROLS)
def halted_asset(world):
    world.ask("POST", "/_sim/assets/HALT", body={"tradable": False})


@needs(CONTROLS)
def next_answer_lost(world):
    fault = {"kind": "drop-after-accept", "method": "POST", "path": "/v2/orders"}
    world.ask("POST", "/_sim/faults", body=fault)


@needs(SHARES)
def resting_stop(world):
    world.order(qty="10", side="sell", type="stop", stop_price="80", time_in_force="gtc")


@needs(SHARES)
def resting_sale(world):
    world.order(qty="5", side="sell", type="limit", limit_price="100.00")


def resting_order(world):
    world.places["$ID"] = world.order(type="limit", limit_price=world.far)["id"]


def duplicate_to_be(world):
    world.order(client_order_id=world.named("c-dup"))


BEFORE = {
    "200 requests already made in this simulated minute": hundreds_of_requests,
    "POST order client_order_id=c-dup accepted": duplicate_to_be,
    "asset HALT exists with tradable=false": halted_asset,
    "long 10 AAPL": hold_ten,
    "open GTC stop sell for 10 AAPL": resting_stop,
    "open plain limit sell 5 AAPL at 100.00": resting_sale,
    "simulated clock 16:30 ET": lambda world: world.be_in_the_evening(),
    "market closed": lambda world: world.be_closed(),
    "fault injection: drop after accept on next POST /v2/orders": next_answer_lost,
    "order $ID status accepted": resting_order,
    "open order $ID": resting_order,
}
