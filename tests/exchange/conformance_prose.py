"""What the checks say in prose, as code: a function for each thing said, called after the check.

It gets the world as the check left it, and the check's own answer. What only an exchange of our
own can show is marked with what it needs.
"""

import datetime as dt
import json
import time
import uuid
from urllib.parse import parse_qsl, urlsplit

import pytest
import requests
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from tests.exchange.conformance_needs import ALONE, CLOCK, CONTROLS, SHARES, needs

#: How often an order is looked at, a second apart, until its cancel is done.
LOOKS = 30


def numbers_and_ids(world, answer):
    for absent in ({}, {"client_order_id": None}):
        assert uuid.UUID(world.order(**absent)["client_order_id"]).version == 4
    typed = world.order(qty=3, type="limit", limit_price=90.5)
    assert (typed["qty"], typed["limit_price"], typed["filled_avg_price"]) == ("3", "90.5", None)


def one_order_with_the_id(world, answer):
    name = world.named("c-dup")
    found = world.orders(status="all", limit="500")
    (booked,) = [each for each in found if each["client_order_id"] == name]
    world.ask("DELETE", f"/v2/orders/{booked['id']}")
    assert world.refused(client_order_id=name)[0] == 422


def length_allowed(world, answer):
    longest = world.named("x" * 128)
    assert len(longest) == 128
    assert world.order(client_order_id=longest)["client_order_id"] == longest


def one_measure_of_quantity(world, answer):
    assert world.refused(notional="5") == (
        422, {"code": 40010001, "message": "only one of qty or notional is accepted"},
    )  # fmt: skip
    for quantity in (0, -1, "0", "-1"):
        assert world.refused(qty=quantity) == (
            422, {"code": 40010001, "message": "qty must be > 0"},
        )  # fmt: skip


@needs(ALONE)
def open_orders_reserve(world, answer):
    assert world.orders(status="all") == []
    cash = float(world.ask("GET", "/v2/account")["buying_power"])
    world.order(qty=str(int(cash - 10_000) // 50), type="limit", limit_price="50")
    world.order(qty="30", type="limit", limit_price="100")
    status, body = world.refused(qty="80", type="limit", limit_price="100")
    assert (status, body["message"]) == (403, "insufficient buying power")
    assert body["buying_power"] == "7000"
    assert body["cost_basis"] == "8000"


@needs(SHARES)
def limits_apart_and_complex_orders(world, answer):
    assert answer.json()["message"] == "potential wash trade detected. use complex orders"
    assert answer.json()["reject_reason"] == "opposite side limit order exists"
    world.order(type="limit", limit_price="99.99")
    world.ask("DELETE", "/v2/orders")
    world.order(qty="5", side="sell", type="trailing_stop", trail_percent="5", time_in_force="gtc")
    world.order(type="market")
    exits = {"take_profit": {"limit_price": "120"}, "stop_loss": {"stop_price": "70"}}
    world.order(qty="5", side="sell", type="limit", order_class="oco", time_in_force="gtc", **exits)
    world.order(type="market")


@needs(CLOCK)
def window_opens_in_the_evening(world, answer):
    world.to("2026-03-02T23:59:59Z")
    assert world.refused(time_in_force="opg")[0] == 403
    world.to("2026-03-03T00:00:00Z")
    assert world.order(time_in_force="opg")["status"] == "accepted"


@needs(CLOCK)
def filled_at_the_open(world, answer):
    world.order(client_order_id="c-q2")
    world.to("2026-03-02T14:30:00Z")
    for name in ("c-q", "c-q2"):
        found = world.ask("GET", "/v2/orders:by_client_order_id", query={"client_order_id": name})
        assert (found["status"], found["filled_avg_price"]) == ("filled", "92")
        assert found["filled_at"] == "2026-03-02T14:30:00Z"


@needs(CLOCK)
def list_rules(world, answer):
    """Five orders: before the first bound, at it, between (two), and at the second."""
    sent = {}
    for at, symbol, side in (
        ("2026-03-02T14:00:00Z", "AAPL", "buy"),
        ("2026-03-02T14:30:00Z", "MSFT", "buy"),
        ("2026-03-02T14:30:01Z", "MSFT", "buy"),
        ("2026-03-02T16:00:00Z", "AAPL", "buy"),
        ("2026-03-02T16:00:00Z", "TSLA", "buy"),
        ("2026-03-02T21:00:00Z", "AAPL", "buy"),
    ):
        world.to(at)
        sent.setdefault(at, []).append(
            world.order(symbol=symbol, side=side, type="limit", limit_price="10",
                        time_in_force="gtc")["id"]
        )  # fmt: skip
    found = world.send(answer.request.method, "/v2/orders", query=answer.request.url.split("?")[1])
    assert [each["id"] for each in found.json()] == [
        sent["2026-03-02T14:30:01Z"][0], sent["2026-03-02T16:00:00Z"][0],
    ]  # fmt: skip
    everything = [each for at in sorted(sent) for each in sent[at]]
    assert [each["id"] for each in world.orders()] == everything[::-1]
    assert len(world.orders(limit="9999")) == 6
    world.ask("DELETE", f"/v2/orders/{everything[0]}")
    assert everything[0] not in [each["id"] for each in world.orders()]
    bracket = world.order(
        qty="1", type="limit", limit_price="20", order_class="bracket", time_in_force="gtc",
        take_profit={"limit_price": "200"}, stop_loss={"stop_price": "5"},
    )  # fmt: skip
    rolled = world.orders(nested="True", limit="1")[0]
    assert rolled["id"] == bracket["id"]
    assert [leg["status"] for leg in rolled["legs"]] == ["held", "held"]
    flat = world.orders(nested="False", limit="3")
    assert {each["id"] for each in flat} == {bracket["id"], *(leg["id"] for leg in rolled["legs"])}
    assert all(each["legs"] is None for each in flat)
    for _ in range(50):
        world.order(type="limit", limit_price="11", time_in_force="gtc")
    assert len(world.orders()) == 50


def ids(world, answer):
    unknown = str(uuid.UUID(int=7, version=4))
    missing = world.send("GET", f"/v2/orders/{unknown}")
    assert (missing.status_code, missing.json()) == (
        404, {"code": 40410000, "message": f"order not found for {unknown}"},
    )  # fmt: skip
    booked = world.order()
    assert world.ask("GET", f"/v2/orders/{booked['id'].replace('-', '')}")["id"] == booked["id"]


def cancelled_in_the_end(world, answer):
    order = {"id": world.places["$ID"]}
    found = world.read(order)
    for _ in range(LOOKS):
        if found["status"] != "pending_cancel":
            break
        time.sleep(1)
        found = world.read(order)
    assert (found["status"], found["canceled_at"] is not None) == ("canceled", True)


def no_cancel_of_nothing(world, answer):
    unknown = world.send("DELETE", f"/v2/orders/{uuid.UUID(int=7, version=4)}")
    assert unknown.status_code == 404


@needs(SHARES)
def no_cancel_of_a_filled_order(world, answer):
    world.to(world.IN_HOURS)
    refused = world.send("DELETE", f"/v2/orders/{world.order()['id']}")
    assert (refused.status_code, refused.json()["code"]) == (422, 42210000)


def parses(world, answer):
    assert world.client().get_account().status == "ACTIVE"


def opens_without_a_zone(world, answer):
    from alpaca.trading.requests import GetCalendarRequest

    day = dt.date(2026, 11, 27)
    (found,) = world.client().get_calendar(GetCalendarRequest(start=day, end=day))
    assert found.open == dt.datetime(2026, 11, 27, 9, 30)  # noqa: DTZ001
    assert found.close == dt.datetime(2026, 11, 27, 13)  # noqa: DTZ001


@needs(SHARES)
def shares_held_by_open_sells(world, answer):
    """What is sold short is below zero; an account may say that it does not want any."""
    world.order(qty="10")
    world.to(world.IN_HOURS)
    world.order(qty="4", side="sell", type="limit", limit_price="120")
    row = world.ask("GET", "/v2/positions/AAPL")
    assert (row["side"], row["qty"], row["qty_available"]) == ("long", "10", "6")
    world.order(symbol="MSFT", side="sell", qty="3")
    row = world.ask("GET", "/v2/positions/MSFT")
    assert (row["side"], row["qty"], row["qty_available"]) == ("short", "-3", "-3")
    assert float(row["market_value"]) == -3 * float(row["current_price"]) < 0
    world.ask("PATCH", "/v2/account/configurations", body={"no_shorting": True})
    status, body = world.refused(symbol="TSLA", side="sell")
    assert (status, body["message"]) == (403, "account is not allowed to short")


@needs(CLOCK)
def no_bar_before_its_close(world, answer):
    assert answer.json() == {"bars": {}, "next_page_token": None}  # no session is over yet


def bars_page_by_page(world, answer):
    world.be_past("2026-03-06T13:00:00Z")
    query = dict(parse_qsl(urlsplit(answer.request.url).query))
    bars, token = [], None
    while token is not None or not bars:
        page = world.ask(
            "GET", "/v2/stocks/bars", query=query | ({} if token is None else {"page_token": token})
        )
        assert set(page) == {"bars", "next_page_token"}
        assert set(page["bars"]) <= {"AAPL"}
        token = page["next_page_token"]
        assert token is None or (isinstance(token, str) and token)
        assert 0 < len(page["bars"].get("AAPL", ())) <= 2 or (bars and token is None)
        bars += page["bars"].get("AAPL", ())
    assert [bar["t"] for bar in bars] == [
        f"2026-03-{day:02}T05:00:00Z" for day in (2, 3, 4, 5)
    ]  # the last bound is included
    for bar in bars:
        assert set(bar) == {"t", "o", "h", "l", "c", "v", "n", "vw"}
        assert all(type(bar[name]) in {int, float} for name in "ohlcvn")
    both = world.ask("GET", "/v2/stocks/bars", query=query | {"symbols": "MSFT,AAPL", "limit": "5"})
    assert [(symbol, len(rows)) for symbol, rows in sorted(both["bars"].items())] == [
        ("AAPL", 4), ("MSFT", 1),
    ]  # fmt: skip
    wrong = world.send("GET", "/v2/stocks/bars", query=query | {"timeframe": "60Min"})
    assert (wrong.status_code, set(wrong.json())) == (400, {"message"})


@needs("needs an account without a subscription to data")
def newest_of_the_tape_are_not_for_all(world, answer):
    query = dict(parse_qsl(urlsplit(answer.request.url).query))
    recent = {"feed": "sip", "end": "2026-03-06T12:50:00Z"}
    refused = world.send("GET", "/v2/stocks/bars", query=query | recent)
    assert (refused.status_code, set(refused.json())) == (403, {"message"})


def hand_shake(world, request):
    """Shake hands frame by frame; nobody else is let in meanwhile."""
    with connect(world.stream_url, proxy=None) as line:
        hello, listen = request["send"]
        refused = {"action": "listen", "status": "unauthorized"}
        assert said(line, listen) == {"stream": "authorization", "data": refused}
        wrong = {"action": "auth", "key": world.key, "secret": "bad"}
        assert said(line, wrong)["data"]["status"] == "unauthorized"
        for each, frame in zip((hello, listen), request["frames"], strict=True):
            assert said(line, each) == frame
        with pytest.raises(InvalidStatus, match="429"), connect(world.stream_url, proxy=None):
            pass


@needs(SHARES)
def stream_of_updates(world, request):
    """See an order filled; whoever comes back is told nothing again."""
    with connect(world.stream_url, proxy=None) as line:
        for each in request["send"]:
            said(line, each)
        booked = world.order()
        world.to(world.IN_HOURS)
        new, fill = (heard(line)["data"] for _ in range(2))
        assert (new["event"], fill["event"]) == ("new", "fill")
        assert {each["order"]["id"] for each in (new, fill)} == {booked["id"]}
        assert uuid.UUID(fill["execution_id"])
        assert (fill["price"], fill["qty"], fill["position_qty"]) == ("92", "1", "1")
    with connect(world.stream_url, proxy=None) as line:
        for each in request["send"]:
            said(line, each)
        again = world.order(type="limit", limit_price=world.far)
        assert heard(line)["data"]["order"]["id"] == again["id"]


@needs(CONTROLS)
def booked_all_the_same(world, request):
    """Nobody answers, the gateway gives up, or looking the order up finds nothing at first."""
    body = request["json"]
    with pytest.raises(requests.ConnectionError):
        world.send("POST", "/v2/orders", body=body)
    is_booked_once(world, body, hidden=0)
    for kind, more, status, hidden in (
        ("gateway-timeout-after-accept", {}, 504, 0),
        ("late-visibility", {"calls": 3}, 200, 3),
    ):
        world.ask("POST", "/_sim/faults", body={"kind": kind, "method": "POST", **more})
        body = body | {"client_order_id": f"c-{kind}"}
        answer = world.send("POST", "/v2/orders", body=body)
        assert answer.status_code == status
        assert status == 200 or answer.headers["Content-Type"].startswith("text/html")
        is_booked_once(world, body, hidden=hidden)


def is_booked_once(world, body, *, hidden):
    """An order that the customer was not told of is there, once, and cannot be booked again."""
    name = body["client_order_id"]
    statuses = [
        world.send(
            "GET", "/v2/orders:by_client_order_id", query={"client_order_id": name}
        ).status_code
        for _ in range(hidden + 1)
    ]
    assert statuses == [404] * hidden + [200]
    again = world.send("POST", "/v2/orders", body=body)
    assert (again.status_code, again.json()["message"]) == (422, "client_order_id must be unique")
    everything = world.orders(status="all", limit="500")
    assert [each["client_order_id"] for each in everything].count(name) == 1


def heard(line):
    frame = line.recv(timeout=10)
    assert isinstance(frame, bytes)
    return json.loads(frame)


def said(line, message):
    line.send(json.dumps(message))
    return heard(line)


AFTER = {
    "AC05": (parses,),
    "AC08": (opens_without_a_zone,),
    "AC11": (numbers_and_ids,),
    "AC12": (one_order_with_the_id,),
    "AC14": (length_allowed,),
    "AC18": (one_measure_of_quantity,),
    "AC20": (open_orders_reserve,),
    "AC23": (limits_apart_and_complex_orders,),
    "AC26": (window_opens_in_the_evening,),
    "AC27": (filled_at_the_open,),
    "AC29": (list_rules,),
    "AC30": (ids,),
    "AC33": (cancelled_in_the_end, no_cancel_of_nothing, no_cancel_of_a_filled_order),
    "AC35": (shares_held_by_open_sells,),
    "AC37": (no_bar_before_its_close, bars_page_by_page, newest_of_the_tape_are_not_for_all),
    "AC38": (booked_all_the_same,),
    "AC40": (hand_shake, stream_of_updates),
}
