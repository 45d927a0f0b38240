"""Answers that differ from the contract: used where they can be, and named in every case."""

import datetime as dt
import json

import pytest

from quantcli.contracts.errors import ContractDrift
from quantcli.ports.broker import Response
from quantcli.shell.alpaca.broker import AlpacaBroker
from tests.exchange.conftest import MARKET
from tests.exchange.market import KEYS, customer

RETIRED = (
    "pattern_day_trader", "daytrade_count", "last_daytrade_count", "daytrading_buying_power",
    "last_daytrading_buying_power",
)  # fmt: skip


class Wire:
    """The local exchange as a transport, with a hand in its answers."""

    def __init__(self):
        self.customer = customer(MARKET)
        self.changes = {}

    def send(self, request):
        status, headers, body = self.customer.exchange.handle(
            request.method, "/v2" + request.path, request.query, request.body, KEYS
        )
        change = self.changes.get((request.method, request.path))
        return Response(status, tuple(headers), body if change is None else change(body))

    def change(self, method, path, how):
        """Change the JSON value of an answer, in place."""

        def changed(body):
            value = json.loads(body)
            how(value)
            return json.dumps(value).encode()

        self.changes[method, path] = changed


@pytest.fixture
def wire():
    return Wire()


@pytest.fixture
def broker(wire):
    return AlpacaBroker(wire)


def told(broker):
    return [(finding.code, finding.observed) for finding in broker.drift()]


def sent(symbol="XYZ", client_order_id="a"):
    return json.dumps({
        "symbol": symbol, "qty": "1", "side": "buy", "type": "limit", "limit_price": "101",
        "time_in_force": "day", "client_order_id": client_order_id,
    }).encode()  # fmt: skip


def test_the_local_exchange_says_nothing_but_the_contract(wire, broker):
    broker.submit(sent())
    wire.customer.to("2024-11-26T15:00:00Z")
    wire.customer.send("XYZ", 1, "sell")
    wire.customer.send("XYZ", 1, "buy", "limit", "50")
    wire.customer.to("2024-11-27T15:00:00Z")
    broker.account()
    broker.clock()
    broker.calendar(dt.date(2024, 11, 25), dt.date(2024, 12, 2))
    broker.positions()
    broker.open_orders()
    assert broker.order_by_client_id("a") is not None
    kinds = {activity.activity_type for activity in broker.activities(None)}
    assert kinds == {"FILL", "FEE"}
    assert broker.drift() == ()


def test_retired_fields_may_be_there_or_not(wire, broker):
    assert not set(RETIRED) & set(wire.customer.get("/v2/account"))
    broker.account()
    wire.change("GET", "/account", lambda row: row.update(dict.fromkeys(RETIRED, "0")))
    broker.account()
    assert broker.drift() == ()


def test_unknown_fields_are_named_once_and_not_used(wire, broker):
    plain = broker.account()
    extras = {f"field_{letter}": {"deep": [1]} for letter in "jihgfedcba"}
    wire.change("GET", "/account", lambda row: row.update(extras))
    assert broker.account() == plain
    assert broker.account() == plain
    assert told(broker) == [
        ("broker-field-unknown", f"account.field_{letter}") for letter in "abcdefghij"
    ]


def test_unknown_status_is_unknown_and_named(wire, broker):
    wire.change("POST", "/orders", lambda row: row.update(status="pondering"))
    answer = broker.submit(sent())
    assert answer.order.status == "unknown"
    assert told(broker) == [("broker-status-unknown", "order.status = pondering")]


def test_a_missing_field_is_refused_and_named(wire, broker):
    wire.change("GET", "/account", lambda row: row.pop("equity"))
    with pytest.raises(ContractDrift):
        broker.account()
    assert told(broker) == [
        ("broker-answer-unusable", "account: the broker's answer lacks a required field: equity")
    ]


@pytest.mark.parametrize("body", [b"", b"<html>", b'{"id":', b'{"a":1,"a":2}', b'{"a":NaN}'])
def test_what_is_no_json_is_named(body, wire, broker):
    wire.changes["GET", "/account"] = lambda _: body
    with pytest.raises(ContractDrift):
        broker.account()
    wire.changes["POST", "/orders"] = lambda _: body
    broker.submit(sent())
    named = [text.split(":")[0] for code, text in told(broker)]
    assert named == ["/account", "POST"]
    assert {code for code, _ in told(broker)} == {"broker-answer-unusable"}


def test_what_should_be_a_list_is_named(wire, broker):
    wire.changes["GET", "/positions"] = lambda _: b'{"message":"no"}'
    with pytest.raises(ContractDrift):
        broker.positions()
    assert told(broker)[0][1].startswith("/positions: ")


def test_a_gateways_page_is_no_drift(wire, broker):
    wire.send = lambda request: Response(502, (), b"<html>")
    broker.submit(sent())
    assert broker.drift() == ()


def test_names_from_outside_are_short_and_printable(wire, broker):
    wire.change("GET", "/account", lambda row: row.update({"a\x1b[31m\n": 1, "b" * 500: 2}))
    broker.account()
    texts = [text for _, text in told(broker)]
    assert texts == ["account.a\\x1b[31m", "account." + "b" * 112]


def test_their_number_is_bounded(wire, broker):
    extras = {f"field_{number:03d}": 1 for number in range(300)}
    wire.change("GET", "/account", lambda row: row.update(extras))
    broker.account()
    assert told(broker)[-1] == ("broker-field-unknown", "account.field_199")
