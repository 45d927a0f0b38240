"""What the account allows: its cash, its shares, and no trade with itself."""

import pytest

from tests.exchange.market import customer


def test_open_buys_set_cash_aside(market):
    someone = customer(market, cash=10_000)
    resting = someone.send("XYZ", 30, "buy", "limit", "100")

    account = someone.get("/v2/account")
    assert (account["cash"], account["buying_power"]) == ("10000", "7000")
    assert account["non_marginable_buying_power"] == "7000"
    assert someone.refused("XYZ", 80, "buy", "limit", "100") == (
        403,
        {
            "code": 40310000,
            "message": "insufficient buying power",
            "buying_power": "7000",
            "cost_basis": "8000",
        },
    )
    assert len(someone.get("/v2/orders")) == 1
    someone.cancel(resting)
    assert someone.get("/v2/account")["buying_power"] == "10000"
    someone.send("XYZ", 100, "buy", "limit", "100")


@pytest.mark.parametrize(
    ("symbol", "kind", "price", "set_aside"),
    [
        ("XYZ", "market", None, "10045"),  # 98, of 50 dollars and more: 2.5 % over, 100.45
        ("ABC", "market", None, "4160"),  # 40: 4 % over, 41.60
        ("XYZ", "stop", "110", "11275"),
        ("XYZ", "limit", "98.01", "9801"),
    ],
)
def test_what_a_buy_sets_aside(queued, symbol, kind, price, set_aside):
    queued.send(symbol, 100, "buy", kind, price)

    account = queued.get("/v2/account")
    assert float(account["cash"]) - float(account["buying_power"]) == float(set_aside)


def test_pending_sells_add_nothing(holder):
    holder.send("XYZ", 10, "sell", "limit", "104")

    assert holder.get("/v2/account")["buying_power"] == "99010"


def test_sold_shares_pay_at_once(holder):
    holder.send("XYZ", 10, "sell", "limit", "104")
    holder.to("2024-11-26T19:00:00Z")

    assert holder.cash() == "100050"


def test_open_sells_hold_their_shares(holder):
    stop = holder.send("XYZ", 10, "sell", "stop", "90", tif="gtc")

    assert holder.position("XYZ")["qty_available"] == "0"
    assert holder.refused("XYZ", 10, "sell", "limit", "300.00") == (
        403,
        {
            "available": "0",
            "code": 40310000,
            "existing_qty": "10",
            "held_for_orders": "10",
            "message": "insufficient qty available for order (requested: 10, available: 0)",
            "related_orders": [stop["id"]],
            "symbol": "XYZ",
        },
    )
    holder.cancel(stop)
    assert holder.position("XYZ")["qty_available"] == "10"
    holder.send("XYZ", 10, "sell", "limit", "300.00")


def test_more_than_is_held_cannot_be_sold(holder):
    status, body = holder.refused("XYZ", 11, "sell")

    assert (status, body["available"], body["related_orders"]) == (403, "10", [])


def test_flat_account_cannot_go_short_if_it_does_not_want_to(queued):
    queued.ask("PATCH", "/v2/account/configurations", body={"no_shorting": True})
    assert queued.refused("XYZ", 1, "sell") == (
        403, {"code": 40310000, "message": "account is not allowed to short"},
    )  # fmt: skip


@pytest.mark.parametrize(
    ("resting", "sent", "reason"),
    [
        (("stop", "90"), ("market", None), "market/stop"),
        (("stop", "90"), ("limit", "50"), "market/stop"),
        (("market", None), ("limit", "50"), "market/stop"),
        (("limit", "110"), ("market", None), "market/stop"),
        (("limit", "110"), ("stop", "120"), "market/stop"),
        (("limit", "110"), ("limit", "110"), "limit"),
        (("limit", "110"), ("limit", "110.01"), "limit"),
        (("limit", "110"), ("limit", "109.99"), None),
    ],
)
def test_buy_against_a_resting_sell(holder, resting, sent, reason):
    sell = holder.send("XYZ", 5, "sell", *resting, tif="gtc")
    if reason is None:
        holder.send("XYZ", 1, "buy", *sent)
        return
    assert holder.refused("XYZ", 1, "buy", *sent) == (
        403,
        {
            "code": 40310000,
            "existing_order_id": sell["id"],
            "message": "potential wash trade detected. use complex orders",
            "reject_reason": f"opposite side {reason} order exists",
        },
    )


@pytest.mark.parametrize(
    ("resting", "sent", "is_refused"),
    [
        (("limit", "50"), ("stop", "40"), True),
        (("limit", "50"), ("market", None), True),
        (("limit", "50"), ("limit", "50"), True),
        (("limit", "50"), ("limit", "50.01"), False),
    ],
)
def test_sell_against_a_resting_buy(holder, resting, sent, is_refused):
    holder.send("XYZ", 1, "buy", *resting)
    if is_refused:
        assert holder.refused("XYZ", 5, "sell", *sent)[0] == 403
    else:
        holder.send("XYZ", 5, "sell", *sent)


def test_other_symbols_and_same_side_do_not_matter(holder):
    holder.send("XYZ", 5, "sell", "stop", "90")

    holder.send("ABC", 1, "buy")
    holder.send("XYZ", 5, "sell", "limit", "120")


def test_closed_orders_do_not_matter(holder):
    holder.cancel(holder.send("XYZ", 5, "sell", "stop", "90"))

    holder.send("XYZ", 1, "buy", "limit", "1")


# ------------------------------------------------------------------------------- replacing


def test_replace_makes_a_new_order(holder):
    holder.to("2024-11-26T15:00:00Z")
    old = holder.send("XYZ", 10, "sell", "stop", "90", tif="gtc", client_order_id="first")
    holder.to("2024-11-26T15:10:00Z")
    new = holder.replace(old, stop_price="91.5", client_order_id="second")

    assert (new["replaces"], new["client_order_id"], new["status"]) == (old["id"], "second", "new")
    assert (new["stop_price"], new["qty"], new["time_in_force"]) == ("91.5", "10", "gtc")
    assert (new["created_at"], new["submitted_at"]) == (
        "2024-11-26T15:00:00Z", "2024-11-26T15:10:00Z",
    )  # fmt: skip
    before = holder.get("/v2/orders:by_client_order_id", client_order_id="first")
    assert (before["status"], before["replaced_by"], before["replaced_at"]) == (
        "replaced", new["id"], "2024-11-26T15:10:00Z",
    )  # fmt: skip
    assert [each["id"] for each in holder.get("/v2/orders")] == [new["id"]]
    assert holder.position("XYZ")["qty_available"] == "0"


def test_replace_can_take_fewer_or_more_shares(holder):
    holder.to("2024-11-26T15:00:00Z")
    stop = holder.send("XYZ", 6, "sell", "stop", "90", tif="gtc")
    fewer = holder.replace(stop, qty=4)

    assert holder.position("XYZ")["qty_available"] == "6"
    more = holder.replace(fewer, qty="10")
    assert holder.position("XYZ")["qty_available"] == "0"
    status, body = holder.ask("PATCH", f"/v2/orders/{more['id']}", body={"qty": 11})
    assert (status, body["available"]) == (403, "10")
    assert holder.order(more)["status"] == "new"


def test_replaced_stop_guards_from_the_next_print_on(holder):
    holder.to("2024-11-26T15:00:00Z")
    old = holder.send("XYZ", 10, "sell", "stop", "90", tif="gtc")
    new = holder.replace(old, stop_price="95")
    holder.to("2024-11-26T22:00:00Z")

    assert holder.order(new)["filled_avg_price"] == "95"
    assert len(holder.fills()) == 2


def test_replace_past_the_price_sells_at_once(holder):
    holder.to("2024-11-26T17:00:00Z")  # 94
    old = holder.send("XYZ", 10, "sell", "stop", "90", tif="gtc")
    new = holder.replace(old, stop_price="94.5")

    assert holder.order(new)["filled_avg_price"] == "93.95"
    assert holder.get("/v2/positions") == []


@pytest.mark.parametrize("at", ["2024-11-26T13:00:00Z", "2024-11-26T21:30:00Z"])
def test_no_replace_while_the_market_is_closed(holder, at):
    stop = holder.send("XYZ", 10, "sell", "stop", "90", tif="gtc")
    holder.to(at)

    status, body = holder.ask("PATCH", f"/v2/orders/{stop['id']}", body={"stop_price": "91"})
    assert (status, body["code"]) == (422, 40010001)
    assert body["message"] == "unable to replace order, order isn't sent to exchange yet"
    assert holder.order(stop)["stop_price"] == "90"


def test_stop_sent_in_the_evening_can_be_replaced_after_the_open(holder):
    holder.to("2024-11-26T21:30:00Z")
    stop = holder.send("XYZ", 10, "sell", "stop", "80", tif="gtc")
    assert stop["status"] == "accepted"
    holder.to("2024-11-27T14:30:00Z")
    assert holder.order(stop)["status"] == "new"

    assert holder.replace(stop, stop_price="81")["status"] == "new"


def test_closed_order_cannot_be_replaced(holder):
    holder.to("2024-11-26T15:00:00Z")
    stop = holder.send("XYZ", 10, "sell", "stop", "90")
    holder.cancel(stop)

    assert holder.ask("PATCH", f"/v2/orders/{stop['id']}", body={"qty": 1}) == (
        422, {"code": 42210000, "message": "unable to replace order, order is not open"},
    )  # fmt: skip


@pytest.mark.parametrize(
    "body",
    [
        {"qty": 0},
        {"qty": "1.5"},
        {"limit_price": "5"},
        {"stop_price": "90.001"},
        {"time_in_force": "ioc"},
        {"client_order_id": "taken"},
    ],
)
def test_bad_replacements_change_nothing(holder, body):
    holder.to("2024-11-26T15:00:00Z")
    stop = holder.send("XYZ", 10, "sell", "stop", "90", client_order_id="taken")

    assert holder.ask("PATCH", f"/v2/orders/{stop['id']}", body=body)[0] == 422
    assert holder.order(stop)["status"] == "new"


def test_replaced_buy_sets_aside_what_the_new_one_needs(market):
    someone = customer(market, cash=10_000)
    someone.to("2024-11-26T15:00:00Z")
    old = someone.send("XYZ", 90, "buy", "limit", "90")
    new = someone.replace(old, limit_price="92")

    assert someone.get("/v2/account")["buying_power"] == "1720"
    assert someone.ask("PATCH", f"/v2/orders/{new['id']}", body={"qty": 110})[0] == 403


# ------------------------------------------------------------------------------- cancelling


def test_cancel(queued):
    booked = queued.send("XYZ", 1, "buy", "limit", "90")
    status, _, body = queued.exchange.handle(
        "DELETE", f"/v2/orders/{booked['id']}", "", b"", _keys()
    )

    assert (status, body) == (204, b"")
    order = queued.order(booked)
    assert (order["status"], order["canceled_at"]) == ("canceled", "2024-11-26T13:00:00Z")
    assert queued.ask("DELETE", f"/v2/orders/{booked['id']}")[0] == 422


def test_filled_order_cannot_be_cancelled(queued):
    booked = queued.send("XYZ", 1, "buy", "limit", "100")
    queued.to("2024-11-26T15:00:00Z")

    status, body = queued.ask("DELETE", f"/v2/orders/{booked['id']}")
    assert (status, body["code"]) == (422, 42210000)


def test_cancel_all(queued):
    booked = [queued.send("XYZ", 1, "buy", "limit", price) for price in ("90", "91")]

    status, rows = queued.ask("DELETE", "/v2/orders")
    assert status == 207
    assert [(row["id"], row["status"]) for row in rows] == [(each["id"], 200) for each in booked]
    assert queued.get("/v2/orders") == []
    assert queued.ask("DELETE", "/v2/orders") == (207, [])


def test_closing_a_position(holder):
    holder.to("2024-11-26T17:00:00Z")
    part = holder._ok("DELETE", "/v2/positions/XYZ", {"percentage": "40"})
    assert (part["qty"], part["side"], part["type"]) == ("4", "sell", "market")
    holder._ok("DELETE", "/v2/positions/XYZ", {"qty": "1"})
    rest = holder._ok("DELETE", "/v2/positions/XYZ")

    assert rest["qty"] == "5"
    assert holder.ask("GET", "/v2/positions/XYZ") == (
        404, {"code": 40410000, "message": "position does not exist"},
    )  # fmt: skip
    assert holder.ask("DELETE", "/v2/positions/XYZ")[0] == 404


@pytest.mark.parametrize(
    "query", [{"qty": "1", "percentage": "1"}, {"percentage": "0"}, {"percentage": "101"}]
)
def test_closing_a_part_needs_one_sensible_measure(holder, query):
    assert holder.ask("DELETE", "/v2/positions/XYZ", query)[0] == 422


def test_held_shares_block_closing(holder):
    holder.send("XYZ", 10, "sell", "stop", "90", tif="gtc")

    assert holder.ask("DELETE", "/v2/positions/XYZ")[0] == 403


def _keys():
    from tests.exchange.market import KEYS

    return KEYS
