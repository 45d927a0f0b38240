"""Orders by value and by parts of a share."""

import pytest

from tests.exchange.market import order

END = "2024-11-26T22:00:00Z"


def by_value(amount, side="buy", kind="market", price=None, **more):
    body = order("XYZ", None, side, kind, price, notional=amount, **more)
    return {name: value for name, value in body.items() if value is not None}


def send(someone, *given, **more):
    status, booked = someone.ask("POST", "/v2/orders", body=by_value(*given, **more))
    assert status == 200, booked
    return booked


def test_purchase_by_value(queued):
    booked = send(queued, "500.5")
    assert (booked["qty"], booked["notional"], booked["filled_qty"]) == (None, "500.5", "0")
    assert queued.get("/v2/account")["buying_power"] == "99499.5"
    queued.to(END)

    after = queued.order(booked)
    assert (after["status"], after["qty"], after["filled_qty"]) == ("filled", None, "5.005")
    assert (queued.position("XYZ")["qty"], queued.cash()) == ("5.005", "99499.5")


def test_shares_go_down_to_nine_places(queued):
    queued.to("2024-11-26T17:00:00Z")
    booked = send(queued, 100)  # at 94.05: 1.06326422...

    assert queued.order(booked)["filled_qty"] == "1.063264221"


def test_a_dollar_is_enough(queued):
    queued.to("2024-11-26T17:00:00Z")

    assert queued.order(send(queued, 1))["filled_qty"] == "0.010632642"


def test_purchase_by_value_at_a_limit(queued):
    booked = send(queued, "99", "buy", "limit", "99")
    queued.to(END)

    assert queued.order(booked)["filled_qty"] == "1"


def test_sale_by_value(holder):
    booked = send(holder, "490", "sell")  # 5 shares at 98
    assert holder.position("XYZ")["qty_available"] == "5"
    holder.to("2024-11-26T15:00:00Z")  # 4.9 at 100

    assert holder.order(booked)["filled_qty"] == "4.9"
    assert holder.position("XYZ")["qty"] == "5.1"


def test_sale_by_value_sells_no_more_than_is_free(holder):
    holder.send("XYZ", 4, "sell", "stop", "50", tif="gtc")
    booked = send(holder, "580", "sell", "stop", "96")  # 5.918367346 of the 6 free at 98
    holder.to("2024-11-26T17:00:00Z")  # 580 USD are 6.04 shares at 96

    assert holder.order(booked)["filled_qty"] == "6"
    assert holder.position("XYZ")["qty"] == "4"


@pytest.mark.parametrize(
    ("body", "status", "code", "message"),
    [
        (by_value("5.001"), 422, 42210000, "notional value must be limited to 2 decimal places"),
        (by_value("0.99"), 422, 42210000, "notional must be >= 1.00"),
        (by_value("0"), 422, 40010001, "notional must be > 0"),
        (by_value("much"), 422, 40010001, "invalid notional: much"),
        (by_value("5", tif="gtc"), 422, 42210000, "fractional orders must be DAY orders"),
        (by_value("5", tif="opg"), 422, 42210000, "fractional orders must be DAY orders"),
        (by_value("5", order_class="oto", stop_loss={"stop_price": "5"}), 422, 42210000,
         "fractional orders must be simple orders"),
        (by_value("5", "sell"), 422, 42210000, "fractional orders cannot be sold short"),
        (order("XYZ", "0.5", "sell"), 422, 42210000, "fractional orders cannot be sold short"),
        (order("XYZ", "1.5", "buy", tif="ioc"), 422, 42210000,
         "fractional orders must be DAY orders"),
    ],
)  # fmt: skip
def test_refusals(queued, body, status, code, message):
    assert queued.ask("POST", "/v2/orders", body=body) == (
        status, {"code": code, "message": message},
    )  # fmt: skip


def test_more_value_than_there_is(queued, holder):
    status, body = queued.ask("POST", "/v2/orders", body=by_value("100000.01"))
    assert (status, body["buying_power"], body["cost_basis"]) == (403, "100000", "100000.01")
    status, body = holder.ask("POST", "/v2/orders", body=by_value("981", "sell"))
    assert (status, body["existing_qty"]) == (403, "10")


@pytest.mark.parametrize(
    ("kind", "prices"),
    [("market", {}), ("limit", {"limit_price": "99"}), ("stop", {"stop_price": "103"}),
     ("stop_limit", {"stop_price": "103", "limit_price": "104"})],
)  # fmt: skip
def test_parts_of_a_share_by_every_type_that_takes_them(queued, kind, prices):
    booked = queued.send("XYZ", "1.5", "buy", kind, **prices)
    queued.to(END)

    assert queued.order(booked)["filled_qty"] == "1.5"


@pytest.mark.parametrize("sent", [{"qty": "1.5"}, {"notional": "90"}])
def test_neither_can_be_replaced(queued, sent):
    queued.to("2024-11-26T15:00:00Z")
    body = {"symbol": "XYZ", "side": "buy", "type": "limit", "limit_price": "90",
            "time_in_force": "day"}  # fmt: skip
    _, booked = queued.ask("POST", "/v2/orders", body=body | sent)

    status, answer = queued.ask("PATCH", f"/v2/orders/{booked['id']}", body={"limit_price": "91"})
    assert (status, answer["code"]) == (422, 42210000)
    assert "cannot be replaced" in answer["message"]


def test_value_is_left_out_of_the_share_of_a_print(market):
    from decimal import Decimal

    from tests.exchange.market import customer

    thin = customer(market, volume_share_max=Decimal("0.000001"))
    send(thin, "500")
    thin.to(END)

    assert thin.position("XYZ")["qty"] == "5"
