"""What the broker says, translated: lenient about extras, strict about what we rely on.

These are values at the Broker port. An absent optional field is None; an absent required one
never gets this far (the adapter raises ContractDrift).
"""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Literal, NamedTuple

BrokerOrderStatus = Literal[
    "accepted", "working", "partially_filled", "filled", "pending_cancel", "canceled",
    "expired", "rejected", "replaced", "unknown",
]  # fmt: skip


class Account(NamedTuple):
    """The account. Money in USD; an absent flag counts as blocked."""

    account_id: str
    account_number: str
    status: str
    cash: Decimal
    equity: Decimal
    buying_power: Decimal
    non_marginable_buying_power: Decimal
    is_blocked: bool

    @property
    def is_tradable(self) -> bool:
        """True if the broker would take orders."""
        return self.status == "ACTIVE" and not self.is_blocked


class BrokerClock(NamedTuple):
    """The broker's clock; all instants UTC."""

    timestamp: dt.datetime
    is_open: bool
    next_open: dt.datetime
    next_close: dt.datetime


class Asset(NamedTuple):
    """What the broker says of a symbol. An absent flag counts as not tradable."""

    symbol: str
    status: str
    is_tradable: bool

    @property
    def takes_orders(self) -> bool:
        """True if the broker would take an order in it now."""
        return self.status == "active" and self.is_tradable


class BrokerPosition(NamedTuple):
    """A position as the broker shows it. `quantity` is signed shares."""

    symbol: str
    quantity: Decimal
    average_price: Decimal
    current_price: Decimal | None
    quantity_available: Decimal | None


class BrokerOrder(NamedTuple):
    """An order as the broker shows it."""

    broker_order_id: str
    client_order_id: str
    symbol: str
    side: str
    order_type: str
    time_in_force: str
    status: BrokerOrderStatus
    raw_status: str
    quantity: Decimal | None
    cumulative_quantity: Decimal
    average_price: Decimal | None
    limit_price: Decimal | None
    stop_price: Decimal | None
    submitted_at: dt.datetime | None
    filled_at: dt.datetime | None
    replaced_by: str | None
    replaces: str | None


class Activity(NamedTuple):
    """A row of the account's activities: a fill, a fee, or something else with money in it."""

    activity_id: str
    activity_type: str
    at: dt.datetime | None
    date: dt.date | None
    symbol: str | None
    side: str | None
    quantity: Decimal | None
    price: Decimal | None
    order_id: str | None
    net_amount: Decimal | None
    description: str | None = None


class Accepted(NamedTuple):
    """The broker has the order."""

    order: BrokerOrder


class Refused(NamedTuple):
    """The broker definitely does not have the order."""

    status: int
    code: str
    message: str
    is_duplicate_id: bool = False


class Unknown(NamedTuple):
    """The broker may or may not have the order."""

    why: str


Submission = Accepted | Refused | Unknown


class CalendarDay(NamedTuple):
    """One session of the broker's calendar, New York wall times as UTC instants."""

    session: dt.date
    opens_at: dt.datetime
    closes_at: dt.datetime
