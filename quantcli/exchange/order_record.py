"""An order as the book keeps it, and the states it can be in."""

from __future__ import annotations

from decimal import Decimal
from typing import Literal, NamedTuple

from quantcli.exchange.figures import EXACT, ZERO, cents_up
from quantcli.exchange.trading_hours import Micros

Side = Literal["buy", "sell"]
OrderType = Literal["market", "limit", "stop", "stop_limit", "trailing_stop"]
Intent = Literal["buy_to_open", "buy_to_close", "sell_to_open", "sell_to_close"]
#: The plain order is an empty word on the wire.
OrderClass = Literal["", "bracket", "oco", "oto"]
TimeInForce = Literal["day", "gtc", "opg", "cls", "ioc", "fok"]
Status = Literal[
    "accepted",
    "new",
    "partially_filled",
    "held",
    "filled",
    "canceled",
    "expired",
    "replaced",
    "rejected",
]

#: (side, whether it opens) -> intent.
INTENTS: dict[tuple[Side, bool], Intent] = {
    ("buy", True): "buy_to_open",
    ("buy", False): "buy_to_close",
    ("sell", True): "sell_to_open",
    ("sell", False): "sell_to_close",
}
#: Which states may follow which. Empty: the order is closed for good.
FOLLOWERS: dict[Status, frozenset[Status]] = {
    "accepted": frozenset({"new", "canceled"}),
    "new": frozenset({"partially_filled", "filled", "canceled", "expired", "replaced", "rejected"}),
    "partially_filled": frozenset(
        {"partially_filled", "filled", "canceled", "expired", "replaced"}
    ),
    "held": frozenset({"new", "canceled", "replaced"}),
    "filled": frozenset(),
    "canceled": frozenset(),
    "expired": frozenset(),
    "replaced": frozenset(),
    "rejected": frozenset(),
}  # fmt: skip
OPEN_STATUSES: tuple[Status, ...] = tuple(status for status in FOLLOWERS if FOLLOWERS[status])


class Order(NamedTuple):
    """One order. Quantities in shares, prices in USD per share, instants in microseconds.

    Attributes:
        sequence: Number of the order in the book, from 1: the order of submission.
        quantity: Of an order by value an estimate, until it fills.
        stop_price: Of a trailing stop where it stands now.
        reserve_price: What an order that opens a position, or adds to one, sets aside per share
            until it fills; None for one that closes.
        filled_cost: Sum of fill price x shares, exact.
        expires: When an order ends by itself; None in books from before GTC orders aged out.
        parent: Id of the order that a leg belongs to.
        notional: What an order by value is to be worth, in USD.
        high_water_mark: Of a trailing stop the best price since it was sent.
        triggered: When a stop-limit order became a limit order.
        extended_hours: 1 or 0; no bar prints outside regular hours, so nothing follows from it.
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
    order_class: OrderClass = ""
    parent: str | None = None
    notional: Decimal | None = None
    trail_price: Decimal | None = None
    trail_percent: Decimal | None = None
    high_water_mark: Decimal | None = None
    triggered: Micros | None = None
    extended_hours: int = 0

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
        """USD that the order sets aside while it is open: zero if it closes a position."""
        if self.reserve_price is None:
            return ZERO
        if self.notional is not None:
            return self.notional
        return cents_up(EXACT.multiply(self.leaves_quantity, self.reserve_price))

    @property
    def is_opening(self) -> bool:
        """True for an order that opens a position or adds to one."""
        return self.reserve_price is not None

    @property
    def intent(self) -> Intent:
        """What the order does to the position, in the broker's words."""
        return INTENTS[self.side, self.is_opening]

    @property
    def group(self) -> str:
        """The id that an order and its legs have in common: that of the order they belong to."""
        return self.parent or self.order_id

    @property
    def is_exit(self) -> bool:
        """True for an order that the group has to leave a position with, not to enter one."""
        return self.parent is not None or self.order_class == "oco"
