"""The universe: which symbols are looked at, and which are liquid enough to be traded."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence

import numpy as np

from quantcli.contracts.bars import BarMatrix
from quantcli.contracts.config import UniverseSection
from quantcli.core.history import Coverage, HistoryRules, coverage_of, has_bar
from quantcli.core.indicators import trailing_mean
from quantcli.core.sieve import Drop, Sieve, shown

VOLUME_BARS = 20


def universe_of(section: UniverseSection, matrix: BarMatrix) -> tuple[str, ...]:
    """Return the symbols to scan, sorted, without the excluded ones.

    `imported` means every symbol with a bar in the matrix; nothing in the data tells a fund from
    a stock, so funds are excluded by name. Symbols that are spelled out are scanned whether or
    not there are bars.
    """
    if section.symbols == "imported":
        seen = np.flatnonzero(has_bar(matrix).any(axis=0)).tolist()
        names = {matrix.symbols[column] for column in seen}
    else:
        names = set(section.symbols)
    return tuple(sorted(names - set(section.exclude)))


def screen_undelivered(sieve: Sieve, matrix: BarMatrix, undelivered: Mapping[str, str]) -> None:
    """Drop symbols without a bar in the last session whose fetch failed, and say how it did.

    Args:
        sieve: What is left.
        matrix: Daily bars through the data session.
        undelivered: Symbol -> why its bars of that session did not arrive.
    """
    if not undelivered:
        return
    present = has_bar(matrix)[-1]
    for column, symbol in enumerate(matrix.symbols):
        if symbol in undelivered and not present[column]:
            limit = f"a bar in {matrix.sessions[-1]}"
            sieve.drop(symbol, Drop("fetch-failed", observed=undelivered[symbol], limit=limit))


def screen_history(
    sieve: Sieve,
    matrix: BarMatrix,
    rules: HistoryRules,
    quarantined: Mapping[str, Sequence[dt.date]],
) -> None:
    """Drop symbols without a bar in the last session, with a recent hole, or too young."""
    coverage = coverage_of(matrix, rules)
    last = len(matrix.sessions) - 1
    for column, symbol in enumerate(matrix.symbols):
        row = _hole_row(coverage, column, last)
        if row is not None:
            session = matrix.sessions[row]
            is_held_wrong = session in quarantined.get(symbol, ())
            sieve.drop(
                symbol,
                Drop(
                    "bars-quarantined" if is_held_wrong else "bars-missing",
                    observed=f"no bar in {session}",
                    limit=f"a bar in each of {rules.unbroken_bars} sessions",
                ),
            )
    sieve.keep(
        matrix.symbols,
        coverage.counts >= rules.bars_min,
        "bars-too-few",
        lambda column: f"{int(coverage.counts[column])} bars",
        f"{rules.bars_min} of {rules.bars_min + rules.gaps_max} sessions",
    )


def _hole_row(coverage: Coverage, column: int, last: int) -> int | None:
    """Return the row to complain about: the last session first, then the newest hole."""
    if not coverage.is_current[column]:
        return last
    row = int(coverage.hole_rows[column])
    return row if row >= 0 else None


def screen_liquidity(sieve: Sieve, bars: BarMatrix, section: UniverseSection) -> None:
    """Drop symbols that are too cheap or too thinly traded, by the last 20 bars."""
    names = bars.symbols
    close, price_min = bars.close[-1], float(section.price_min)
    sieve.keep(names, close >= price_min, "price-too-low", close, shown(price_min))
    volume = trailing_mean(bars.volume, VOLUME_BARS)
    volume_min = float(section.mean_volume_shares_min)
    sieve.keep(names, volume >= volume_min, "volume-too-low", volume, shown(volume_min))
    dollars = trailing_mean(bars.close * bars.volume, VOLUME_BARS)
    dollars_min = float(section.mean_dollar_volume_min)
    is_liquid = dollars >= dollars_min
    sieve.keep(names, is_liquid, "dollar-volume-too-low", np.round(dollars, 2), shown(dollars_min))
