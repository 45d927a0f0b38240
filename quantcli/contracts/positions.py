"""A position as booked from fills: the value that ledger, journal and steps share."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import NamedTuple


class PositionRecord(NamedTuple):
    """A position as booked from fills.

    Attributes:
        symbol: The stock.
        quantity: Signed shares, never zero; below zero only after an oversell.
        average_price: Cost per share in USD, unrounded.
        opened_session: Session in which the shares were first booked.
        opened_at: Instant of the fill that opened the position.
        entry_client_order_id: The order that opened it; None: an order that is not ours.
    """

    symbol: str
    quantity: Decimal
    average_price: Decimal
    opened_session: dt.date
    opened_at: dt.datetime
    entry_client_order_id: str | None
