"""What a strategy proposes, before ranking gives it a place among all strategies' proposals."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import NamedTuple


class Candidate(NamedTuple):
    """A setup that became true on the data session's bar, with its price levels.

    Attributes:
        strategy: Name of the strategy.
        symbol: What to buy.
        tier: Quality of the trend, 1 is best; comparable between strategies.
        trend_score: Order within the tier, larger is better, 6 decimal places.
        triggering_bar: The bar on which the setup began to hold.
        reference_price: Its close, USD per share.
        limit_price: Proposed entry limit, whole cents.
        stop: Proposed stop, whole cents, positive and below `limit_price`.
        targets: Two prices, the nearer first.
        anchor: Kind of the anchor.
        anchor_date: Its bar.
        labels: Words for people.
        features: Numbers behind the proposal.
    """

    strategy: str
    symbol: str
    tier: int
    trend_score: Decimal
    triggering_bar: dt.date
    reference_price: Decimal
    limit_price: Decimal
    stop: Decimal
    targets: tuple[Decimal, Decimal]
    anchor: str
    anchor_date: dt.date
    labels: dict[str, str]
    features: dict[str, Decimal]
