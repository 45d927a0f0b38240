"""The exact bytes of an order request.

Owns the spelling of `POST /v2/orders` and of the `PATCH` that replaces a stop. The bytes follow
from the intent alone, so a request that is sent again is the same request (INV-12); the intent
carries their digest from the moment it is formed.
"""

from __future__ import annotations

from decimal import Decimal

from quantcli.contracts.canonical import canonical_bytes, sha256_hex
from quantcli.contracts.orders import OrderIntent
from quantcli.contracts.scalars import CENT, plain


def request_body(intent: OrderIntent) -> bytes:
    """Return the request body of an intent: canonical JSON without the trailing newline.

    An intent that replaces another order spells the body of `PATCH /v2/orders/{id}` (quantity,
    stop price and its own client order id); any other spells the body of `POST /v2/orders`.
    Absent prices are absent keys. Regular hours are the broker's default and not spelled out. A
    sale says that it closes a position: where there is none, an account that may sell short would
    open one with it, so that a refusal is what is wanted.
    """
    if intent.replaces is not None:
        return _bytes(_replacement(intent))
    return _bytes(_order(intent))


def payload_sha256(intent: OrderIntent) -> str:
    """Return the hex SHA-256 digest of the intent's request body."""
    return sha256_hex(request_body(intent))


def wire_price(price: Decimal) -> str:
    """Return a price in USD as the broker wants it: two places, more only where they count.

    Examples:
        >>> wire_price(Decimal("50.1000")), wire_price(Decimal("0.1234"))
        ('50.10', '0.1234')
    """
    cents = price.quantize(CENT)
    return plain(cents if cents == price else price.normalize())


def _order(intent: OrderIntent) -> dict[str, str]:
    body = {
        "symbol": intent.symbol,
        "qty": plain(intent.quantity),
        "side": intent.side,
        "type": intent.order_type,
        "time_in_force": intent.time_in_force,
        "client_order_id": intent.client_order_id,
    }
    if intent.side == "sell":
        body["position_intent"] = "sell_to_close"
    if intent.limit_price is not None:
        body["limit_price"] = wire_price(intent.limit_price)
    if intent.stop_price is not None:
        body["stop_price"] = wire_price(intent.stop_price)
    return body


def _replacement(intent: OrderIntent) -> dict[str, str]:
    if intent.stop_price is None:
        raise ValueError(f"only stops are replaced; {intent.client_order_id} has no stop price")
    return {
        "qty": plain(intent.quantity),
        "stop_price": wire_price(intent.stop_price),
        "client_order_id": intent.client_order_id,
    }


def _bytes(body: dict[str, str]) -> bytes:
    return canonical_bytes(body).removesuffix(b"\n")
