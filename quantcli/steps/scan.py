"""`scan`: what the strategies see on the newest complete bars.

Reads bars and index values through the newest session that is complete at `as_of`, and writes
every universe symbol either as a signal or as skipped, with the first reason. Bars that are not
of that session, an unknown regime or a closed market gate leave no signal; the artifact says so.
"""

from __future__ import annotations

import datetime as dt
from typing import NamedTuple

from quantcli.contracts.bars import BarMatrix, FetchFaults
from quantcli.contracts.scan import BarsUsed, Regime, Scan, Signal, Skipped, StrategyRun
from quantcli.core.history import HistoryRules, columns_of, newest_session, without_holes
from quantcli.core.listings import earnings_of, screen_earnings, sectors_of
from quantcli.core.ranking import rank
from quantcli.core.regime import BENCHMARK_HISTORY, regime_findings, regime_of
from quantcli.core.sessions import data_session
from quantcli.core.sieve import Drop, Sieve
from quantcli.core.signal_ids import signal_id
from quantcli.core.split_jumps import screen_splits
from quantcli.core.strategies import avwap
from quantcli.core.strategies.candidate import Candidate
from quantcli.core.universe import (
    screen_history,
    screen_liquidity,
    screen_undelivered,
    universe_of,
)
from quantcli.steps.desk import Desk

#: Sessions asked of the volatility index: enough to name how old its newest value is.
INDEX_SESSIONS = 20
#: Codes that say that an input is missing or stale: the command ends with 4.
_INPUT_FAULTS = frozenset({"bars-stale", "benchmark-missing", "index-missing"})


class Found(NamedTuple):
    """What the strategies made of the bars."""

    runs: tuple[StrategyRun, ...]
    signals: tuple[Signal, ...]
    skipped: tuple[Skipped, ...]


def scan(desk: Desk) -> Scan:
    """Return the scan of this cycle.

    The exit code is 4 when bars, benchmark or index are missing or stale, else 0.

    Raises:
        BarsMissing: the store holds no daily bars of the feed and adjustment at all.
        MarketDataError: a partition or a configured list cannot be read.
    """
    section, data = desk.config.strategy.avwap, desk.config.data
    session = data_session(desk.stamp.as_of)
    history = BENCHMARK_HISTORY
    rows = max(avwap.rows_needed(section), history.bars_min + history.gaps_max)
    matrix = desk.market.daily(session, rows, in_shares_of=desk.stamp.session)
    index = desk.market.index(data.volatility_index, session, INDEX_SESSIONS)
    faults = desk.market.fetch_faults(session)
    desk.note((*matrix.refs, *index.refs, *faults.refs))
    regime = regime_of(matrix, data.benchmark, index)
    findings = _blocks(desk, matrix, session, regime, faults)
    universe = universe_of(desk.config.universe, matrix)
    found = _found(desk, columns_of(matrix, universe), findings, faults)
    codes = tuple(finding.code for finding in findings)
    return Scan(
        **desk.header(Scan, 4 if _INPUT_FAULTS.intersection(codes) else 0),
        bars=BarsUsed(
            feed=matrix.feed,
            adjustment=matrix.adjustment,
            timeframe="1Day",
            data_session=session,
            newest_session=newest_session(matrix),
        ),
        regime=regime,
        universe=universe,
        strategies=found.runs,
        signals=found.signals,
        skipped=found.skipped,
        checks_off=_checks_off(desk),
        codes=codes,
    )


def _blocks(
    desk: Desk, matrix: BarMatrix, session: dt.date, regime: Regime, faults: FetchFaults
) -> tuple[Drop, ...]:
    """Return what blocks new risk for all symbols."""
    newest = newest_session(matrix)
    stale = Drop("bars-stale", observed=str(newest) if newest else "no bar", limit=str(session))
    found = regime_findings(
        regime,
        is_gate_on=desk.config.strategy.avwap.is_market_gate_on,
        is_index_required=desk.config.data.is_index_required,
    )
    causes = {
        "benchmark-missing": faults.daily.get(regime.benchmark),
        "index-missing": faults.indices.get(regime.volatility_index),
    }
    return (
        *((stale,) if newest != session else ()),
        *(_with_cause(drop, causes.get(drop.code)) for drop in found),
    )


def _with_cause(drop: Drop, cause: str | None) -> Drop:
    """Return a finding with why its fetch failed, if one did."""
    return drop._replace(observed=f"{drop.observed}; {cause}") if cause else drop


def _found(desk: Desk, matrix: BarMatrix, blocks: tuple[Drop, ...], faults: FetchFaults) -> Found:
    """Return the signals of the enabled strategies and everything that was skipped."""
    section = desk.config.strategy.avwap
    if not section.enabled:
        return Found((), (), ())
    sieve = Sieve(matrix.symbols)
    screen_undelivered(sieve, matrix, faults.daily)
    candidates = _candidates(desk, matrix, sieve, blocks)
    ranking = rank(candidates, {avwap.NAME: section.signals_max})
    for candidate in ranking.capped:
        limit = f"{section.signals_max} signals"
        sieve.drop(candidate.symbol, Drop("signal-cap", limit=limit))
    skipped = tuple(
        Skipped(
            symbol=symbol,
            strategy=avwap.NAME,
            code=finding.code,
            observed=finding.observed,
            limit=finding.limit,
        )
        for symbol, finding in sorted(sieve.drops.items())
    )
    signals = tuple(
        _signal(desk, place, candidate) for place, candidate in enumerate(ranking.ranked, start=1)
    )
    run = StrategyRun(
        strategy=avwap.NAME,
        ruleset=section.ruleset,
        signals=len(signals),
        skipped=len(skipped),
    )
    return Found((run,), signals, skipped)


def _candidates(
    desk: Desk, matrix: BarMatrix, sieve: Sieve, blocks: tuple[Drop, ...]
) -> tuple[Candidate, ...]:
    """Return what the strategy proposes; nothing while something blocks new risk.

    Each symbol is judged on its own first, so that its reason says more than the market's; but
    stale bars say nothing about any symbol.
    """
    section = desk.config.strategy.avwap
    if blocks and blocks[0].code == "bars-stale":
        for symbol in matrix.symbols:
            sieve.drop(symbol, blocks[0])
        return ()
    rules = HistoryRules(
        section.history_bars_min, section.history_gaps_max, section.anchor_lookback_bars
    )
    screen_history(sieve, matrix, rules, desk.market.quarantined())
    screen_splits(sieve, matrix, _moves_told(desk, matrix))
    screen_liquidity(sieve, columns_of(matrix, sieve.left()), desk.config.universe)
    if section.earnings_file:
        table, ref = desk.market.table(section.earnings_file)
        desk.note((ref,))
        dates = earnings_of(table)
        screen_earnings(sieve, dates, desk.stamp.session, section.earnings_blackout_days)
    sector_of = None
    if section.sectors_file:
        table, ref = desk.market.table(section.sectors_file)
        desk.note((ref,))
        sector_of = sectors_of(table)
    history = without_holes(columns_of(matrix, sieve.left()))
    proposed = avwap.propose(history, section, sector_of, sieve)
    for candidate in proposed if blocks else ():
        sieve.drop(candidate.symbol, blocks[0])
    return () if blocks else proposed


def _moves_told(desk: Desk, matrix: BarMatrix) -> frozenset[tuple[str, dt.date]]:
    """Return the nights of which an operator said that no split lies behind the move."""
    if matrix.adjustment != "raw" or not matrix.sessions:
        return frozenset()
    told = desk.market.actions(matrix.sessions[0], desk.stamp.session, kinds=frozenset({"none"}))
    desk.note(told.refs)
    return frozenset((each.symbol, each.ex_date) for each in told.actions)


def _signal(desk: Desk, place: int, candidate: Candidate) -> Signal:
    session = desk.stamp.session
    name = signal_id(session, candidate.strategy, candidate.symbol, "buy", candidate.triggering_bar)
    return Signal(
        signal_id=name,
        rank=place,
        strategy=candidate.strategy,
        symbol=candidate.symbol,
        side="buy",
        triggering_bar=candidate.triggering_bar,
        reference_price=candidate.reference_price,
        limit_price=candidate.limit_price,
        stop=candidate.stop,
        target_r1=candidate.targets[0],
        target_r2=candidate.targets[1],
        anchor=candidate.anchor,
        anchor_date=candidate.anchor_date,
        labels=candidate.labels,
        features=candidate.features,
    )


def _checks_off(desk: Desk) -> tuple[str, ...]:
    """Return the checks that nothing is configured for, sorted."""
    section, data = desk.config.strategy.avwap, desk.config.data
    checks = {
        "earnings": bool(section.earnings_file),
        "market-gate": section.is_market_gate_on,
        "sectors": bool(section.sectors_file),
        "volatility-index": data.is_index_required,
    }
    return tuple(sorted(check for check, is_on in checks.items() if not is_on))
