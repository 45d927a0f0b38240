"""An order as the book keeps it, and the states it can be in."""

from __future__ import annotations

from decimal import Decimal
from typing import Literal, NamedTuple

from quantcli.exchange.figures import EXACT, ZERO, cents_up
from quantcli.exchange.trading_hours import Micros

Side = Literal["buy", "sell"]
OrderType = Literal["market", "limit", "stop"]
TimeInForce = Literal["day", "gtc"]
Status = Literal[
    "accepted", "new", "partially_filled", "filled", "canceled", "expired", "replaced", "rejected"
]

#: Which states may follow which. Empty: the order is closed for good.
FOLLOWERS: dict[Status, frozenset[Status]] = {
    "accepted": frozenset({"new", "canceled"}),
    "new": frozenset({"partially_filled", "filled", "canceled", "expired", "replaced", "rejected"}),
    "partially_filled": frozenset(
        {"partially_filled", "filled", "canceled", "expired", "replaced"}
    ),
    "filled": frozenset(),
    "canceled": frozenset(),
    "expired": frozenset(),
    "replaced": frozenset(),
    "rejected": frozenset(),
}
OPEN_STATUSES: tuple[Status, ...] = tuple(status for status in FOLLOWERS if FOLLOWERS[status])


class Order(NamedTuple):
    """One order. Quantities in shares, prices in USD per share, instants in microseconds.

    Attributes:
        sequence: Number of the order in the book, from 1: the order of submission.
        reserve_price: What a buy sets aside per share until it fills; None for a sell.
        filled_cost: Sum of fill price x shares, exact.
        expires: When a DAY order ends: the close of its session; None for GTC.
    """

    sequence: int
    order_id: str
    client_order_id: str
    symbol: str
    side: Side
    order_type: OrderType
    time_in_force: TimeInForce
    quantity: Decimal
    limit_price: Decimal | None
    stop_price: Decimal | None
    reserve_price: Decimal | None
    status: Status
    created: Micros
    submitted: Micros
    updated: Micros
    expires: Micros | None
    filled_quantity: Decimal = ZERO
    filled_cost: Decimal = ZERO
    filled: Micros | None = None
    canceled: Micros | None = None
    expired: Micros | None = None
    failed: Micros | None = None
    replaced: Micros | None = None
    replaces: str | None = None
    replaced_by: str | None = None

    @property
    def is_open(self) -> bool:
        """True while the order may still fill."""
        return self.status in OPEN_STATUSES

    @property
    def leaves_quantity(self) -> Decimal:
        """Shares still to be filled; meaningful while the order is open."""
        return self.quantity - self.filled_quantity

    @property
    def average_price(self) -> Decimal | None:
        """USD per filled share, unrounded; None before the first fill."""
        if self.filled_quantity == 0:
            return None
        return EXACT.divide(self.filled_cost, self.filled_quantity)

    @property
    def reserved(self) -> Decimal:
        """USD that the order sets aside while it is open: zero for a sell."""
        if self.reserve_price is None:
            return ZERO
        return cents_up(EXACT.multiply(self.leaves_quantity, self.reserve_price))
