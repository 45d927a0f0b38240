"""Figures of the portfolio: each a pure function with a formula id.

Amounts are USD to the cent, ratios dimensionless. `FORMULAS` maps each figure of a snapshot to
the id of its formula, `DEFINITIONS` each id to what it says; an id never changes its meaning: a
better formula gets the next number. Sums run in the order given, so equal inputs give equal
bytes. Roots and quotients are computed to 34 digits and rounded at the contract's border.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import ROUND_HALF_EVEN, Context, Decimal, localcontext
from itertools import pairwise

from quantcli.contracts.scalars import CENT, ZERO

FORMULAS: dict[str, str] = {
    "exposure_gross": "exposure-gross-1",
    "exposure_net": "exposure-net-1",
    "equity": "equity-1",
    "heat": "heat-1",
    "risk_at_stop": "risk-at-stop-1",
    "realised_gross": "realised-fifo-1",
    "unrealised": "unrealised-fifo-1",
    "fees_accrued": "fees-accrued-1",
    "net": "pnl-net-1",
    "high_water_mark": "high-water-mark-1",
    "drawdown": "drawdown-1",
    "drawdown_max": "drawdown-max-1",
    "return_session": "return-1",
    "volatility_5": "volatility-5-1",
    "contributions": "contribution-1",
}

DEFINITIONS: dict[str, str] = {
    "exposure-gross-1": "sum over positions of |quantity x mark|, each to the cent",
    "exposure-net-1": "sum over positions of quantity x mark, each to the cent",
    "equity-1": "cash + exposure_net",
    "heat-1": "sum over positions of risk_at_stop / equity",
    "risk-at-stop-1": "quantity x max(mark - stop, 0); the whole market value without a stop",
    "realised-fifo-1": "sum over closed shares of proceeds - cost, first in first out, before fees",
    "unrealised-fifo-1": "sum over positions of market value - cost of the shares still held",
    "fees-accrued-1": "estimated fees of sales in sessions without a booked fee, negative",
    "pnl-net-1": "realised_gross + unrealised + fees_booked + fees_accrued + income",
    "high-water-mark-1": "largest closing equity since genesis, scaled when capital moves",
    "drawdown-1": "1 - equity / high_water_mark, within [0, 1]",
    "drawdown-max-1": "largest drawdown-1 of all closing snapshots since genesis",
    "return-1": "equity / (equity of the snapshot before + capital moved since) - 1",
    "volatility-5-1": "sample standard deviation (n - 1) of the last 5 return-1; none before",
    "contribution-1": "per symbol: realised-fifo-1 less estimated fees, plus unrealised-fifo-1",
}

#: Closing equities kept in a snapshot: 21 values give 20 returns.
HISTORY_MAX = 21
VOLATILITY_WINDOW = 5

_CONTEXT = Context(prec=34, rounding=ROUND_HALF_EVEN)


def amount(quantity: Decimal, price: Decimal) -> Decimal:
    """Return quantity x price in USD, to the cent, half-even."""
    return (quantity * price).quantize(CENT, ROUND_HALF_EVEN)


def exposure_gross(market_values: Iterable[Decimal]) -> Decimal:
    """Return the sum of absolute market values, USD (exposure-gross-1).

    Examples:
        >>> exposure_gross([Decimal("500.00"), Decimal("-20.00")])
        Decimal('520.00')
    """
    return sum((abs(value) for value in market_values), ZERO)


def exposure_net(market_values: Iterable[Decimal]) -> Decimal:
    """Return the sum of signed market values, USD (exposure-net-1)."""
    return sum(market_values, ZERO)


def equity(cash: Decimal, net: Decimal) -> Decimal:
    """Return cash + net exposure, USD (equity-1): exact, both are whole cents."""
    return cash + net


def risk_at_stop(quantity: Decimal, mark: Decimal, stop: Decimal | None) -> Decimal:
    """Return what is lost if the stop is hit exactly, USD (risk-at-stop-1).

    A stop above the mark risks nothing; without a stop everything is at risk, and so is all of
    a position below zero, which no sell stop protects.
    """
    if stop is None or quantity < 0:
        return abs(amount(quantity, mark))
    return amount(quantity, max(mark - stop, ZERO))


def heat(risks: Iterable[Decimal], equity_now: Decimal) -> Decimal:
    """Return risk at stops as a fraction of equity (heat-1).

    Equity at or below zero carries no risk: the answer is 1 if anything is at risk, else 0.
    """
    total = sum(risks, ZERO)
    if equity_now <= 0:
        return Decimal(1) if total > 0 else ZERO
    return _CONTEXT.divide(total, equity_now)


def high_water_mark(previous: Decimal, equity_now: Decimal) -> Decimal:
    """Return the larger of the previous mark and equity, USD (high-water-mark-1)."""
    return max(previous, equity_now)


def drawdown(equity_now: Decimal, mark: Decimal) -> Decimal:
    """Return 1 - equity / high-water mark within [0, 1] (drawdown-1).

    A mark at or below zero means that there was never anything to lose: zero. Equity below zero
    counts as a drawdown of 1.

    Examples:
        >>> drawdown(Decimal("90.00"), Decimal("120.00"))
        Decimal('0.25')
    """
    if mark <= 0:
        return ZERO
    fraction = 1 - _CONTEXT.divide(equity_now, mark)
    return min(max(fraction, ZERO), Decimal(1))


def session_return(equity_now: Decimal, equity_before: Decimal) -> Decimal | None:
    """Return equity / equity before - 1 (return-1); None when there was nothing to earn on."""
    if equity_before <= 0:
        return None
    return _CONTEXT.divide(equity_now, equity_before) - 1


def scaled(history: Sequence[Decimal], transfers: Decimal) -> tuple[Decimal, ...]:
    """Return closing equities as if capital moved just now had always been there.

    Each value is multiplied by (last + transfers) / last and rounded to the cent: returns and
    drawdowns then measure trading alone. An empty history, one that ends at or below zero, or
    one that the transfer would bring there cannot be scaled and is returned as it is.
    """
    if transfers == 0 or not history or history[-1] <= 0 or history[-1] + transfers <= 0:
        return tuple(history)
    factor = _CONTEXT.divide(history[-1] + transfers, history[-1])
    return tuple((value * factor).quantize(CENT, ROUND_HALF_EVEN) for value in history)


def extended(history: Sequence[Decimal], equity_now: Decimal) -> tuple[Decimal, ...]:
    """Return the history with this closing equity added, the newest HISTORY_MAX values."""
    return (*history, equity_now)[-HISTORY_MAX:]


def returns(history: Sequence[Decimal]) -> tuple[Decimal, ...]:
    """Return the return-1 of each neighbouring pair, oldest first; undefined ones are left out."""
    found = (session_return(after, before) for before, after in pairwise(history))
    return tuple(value for value in found if value is not None)


def volatility(values: Sequence[Decimal], window: int = VOLATILITY_WINDOW) -> Decimal | None:
    """Return the sample standard deviation of the last `window` returns (volatility-5-1).

    Returns:
        None while there are fewer than `window` returns, or if `window` is below 2.
    """
    if window < 2 or len(values) < window:
        return None
    last = values[-window:]
    with localcontext(_CONTEXT):
        mean = sum(last, ZERO) / window
        squares = sum(((value - mean) ** 2 for value in last), ZERO)
        return (squares / (window - 1)).sqrt()
