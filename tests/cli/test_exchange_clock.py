"""The local exchange's clock over the wire: a time, or a named failure."""

import datetime as dt

import pytest

from quantcli.cli import exchange_clock
from quantcli.contracts.errors import BrokerRefused, BrokerUnreachable, ContractDrift
from quantcli.shell.alpaca.http import AlpacaTransport
from tests.shell.alpaca.servers import Broker, says

AT = dt.datetime(2024, 11, 26, 13, 30, tzinfo=dt.UTC)


def test_reading_and_moving():
    with Broker(says(200, b'{"timestamp":"2024-11-26T08:30:00-05:00"}')) as server:
        transport = AlpacaTransport(server.url, "k", "s")
        assert exchange_clock.read(transport) == AT
        assert exchange_clock.move(transport, AT) == AT

    assert [(m, p, b) for m, p, _, b in server.requests] == [
        ("GET", "/_sim/clock", b""),
        ("POST", "/_sim/clock", b'{"to":"2024-11-26T13:30:00Z"}'),
    ]


@pytest.mark.parametrize(
    ("status", "body", "error", "message"),
    [
        (409, b'{"message":"the clock cannot go back"}', BrokerRefused, "cannot go back"),
        (404, b"<html>", BrokerRefused, "no readable message"),
        (200, b"", BrokerRefused, "no readable message"),
        (200, b"[]", BrokerRefused, "no readable message"),
        (200, b'{"timestamp"', BrokerRefused, "no readable message"),
        (200, b'{"timestamp":"noon"}', ContractDrift, "not an instant"),
        (200, b'{"timestamp":null}', ContractDrift, "not an instant"),
    ],
)
def test_what_is_no_clock(status, body, error, message):
    with Broker(says(status, body)) as server, pytest.raises(error, match=message):
        exchange_clock.read(AlpacaTransport(server.url, "k", "s"))


@pytest.mark.parametrize(
    ("status", "hint"),
    [(422, "not before the exchange's clock"), (401, "keys.json"), (500, "broker.url")],
)
def test_a_refused_move_says_what_to_do(status, hint):
    with Broker(says(status, b'{"message":"no"}')) as server, pytest.raises(BrokerRefused) as told:
        exchange_clock.move(AlpacaTransport(server.url, "k", "s"), AT)
    assert hint in told.value.hint


def test_nobody_there():
    with Broker(says(200)) as server:
        url = server.url
    with pytest.raises(BrokerUnreachable, match="no answer from the exchange"):
        exchange_clock.read(AlpacaTransport(url, "k", "s"))
