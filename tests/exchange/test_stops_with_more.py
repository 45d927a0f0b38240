"""Stop-limit and trailing-stop orders, worked out by hand from one bar: 100, 94, 106, 102.

It prints 100 at 14:30, 94 at 16:40, 106 at 18:50 and 102 at 21:00 UTC.
"""

import pytest

from tests.exchange.market import customer

OPEN, LOW, HIGH, CLOSE = (
    "2024-11-26T14:30:00Z",
    "2024-11-26T16:40:00Z",
    "2024-11-26T18:50:00Z",
    "2024-11-26T21:00:00Z",
)
END = "2024-11-26T22:00:00Z"


def stop_limit(someone, side, stop, limit, **more):
    return someone.send(
        "XYZ", 10, side, "stop_limit", **{"stop_price": stop, "limit_price": limit} | more
    )


def trailing(someone, side="sell", **more):
    return someone.send("XYZ", 10, side, "trailing_stop", tif="gtc", **more)


# ------------------------------------------------------------------------------- stop-limit


@pytest.mark.parametrize(
    ("side", "stop", "limit", "at", "fill"),
    [
        ("sell", "97", "96", LOW, "97"),  # at the stop, which is within the limit
        ("sell", "97", "97", LOW, "97"),
        ("sell", "97", "98", HIGH, "98"),  # set off at 97, filled on the way up
        ("sell", "97", "107", None, None),  # set off, and never so high again
        ("sell", "93", "92", None, None),
        ("sell", "101", "99", OPEN, "100"),  # below the stop at the open: worse, within the limit
        ("sell", "101", "100.5", HIGH, "100.5"),  # the open is beyond the limit
        ("buy", "103", "104", HIGH, "103"),
        ("buy", "103", "102", CLOSE, "102"),
        ("buy", "99", "100", OPEN, "100"),
        ("buy", "99", "99.5", LOW, "99.5"),
    ],
)
def test_stop_limit_queued_before_the_open(holder, side, stop, limit, at, fill):
    booked = stop_limit(holder, side, stop, limit)
    assert (booked["type"], booked["stop_price"], booked["limit_price"]) == (
        "stop_limit", stop, limit,
    )  # fmt: skip
    holder.to(END)

    assert holder.fills()[1:] == ([(at, side, "10", fill)] if at else [])


@pytest.mark.parametrize(
    ("limit", "at", "fill"), [("97", None, None), ("96.99", LOW, "97"), ("98", HIGH, "98")]
)
def test_stop_that_is_the_limit_is_only_touched_on_the_way_through(market, limit, at, fill):
    careful = customer(market, limit_fills_on="trade-through", opening_at=_monday())
    careful.send("XYZ", 10, "buy", "limit", "99.5")
    careful.to("2024-11-26T13:00:00Z")
    careful.send("XYZ", 10, "sell", "stop_limit", stop_price="97", limit_price=limit)
    careful.to("2024-11-26T18:00:00Z" if at is None else END)

    assert careful.fills()[1:] == ([(at, "sell", "10", fill)] if at else [])


def test_stop_limit_that_is_passed_already_rests_from_then(holder):
    holder.to("2024-11-26T17:00:00Z")  # 94
    stop_limit(holder, "sell", "97", "95.5")
    assert holder.fills()[1:] == []
    holder.to(END)

    assert holder.fills()[1:] == [(HIGH, "sell", "10", "95.5")]


def test_stop_limit_stays_set_off_overnight(holder):
    stop_limit(holder, "sell", "95", "120", time_in_force="gtc")
    holder.to("2024-11-26T16:40:00Z")
    holder.to("2024-11-27T15:00:00Z")
    again = holder.get("/v2/orders")[0]
    new = holder.replace(again, limit_price="98")  # a limit order by now; the high is 99
    holder.to("2024-11-27T22:00:00Z")

    assert holder.order(new)["filled_avg_price"] == "98"


def test_stop_limit_that_was_set_off_stays_so_when_it_is_replaced(holder):
    old = stop_limit(holder, "sell", "95", "120")
    holder.to("2024-11-26T19:00:00Z")  # 94 set it off; it is 106 now
    holder.replace(old, limit_price="101")
    holder.to(END)

    assert holder.fills()[1:] == [(CLOSE, "sell", "10", "102")]


def test_another_stop_has_to_be_reached_anew(holder):
    old = stop_limit(holder, "sell", "95", "120")
    holder.to("2024-11-26T19:00:00Z")
    holder.replace(old, limit_price="101", stop_price="99")
    holder.to(END)

    assert holder.fills()[1:] == []


def test_stop_limit_buy_sets_its_limit_aside(queued):
    stop_limit(queued, "buy", "103", "104")

    assert queued.get("/v2/account")["buying_power"] == "98960"


@pytest.mark.parametrize(
    ("resting", "buy", "is_refused"),
    [(("90", "88"), "87.99", False), (("90", "88"), "88", True), (("90", "88"), None, True)],
)
def test_wash_rule_looks_at_the_limit_of_a_stop_limit(holder, resting, buy, is_refused):
    stop_limit(holder, "sell", *resting)
    sent = ("market",) if buy is None else ("limit", buy)
    if is_refused:
        assert holder.refused("XYZ", 1, "buy", *sent)[0] == 403
    else:
        holder.send("XYZ", 1, "buy", *sent)


# ------------------------------------------------------------------------------- trailing


def test_trailing_stop_shows_its_mark_at_once(holder):
    holder.to("2024-11-26T15:00:00Z")  # 100
    by_percent = trailing(holder, trail_percent="5")

    shown = {name: by_percent[name] for name in ("hwm", "stop_price", "trail_percent",
             "trail_price", "status", "type", "limit_price")}  # fmt: skip
    assert shown == {
        "hwm": "100", "stop_price": "95", "trail_percent": "5", "trail_price": None,
        "status": "new", "type": "trailing_stop", "limit_price": None,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("trail", "mark", "stop", "at", "fill"),
    [
        # from 98 on Monday: 100 at the open lifts the stop; 94 sets it off
        ({"trail_price": "5"}, "98", "93", LOW, "95"),
        ({"trail_percent": "5"}, "98", "93.1", LOW, "95"),
        # 94 is above 93.5; 106 lifts it to 99.5, and 102 is above that
        ({"trail_price": "6.5"}, "98", "91.5", None, None),
        # 102 is beyond 106 - 3.9, but the low came first
        ({"trail_price": "3.9"}, "98", "94.1", LOW, "96.1"),
        ({"trail_percent": "6.25"}, "98", "91.88", None, None),  # 98 * 0.9375 = 91.875
    ],
)
def test_trailing_sale(holder, trail, mark, stop, at, fill):
    booked = trailing(holder, **trail)
    assert (booked["hwm"], booked["stop_price"]) == (mark, stop)
    holder.to(END)

    assert holder.fills()[1:] == ([(at, "sell", "10", fill)] if at else [])
    assert holder.order(booked)["hwm"] == ("100" if at else "106")


def test_trailing_stop_never_goes_back(holder):
    booked = trailing(holder, trail_price="11")
    seen = []
    for stamp in ("14:30", "16:40", "18:50", "21:00"):
        holder.to(f"2024-11-26T{stamp}:00Z")
        order = holder.order(booked)
        seen.append((order["hwm"], order["stop_price"]))
    assert seen == [("100", "89"), ("100", "89"), ("106", "95"), ("106", "95")]
    holder.to("2024-11-27T22:00:00Z")  # opens at 96, low 90

    assert holder.fills()[1:] == [("2024-11-27T16:40:00Z", "sell", "10", "95")]


def test_gap_below_a_trailing_stop_costs_the_gap(holder):
    trailing(holder, trail_price="8")  # 106 - 8 = 98; the next open is 96
    holder.to("2024-11-27T22:00:00Z")

    assert holder.fills()[1:] == [("2024-11-27T14:30:00Z", "sell", "10", "96")]


def test_trailing_purchase_follows_the_price_down(queued):
    booked = trailing(queued, "buy", trail_price="3")
    assert (booked["hwm"], booked["stop_price"]) == ("98", "101")
    assert queued.get("/v2/account")["buying_power"] == "98964.7"  # 101 and 2.5 % over, 103.53
    queued.to(END)

    assert queued.fills() == [(HIGH, "buy", "10", "97")]  # 94 brought the stop to 97


def test_trailing_stops_are_free_of_the_wash_rule(holder):
    holder.send("XYZ", 5, "sell", "trailing_stop", trail_price="50", tif="gtc")
    holder.send("XYZ", 1, "buy")
    holder.cancel(holder.send("XYZ", 1, "buy", "limit", "1"))

    assert holder.position("XYZ")["qty_available"] == "5"


def test_another_trail_for_a_trailing_stop(holder):
    holder.to("2024-11-26T15:00:00Z")
    old = trailing(holder, trail_percent="10")
    new = holder.replace(old, trail="4.5")

    assert (new["trail_percent"], new["hwm"], new["stop_price"]) == ("4.5", "100", "95.5")
    wider = holder.replace(new, trail=20)
    assert wider["stop_price"] == "80"
    by_price = holder.replace(wider, qty=9)
    assert (by_price["qty"], by_price["stop_price"]) == ("9", "80")
    for body in ({"stop_price": "90"}, {"trail": "0"}, {"trail": "100"}):
        assert holder.ask("PATCH", f"/v2/orders/{by_price['id']}", body=body)[0] == 422
    stop = holder.send("XYZ", 1, "sell", "stop", "80")
    status, body = holder.ask("PATCH", f"/v2/orders/{stop['id']}", body={"trail": "1"})
    assert (status, body["message"]) == (422, "unable to replace order, it has no trail")


def test_first_price_of_a_trailing_stop_is_its_first_print():
    someone = customer({"2024-11-26": {"NEW": (10, 12, 9.5, 11)}})
    # Nothing has printed yet; only a sale needs no price, and there is nothing to sell.
    assert someone.refused("NEW", 1, "buy", "trailing_stop", trail_price="1")[0] == 422


def test_stop_below_a_dollar_is_kept_finely():
    someone = customer({"2024-11-25": {"LOW": (0.5, 0.5, 0.5, 0.5)}, "2024-11-26": {}})
    booked = someone.send("LOW", 10, "buy", "trailing_stop", trail_percent="3.33", tif="gtc")

    assert booked["stop_price"] == "0.5166"  # 0.51665, half-even


@pytest.mark.parametrize(
    ("more", "code", "message"),
    [
        ({}, 40010001,
         "trailing stop orders must specify one of trail_price or trail_percent"),
        ({"trail_price": "1", "trail_percent": "1"}, 40010001,
         "trailing stop orders must specify one of trail_price or trail_percent"),
        ({"trail_percent": "100"}, 40010001, "trail_percent must be < 100"),
        ({"trail_price": "0"}, 40010001, "trail_price must be > 0"),
        ({"trail_price": "1", "stop_price": "5"}, 40010001,
         "trailing stop orders require no stop or limit price"),
        ({"trail_price": "1", "qty": "1.5", "time_in_force": "day"}, 42210000,
         "fractional orders cannot be trailing stop orders"),
        ({"trail_price": "1", "order_class": "oto", "stop_loss": {"stop_price": "5"}}, 42210000,
         "trailing stop orders must be simple orders"),
        ({"trail_price": "1", "time_in_force": "opg"}, 42210000,
         "trailing stop orders must be DAY or GTC orders"),
        ({"type": "stop_limit", "stop_price": "5"}, 40010001,
         "stop limit orders require both stop and limit price"),
        ({"type": "stop_limit", "limit_price": "5"}, 40010001,
         "stop limit orders require both stop and limit price"),
    ],
)  # fmt: skip
def test_refusals(holder, more, code, message):
    body = {"symbol": "XYZ", "qty": "1", "side": "sell", "type": "trailing_stop",
            "time_in_force": "gtc"}  # fmt: skip
    assert holder.ask("POST", "/v2/orders", body=body | more) == (
        422, {"code": code, "message": message},
    )  # fmt: skip


def _monday():
    from quantcli.contracts.scalars import instant

    return instant("2024-11-25T13:00:00Z")
