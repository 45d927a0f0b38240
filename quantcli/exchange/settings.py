"""How one exchange behaves: its account's first cash, its frictions, its keys."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Literal

from quantcli.contracts.session_table import FIRST

LimitFillsOn = Literal["touch", "trade-through"]

FIRST_INSTANT = dt.datetime.combine(FIRST, dt.time(), dt.UTC)


@dataclass(frozen=True, slots=True)
class ExchangeSettings:
    """Settings of an exchange. Seed, cash and opening count when its book is made, never after.

    Attributes:
        key_id, secret: The only keys that open the wire.
        seed: Of every id.
        cash: Opening balance in USD.
        opening_at: First value of the simulated clock, aware; the session table's first day
            unless said otherwise, so that every session lies ahead.
        slippage_bps: Against the customer, on market orders in regular hours.
        limit_fills_on: Whether a print at the limit fills, or only one beyond it.
        pays_dividends: Whether the dividends that the bars tell of are paid, on their ex-date.
        volume_share_max: Which part of each print's shares all of the customer's orders may take
            together; what is left waits for the next print. None: any number.
        sec_usd_per_million: Fee in USD per million USD of a session's sale proceeds.
        taf_usd_per_share, taf_usd_max: Fee in USD per share sold, and its limit per trade.
        cancel_requests: How many requests find an order `pending_cancel` after its cancel was
            taken; 0: it is done before the answer leaves.
        is_synced_each_commit: False leaves syncing to disk to the end of each session; a killed
            process still loses nothing, a power cut may lose the session.
        has_recent_sip: Whether the last quarter of an hour of the consolidated feed may be read.
        requests_per_minute: Of trading, over HTTP only; None: without limit. See `rate_limit`.
        data_requests_per_minute: The same of market data, for those who pay for them.
    """

    key_id: str
    secret: str = field(repr=False)
    seed: int = 1
    cash: Decimal = Decimal(100_000)
    opening_at: dt.datetime = FIRST_INSTANT
    slippage_bps: Decimal = Decimal(5)
    limit_fills_on: LimitFillsOn = "touch"
    pays_dividends: bool = False
    volume_share_max: Decimal | None = None
    sec_usd_per_million: Decimal = Decimal("27.80")
    taf_usd_per_share: Decimal = Decimal("0.000166")
    taf_usd_max: Decimal = Decimal("8.30")
    cancel_requests: int = 0
    is_synced_each_commit: bool = True
    has_recent_sip: bool = False
    requests_per_minute: int | None = 200
    data_requests_per_minute: int | None = 10_000
