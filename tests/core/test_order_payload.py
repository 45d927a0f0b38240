"""Request bodies: exact bytes, because a resent order must be the same order."""

import datetime as dt
import hashlib
import json
from decimal import Decimal

import pytest

from quantcli.contracts.orders import OrderIntent
from quantcli.core.order_payload import payload_sha256, request_body, wire_price


def intent(**changes):
    terms = {
        "intent_id": "a" * 64,
        "client_order_id": "q1-20240801-e-1-eowwn3tcad4xqm6b",
        "purpose": "entry",
        "strategy": "avwap",
        "session": dt.date(2024, 8, 1),
        "sequence": 1,
        "signal_id": "b" * 64,
        "symbol": "AAPL",
        "side": "buy",
        "quantity": "46",
        "order_type": "limit",
        "limit_price": "218.5",
        "time_in_force": "day",
        "expires_at": "2024-08-01T13:35:00Z",
        "payload_sha256": "0" * 64,
    }
    return OrderIntent(**{**terms, **changes})


def test_entry_is_spelled_as_a_day_limit_order():
    assert request_body(intent()) == (
        b'{"client_order_id":"q1-20240801-e-1-eowwn3tcad4xqm6b","limit_price":"218.50",'
        b'"qty":"46","side":"buy","symbol":"AAPL","time_in_force":"day","type":"limit"}'
    )


def test_first_stop_is_spelled_as_a_gtc_stop_order():
    stop = intent(
        purpose="stop", side="sell", order_type="stop", limit_price=None, stop_price="201.1234",
        time_in_force="gtc", expires_at=None, client_order_id="q1-20240801-s-1-x",
    )  # fmt: skip

    assert request_body(stop) == (
        b'{"client_order_id":"q1-20240801-s-1-x","position_intent":"sell_to_close","qty":"46",'
        b'"side":"sell","stop_price":"201.1234","symbol":"AAPL","time_in_force":"gtc",'
        b'"type":"stop"}'
    )


def test_market_exit_names_no_price():
    leave = intent(purpose="exit", side="sell", order_type="market", limit_price=None)

    assert {"limit_price", "stop_price"}.isdisjoint(json.loads(request_body(leave)))


def test_a_sale_says_that_it_closes_and_a_purchase_says_nothing():
    leave = intent(purpose="exit", side="sell", order_type="market", limit_price=None)

    assert json.loads(request_body(leave))["position_intent"] == "sell_to_close"
    assert "position_intent" not in json.loads(request_body(intent()))


def test_replacing_stop_is_spelled_as_the_patch():
    stop = intent(
        purpose="stop", side="sell", order_type="stop", limit_price=None, stop_price="203",
        time_in_force="gtc", expires_at=None, client_order_id="q1-20240802-s-2-y",
        replaces="q1-20240801-s-1-x",
    )  # fmt: skip

    assert request_body(stop) == (
        b'{"client_order_id":"q1-20240802-s-2-y","qty":"46","stop_price":"203.00"}'
    )


def test_only_stops_are_replaced():
    with pytest.raises(ValueError, match="only stops are replaced"):
        request_body(intent(replaces="q1-20240801-e-1-z"))


def test_inv12_digest_is_over_the_bytes_that_are_sent():
    assert payload_sha256(intent()) == hashlib.sha256(request_body(intent())).hexdigest()


@pytest.mark.parametrize(
    ("price", "spelling"),
    [("100", "100.00"), ("99.9", "99.90"), ("0.1234", "0.1234"), ("12.345", "12.345")],
)
def test_prices_are_spelled_to_the_cent_and_finer_only_where_it_counts(price, spelling):
    assert wire_price(Decimal(price)) == spelling
