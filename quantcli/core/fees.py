"""Fees of a sale: estimated until the broker books its own.

Two regulatory fees fall on sales, none on purchases. Both are rounded up to the cent for each
execution, because the broker never rounds in our favour. Cash changes only when the broker
books a FEE activity; until then the estimate stands beside it as an accrual.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from decimal import ROUND_CEILING, Decimal
from typing import NamedTuple

from quantcli.contracts.config import FeesSection
from quantcli.contracts.journal_rows import CashRow
from quantcli.contracts.orders import Fill
from quantcli.contracts.scalars import CENT, ZERO
from quantcli.core.sessions import new_york

_MILLION = Decimal(1_000_000)

#: Activity types that are fees: regulatory and exchange fees, and charges passed through.
FEE_ACTIVITIES: frozenset[str] = frozenset({"FEE", "CFEE", "PTC"})


class SaleFees(NamedTuple):
    """Estimated fees of one sale, USD, both zero or above."""

    sec: Decimal
    taf: Decimal

    @property
    def total(self) -> Decimal:
        """Return both fees together, USD."""
        return self.sec + self.taf


def sale_fees(quantity: Decimal, price: Decimal, rates: FeesSection) -> SaleFees:
    """Return the estimated fees of selling `quantity` shares at `price` USD.

    The SEC fee is a rate on the proceeds; the TAF is a rate per share with a cap. Each is
    rounded up to the cent; the cap is applied after that.

    Examples:
        >>> rates = FeesSection()  # 27.80 per million, 0.000166 per share, at most 8.30
        >>> sale_fees(Decimal(100), Decimal("50.00"), rates)
        SaleFees(sec=Decimal('0.14'), taf=Decimal('0.02'))
    """
    sec = _cents_up(quantity * price * rates.sec_usd_per_million / _MILLION)
    taf = _cents_up(quantity * rates.taf_usd_per_share)
    return SaleFees(sec, min(taf, rates.taf_usd_max))


def estimated_fees(fill: Fill, rates: FeesSection) -> Decimal:
    """Return the estimated fees of one execution, USD; zero for a purchase."""
    if fill.side == "buy":
        return ZERO
    return sale_fees(fill.last_quantity, fill.last_price, rates).total


def fees_accrued(fills: Iterable[Fill], booked: Iterable[CashRow], rates: FeesSection) -> Decimal:
    """Return the estimated fees that the broker has not booked yet, USD, zero or above.

    Fees are booked for a whole session at its close. A session for which any fee is booked is
    covered: what the broker took replaces the estimate, larger or smaller.

    Args:
        fills: All executions since genesis; purchases cost nothing here.
        booked: All cash movements since genesis; only fees that name a session count.
        rates: The estimate's rates.
    """
    covered = sessions_with_fees(booked)
    open_fees = (
        estimated_fees(fill, rates)
        for fill in fills
        if fill.side == "sell" and new_york(fill.filled_at).date() not in covered
    )
    return sum(open_fees, ZERO)


def sessions_with_fees(booked: Iterable[CashRow]) -> frozenset[dt.date]:
    """Return the sessions for which the broker has booked a fee."""
    return frozenset(
        row.session
        for row in booked
        if row.activity_type in FEE_ACTIVITIES and row.session is not None
    )


def _cents_up(amount: Decimal) -> Decimal:
    return amount.quantize(CENT, ROUND_CEILING)
