"""Whatever a customer does: cash is accounted for to the cent, shares are never oversold.

The oracle reads the wire only: it adds up activities and bars by itself.
"""

from collections import defaultdict
from decimal import ROUND_HALF_EVEN, Decimal

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from quantcli.contracts.scalars import instant
from tests.exchange.market import customer

CENT = Decimal("0.01")
DAYS = ("2024-11-26", "2024-11-27", "2024-11-29")
HALF_DAY = "2024-11-29"
STAMPS = ("13:00", "14:30", "15:00", "16:00", "16:40", "17:30", "18:30", "20:00", "21:00", "22:30")

prices = st.integers(min_value=500, max_value=1500).map(lambda cents: cents / 100)


@st.composite
def daily_bars(draw):
    values = sorted(draw(st.tuples(prices, prices, prices, prices)))
    opened, close = draw(st.permutations([values[1], values[2]]))
    return opened, values[3], values[0], close


markets = st.fixed_dictionaries(
    {
        day: st.dictionaries(st.sampled_from(["AAA", "BBB"]), daily_bars())
        for day in ("2024-11-25", *DAYS)
    }
)
orders = st.fixed_dictionaries(
    {
        "symbol": st.sampled_from(["AAA", "BBB"]),
        "qty": st.sampled_from(["1", "3", "10", "40", "0.75", "2.333333333"]),
        "side": st.sampled_from(["buy", "sell"]),
        "type": st.sampled_from(["market", "limit", "stop"]),
        "time_in_force": st.sampled_from(["day", "gtc"]),
        "price": prices,
    }
)
deeds = st.one_of(
    st.tuples(st.just("send"), orders),
    st.tuples(st.just("cancel"), st.integers(0, 5)),
    st.tuples(st.just("replace"), st.integers(0, 5), prices, st.sampled_from([1, 2, 8])),
    st.tuples(st.just("wait"), st.integers(1, 4)),
    st.tuples(st.just("close"), st.sampled_from(["AAA", "BBB"])),
)


def act(someone, deed, instants):
    """Do one deed; refusals are part of the game."""
    kind, *more = deed
    if kind == "send":
        body = dict(more[0])
        price = body.pop("price")
        if body["type"] != "market":
            body[f"{body['type']}_price"] = price
        status, answer = someone.ask("POST", "/v2/orders", body=body)
    elif kind == "wait":
        for _ in range(more[0]):
            at = next(instants, None)
            if at is not None:
                someone.to(at)
        return
    elif kind == "close":
        status, answer = someone.ask("DELETE", f"/v2/positions/{more[0]}")
    else:
        working = someone.get("/v2/orders")
        if len(working) <= more[0]:
            return
        path = f"/v2/orders/{working[more[0]]['id']}"
        if kind == "cancel":
            status, answer = someone.ask("DELETE", path)
        else:
            name = f"{working[more[0]]['type']}_price"
            status, answer = someone.ask("PATCH", path, body={name: more[1], "qty": more[2]})
    assert status < 500, answer


def check(someone, opening_cash):
    """Hold the wire's figures against the sum of the activities."""
    cash, shares = Decimal(opening_cash), defaultdict(Decimal)
    fees = Decimal(0)
    for row in someone.get("/v2/account/activities", direction="asc", page_size="100"):
        if row["activity_type"] == "FEE":
            fees += Decimal(row["net_amount"])
            continue
        quantity, price = Decimal(row["qty"]), Decimal(row["price"])
        amount = (quantity * price).quantize(CENT, ROUND_HALF_EVEN)
        sign = 1 if row["side"] == "buy" else -1
        cash -= sign * amount
        shares[row["symbol"]] += sign * quantity
        assert shares[row["symbol"]] >= 0
        if row["side"] == "buy":
            assert cash + fees >= 0, "bought with money that was not there"
    account = someone.get("/v2/account")
    assert Decimal(account["cash"]) == cash + fees
    positions = {row["symbol"]: row for row in someone.get("/v2/positions")}
    assert {s: Decimal(r["qty"]) for s, r in positions.items()} == {
        symbol: quantity for symbol, quantity in shares.items() if quantity
    }
    value = sum((Decimal(row["market_value"]) for row in positions.values()), Decimal(0))
    assert Decimal(account["equity"]) == cash + fees + value
    held = defaultdict(Decimal)
    for row in someone.get("/v2/orders", limit="500"):
        if row["side"] == "sell":
            held[row["symbol"]] += Decimal(row["qty"]) - Decimal(row["filled_qty"])
    for symbol, quantity in held.items():
        assert quantity <= Decimal(positions[symbol]["qty"])
        assert Decimal(positions[symbol]["qty_available"]) == shares[symbol] - quantity


def check_orders(someone, bars):
    """Hold each fill against its order and the bar of its day."""
    rows = {row["id"]: row for row in someone.get("/v2/orders", status="all", limit="500")}
    for fill in someone.get("/v2/account/activities/FILL"):
        order, price = rows[fill["order_id"]], Decimal(fill["price"])
        assert order["status"] == "filled"
        assert instant(fill["transaction_time"]) >= instant(order["submitted_at"])
        _, high, low, _ = map(
            Decimal, map(str, bars[fill["transaction_time"][:10]][fill["symbol"]])
        )
        slip = Decimal("0.02")  # 5 basis points of at most 15 dollars, rounded up
        assert low - slip <= price <= high + slip
        if order["type"] == "limit":
            limit = Decimal(order["limit_price"])
            assert price <= limit if fill["side"] == "buy" else price >= limit
    for order in rows.values():
        if order["time_in_force"] == "day" and order["status"] in {"new", "accepted"}:
            assert instant(order["expires_at"]) > someone.exchange.clock


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(bars=markets, todo=st.lists(deeds, max_size=25), cash=st.sampled_from([150, 1000, 100_000]))
def test_money_and_shares_are_conserved(bars, todo, cash):
    someone = customer(bars, cash=cash)
    instants = iter([f"{day}T{stamp}:00Z" for day in DAYS for stamp in STAMPS][1:])
    for deed in todo:
        act(someone, deed, instants)
        check(someone, cash)
    someone.to("2024-11-30T00:00:00Z")
    check(someone, cash)
    check_orders(someone, bars)


@settings(max_examples=25, suppress_health_check=[HealthCheck.too_slow])
@given(bars=markets, sent=st.lists(orders, max_size=6), steps=st.sets(st.sampled_from(STAMPS)))
def test_stepping_and_leaping_agree(bars, sent, steps):
    """How often the clock is moved does not matter, only where it gets to."""
    pair = [customer(bars), customer(bars)]
    for someone in pair:
        for body in sent:
            act(someone, ("send", body), iter(()))
    for day in DAYS:
        for stamp in sorted(steps):
            pair[0].to(f"{day}T{stamp}:00Z")
    for someone in pair:
        someone.to("2024-11-30T00:00:00Z")

    for path in ("/v2/account", "/v2/positions", "/v2/account/activities"):
        assert pair[0].get(path) == pair[1].get(path)
    everything = [someone.get("/v2/orders", status="all") for someone in pair]
    assert everything[0] == everything[1]
