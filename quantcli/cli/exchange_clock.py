"""The local exchange's clock, over the same line as its trading API."""

from __future__ import annotations

import datetime as dt
from typing import Any

import orjson

from quantcli.contracts.canonical import canonical_bytes
from quantcli.contracts.errors import BrokerRefused, BrokerUnreachable, ContractDrift
from quantcli.contracts.scalars import instant, instant_text
from quantcli.ports.broker import TransportFailure
from quantcli.shell.alpaca.http import AlpacaTransport

_HINTS = {
    401: "the exchange was started with other keys than exchange/keys.json",
    422: "name an instant not before the exchange's clock, within `quantcli calendar`",
}


def move(transport: AlpacaTransport, to: dt.datetime) -> dt.datetime:
    """Move the clock to an instant and return where it stands.

    Raises:
        BrokerRefused: the exchange refuses, e.g. to go back.
        BrokerUnreachable: no answer.
        ContractDrift: an answer without a clock in it.
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
    value = _object(response.body)
    if response.status != 200 or "timestamp" not in value:
        raise BrokerRefused(
            f"the exchange refused: {value.get('message', 'no readable message')}",
            value=response.status,
            hint=_HINTS.get(response.status, "see broker.url in desk.toml"),
        )
    try:
        return instant(value["timestamp"])
    except ValueError as error:
        raise ContractDrift("the exchange's clock is not an instant") from error


def _object(body: bytes) -> dict[str, Any]:
    """Return a JSON object; an empty one for anything else."""
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError:
        return {}
    return value if isinstance(value, dict) else {}
