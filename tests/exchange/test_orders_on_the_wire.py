"""Order requests as clients send them, and the refusals that they match on."""

import json
import uuid

import pytest

from quantcli.contracts.scalars import instant
from tests.exchange.market import KEYS, order

DAY = {"time_in_force": "day"}
SUB_PENNY = "sub-penny increment does not fulfill minimum pricing criteria"
LIMIT = order("XYZ", "1", "buy", "limit", "90")


def test_numbers_come_as_numbers_or_strings_and_go_as_strings(queued):
    booked = queued.send("XYZ", 5.0, "buy", client_order_id="c-num-1")
    same = queued.send("XYZ", "5.000", "buy", "limit", 90.10, client_order_id="c-num-2")

    assert booked | {
        "qty": "5", "filled_qty": "0", "filled_avg_price": None, "order_class": "",
        "order_type": "market", "type": "market", "legs": None, "notional": None,
        "client_order_id": "c-num-1", "limit_price": None, "extended_hours": False,
        "position_intent": "buy_to_open",
    } == booked  # fmt: skip
    assert (same["qty"], same["limit_price"]) == ("5", "90.1")
    for name in ("created_at", "updated_at", "submitted_at"):
        assert instant(booked[name]) == instant("2024-11-26T13:00:00Z")
    assert uuid.UUID(booked["id"]).version == 4


@pytest.mark.parametrize("absent", [{}, {"client_order_id": None}, {"client_order_id": ""}])
def test_missing_client_order_id_is_generated(queued, absent):
    booked = queued.send("XYZ", 1, "buy", **absent)

    assert uuid.UUID(booked["client_order_id"]).version == 4
    assert booked["client_order_id"] != booked["id"]


def test_duplicate_client_order_id(queued):
    first = queued.send("XYZ", 1, "buy", client_order_id="c-dup")

    # Whatever else may be wrong with the second request: presence is what the answer must prove.
    for body in (order("XYZ", "1", "buy"), order("XYZ", "99999999", "buy"), LIMIT):
        status, answer = queued.ask("POST", "/v2/orders", body=body | {"client_order_id": "c-dup"})
        assert (status, answer["message"]) == (422, "client_order_id must be unique")
    queued.cancel(first)
    assert queued.refused("XYZ", 1, "buy", client_order_id="c-dup")[0] == 422
    assert len(queued.get("/v2/orders", status="all")) == 1


def test_length_of_client_order_ids(queued):
    assert queued.refused("XYZ", 1, "buy", client_order_id="x" * 129) == (
        422,
        {"code": 40010001, "message": "client_order_id must be no more than 128 characters"},
    )
    queued.send("XYZ", 1, "buy", client_order_id="x" * 128)


def test_unknown_symbol(queued):
    assert queued.refused("ZZZZ", 1, "buy") == (
        422, {"code": 42210000, "message": 'asset "ZZZZ" not found'},
    )  # fmt: skip
    assert queued.refused("xyz", 1, "buy")[0] == 422  # symbols are case-sensitive


def test_asset_id_instead_of_symbol(queued):
    asset_id = queued.get("/v2/assets/XYZ")["id"]

    assert queued.send(asset_id, 1, "buy")["symbol"] == "XYZ"


@pytest.mark.parametrize(
    ("body", "code", "message"),
    [
        (DAY | {"symbol": "XYZ", "side": "buy", "type": "market"}, 40010001,
         "qty or notional is required"),
        (order("XYZ", "1", "buy") | {"notional": "5"}, 40010001,
         "only one of qty or notional is accepted"),
        (order("XYZ", 0, "buy"), 40010001, "qty must be > 0"),
        (order("XYZ", -1, "buy"), 40010001, "qty must be > 0"),
        (order("XYZ", "many", "buy"), 40010001, "invalid qty: many"),
        (order("XYZ", True, "buy"), 40010001, "invalid qty: True"),
        (order("XYZ", "NaN", "buy"), 40010001, "invalid qty: NaN"),
        (order("XYZ", "1.0000000001", "buy"), 40010001,
         "qty must have no more than 9 decimal places"),
        (order("XYZ", "1.5", "buy", "limit", "90", "gtc"), 42210000,
         "fractional orders must be DAY orders"),
        (order("", 1, "buy"), 40010001, "symbol is required"),
        (order("XYZ", 1, "hold"), 40010001, "invalid side"),
        (order("XYZ", 1, "buy", "guess"), 40010001, "invalid order type"),
        (order("XYZ", 1, "buy", tif="soon"), 40010001, "invalid time_in_force"),
        (order("XYZ", 1, "buy", "limit"), 40010001, "limit orders require a limit price"),
        (order("XYZ", 1, "buy", "stop"), 40010001, "stop orders require a stop price"),
        (order("XYZ", 1, "buy", limit_price="5"), 40010001,
         "market orders require no stop or limit price"),
        (order("XYZ", 1, "buy", "limit", "0"), 40010001, "limit_price must be > 0"),
        (order("XYZ", 1, "buy", "limit", "290.123"), 42210000,
         f"invalid limit_price 290.123. {SUB_PENNY}"),
        (order("XYZ", 1, "buy", "stop", "0.12345"), 42210000,
         f"invalid stop_price 0.12345. {SUB_PENNY}"),
        (order("XYZ", 1, "buy", extended_hours=True), 42210000,
         "extended hours order must be DAY or GTC limit orders"),
        (order("XYZ", 1, "buy", order_class="mleg"), 42210000,
         "order class not supported: mleg"),
        (order("XYZ", 1, "buy", order_class="pair"), 40010001, "invalid order_class: pair"),
        (order("XYZ", 1, "buy", position_intent="sell_to_close"), 42210000,
         "position intent mismatch, inferred: buy_to_open, specified: sell_to_close"),
        (order("XYZ", 1, None), 40010001, "invalid side"),
        (order("XYZ", 1, "buy", "limit", "90", stop_price="80"), 40010001,
         "limit orders require no stop price"),
        (order("XYZ", 1, "buy", "stop", "110", limit_price="111"), 40010001,
         "stop orders require no limit price"),
        (order("XYZ", 1, "buy", "limit", "many"), 40010001, "invalid limit_price: many"),
        (order("XYZ", 1, "buy", trail_price="1"), 40010001,
         "trail_price is for trailing stop orders only"),
        (order("XYZ", 1, "buy", take_profit={"limit_price": "5"}), 42210000,
         "simple orders take no take_profit and no stop_loss"),
        (order("XYZ", 1, "buy", extended_hours="yes"), 40010001, "invalid extended_hours: yes"),
        (order("XYZ", 1, "buy", position_intent="hope"), 40010001,
         "invalid position_intent: hope"),
        (order("XYZ", 1, "buy", client_order_id=7), 40010001,
         "client_order_id must be a string"),
    ],
)  # fmt: skip
def test_refusals(queued, body, code, message):
    assert queued.ask("POST", "/v2/orders", body=body) == (
        422, {"code": code, "message": message},
    )  # fmt: skip
    assert queued.get("/v2/orders", status="all") == []


def test_intent_that_agrees_with_the_side(queued):
    booked = queued.send("XYZ", 1, "buy", position_intent="buy_to_open", extended_hours=False)

    assert booked["position_intent"] == "buy_to_open"


@pytest.mark.parametrize(
    "body",
    [b"{", b"[]", b'{"qty": NaN}', b"\xff", b"[" * 100_000, b'{"qty": 1e99999999999999999999}'],
)
def test_bodies_that_are_no_object(queued, body):
    status, _, data = queued.exchange.handle("POST", "/v2/orders", "", body, KEYS)

    assert (status, json.loads(data)["code"]) == (400, 40010000)


def test_body_without_end(queued):
    status, _, _ = queued.exchange.handle("POST", "/v2/orders", "", b" " * 2**21, KEYS)

    assert status == 413


def test_four_decimals_below_a_dollar(queued):
    assert queued.send("XYZ", 10, "buy", "limit", "0.1234")["limit_price"] == "0.1234"


def test_malformed_and_unknown_ids(queued):
    booked = queued.send("XYZ", 1, "buy")

    assert queued.ask("GET", "/v2/orders/fake_id") == (
        422, {"code": 40010001, "message": "order_id is missing"},
    )  # fmt: skip
    assert queued.ask("GET", f"/v2/orders/{'g' * 32}")[0] == 422
    unknown = str(uuid.UUID(int=7, version=4))
    for method in ("GET", "DELETE", "PATCH"):
        status, body = queued.ask(method, f"/v2/orders/{unknown}")
        assert (status, body["message"]) == (404, f"order not found for {unknown}")
    plain = booked["id"].replace("-", "")
    assert queued.get(f"/v2/orders/{plain}", nested="True")["id"] == booked["id"]


@pytest.mark.parametrize("name", ["a b", "a+b", "a/b", "a&b", "a:b", "naïve"])
def test_client_order_ids_survive_the_query(queued, name):
    booked = queued.send("XYZ", 1, "buy", client_order_id=name)

    found = queued.get("/v2/orders:by_client_order_id", client_order_id=name)
    assert found["id"] == booked["id"]


def test_unknown_client_order_id(queued):
    assert queued.ask("GET", "/v2/orders:by_client_order_id", {"client_order_id": "no"}) == (
        404, {"code": 40410000, "message": "order not found for no"},
    )  # fmt: skip
    assert queued.ask("GET", "/v2/orders:by_client_order_id")[0] == 422


@pytest.fixture
def busy(holder):
    """Return a customer with one order in each of five minutes, the second one cancelled."""
    for minute, (symbol, side) in enumerate(
        [("XYZ", "buy"), ("XYZ", "buy"), ("ABC", "buy"), ("XYZ", "buy"), ("XYZ", "sell")]
    ):
        holder.to(f"2024-11-26T15:0{minute}:00Z")
        price = "200" if side == "sell" else "20"
        booked = holder.send(symbol, 1, side, "limit", price, client_order_id=f"n{minute}")
        if minute == 1:
            holder.cancel(booked)
    return holder


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ({}, "n4 n3 n2 n0"),
        ({"status": "closed", "symbols": "XYZ", "after": "2024-11-26T00:00:00Z"}, "n1"),
        ({"status": "all", "direction": "asc", "limit": "2", "after": "2024-11-26T15:00:00Z"},
         "n1 n2"),
        ({"status": "all", "after": "2024-11-26T15:00:00+00:00",
          "until": "2024-11-26T15:03:00+00:00"}, "n2 n1"),
        ({"status": "all", "after": "2024-11-26T10:02:00-05:00"}, "n4 n3"),
        ({"status": "all", "after": "2024-11-26T15:01:59.999999999Z"}, "n4 n3 n2"),
        ({"status": "all", "until": "2024-11-26"}, None),  # New York midnight: only the opening
        ({"symbols": "ABC,NONE"}, "n2"),
        ({"side": "sell", "nested": "True"}, "n4"),
        ({"limit": "9999"}, "n4 n3 n2 n0"),
        ({"limit": "1"}, "n4"),
    ],
)  # fmt: skip
def test_list_filters(busy, query, names):
    found = [each["client_order_id"] for each in busy.get("/v2/orders", **query)]

    if names is None:
        assert len(found) == 1
        assert not found[0].startswith("n")
    else:
        assert found == names.split()


@pytest.mark.parametrize(
    "query",
    [
        {"status": "some"}, {"direction": "up"}, {"limit": "0"}, {"limit": "x"},
        {"after": "yesterday"}, {"nested": "perhaps"}, {"side": "both"},
    ],
)  # fmt: skip
def test_bad_filters(busy, query):
    assert busy.ask("GET", "/v2/orders", query)[0] == 422


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ({"before_order_id": 3}, "n2 n1 n0"),
        ({"after_order_id": 2}, "n4 n3"),
        ({"after_order_id": 1, "direction": "asc", "limit": "2"}, "n2 n3"),
        ({"before_order_id": 4, "side": "buy", "symbols": "XYZ"}, "n3 n1 n0"),
        ({"asset_class": "us_equity"}, "n4 n3 n2 n1 n0"),
        ({"asset_class": "crypto,us_option"}, ""),
    ],
)
def test_paging_by_order(busy, query, names):
    """The numbers stand for the ids of the orders n0 to n4; the holder's first buy is left out."""
    ids = {}
    for row in busy.get("/v2/orders", status="all", after="2024-11-26T00:00:00Z"):
        ids[row["client_order_id"]] = row["id"]
    asked = {
        name: ids[f"n{value}"] if name.endswith("order_id") else value
        for name, value in query.items()
    }
    found = busy.get("/v2/orders", status="all", **asked)

    shown = [each["client_order_id"] for each in found if each["client_order_id"].startswith("n")]
    assert shown == names.split()


def test_pages_by_order_meet_without_a_gap(queued):
    sent = [queued.send("XYZ", 1, "buy", "limit", "50")["id"] for _ in range(7)]  # one instant
    seen, query = [], {}
    while page := queued.get("/v2/orders", status="all", limit="3", **query):
        seen += [each["id"] for each in page]
        query = {"before_order_id": seen[-1]}

    assert seen == sent[::-1]


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ({"before_order_id": "fake"}, 422),
        ({"after_order_id": str(uuid.UUID(int=7, version=4))}, 404),
        ({"before_order_id": "x", "after_order_id": "y"}, 422),
        ({"before_order_id": "x", "until": "2024-11-26T00:00:00Z"}, 422),
    ],
)
def test_bad_cursors(queued, query, status):
    assert queued.ask("GET", "/v2/orders", query)[0] == status


def test_hundreds_of_groups_in_one_page(queued):
    for _ in range(120):
        queued.send("XYZ", 1, "buy", "limit", "50", tif="gtc", order_class="oto",
                    stop_loss={"stop_price": "40"})  # fmt: skip
    nested = queued.get("/v2/orders", nested="true", limit="500")

    assert len(nested) == 120
    assert all(len(each["legs"]) == 1 for each in nested)
