"""The local exchange's clock, over the same line as its trading API."""

from __future__ import annotations

import datetime as dt

import orjson

from quantcli.contracts.canonical import canonical_bytes
from quantcli.contracts.errors import BrokerRefused, BrokerUnreachable
from quantcli.contracts.scalars import instant, instant_text
from quantcli.ports.broker import TransportFailure
from quantcli.shell.alpaca.http import AlpacaTransport


def move(transport: AlpacaTransport, to: dt.datetime) -> dt.datetime:
    """Move the clock to an instant and return where it stands.

    Raises:
        BrokerRefused: the exchange refuses, e.g. to go back.
        BrokerUnreachable: no answer.
    """
    return _clock(transport, "POST", canonical_bytes({"to": instant_text(to)}).rstrip())


def read(transport: AlpacaTransport) -> dt.datetime:
    """Return the clock."""
    return _clock(transport, "GET")


def _clock(transport: AlpacaTransport, method: str, body: bytes = b"") -> dt.datetime:
    try:
        response = transport.simulate(method, body)
    except TransportFailure as failure:
        raise BrokerUnreachable(
            f"no answer from the exchange: {failure.why}", hint="is it running?"
        ) from failure
    value = orjson.loads(response.body) if response.body[:1] == b"{" else {}
    if response.status != 200 or "timestamp" not in value:
        raise BrokerRefused(
            f"the exchange refused: {value.get('message', 'no readable message')}",
            value=response.status,
            hint="its clock only moves forward",
        )
    return instant(value["timestamp"])
