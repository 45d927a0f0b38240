"""The anchored VWAP strategy: which symbols give a signal today, and why the others do not.

A signal needs a triggering bar: the setup holds on the data session's bar and did not hold on the
session before, judged by what was known then. That a price reclaims one more line while its setup
already held is no new trigger: the symbol could be bought the day before, and each crossing
of a slowly rising line would offer the same trend again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from quantcli.contracts.bars import BarMatrix
from quantcli.contracts.config import AvwapSection
from quantcli.core.history import columns_of, rows_of
from quantcli.core.sectors import screen_sectors
from quantcli.core.sieve import Drop, Sieve, shown
from quantcli.core.strategies.avwap_candidate import (
    NAME,
    adx_of,
    candidate_of,
    trend_score,
    view_of,
)
from quantcli.core.strategies.avwap_setup import (
    Choice,
    Quality,
    SetupRules,
    atr_percent_cap,
    choose_anchor,
    is_setup,
    is_weekly_up,
    quality_of,
    rules_of,
)
from quantcli.core.strategies.candidate import Candidate

__all__ = ["NAME", "propose", "rows_needed"]

#: Rows that hold any calendar year's first session and the session before it.
YEAR_ROWS = 256
#: Rows before the lookbacks that their own averages and neighbours read.
LEAD_ROWS = 24


def rows_needed(section: AvwapSection) -> int:
    """Return the sessions a scan reads: one evaluation's, and one older for the session before."""
    history = section.history_bars_min + section.history_gaps_max
    lookback = max(section.anchor_lookback_bars, section.swing_lookback_bars) + LEAD_ROWS
    return max(history, lookback, YEAR_ROWS) + 1


def propose(
    history: BarMatrix, section: AvwapSection, sector_of: Mapping[str, str] | None, sieve: Sieve
) -> tuple[Candidate, ...]:
    """Return the session's candidates; every other symbol falls out of the sieve with a reason.

    Args:
        history: Bars of the symbols that passed the universe's checks, without holes, the last
            row the data session, `rows_needed` rows.
        section: The strategy's config.
        sector_of: Sector of each symbol; None if no source is configured.
        sieve: Receives the first failing check of each symbol.
    """
    rules, adx_bars = rules_of(section), section.history_bars_min - 1
    today = rows_of(history, 1, None)
    quality, choice = quality_of(today), choose_anchor(today, rules)
    if sector_of is not None:
        strength = trend_score(quality, adx_of(today, adx_bars))
        screen_sectors(sieve, today.symbols, strength, sector_of, section.sectors_kept)
    _screen_setup(sieve, today, quality, choice, rules)
    _screen_news(sieve, history, rules)
    left = sieve.left()
    kept = np.array([today.symbols.index(symbol) for symbol in left], dtype=np.int64)
    view = view_of(columns_of(today, left), quality.of(kept), choice.of(kept), rules, adx_bars)
    return _with_stops(
        sieve,
        [
            candidate_of(view, column, section.entry_limit_fraction)
            for column in range(len(view.bars.symbols))
        ],
    )


def _screen_setup(
    sieve: Sieve, bars: BarMatrix, quality: Quality, choice: Choice, rules: SetupRules
) -> None:
    """Drop the symbols whose setup does not hold, in the order in which it is judged."""
    names, calm = bars.symbols, atr_percent_cap(quality, rules)
    sieve.keep(
        names, is_weekly_up(quality), "weekly-trend-down", quality.weekly_fast, quality.weekly_slow
    )
    sieve.keep(
        names,
        quality.atr_usd >= rules.atr_usd_min,
        "atr-too-small",
        quality.atr_usd,
        shown(rules.atr_usd_min),
    )
    sieve.keep(names, quality.tier > 0, "trend-too-weak", bars.close[-1], quality.average_50)
    sieve.keep(names, quality.atr_percent <= calm, "volatility-too-high", quality.atr_percent, calm)
    sieve.keep(
        names,
        choice.index >= 0,
        "no-anchor-passes",
        lambda column: _distances(choice, column),
        f"above 0 and at most {shown(rules.distance_percent_max)} percent",
    )


def _distances(choice: Choice, column: int) -> str:
    """Return the distance of every anchor that exists, e.g. `year-start -3.1, gap 9.25`."""
    known = zip(choice.names, choice.distances_percent[:, column], strict=True)
    texts = [f"{name} {value:.2f}" for name, value in known if not np.isnan(value)]
    return ", ".join(texts) or "no anchor"


def _screen_news(sieve: Sieve, history: BarMatrix, rules: SetupRules) -> None:
    """Drop the symbols whose setup held on the session before, by the bars known then."""
    before = columns_of(rows_of(history, None, -1), sieve.left())
    held = is_setup(quality_of(before), choose_anchor(before, rules), rules)
    session = before.sessions[-1].isoformat()
    sieve.keep(
        before.symbols, ~held, "setup-not-new", lambda _: f"held on {session}", "a triggering bar"
    )


def _with_stops(sieve: Sieve, proposed: Sequence[Candidate]) -> tuple[Candidate, ...]:
    """Return the candidates whose loss at the stop is finite; drop the others."""
    kept: list[Candidate] = []
    for candidate in proposed:
        if 0 < candidate.stop < candidate.limit_price:
            kept.append(candidate)
        else:
            sieve.drop(
                candidate.symbol,
                Drop(
                    "stop-not-below-entry",
                    observed=shown(candidate.stop),
                    limit=shown(candidate.limit_price),
                ),
            )
    return tuple(kept)
