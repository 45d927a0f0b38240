"""Where a protective sell stop belongs.

A stop follows structure: the newest swing low of daily bars, or the higher low of intraday bars
once the position has lived long enough. The level only rises (INV-06), may pass the entry when
it trails, and is rounded away from the market. Without structure the entry's own stop stands.
"""

from __future__ import annotations

import datetime as dt
import itertools
from collections.abc import Sequence
from decimal import Decimal
from typing import Literal, NamedTuple

from quantcli.contracts.bars import MinuteBar
from quantcli.contracts.envelope import Finding
from quantcli.contracts.journal_rows import Basis
from quantcli.contracts.scalars import plain, price
from quantcli.core.intents import tick_below

Phase = Literal["closed", "open-noise", "early-trend", "normal", "close-protect"]

OPEN_NOISE_MINUTES = 15
EARLY_TREND_MINUTES = 60
CLOSE_PROTECT_MINUTES = 30


class Level(NamedTuple):
    """A stop price in USD per share, on its tick, and what it rests on."""

    price: Decimal
    basis: Basis


class Resolved(NamedTuple):
    """The stop a position should have, and why a candidate was passed over."""

    level: Level
    findings: tuple[Finding, ...]


def swing_lows(lows: Sequence[float]) -> tuple[float, ...]:
    """Return each low strictly below both neighbours, oldest first.

    Bars without a low (NaN) are left out before neighbours are looked at. The newest bar never
    counts: nothing has confirmed it yet.

    Examples:
        >>> swing_lows([5.0, 4.0, 6.0, 6.0, 3.0])
        (4.0,)
    """
    known = [low for low in lows if low == low]  # noqa: PLR0124 - NaN differs from itself
    return tuple(
        low
        for before, low, after in zip(known, known[1:], known[2:], strict=False)
        if low < before and low < after
    )


def daily_level(lows: Sequence[float], buffer_usd: Decimal) -> Level | None:
    """Return the stop below the newest daily swing low; None if there is none above zero.

    Args:
        lows: Lows of complete daily bars, USD per share, oldest first, NaN: no bar.
        buffer_usd: Distance kept below the low, USD per share.
    """
    found = swing_lows(lows)
    return _below(found[-1], buffer_usd, "daily_swing_low") if found else None


def intraday_level(lows: Sequence[float], bars_min: int, buffer_usd: Decimal) -> Level | None:
    """Return the stop below the newest higher low; None without one.

    A higher low is a swing low above the swing low before it. A lower low that follows does not
    take it back: by then the stop stands there.

    Args:
        lows: Lows of complete intraday bars, USD per share, oldest first.
        bars_min: Fewer bars than this give no level.
        buffer_usd: Distance kept below the low, USD per share.
    """
    found = swing_lows(lows)
    if len(lows) < bars_min:
        return None
    higher = [low for before, low in itertools.pairwise(found) if low > before]
    return _below(higher[-1], buffer_usd, "intraday_higher_low") if higher else None


def intraday_lows(bars: Sequence[MinuteBar], minutes: int, as_of: dt.datetime) -> list[float]:
    """Return the lows of whole `minutes`-long bars that are complete at `as_of`, oldest first.

    Args:
        bars: Minute bars of one symbol, oldest first.
        minutes: Length of the bars wanted; they start at multiples of it within the hour.
        as_of: Bars that end later are left out.
    """
    lows: dict[dt.datetime, float] = {}
    for bar in bars:
        start = bar.start.replace(minute=bar.start.minute - bar.start.minute % minutes, second=0)
        if start + dt.timedelta(minutes=minutes) <= as_of:
            lows[start] = min(bar.low, lows.get(start, bar.low))
    return [lows[start] for start in sorted(lows)]


def phase_of(as_of: dt.datetime, opens_at: dt.datetime, closes_at: dt.datetime) -> Phase:
    """Return the part of the session that `as_of` lies in.

    The first 15 minutes are noise, the 45 after them show the early trend, the last 30 belong
    to the close; all relative to the open and close, so that half days are right.
    """
    since_open = as_of - opens_at
    if not opens_at <= as_of < closes_at:
        return "closed"
    if since_open < dt.timedelta(minutes=OPEN_NOISE_MINUTES):
        return "open-noise"
    if closes_at - as_of <= dt.timedelta(minutes=CLOSE_PROTECT_MINUTES):
        return "close-protect"
    if since_open < dt.timedelta(minutes=EARLY_TREND_MINUTES):
        return "early-trend"
    return "normal"


def is_intraday_phase(phase: Phase) -> bool:
    """Return whether intraday structure counts in this part of the session."""
    return phase in {"early-trend", "normal"}


def choose(phase: Phase, daily: Level | None, intraday: Level | None) -> Level | None:
    """Return the candidate to use: intraday first in normal hours, daily first otherwise.

    Intraday structure counts in the early trend and in normal hours only.
    """
    if phase == "normal":
        return intraday or daily
    if phase == "early-trend":
        return daily or intraday
    return daily


def base_level(memory: Level | None, own: Decimal) -> Level:
    """Return where a stop may stand without new structure.

    That is the level remembered since the position was opened, else the stop that the entry was
    approved with, in USD per share, rounded down to a tick: away from the market.
    """
    return memory or Level(tick_below(own), "intent")


def resolve(
    memory: Level | None,
    own: Decimal,
    candidate: Level | None,
    entry_price: Decimal,
    first_distance_min: Decimal,
    passed_over: frozenset[Decimal] = frozenset(),
) -> Resolved:
    """Return the stop of a position: never lower than before.

    Args:
        memory: The level remembered since the position was opened; None: this is the first.
        own: The stop that the entry was approved with, USD per share.
        candidate: The structural level, if any.
        entry_price: Average price of the position, USD per share.
        first_distance_min: A structural first stop lies at least this fraction of the entry
            price below it; a trailing stop is free.
        passed_over: Levels that were too close for the first stop, in this session. They stay
            so: a pass that is repeated finds what the first one found.
    """
    findings: tuple[Finding, ...] = ()
    if candidate is not None and (memory is None or candidate.price in passed_over):
        distance = (entry_price - candidate.price) / entry_price
        if distance < first_distance_min:
            finding = Finding(
                code="stop-too-close",
                observed=plain(candidate.price),
                limit=plain(entry_price * (1 - first_distance_min)),
            )
            findings, candidate = (finding,), None
    base = base_level(memory, own)
    if candidate is None or candidate.price < base.price:
        return Resolved(base, findings)
    # At the same price structure is the better word for it; a remembered structure stands.
    is_same = candidate.price == base.price and base.basis != "intent"
    return Resolved(base if is_same else candidate, findings)


def _below(low: float, buffer_usd: Decimal, basis: Basis) -> Level | None:
    level = tick_below(price(low) - buffer_usd)
    return Level(level, basis) if level > 0 else None
