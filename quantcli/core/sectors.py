"""Sectors: which symbol belongs to which, and which of them lead.

Only used where a source is configured; a symbol that the source does not cover is blocked.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from quantcli.core.indicators import Column
from quantcli.core.sieve import Drop, Sieve


def screen_sectors(
    sieve: Sieve,
    symbols: Sequence[str],
    trend: Column,
    sector_of: Mapping[str, str],
    sectors_kept: int,
) -> None:
    """Drop symbols without a sector, then those outside the strongest sectors.

    Args:
        sieve: Receives the drops.
        symbols: Names of the columns.
        trend: Trend score per column; symbols already dropped do not speak for their sector.
        sector_of: Sector of each covered symbol.
        sectors_kept: How many sectors may trade.
    """
    left = set(sieve.left())
    scores = {
        symbol: float(trend[column]) for column, symbol in enumerate(symbols) if symbol in left
    }
    ranked = strongest(scores, sector_of)
    for symbol in scores:
        sector = sector_of.get(symbol)
        if sector is None:
            sieve.drop(symbol, Drop("sector-missing", limit="a row in the sector file"))
        elif ranked.index(sector) >= sectors_kept:
            place = f"{sector} is number {ranked.index(sector) + 1}"
            limit = f"{sectors_kept} sectors"
            sieve.drop(symbol, Drop("sector-weak", observed=place, limit=limit))


def strongest(scores: Mapping[str, float], sector_of: Mapping[str, str]) -> list[str]:
    """Return the sectors by falling mean score of their symbols, ties by name."""
    members: dict[str, list[float]] = {}
    for symbol in sorted(scores):
        if symbol in sector_of:
            members.setdefault(sector_of[symbol], []).append(scores[symbol])
    means = {sector: _mean(values) for sector, values in members.items()}
    return sorted(means, key=lambda sector: (-means[sector], sector))


def _mean(values: Iterable[float]) -> float:
    """Return the mean, added in the order given."""
    total, count = 0.0, 0
    for value in values:
        total += value
        count += 1
    return total / count
