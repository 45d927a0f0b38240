"""Words for people: prices, shares, times of day, and what a code means."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

from quantcli.contracts.errors import ERRORS
from quantcli.contracts.journal_rows import ActionRow
from quantcli.contracts.reasons import REASONS
from quantcli.contracts.scalars import plain
from quantcli.core.sessions import new_york


def price_words(value: Decimal) -> str:
    """Return a price with two decimals, or four where it has them."""
    return f"{value:.4f}".removesuffix("00")


def shares_words(quantity: Decimal, symbol: str) -> str:
    """Return a number of shares with their symbol.

    Examples:
        >>> shares_words(Decimal("51.0000"), "SYNN"), shares_words(Decimal(1), "SYNN")
        ('51 SYNN', '1 SYNN')
    """
    return f"{plain(quantity)} {symbol}"


def action_words(row: ActionRow) -> str:
    """Return what happened to the shares of a symbol, e.g. `AAPL split 4 for 1: 7 -> 28 shares`."""
    named = f"renamed to {row.new_symbol}"
    split = f"split {row.new_rate} for {row.old_rate}"
    shares = f"{plain(row.quantity_before)} -> {plain(row.quantity_after)} shares"
    return f"{row.symbol} {split if row.kind == 'split' else named}: {shares}"


def time_words(instant: dt.datetime) -> str:
    """Return an instant's time of day in New York, e.g. `09:30:00`."""
    return new_york(instant).strftime("%H:%M:%S")


def cycle_words(cycle: str) -> str:
    """Return a cycle's time of day, e.g. `09:35`; seconds only where there are any."""
    hours, minutes, seconds = cycle[:2], cycle[2:4], cycle[4:]
    return f"{hours}:{minutes}" + (f":{seconds}" if seconds != "00" else "")


def meaning(code: str) -> str:
    """Return what a reason code or an error code means; the code itself if nobody knows."""
    if code in REASONS:
        return REASONS[code].summary
    error = ERRORS.get(code)
    summary = "" if error is None else (error.__doc__ or "").strip().splitlines()[0]
    return summary[:1].lower() + summary[1:].rstrip(".") if summary else code
