"""How far our positions may differ from the broker's before a person has to look.

Every difference pauses entries. Within the limits a clean reconciliation ends that, and exits go
by the broker's quantity meanwhile. Beyond them our book is in doubt: entries are halted until an
operator resumes, and exits touch no share that only one side knows.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from quantcli.contracts.broker_views import BrokerPosition
from quantcli.contracts.config import ReconcileSection
from quantcli.contracts.envelope import Finding
from quantcli.contracts.positions import PositionRecord
from quantcli.contracts.reconciliation import Break
from quantcli.contracts.scalars import ZERO, plain, ratio

MISSING_CODE = "limit-positions-missing"
DRIFT_CODE = "limit-quantity-drift"


def exceeded(
    ours: Iterable[PositionRecord], theirs: Iterable[BrokerPosition], limits: ReconcileSection
) -> tuple[Finding, ...]:
    """Return the limits that the differences of positions exceed; none: they are within.

    Missing are positions that one side holds and the other does not; each side counts by
    itself. Drift is the difference as a fraction of the broker's quantity, in any one symbol.
    """
    held = {each.symbol: each.quantity for each in ours}
    shown = {each.symbol: each.quantity for each in theirs if each.quantity != 0}
    found = []
    missing = max(len(held.keys() - shown.keys()), len(shown.keys() - held.keys()))
    if missing > limits.positions_missing_max:
        most = str(limits.positions_missing_max)
        found.append(Finding(code=MISSING_CODE, observed=str(missing), limit=most))
    for symbol in sorted(held.keys() & shown.keys()):
        if not is_within(held[symbol], shown[symbol], limits):
            told = f"{symbol} {plain(ratio(drift(held[symbol], shown[symbol])))}"
            most = plain(limits.quantity_drift_fraction_max)
            found.append(Finding(code=DRIFT_CODE, observed=told, limit=most))
    return tuple(found)


def drift(ours: Decimal, theirs: Decimal) -> Decimal:
    """Return the difference of two quantities as a fraction of the broker's, which is not 0."""
    return abs((theirs - ours) / theirs)


def is_within(ours: Decimal, theirs: Decimal, limits: ReconcileSection) -> bool:
    """Return whether two quantities of one symbol differ by no more than the limit."""
    return theirs != 0 and drift(ours, theirs) <= limits.quantity_drift_fraction_max


def correction(differences: Iterable[Break], symbol: str, limits: ReconcileSection) -> Decimal:
    """Return what makes our quantity of a symbol the broker's; 0 if that is beyond the limits.

    Exits cover and sell so many shares more, or fewer, than are booked. Beyond the limits they
    go by what both sides hold.

    Args:
        differences: As a sync found them; later fills change both sides alike.
        symbol: The stock.
        limits: How much drift is taken for the broker's truth.
    """
    for each in differences:
        if (each.code, each.subject) == ("position-quantity", symbol):
            ours, theirs = Decimal(each.ours or 0), Decimal(each.theirs or 0)
            return theirs - ours if is_within(ours, theirs, limits) else ZERO
    return ZERO
