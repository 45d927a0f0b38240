"""Brackets, OCO and OTO: legs that wait, one exit that ends the other, and the group's end."""

from decimal import Decimal

import pytest

from quantcli.contracts.scalars import instant
from tests.exchange.market import customer, order

END = "2024-11-26T22:00:00Z"
SUB_PENNY = "sub-penny increment does not fulfill minimum pricing criteria"
LOW, HIGH = "2024-11-26T16:40:00Z", "2024-11-26T18:50:00Z"


def exits(profit=None, stop=None, limit=None):
    body = {}
    if profit is not None:
        body["take_profit"] = {"limit_price": profit}
    if stop is not None:
        body["stop_loss"] = {"stop_price": stop} | ({"limit_price": limit} if limit else {})
    return body


def bracket(someone, kind="limit", price="99", *, profit="104", stop="90", tif="gtc", **more):
    return someone.send(
        "XYZ", 10, "buy", kind, price, tif, order_class="bracket", **exits(profit, stop), **more
    )


def oco(someone, profit="104", stop="90", tif="gtc", **more):
    return someone.send(
        "XYZ", 10, "sell", "limit", tif=tif, order_class="oco", **exits(profit, stop), **more
    )


def statuses(someone, group):
    shown = someone.get(f"/v2/orders/{group['id']}", nested="true")
    return [shown["status"], *(leg["status"] for leg in shown["legs"])]


def legs(someone, group):
    return someone.get(f"/v2/orders/{group['id']}", nested="true")["legs"]


# ------------------------------------------------------------------------------- brackets


def test_answer_to_a_bracket(queued):
    booked = bracket(queued, client_order_id="mine")

    profit, loss = booked["legs"]
    assert (booked["status"], booked["order_class"], booked["client_order_id"]) == (
        "accepted", "bracket", "mine",
    )  # fmt: skip
    assert [(leg["type"], leg["side"], leg["qty"], leg["status"], leg["order_class"],
             leg["time_in_force"], leg["legs"], leg["position_intent"])
            for leg in booked["legs"]] == [
        ("limit", "sell", "10", "held", "bracket", "gtc", None, "sell_to_close"),
        ("stop", "sell", "10", "held", "bracket", "gtc", None, "sell_to_close"),
    ]  # fmt: skip
    assert (profit["limit_price"], loss["stop_price"]) == ("104", "90")
    assert len({each["client_order_id"] for each in (booked, profit, loss)}) == 3
    assert len({each["id"] for each in (booked, profit, loss)}) == 3


def test_stop_limit_as_the_loss_of_a_bracket(queued):
    booked = queued.send(
        "XYZ", 10, "buy", order_class="bracket", **exits("104", "90", "89.5"), tif="gtc"
    )

    loss = booked["legs"][1]
    assert (loss["type"], loss["stop_price"], loss["limit_price"]) == ("stop_limit", "90", "89.5")


def test_profit_ends_the_stop(queued):
    booked = bracket(queued)
    queued.to("2024-11-26T15:00:00Z")
    assert statuses(queued, booked) == ["new", "held", "held"]  # 99 has not printed yet
    assert queued.get("/v2/account")["buying_power"] == "99010"
    queued.to("2024-11-26T17:00:00Z")
    assert statuses(queued, booked) == ["filled", "new", "new"]
    assert queued.position("XYZ")["qty_available"] == "0"
    queued.to(END)

    assert statuses(queued, booked) == ["filled", "filled", "canceled"]
    assert queued.fills() == [(LOW, "buy", "10", "99"), (HIGH, "sell", "10", "104")]
    assert queued.get("/v2/orders") == []


def test_loss_ends_the_profit(queued):
    booked = bracket(queued, price="101", stop="95")
    queued.to(END)

    assert statuses(queued, booked) == ["filled", "canceled", "filled"]
    assert queued.fills()[1:] == [(LOW, "sell", "10", "95")]


def test_stop_before_target_when_one_bar_holds_both(queued):
    """Both exits lie within the bar; the low prints first, on every day."""
    booked = bracket(queued, "market", None, profit="105", stop="95")
    queued.to(END)

    assert statuses(queued, booked) == ["filled", "canceled", "filled"]


def test_day_bracket_ends_with_its_day(queued):
    unfilled = bracket(queued, price="93", stop="80", tif="day")
    filled = bracket(queued, price="99", profit="107", stop="85", tif="day")
    queued.to(END)

    assert statuses(queued, unfilled) == ["expired", "canceled", "canceled"]
    assert statuses(queued, filled) == ["filled", "expired", "expired"]


def test_rejected_entry_takes_its_legs_along():
    gap = {"2024-11-25": {"GAP": (10, 10, 10, 10)}, "2024-11-26": {"GAP": (20, 20, 20, 20)}}
    poor = customer(gap, cash=1000)
    booked = poor.send("GAP", 90, "buy", tif="gtc", order_class="bracket", **exits("30", "5"))
    poor.to("2024-11-26T15:00:00Z")

    assert statuses(poor, booked) == ["rejected", "canceled", "canceled"]


@pytest.mark.parametrize("which", [0, 1, 2])
@pytest.mark.parametrize("at", ["2024-11-26T13:00:00Z", "2024-11-26T15:00:00Z"])
def test_one_cancel_cancels_the_group(queued, which, at):
    booked = bracket(queued)
    queued.to(at)
    queued.cancel([booked, *booked["legs"]][which])

    assert statuses(queued, booked) == ["canceled", "canceled", "canceled"]
    assert queued.get("/v2/account")["buying_power"] == "100000"


def test_cancelling_an_exit_after_the_entry(queued):
    booked = bracket(queued)
    queued.to("2024-11-26T17:00:00Z")
    queued.cancel(booked["legs"][1])

    assert statuses(queued, booked) == ["filled", "canceled", "canceled"]
    assert queued.position("XYZ")["qty_available"] == "10"


def test_cancel_all_names_every_order_once(queued):
    bracket(queued)
    plain = queued.send("ABC", 1, "buy", "limit", "30")
    status, rows = queued.ask("DELETE", "/v2/orders")

    assert (status, len(rows), len({row["id"] for row in rows})) == (207, 4, 4)
    assert plain["id"] in {row["id"] for row in rows}


def test_entry_that_fills_at_once_has_live_exits(queued):
    queued.to("2024-11-26T17:00:00Z")  # 94
    booked = bracket(queued, "market", None, profit="104", stop="90")

    assert [leg["status"] for leg in booked["legs"]] == ["held", "held"]  # as booked
    assert statuses(queued, booked) == ["filled", "new", "new"]
    queued.to(END)
    assert statuses(queued, booked) == ["filled", "filled", "canceled"]


def test_stop_that_the_price_has_passed_when_the_entry_fills():
    """The entry gaps below its own stop: what is bought there is sold there, less slippage."""
    gap = {"2024-11-25": {"GAP": (100, 100, 100, 100)}, "2024-11-26": {"GAP": (80, 99, 79, 98)}}
    someone = customer(gap)
    booked = someone.send(
        "GAP", 10, "buy", "limit", "99", "gtc", order_class="bracket", **exits("120", "95")
    )
    summary = someone.to(END)

    open_at = "2024-11-26T14:30:00Z"
    assert someone.fills() == [(open_at, "buy", "10", "80"), (open_at, "sell", "10", "79.96")]
    assert statuses(someone, booked) == ["filled", "canceled", "filled"]
    assert summary.fills == 2


def test_legs_are_free_of_the_wash_rule(queued):
    bracket(queued)
    queued.to("2024-11-26T17:00:00Z")

    queued.send("XYZ", 1, "buy")
    queued.send("XYZ", 1, "buy", "limit", "200")


def test_new_groups_are_free_of_the_wash_rule(holder):
    holder.send("XYZ", 5, "sell", "stop", "90", tif="gtc")
    assert holder.refused("XYZ", 1, "buy")[0] == 403

    holder.send("XYZ", 1, "buy", order_class="oto", **exits(stop="80"))
    holder.send("XYZ", 1, "buy", "trailing_stop", trail_price="5")


@pytest.mark.parametrize(
    ("change", "status", "code", "message"),
    [
        ({"take_profit": None}, 422, 40010001, "bracket orders require take_profit.limit_price"),
        ({"take_profit": {}}, 422, 40010001, "bracket orders require take_profit.limit_price"),
        ({"stop_loss": {"limit_price": "5"}}, 422, 40010001,
         "bracket orders require stop_loss.stop_price"),
        ({"take_profit": "104"}, 422, 40010001, "invalid take_profit: 104"),
        ({"take_profit": {"limit_price": "90"}}, 422, 42210000,
         "take_profit.limit_price must be > stop_loss.stop_price"),
        ({"take_profit": {"limit_price": "104.001"}}, 422, 42210000,
         f"invalid take_profit.limit_price 104.001. {SUB_PENNY}"),
        ({"time_in_force": "ioc"}, 422, 42210000, "bracket orders must be DAY or GTC orders"),
        ({"type": "stop", "limit_price": None, "stop_price": "99"}, 422, 40010001,
         "bracket orders must be market or limit orders"),
        ({"qty": "1.5"}, 422, 42210000, "fractional orders must be DAY orders"),
        ({"qty": "1.5", "time_in_force": "day"}, 422, 42210000,
         "fractional orders must be simple orders"),
        ({"extended_hours": True}, 422, 42210000,
         "extended hours order must be DAY or GTC limit orders"),
        ({"side": "sell"}, 422, 42210000,
         "take_profit.limit_price must be < stop_loss.stop_price"),
        ({"order_class": "oto"}, 422, 40010001,
         "oto orders require either take_profit or stop_loss"),
        ({"order_class": "oco", "side": "sell"}, 422, 42210000, "oco orders must be exit orders"),
        ({"order_class": "oco", "side": "sell", "type": "market"}, 422, 40010001,
         "oco orders must be limit orders"),
        ({"order_class": "oco", "stop_loss": None, "side": "sell"}, 422, 40010001,
         "oco orders require stop_loss.stop_price"),
        ({"order_class": "oco", "side": "sell", "stop_loss": {"stop_price": "104"}}, 422,
         42210000, "take_profit.limit_price must be > stop_loss.stop_price"),
    ],
)  # fmt: skip
def test_refusals(queued, change, status, code, message):
    body = order("XYZ", "10", "buy", "limit", "99", "gtc", order_class="bracket",
                 **exits("104", "90")) | change  # fmt: skip
    assert queued.ask("POST", "/v2/orders", body=body) == (
        status, {"code": code, "message": message},
    )  # fmt: skip
    assert queued.get("/v2/orders", status="all") == []


@pytest.mark.parametrize(
    ("entry", "profit", "stop", "base", "message"),
    [
        (("limit", "99"), "99", "90", "99", "take_profit.limit_price must be >= base_price + 0.01"),
        (("limit", "99"), "99.01", "99", "99", "stop_loss.stop_price must be <= base_price - 0.01"),
        (("market", None), "104", "98", "98", "stop_loss.stop_price must be <= base_price - 0.01"),
        (("limit", "99"), "99.01", "98.99", None, None),
        (("market", None), "98.01", "97.99", None, None),
    ],
)
def test_exits_lie_a_cent_away(queued, entry, profit, stop, base, message):
    body = order("XYZ", 1, "buy", *entry, "day", order_class="bracket", **exits(profit, stop))
    status, answer = queued.ask("POST", "/v2/orders", body=body)
    if message is None:
        assert status == 200
    else:
        assert (status, answer) == (
            422, {"code": 42210000, "message": message, "base_price": base},
        )  # fmt: skip


def test_sale_of_what_is_held_is_no_entry(holder):
    body = order("XYZ", 1, "sell", "limit", "99", order_class="bracket", **exits("80", "110"))

    assert holder.ask("POST", "/v2/orders", body=body) == (
        422, {"code": 42210000, "message": "bracket orders must be entry orders"},
    )  # fmt: skip


# ------------------------------------------------------------------------------- OCO, OTO


def test_oco_is_the_profit_with_the_stop_as_its_leg(holder):
    booked = oco(holder, limit_price="1")

    assert (booked["type"], booked["limit_price"], booked["order_class"], booked["status"]) == (
        "limit", "104", "oco", "accepted",
    )  # fmt: skip
    (leg,) = booked["legs"]
    assert (leg["type"], leg["stop_price"], leg["status"], leg["side"]) == (
        "stop", "90", "held", "sell",
    )  # fmt: skip
    assert holder.position("XYZ")["qty_available"] == "0"
    status, body = holder.refused("XYZ", 1, "sell")
    assert (status, body["held_for_orders"], body["available"]) == (403, "10", "0")


@pytest.mark.parametrize(
    ("profit", "stop", "ends", "fill"),
    [("104", "90", ["filled", "canceled"], (HIGH, "sell", "10", "104")),
     ("104", "95", ["canceled", "filled"], (LOW, "sell", "10", "95")),
     ("107", "90", ["new", "new"], None)],
)  # fmt: skip
def test_one_exit_of_an_oco_ends_the_other(holder, profit, stop, ends, fill):
    booked = oco(holder, profit, stop)
    holder.to(END)

    assert statuses(holder, booked) == ends
    assert holder.fills()[1:] == ([fill] if fill else [])


def test_oco_by_its_own_limit_alone(holder):
    booked = holder.send("XYZ", 10, "sell", "limit", "104", order_class="oco", **exits(stop="90"))

    assert booked["limit_price"] == "104"


def test_oco_sent_in_regular_hours_is_live(holder):
    holder.to("2024-11-26T15:00:00Z")
    booked = oco(holder, "106.5", "95")
    assert (booked["status"], booked["legs"][0]["status"]) == ("new", "held")
    assert statuses(holder, booked) == ["new", "new"]
    holder.to("2024-11-26T17:00:00Z")
    assert statuses(holder, booked) == ["canceled", "filled"]


def test_oco_whose_stop_the_price_has_passed(holder):
    holder.to("2024-11-26T17:00:00Z")  # 94
    booked = oco(holder, "106", "95")

    assert statuses(holder, booked) == ["canceled", "filled"]
    assert holder.fills()[1:] == [("2024-11-26T17:00:00Z", "sell", "10", "93.95")]


def test_cancelled_oco(holder):
    booked = oco(holder)
    holder.cancel(booked["legs"][0])

    assert statuses(holder, booked) == ["canceled", "canceled"]
    assert holder.position("XYZ")["qty_available"] == "10"


@pytest.mark.parametrize(
    ("given", "kind", "fill"),
    [(exits(stop="95"), "stop", (LOW, "sell", "10", "95")),
     (exits(profit="103"), "limit", (HIGH, "sell", "10", "103"))],
)  # fmt: skip
def test_oto(queued, given, kind, fill):
    booked = queued.send("XYZ", 10, "buy", order_class="oto", tif="gtc", **given)
    assert [(leg["type"], leg["status"]) for leg in booked["legs"]] == [(kind, "held")]
    queued.to(END)

    assert statuses(queued, booked) == ["filled", "filled"]
    assert queued.fills()[1:] == [fill]


def test_entry_of_an_oto_may_be_a_stop(queued):
    booked = queued.send("XYZ", 10, "buy", "stop", "105", order_class="oto", **exits(stop="103"))
    queued.to(END)

    assert statuses(queued, booked) == ["filled", "filled"]
    assert [row[3] for row in queued.fills()] == ["105", "103"]


# ------------------------------------------------------------------------- parts of fills


@pytest.fixture
def thin(market):
    """Return a customer who gets 4 of each print's 250 shares and holds 10 XYZ of Monday."""
    someone = customer(
        market, volume_share_max=Decimal("0.016"), opening_at=instant("2024-11-25T13:00:00Z")
    )
    someone.send("XYZ", 10, "buy", "limit", "120")
    someone.to("2024-11-26T13:00:00Z")
    return someone


def test_partial_profit_shrinks_the_stop(thin):
    booked = oco(thin, "104", "85")
    thin.to("2024-11-26T19:00:00Z")

    shown = thin.get(f"/v2/orders/{booked['id']}", nested="true")
    assert (shown["status"], shown["filled_qty"], shown["qty"]) == ("partially_filled", "4", "10")
    assert (shown["legs"][0]["status"], shown["legs"][0]["qty"]) == ("new", "6")
    assert thin.position("XYZ")["qty_available"] == "0"


def test_partial_stop_shrinks_the_profit(thin):
    booked = oco(thin, "104", "95")
    thin.to("2024-11-26T17:00:00Z")

    shown = thin.get(f"/v2/orders/{booked['id']}", nested="true")
    assert (shown["status"], shown["qty"]) == ("new", "6")
    assert (shown["legs"][0]["status"], shown["legs"][0]["filled_qty"]) == (
        "partially_filled", "4",
    )  # fmt: skip
    thin.to("2024-11-27T17:00:00Z")  # 106 takes 4 of the 6 at 104; then 96 and 90 meet the stop
    assert [row[1:] for row in thin.fills()][3:] == [
        ("sell", "4", "95"), ("sell", "4", "104"), ("sell", "2", "95"),
    ]  # fmt: skip
    assert thin.get("/v2/positions") == []


def test_exits_wait_for_the_whole_entry(thin):
    thin.send("XYZ", 10, "sell", "limit", "90", "gtc")
    thin.to("2024-11-27T13:00:00Z")
    booked = bracket(thin, price="120", profit="130", stop="85")
    thin.to("2024-11-27T15:00:00Z")
    assert statuses(thin, booked) == ["partially_filled", "held", "held"]
    assert thin.position("XYZ")["qty_available"] == "4"
    thin.cancel(booked)
    assert statuses(thin, booked) == ["canceled", "canceled", "canceled"]
    assert thin.position("XYZ")["qty"] == "4"


@pytest.mark.parametrize(
    ("sold", "exits_qty", "ends"), [(3, "7", ["new", "new"]), (4, "6", ["new", "new"])]
)
def test_exits_sell_what_is_left_of_the_entry(market, sold, exits_qty, ends):
    """Parts of an entry lie free until it is whole: what went meanwhile, its exits cannot sell."""
    thin = customer(market, volume_share_max=Decimal("0.016"))
    booked = bracket(thin, price="120", profit="130", stop="85")
    thin.to("2024-11-26T15:00:00Z")  # four shares
    thin.send("XYZ", sold, "sell", "stop", "60", "gtc")
    thin.to(END)

    assert statuses(thin, booked)[1:] == ends
    assert [leg["qty"] for leg in legs(thin, booked)] == [exits_qty] * 2
    assert thin.position("XYZ")["qty_available"] == "0"


def test_exits_leave_what_another_order_holds(market):
    thin = customer(market, volume_share_max=Decimal("0.02"))  # 5 of 250
    booked = thin.send(
        "XYZ", 5, "buy", "limit", "101", "gtc", order_class="oto", **exits(stop="85")
    )
    thin.to("2024-11-26T15:00:00Z")
    assert statuses(thin, booked) == ["filled", "new"]
    other = thin.send(
        "XYZ", 10, "buy", "limit", "104", "gtc", order_class="oto", **exits(stop="80")
    )
    thin.to("2024-11-26T17:00:00Z")
    thin.send("XYZ", 5, "sell", "limit", "103", "gtc", order_class="oco", **exits(stop="60"))
    thin.to("2024-11-27T22:00:00Z")

    assert statuses(thin, other)[0] == "filled"
    assert [leg["qty"] for leg in legs(thin, other)] == ["5"]


# ------------------------------------------------------------------------------ replacing


def test_replaced_entry_keeps_its_legs(queued):
    queued.to("2024-11-26T15:00:00Z")
    old = bracket(queued, price="93.5")
    new = queued.replace(old, limit_price="95", qty=8)

    assert [(leg["qty"], leg["status"]) for leg in new["legs"]] == [("8", "held"), ("8", "held")]
    assert queued.get(f"/v2/orders/{old['id']}", nested="true")["legs"] is None
    queued.to(END)
    assert statuses(queued, new) == ["filled", "filled", "canceled"]


def test_replaced_stop_of_a_bracket(queued):
    booked = bracket(queued)
    queued.to("2024-11-26T15:00:00Z")
    held = queued.replace(booked["legs"][1], stop_price="91")
    assert held["status"] == "held"
    queued.to("2024-11-26T17:00:00Z")
    live = queued.replace(held, stop_price="103")  # above the price of 94: sold at once

    assert queued.order(live)["filled_avg_price"] == "93.95"
    assert queued.order(booked["legs"][0])["status"] == "canceled"
    status, body = queued.ask("PATCH", f"/v2/orders/{held['id']}", body={"qty": 3})
    assert (status, body["message"]) == (422, "unable to replace order, order is not open")


def test_leg_has_the_quantity_of_its_order(queued):
    booked = bracket(queued)
    queued.to("2024-11-26T15:00:00Z")

    assert queued.ask("PATCH", f"/v2/orders/{booked['legs'][0]['id']}", body={"qty": 3})[0] == 422


def test_replaced_oco(holder):
    holder.to("2024-11-26T15:00:00Z")
    booked = oco(holder, "107", "85")
    new = holder.replace(booked, limit_price="105", qty=6, time_in_force="day")

    (leg,) = new["legs"]
    assert (leg["qty"], leg["time_in_force"], leg["status"]) == ("6", "day", "new")
    assert holder.position("XYZ")["qty_available"] == "4"
    holder.to(END)
    assert statuses(holder, new) == ["filled", "canceled"]


# --------------------------------------------------------------------------------- listing


def test_legs_in_lists(queued):
    booked = bracket(queued)
    plain = queued.send("ABC", 1, "buy", "limit", "30")

    flat = queued.get("/v2/orders", direction="asc")
    assert [each["id"] for each in flat] == [
        booked["id"], *(leg["id"] for leg in booked["legs"]), plain["id"],
    ]  # fmt: skip
    assert all(each["legs"] is None for each in flat)
    nested = queued.get("/v2/orders", direction="asc", nested="True")
    assert [each["id"] for each in nested] == [booked["id"], plain["id"]]
    assert nested[0]["legs"] == booked["legs"]
    assert queued.get("/v2/orders", side="sell", nested="true") == []
    assert len(queued.get("/v2/orders", side="sell")) == 2
    by_name = queued.get("/v2/orders:by_client_order_id", nested="true",
                         client_order_id=booked["client_order_id"])  # fmt: skip
    assert by_name == nested[0]


def test_book_goes_on_with_its_groups(market, tmp_path):
    path = tmp_path / "b"
    first = customer(market, path=path)
    booked = bracket(first)
    first.to("2024-11-26T17:00:00Z")
    first.exchange.close()
    again = customer(market, path=path)
    again.to(END)

    assert statuses(again, booked) == ["filled", "filled", "canceled"]
