"""How one exchange behaves: its account's first cash, its frictions, its keys."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Literal

LimitFillsOn = Literal["touch", "trade-through"]


@dataclass(frozen=True, slots=True)
class FeeRates:
    """Regulatory fees of a sale.

    Attributes:
        sec_usd_per_million: USD per million USD of a session's sale proceeds.
        taf_usd_per_share: USD per share sold.
        taf_usd_max: Upper limit in USD per trade.
    """

    sec_usd_per_million: Decimal = Decimal("27.80")
    taf_usd_per_share: Decimal = Decimal("0.000166")
    taf_usd_max: Decimal = Decimal("8.30")


@dataclass(frozen=True, slots=True)
class ExchangeSettings:
    """Settings of an exchange. Seed, cash and opening count when its book is made, never after.

    Attributes:
        key_id, secret: The only keys that open the wire.
        opening_at: First value of the simulated clock, aware.
        seed: Of every id.
        cash: Opening balance in USD.
        slippage_bps: Against the customer, on market orders in regular hours.
        limit_fills_on: Whether a print at the limit fills, or only one beyond it.
        fees: Rates of the regulatory fees.
        is_synced_each_commit: False leaves syncing to disk to the end of each session; a killed
            process still loses nothing, a power cut may lose the session.
    """

    key_id: str
    secret: str = field(repr=False)
    opening_at: dt.datetime
    seed: int = 1
    cash: Decimal = Decimal(100_000)
    slippage_bps: Decimal = Decimal(5)
    limit_fills_on: LimitFillsOn = "touch"
    fees: FeeRates = FeeRates()
    is_synced_each_commit: bool = True
