"""The broker's truth: what the exchange's book says, asked without any fault in between."""

from __future__ import annotations

import json
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from quantcli.exchange.venue import Exchange

PREFIX = "q1-"
OPEN = frozenset({"new", "accepted", "partially_filled", "pending_new", "held", "pending_cancel"})
_PAGE = 500


@dataclass(frozen=True, slots=True)
class Truth:
    """The book at one moment; bodies as on the wire.

    Attributes:
        account: Its fields.
        positions: Symbol -> fields.
        orders: All of them, oldest first.
    """

    account: dict[str, Any]
    positions: dict[str, dict[str, Any]]
    orders: tuple[dict[str, Any], ...]

    def held(self, symbol: str) -> Decimal:
        """Return shares held."""
        found = self.positions.get(symbol)
        return Decimal(found["qty"]) if found else Decimal(0)

    def open_orders(self, side: str) -> list[dict[str, Any]]:
        """Return orders that may still fill."""
        return [each for each in self.orders if each["side"] == side and each["status"] in OPEN]

    def covered(self, symbol: str) -> Decimal:
        """Return shares for which a sell is working."""
        return sum(
            (leaves(each) for each in self.open_orders("sell") if each["symbol"] == symbol),
            Decimal(0),
        )


def leaves(order: dict[str, Any]) -> Decimal:
    """Return the shares that an order may still trade."""
    return Decimal(order["qty"]) - Decimal(order["filled_qty"])


def read(exchange: Exchange) -> Truth:
    """Return the book as it is now."""
    positions = ask(exchange, "/v2/positions")
    return Truth(
        account=ask(exchange, "/v2/account"),
        positions={each["symbol"]: each for each in positions},
        orders=tuple(_orders(exchange)),
    )


def fills(exchange: Exchange) -> list[dict[str, Any]]:
    """Return every fill, oldest first."""
    found: list[dict[str, Any]] = []
    token = ""
    while True:
        page = ask(
            exchange,
            "/v2/account/activities/FILL",
            f"direction=asc&page_size=100{token}",
        )
        found += page
        if len(page) < 100:
            return found
        token = f"&page_token={page[-1]['id']}"


def ask(exchange: Exchange, path: str, query: str = "") -> Any:
    """Return the body of an answer to a question."""
    status, _, body = exchange.answer("GET", path, query, b"")
    assert status == 200, (path, query, status, body)
    return json.loads(body)


def _orders(exchange: Exchange) -> list[dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    after = ""
    while True:
        page = ask(exchange, "/v2/orders", f"status=all&direction=asc&limit={_PAGE}{after}")
        found |= {each["id"]: each for each in page}
        if len(page) < _PAGE:
            return list(found.values())
        after = f"&after={page[-2]['submitted_at']}"
