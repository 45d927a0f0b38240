"""How many shares: the risk budget first, then every cap, in whole shares rounded down.

Owns the size of one entry. It refuses to size against a stop that does not lie below the limit,
and it never rounds a size up to one share: a cap that leaves less than the minimum notional
blocks with the reason that binds.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import NamedTuple

from quantcli.contracts.config import SizingSection
from quantcli.contracts.envelope import Finding
from quantcli.contracts.scalars import ZERO, money, plain

#: Reasons against any size, in documented order; of several, the tightest cap's stands first.
SIZE_REASONS = (
    "stop-not-below-entry",
    "size-zero",
    "notional-too-small",
    "limit-symbol-concentration",
    "limit-gross-exposure",
)


@dataclass(frozen=True, slots=True)
class Room:
    """What is left for one entry, in USD; zero or negative leaves no room.

    Attributes:
        equity: Account equity.
        concentration: Until the symbol reaches its share of equity.
        exposure_gross: Until gross exposure reaches its limit.
    """

    equity: Decimal
    concentration: Decimal
    exposure_gross: Decimal


class Size(NamedTuple):
    """A size, or why there is none.

    Attributes:
        quantity: Whole shares; zero if there are findings.
        notional: What they cost at the limit price, USD.
        risk: What they lose between limit and stop, USD.
        findings: Reasons against any size, the binding one first.
    """

    quantity: Decimal
    notional: Decimal
    risk: Decimal
    findings: tuple[Finding, ...]


class _Cap(NamedTuple):
    shares: Decimal
    code: str | None  # None: a cap of sizing itself
    dollars: Decimal


def shares_within(dollars: Decimal, dollars_per_share: Decimal) -> Decimal:
    """Return the largest whole number of shares that fits; zero for no or negative dollars.

    Examples:
        >>> shares_within(Decimal("500"), Decimal("2.00"))
        Decimal('250')
        >>> shares_within(Decimal("499.99"), Decimal("2.00"))
        Decimal('249')
    """
    # Integer division is exact; a rounded quotient could round up past the budget.
    return dollars // dollars_per_share if dollars > 0 else ZERO


def size_of(limit_price: Decimal, stop: Decimal, room: Room, sizing: SizingSection) -> Size:
    """Return the size of an entry at `limit_price` protected by `stop`, both USD per share.

    Four caps, and the smallest decides: the risk budget (equity x risk fraction) over the risk
    per share; the position fraction of equity, the symbol's room and the gross room over the
    price. A cap that alone leaves no share, or less than the minimum notional, is a finding.

    Examples:
        >>> room = Room(Decimal(100_000), Decimal(20_000), Decimal(100_000))
        >>> size_of(Decimal("50.00"), Decimal("47.50"), room, SizingSection()).quantity
        Decimal('200')
    """
    risk_per_share = limit_price - stop
    if risk_per_share <= 0:
        return _none((Finding(code="stop-not-below-entry", observed=plain(stop),
                              limit=plain(limit_price)),))  # fmt: skip
    caps = _caps(limit_price, risk_per_share, room, sizing)
    failing = [cap for cap in caps if _is_too_small(cap.shares, limit_price, sizing)]
    if failing:
        # A stable sort: among equally tight caps the documented order decides.
        tightest_first = sorted(failing, key=lambda cap: cap.shares)
        found = (_finding(cap, limit_price, sizing) for cap in tightest_first)
        return _none(tuple(dict.fromkeys(found)))
    shares = min(cap.shares for cap in caps)
    return Size(shares, shares * limit_price, shares * risk_per_share, ())


def _caps(
    limit_price: Decimal, risk_per_share: Decimal, room: Room, sizing: SizingSection
) -> tuple[_Cap, ...]:
    risk_budget = room.equity * sizing.risk_fraction
    position_max = room.equity * sizing.position_fraction_max
    return (
        _Cap(shares_within(risk_budget, risk_per_share), None, risk_budget),
        _Cap(shares_within(position_max, limit_price), None, position_max),
        _cap_of_room("limit-symbol-concentration", room.concentration, limit_price),
        _cap_of_room("limit-gross-exposure", room.exposure_gross, limit_price),
    )


def _cap_of_room(code: str, dollars: Decimal, limit_price: Decimal) -> _Cap:
    return _Cap(shares_within(dollars, limit_price), code, dollars)


def _is_too_small(shares: Decimal, limit_price: Decimal, sizing: SizingSection) -> bool:
    return shares < 1 or shares * limit_price < sizing.notional_usd_min


def _finding(cap: _Cap, limit_price: Decimal, sizing: SizingSection) -> Finding:
    """Say what failed: the least order that would be worth placing against what there is."""
    if cap.code is not None:
        least = max(sizing.notional_usd_min, limit_price)
        return Finding(code=cap.code, observed=_usd(least), limit=_usd(max(cap.dollars, ZERO)))
    if cap.shares < 1:
        return Finding(code="size-zero", observed="0", limit="1")
    return Finding(
        code="notional-too-small",
        observed=_usd(cap.shares * limit_price),
        limit=_usd(sizing.notional_usd_min),
    )


def _none(findings: tuple[Finding, ...]) -> Size:
    return Size(ZERO, ZERO, ZERO, findings)


def _usd(amount: Decimal) -> str:
    return plain(money(amount))
