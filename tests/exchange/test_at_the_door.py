"""Who is let in, and what a customer without subscriptions is not shown."""

import base64

import pytest

from tests.exchange.market import KEY, KEYS, SECRET


def basic(words):
    return {"Authorization": "Basic " + base64.b64encode(words.encode()).decode()}


def test_keys_may_come_as_a_basic_authorization(queued):
    assert queued.ask("GET", "/v2/account", headers=basic(f"{KEY}:{SECRET}"))[0] == 200
    assert queued.ask("GET", "/v2/account", headers=basic(f"{KEY}:bad")) == (
        401, {"message": "unauthorized."},
    )  # fmt: skip


def test_an_authorization_beside_the_keys_changes_nothing(queued):
    assert queued.ask("GET", "/v2/account", headers=KEYS | basic("somebody:else"))[0] == 200
    wrong = KEYS | {"APCA-API-SECRET-KEY": "bad"} | basic(f"{KEY}:{SECRET}")
    assert queued.ask("GET", "/v2/account", headers=wrong)[0] == 401


@pytest.mark.parametrize(
    "headers", [{}, {"APCA-API-KEY-ID": KEY}, {"Authorization": "Bearer x"},
                {"Authorization": "Basic !"}, {"Authorization": "Basic /w=="}, basic(KEY)],
)  # fmt: skip
def test_whoever_brings_no_keys_meets_the_gateway(queued, headers):
    status, sent, body = queued.exchange.handle("GET", "/v2/account", "", b"", headers)

    assert (status, dict(sent)["Content-Type"]) == (401, "text/html")
    assert body.startswith(b"<html>")


@pytest.mark.parametrize("path", ["/v1beta1/indices/values", "/v1beta1/indices/latest/values"])
def test_indices_are_for_subscribers(queued, path):
    status, body = queued.ask("GET", path, {"index_symbols": "VIX"})

    assert (status, set(body)) == (403, {"message"})
