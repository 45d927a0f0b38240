"""The market's regime at the data session: the benchmark's trend and the volatility index.

Whatever is missing, stale or not a number is unknown, and the unknown blocks new risk (INV: doubt
blocks). Nothing here stands in for a missing value.
"""

from __future__ import annotations

import math

from quantcli.contracts.bars import BarMatrix, IndexSeries
from quantcli.contracts.scalars import price, ratio
from quantcli.contracts.scan import Regime
from quantcli.core.history import HistoryRules, columns_of, coverage_of, is_covered, without_holes
from quantcli.core.indicators import trailing_mean
from quantcli.core.sieve import Drop, shown

AVERAGE_BARS = 200
#: Sessions without a benchmark bar that the average may step over, never the newest.
BENCHMARK_HISTORY = HistoryRules(bars_min=AVERAGE_BARS, gaps_max=10, unbroken_bars=1)


def regime_of(matrix: BarMatrix, benchmark: str, index: IndexSeries) -> Regime:
    """Return the regime at the matrix's last session.

    Args:
        matrix: Daily bars through the data session, at least 210 rows for a known trend.
        benchmark: Symbol whose close is held against its mean of 200 closes.
        index: Newest values of the volatility index; its symbol may be empty for none.
    """
    data_session = matrix.sessions[-1]
    column = columns_of(matrix, (benchmark,))
    coverage = coverage_of(column, BENCHMARK_HISTORY)
    close = average = None
    if coverage.is_current[0]:
        close = price(float(column.close[-1, 0]))
    if is_covered(coverage, BENCHMARK_HISTORY)[0]:
        average = price(float(trailing_mean(without_holes(column).close, AVERAGE_BARS)[0]))
    newest = index.values[-1] if index.values else None
    is_known = (
        newest is not None
        and newest.session == data_session
        and math.isfinite(newest.close)
        and newest.close > 0
    )
    return Regime(
        benchmark=benchmark,
        benchmark_close=close,
        benchmark_average_200=average,
        trend=(
            "unknown"
            if close is None or average is None
            else "above"
            if close > average
            else "below"
        ),
        volatility_index=index.symbol,
        volatility=ratio(newest.close) if newest is not None and is_known else None,
        volatility_session=newest.session if newest is not None else None,
    )


def regime_findings(
    regime: Regime, *, is_gate_on: bool, is_index_required: bool
) -> tuple[Drop, ...]:
    """Return what in the regime blocks new risk; empty if nothing does.

    Args:
        regime: The regime at the data session.
        is_gate_on: The benchmark must be known and above its average.
        is_index_required: The volatility index must be known for the data session.
    """
    found: list[Drop] = []
    if is_gate_on and regime.trend == "unknown":
        seen = "no average of 200 closes" if regime.benchmark_close else "no close"
        found.append(Drop("benchmark-missing", observed=seen, limit=regime.benchmark))
    elif is_gate_on and regime.trend == "below":
        close, average = regime.benchmark_close, regime.benchmark_average_200
        assert close is not None, "a trend is known of known figures only"
        assert average is not None, "a trend is known of known figures only"
        found.append(Drop("benchmark-below-average", observed=shown(close), limit=shown(average)))
    if is_index_required and regime.volatility is None:
        newest = regime.volatility_session
        seen = f"none; the newest value is of {newest}" if newest else "no value"
        found.append(Drop("index-missing", observed=seen, limit=regime.volatility_index))
    return tuple(found)
