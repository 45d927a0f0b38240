"""Whatever a customer does: cash is accounted for to the cent, shares are never oversold.

The oracle reads the wire only: it adds up activities and bars by itself.
"""

import random
from collections import defaultdict
from decimal import ROUND_HALF_EVEN, Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from quantcli.contracts.scalars import instant
from tests.exchange.market import customer

CENT = Decimal("0.01")
DAYS = ("2024-11-26", "2024-11-27", "2024-11-29")
HALF_DAY = "2024-11-29"
STAMPS = ("13:00", "14:30", "15:00", "16:00", "16:40", "17:30", "18:30", "20:00", "21:00", "22:30")

KINDS = ("stop_limit", "trailing", "bracket", "oco", "oto", "auction", "at_once", "value")
TIMES_IN_FORCE = ("day", "gtc", "opg", "cls", "ioc", "fok")
DEEDS = ("send", "rich", "rich", "rich", "wait", "wait", "cancel", "replace", "close")

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
#: Prices in the order: stop, limit, profit; what does not fit together is refused, as it should be.
three = st.tuples(prices, prices, prices).map(sorted)
richer = st.fixed_dictionaries(
    {
        "symbol": st.sampled_from(["AAA", "BBB"]),
        "qty": st.sampled_from(["1", "3", "10", "40"]),
        "side": st.sampled_from(["buy", "buy", "sell"]),
        "kind": st.sampled_from(KINDS),
        "time_in_force": st.sampled_from(TIMES_IN_FORCE),
        "prices": three,
    }
)
deeds = st.one_of(
    st.tuples(st.just("rich"), richer),
    st.tuples(st.just("send"), orders),
    st.tuples(st.just("cancel"), st.integers(0, 5)),
    st.tuples(st.just("replace"), st.integers(0, 5), prices, st.sampled_from([1, 2, 8])),
    st.tuples(st.just("wait"), st.integers(1, 4)),
    st.tuples(st.just("close"), st.sampled_from(["AAA", "BBB"])),
)


def rich_order(kind, prices, **common):
    """Return the body of an order of a kind; the time in force counts where the kind has many."""
    stop, limit, profit = prices
    exits = {"take_profit": {"limit_price": profit}, "stop_loss": {"stop_price": stop}}
    resting = common | {"time_in_force": "day" if common["time_in_force"] == "day" else "gtc"}
    if kind == "stop_limit":
        return resting | {"type": "stop_limit", "stop_price": stop, "limit_price": limit}
    if kind == "trailing":
        return resting | {"type": "trailing_stop", "trail_percent": 1 + round(stop) % 20}
    if kind in {"bracket", "oto"}:
        kept = exits if kind == "bracket" else {"stop_loss": exits["stop_loss"]}
        entry = {"type": "limit", "limit_price": limit, "order_class": kind, "side": "buy"}
        return resting | entry | kept
    if kind == "oco":
        return resting | {"type": "limit", "order_class": "oco", "side": "sell"} | exits
    if kind == "value":
        body = common | {"type": "market", "time_in_force": "day", "notional": limit}
        del body["qty"]
        return body
    if kind == "auction":
        return common | {"type": "market"}
    return common | {"type": "limit", "limit_price": limit}


def trader(bars, is_long_only=False, **changes):
    """Return a customer who may or may not sell short."""
    someone = customer(bars, **changes)
    switch = {"no_shorting": is_long_only}
    assert someone.ask("PATCH", "/v2/account/configurations", body=switch)[0] == 200
    return someone


def act(someone, deed, instants):
    """Do one deed; refusals are part of the game."""
    kind, *more = deed
    if kind == "send":
        body = dict(more[0])
        price = body.pop("price")
        if body["type"] != "market":
            body[f"{body['type']}_price"] = price
        status, answer = someone.ask("POST", "/v2/orders", body=body)
    elif kind == "rich":
        status, answer = someone.ask("POST", "/v2/orders", body=rich_order(**more[0]))
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
            name = f"{working[more[0]]['type'].removesuffix('_limit')}_price"
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
        before = shares[row["symbol"]]
        cash -= sign * amount
        shares[row["symbol"]] += sign * quantity
        assert before * shares[row["symbol"]] >= 0, "turned around in one fill"
        assert (row["side"] == "sell_short") is (sign < 0 and before <= 0)
        if row["side"] == "buy" and before >= 0:
            assert cash + fees >= 0, "bought with money that was not there"
    account = someone.get("/v2/account")
    assert Decimal(account["cash"]) == cash + fees
    positions = {row["symbol"]: row for row in someone.get("/v2/positions")}
    assert {s: Decimal(r["qty"]) for s, r in positions.items()} == {
        symbol: quantity for symbol, quantity in shares.items() if quantity
    }
    value = sum((Decimal(row["market_value"]) for row in positions.values()), Decimal(0))
    assert Decimal(account["equity"]) == cash + fees + value
    held = held_by_closing(someone)
    for symbol, quantity in held.items():
        sign = 1 if shares[symbol] > 0 else -1
        assert quantity <= abs(Decimal(positions[symbol]["qty"]))
        assert Decimal(positions[symbol]["qty_available"]) == shares[symbol] - sign * quantity


def held_by_closing(someone):
    """Return the shares that closing orders hold: of a group those of its larger live exit."""
    held = defaultdict(Decimal)
    for order in someone.get("/v2/orders", status="all", limit="500", nested="true"):
        live = [
            Decimal(row["qty"] or 0) - Decimal(row["filled_qty"])
            for row in [order, *(order["legs"] or [])]
            if row["position_intent"].endswith("to_close")
            and row["status"] in {"new", "accepted", "partially_filled"}
        ]
        if order["notional"] and live:
            # How many shares it comes to is not shown; the position says what is left free.
            position = someone.position(order["symbol"])
            free = Decimal(position["qty_available"])
            held[order["symbol"]] = abs(Decimal(position["qty"]) - free)
            held[order["symbol"], "by value"] = Decimal(0)
        elif live and (order["symbol"], "by value") not in held:
            held[order["symbol"]] += max(live)
    return {symbol: shares for symbol, shares in held.items() if isinstance(symbol, str)}


def check_groups(someone):
    """Exits close no more than their entry opened, wait for all of it, and end with the group."""
    for order in someone.get("/v2/orders", status="all", limit="500", nested="true"):
        rows = [order, *(order["legs"] or [])]
        sold = sum(Decimal(row["filled_qty"]) for row in rows if row["side"] != order["side"])
        if order["order_class"] in {"bracket", "oto"}:
            assert sold <= Decimal(order["filled_qty"])
            if order["status"] in {"accepted", "new", "partially_filled"}:
                assert [leg["status"] for leg in order["legs"]] == ["held"] * len(order["legs"])
        ended = {"filled", "canceled", "expired", "rejected", "replaced"}
        if order["status"] in ended - {"filled", "replaced"} and order["order_class"] != "":
            assert all(leg["status"] in ended for leg in order["legs"] or [])


def check_orders(someone, bars):
    """Hold each fill against its order and the bar of its day."""
    rows = {row["id"]: row for row in someone.get("/v2/orders", status="all", limit="500")}
    for fill in someone.get("/v2/account/activities/FILL"):
        order, price = rows[fill["order_id"]], Decimal(fill["price"])
        assert order["status"] != "accepted"
        assert instant(fill["transaction_time"]) >= instant(order["submitted_at"])
        _, high, low, _ = map(
            Decimal, map(str, bars[fill["transaction_time"][:10]][fill["symbol"]])
        )
        slip = Decimal("0.02")  # 5 basis points of at most 15 dollars, rounded up
        assert low - slip <= price <= high + slip
        if order["type"] in {"limit", "stop_limit"}:
            limit = Decimal(order["limit_price"])
            assert price <= limit if fill["side"] == "buy" else price >= limit
    for order in rows.values():
        if order["time_in_force"] == "day" and order["status"] in {"new", "accepted"}:
            assert instant(order["expires_at"]) > someone.exchange.clock


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(
    bars=markets,
    todo=st.lists(deeds, max_size=25),
    cash=st.sampled_from([150, 1000, 100_000]),
    share=st.sampled_from([None, Decimal("0.008"), Decimal("0.04")]),
    is_long_only=st.booleans(),
)
def test_money_and_shares_are_conserved(bars, todo, cash, share, is_long_only):
    someone = trader(bars, is_long_only, cash=cash, volume_share_max=share)
    instants = iter([f"{day}T{stamp}:00Z" for day in DAYS for stamp in STAMPS][1:])
    for deed in todo:
        act(someone, deed, instants)
        check(someone, cash)
    someone.to("2024-11-30T00:00:00Z")
    check(someone, cash)
    check_orders(someone, bars)
    check_groups(someone)


@settings(max_examples=25, suppress_health_check=[HealthCheck.too_slow])
@given(
    bars=markets,
    sent=st.lists(deeds, max_size=8),
    steps=st.sets(st.sampled_from(STAMPS)),
    share=st.sampled_from([None, Decimal("0.008")]),
)
def test_stepping_and_leaping_agree(bars, sent, steps, share):
    """How often the clock is moved does not matter, only where it gets to."""
    pair = [trader(bars, volume_share_max=share) for _ in range(2)]
    for someone in pair:
        for deed in sent:
            act(someone, deed, iter(()))
    for day in DAYS:
        for stamp in sorted(steps):
            pair[0].to(f"{day}T{stamp}:00Z")
    for someone in pair:
        someone.to("2024-11-30T00:00:00Z")

    for path in ("/v2/account", "/v2/positions", "/v2/account/activities"):
        assert pair[0].get(path) == pair[1].get(path)
    everything = [someone.get("/v2/orders", status="all") for someone in pair]
    assert everything[0] == everything[1]


def random_deed(choose):
    """Return a deed that has a chance to be taken; refusals are part of the game all the same."""

    def price():
        return round(choose.uniform(9, 11), 2)

    symbol, kind = choose.choice(["AAA", "BBB"]), choose.choice(DEEDS)
    if kind in {"send", "rich"}:
        common = {
            "symbol": symbol,
            "qty": choose.choice(["1", "3", "10", "40"]),
            "side": choose.choice(["buy", "buy", "sell"]),
        }
        if kind == "send":
            types = {"type": choose.choice(["market", "limit", "stop"]), "price": price()}
            return kind, common | types | {"time_in_force": choose.choice(["day", "gtc"])}
        more = {"kind": choose.choice(KINDS), "time_in_force": choose.choice(TIMES_IN_FORCE)}
        return kind, common | more | {"prices": sorted([price(), price(), price()])}
    if kind == "replace":
        return kind, choose.randrange(6), price(), choose.choice([1, 2, 8])
    if kind == "wait":
        return kind, 1
    return (kind, choose.randrange(6)) if kind == "cancel" else (kind, symbol)


def random_bar(choose):
    values = sorted(round(choose.uniform(9.2, 10.8), 2) for _ in range(4))
    opened, close = choose.sample(values[1:3], 2)
    return opened, values[3], values[0], close


@pytest.mark.parametrize("is_long_only", [True, False])
@pytest.mark.parametrize("seed", [14, *range(100, 112)])
def test_days_of_everything(seed, is_long_only):
    """Many deeds in one book, so that groups, parts of fills and replacements meet."""
    choose = random.Random(seed)
    bars = {
        day: {symbol: random_bar(choose) for symbol in ("AAA", "BBB") if choose.random() < 0.95}
        for day in ("2024-11-25", *DAYS)
    }
    share = choose.choice([None, Decimal("0.008"), Decimal("0.04")])
    cash = choose.choice([150, 1000, 100_000])
    someone = trader(bars, is_long_only, cash=cash, volume_share_max=share)
    instants = iter([f"{day}T{stamp}:00Z" for day in DAYS for stamp in STAMPS][1:])
    for _ in range(40):
        act(someone, random_deed(choose), instants)
        check(someone, cash)
    someone.to("2024-11-30T00:00:00Z")
    check(someone, cash)
    check_orders(someone, bars)
    check_groups(someone)
