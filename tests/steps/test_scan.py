"""`scan`: every symbol once, doubt blocks, nothing is seen before its time."""

import dataclasses
import datetime as dt
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quantcli.contracts.bars import FetchFaults
from quantcli.contracts.corporate_actions import CorporateAction
from quantcli.contracts.envelope import InputRef
from quantcli.contracts.reasons import REASONS
from quantcli.contracts.scan import Scan
from quantcli.core.sessions import sessions_ending
from quantcli.core.signal_ids import signal_id
from quantcli.core.strategies.avwap import rows_needed
from quantcli.steps.scan import scan
from tests.core.made_bars import matrix, through
from tests.core.strategies.steady import excited, steady
from tests.steps.scan_desk import (
    BARS_REF,
    INDEX_REF,
    LIST_REF,
    ColumnMarket,
    config_of,
    desk_of,
)

SESSION, DATA_SESSION = "2024-06-17", "2024-06-14"  # a Monday and the Friday before
NAMES = ("AAA", "BBB", "CCC", "SPY")
NAN = float("nan")


def fresh(names=NAMES):
    """Return bars of which AAA and BBB have a new setup, CCC an old one."""
    bars = steady(names)
    excited(bars, -15, names.index("AAA"))
    excited(bars, -15, names.index("BBB"))
    return dataclasses.replace(bars, refs=(BARS_REF,))


def run(bars, config=None, **market):
    return scan(desk_of(ColumnMarket(bars, **market), SESSION, config))


def test_bars_are_asked_for_in_the_shares_of_the_session():
    market = ColumnMarket(fresh())
    scan(desk_of(market, SESSION))
    assert market.in_shares_of == dt.date.fromisoformat(SESSION)


def test_a_night_like_a_split_keeps_a_symbol_of_raw_bars_out_unless_it_is_explained():
    bars = dataclasses.replace(fresh(), adjustment="raw")
    for values in (bars.open, bars.high, bars.low, bars.close):
        values[-3:, NAMES.index("AAA")] /= 4
    night = bars.sessions[-3]
    artifact = run(bars)
    assert reasons(artifact)["AAA"] == "split-unrecorded"
    assert [each.symbol for each in artifact.signals] == ["BBB"]
    told = CorporateAction(symbol="AAA", ex_date=night, kind="none")
    artifact = run(bars, actions=[told])
    assert reasons(artifact).get("AAA") != "split-unrecorded"
    assert LIST_REF in artifact.inputs


def reasons(artifact):
    return {each.symbol: each.code for each in artifact.skipped}


def test_a_scan_in_full():
    artifact = run(fresh())

    assert artifact.exit_code == 0
    assert artifact.codes == ()
    assert artifact.universe == ("AAA", "BBB", "CCC")
    assert artifact.bars.data_session == artifact.bars.newest_session == dt.date(2024, 6, 14)
    assert (artifact.bars.feed, artifact.bars.adjustment) == ("made", "split")
    assert artifact.regime.trend == "above"
    assert artifact.regime.volatility == Decimal(15)
    assert [(each.rank, each.symbol) for each in artifact.signals] == [(1, "AAA"), (2, "BBB")]
    assert reasons(artifact) == {"CCC": "setup-not-new"}
    assert artifact.strategies[0].model_dump() == {
        "strategy": "avwap", "ruleset": "avwap-1", "signals": 2, "skipped": 1,
    }  # fmt: skip
    assert artifact.checks_off == ("earnings", "sectors")
    assert {BARS_REF, INDEX_REF} < set(artifact.inputs)


def test_a_signal_carries_the_prices_and_its_name():
    signal = run(fresh()).signals[0]

    assert signal.signal_id == signal_id(
        dt.date(2024, 6, 17), "avwap", "AAA", "buy", dt.date(2024, 6, 14)
    )
    assert signal.triggering_bar == dt.date(2024, 6, 14)
    assert (signal.reference_price, signal.limit_price) == (Decimal("125.6"), Decimal("126.22"))
    assert (signal.stop, signal.target_r1) == (Decimal("123.27"), Decimal("126.1"))
    assert signal.target_r2 == Decimal("126.6")
    assert (signal.anchor, signal.anchor_date) == ("month-start", dt.date(2024, 6, 3))
    assert signal.labels["tier"] == "A"
    assert signal.features["avwap_usd"] == Decimal("125.15")


def test_the_artifact_survives_its_own_bytes():
    artifact = run(fresh())

    assert Scan.model_validate_json(artifact.to_bytes()) == artifact


def test_an_empty_result_is_still_an_artifact():
    artifact = run(fresh(), config_of(universe={"symbols": []}))

    assert (artifact.universe, artifact.signals, artifact.skipped) == ((), (), ())
    assert artifact.to_bytes()


# ------------------------------------------------------------------------------ doubt blocks


def test_stale_bars_give_no_signal_and_name_their_session():
    bars = fresh()
    for values in (bars.open, bars.high, bars.low, bars.close, bars.volume):
        values[-1] = NAN

    artifact = run(bars)

    assert artifact.exit_code == 4
    assert artifact.codes == ("bars-stale", "benchmark-missing")
    assert artifact.signals == ()
    assert artifact.bars.newest_session == dt.date(2024, 6, 13)
    assert set(reasons(artifact).values()) == {"bars-stale"}
    assert artifact.skipped[0].observed == "2024-06-13"
    assert artifact.skipped[0].limit == "2024-06-14"


def test_what_did_not_arrive_is_named_with_its_cause():
    bars = fresh()
    bars.close[-1, [0, 3]] = NAN  # AAA and the benchmark
    ref = InputRef(name="fetches/made.json", sha256="f" * 64)
    faults = FetchFaults(
        {"AAA": "bars-absent: none", "SPY": "source-failing: HTTP 502"}, {"VIX": "answer-x"}, (ref,)
    )
    artifact = run(bars, index={}, faults=faults)

    assert (artifact.exit_code, artifact.signals) == (4, ())
    assert artifact.codes == ("benchmark-missing", "index-missing")
    assert reasons(artifact)["AAA"] == "fetch-failed"
    told = {each.symbol: each.observed for each in artifact.skipped}
    assert told["BBB"] == "no close; source-failing: HTTP 502"
    assert ref in artifact.inputs


def test_stale_bars_are_told_by_symbol_where_their_fetch_failed():
    bars = fresh()
    bars.close[-1] = NAN
    faults = FetchFaults({"AAA": "source-failing: HTTP 502"}, {}, ())
    artifact = run(bars, faults=faults)

    assert reasons(artifact) == {"AAA": "fetch-failed", "BBB": "bars-stale", "CCC": "bars-stale"}
    assert artifact.exit_code == 4


def test_a_matrix_that_ends_early_is_stale():
    bars = fresh()
    rows = slice(None, -1)
    short = dataclasses.replace(
        bars, sessions=bars.sessions[rows], open=bars.open[rows], high=bars.high[rows],
        low=bars.low[rows], close=bars.close[rows], volume=bars.volume[rows],
    )  # fmt: skip

    assert "bars-stale" in run(short).codes


def test_no_bar_at_all_is_stale_too():
    bars = fresh()
    for values in (bars.open, bars.high, bars.low, bars.close, bars.volume):
        values[:] = NAN

    artifact = run(bars, config_of(universe={"symbols": ["AAA"]}))

    assert artifact.bars.newest_session is None
    assert artifact.skipped[0].observed == "no bar"
    assert artifact.codes[0] == "bars-stale"


@pytest.mark.parametrize(
    ("spoil", "code", "exit_code"),
    [
        ("missing", "benchmark-missing", 4),
        ("falling", "benchmark-below-average", 0),
        ("blind", "index-missing", 4),
    ],
)
def test_an_unfit_regime_turns_every_signal_away(spoil, code, exit_code):
    bars, index = fresh(), None
    spy = bars.symbols.index("SPY")
    if spoil == "missing":
        bars.volume[-1, spy] = NAN
    elif spoil == "falling":
        bars.close[-1, spy] = bars.low[-1, spy] = 1.0
    else:
        index = {dt.date(2024, 6, 13): 15.0}

    artifact = run(bars, index=index)

    assert artifact.codes == (code,)
    assert artifact.exit_code == exit_code
    assert artifact.signals == ()
    # symbols that fail on their own keep their own reason
    assert reasons(artifact) == {"AAA": code, "BBB": code, "CCC": "setup-not-new"}


def test_checks_that_are_switched_off_are_listed_and_do_not_block():
    bars = fresh()
    bars.volume[-1, bars.symbols.index("SPY")] = NAN
    config = config_of(avwap={"is_market_gate_on": False}, data={"is_index_required": False})

    artifact = run(bars, config, index={})

    assert artifact.codes == ()
    assert len(artifact.signals) == 2
    assert artifact.regime.trend == "unknown"
    assert artifact.checks_off == ("earnings", "market-gate", "sectors", "volatility-index")


def test_a_disabled_strategy_does_nothing():
    artifact = run(fresh(), config_of(avwap={"enabled": False}))

    assert (artifact.strategies, artifact.signals, artifact.skipped) == ((), (), ())


def test_missing_and_quarantined_bars_are_skipped():
    bars = fresh(("AAA", "BBB", "CCC", "DDD", "SPY"))
    bars.close[-1, 0] = NAN
    bars.close[-20, 1] = NAN
    bars.close[: -rows_needed(config_of().strategy.avwap) + 70, 3] = NAN
    config = config_of(universe={"symbols": ["AAA", "BBB", "CCC", "DDD", "ZZZ"]})

    artifact = run(bars, config, quarantined={"BBB": [bars.sessions[-20]]})

    assert reasons(artifact) == {
        "AAA": "bars-missing",
        "BBB": "bars-quarantined",
        "CCC": "setup-not-new",
        "DDD": "bars-too-few",
        "ZZZ": "bars-missing",
    }


def test_illiquid_symbols_are_skipped():
    bars = fresh()
    bars.volume[:, 0] = 1000.0

    assert reasons(run(bars))["AAA"] == "volume-too-low"


def test_signals_beyond_the_cap_are_skipped():
    artifact = run(fresh(), config_of(avwap={"signals_max": 1}))

    assert [each.symbol for each in artifact.signals] == ["AAA"]
    (capped,) = [each for each in artifact.skipped if each.code == "signal-cap"]
    assert (capped.symbol, capped.limit) == ("BBB", "1 signals")


def test_earnings_bind_when_a_file_is_configured():
    table = (("symbol", "date"), ("AAA", "2024-06-19"), ("CCC", "2024-07-30"))
    config = config_of(avwap={"earnings_file": "earnings.csv"})

    artifact = run(fresh(), config, tables={"earnings.csv": table})

    assert reasons(artifact) == {
        "AAA": "earnings-near", "BBB": "earnings-missing", "CCC": "setup-not-new",
    }  # fmt: skip
    assert artifact.checks_off == ("sectors",)
    assert InputRef(name="lists/earnings.csv", sha256="7" * 64) in artifact.inputs


def test_sectors_bind_when_a_file_is_configured():
    table = (("symbol", "sector"), ("AAA", "Tech"), ("CCC", "Energy"))
    config = config_of(avwap={"sectors_file": "sectors.csv"})

    artifact = run(fresh(), config, tables={"sectors.csv": table})

    assert [each.symbol for each in artifact.signals] == ["AAA"]
    assert reasons(artifact) == {"BBB": "sector-missing", "CCC": "setup-not-new"}
    assert artifact.checks_off == ("earnings",)
    assert InputRef(name="lists/sectors.csv", sha256="7" * 64) in artifact.inputs


# ------------------------------------------------------------------------------ properties


def random_market(draws, rows):
    """Return a market of trending, noisy, sometimes incomplete symbols."""
    names = [f"S{letter}" for letter in "ABCDEFGHIJKL"[: len(draws)]]
    close = np.empty((rows, len(draws) + 1))
    close[:, -1] = np.linspace(100, 140, rows)
    volume = np.full(close.shape, 2_000_000.0)
    spread = np.full(close.shape, 0.6)
    for column, (seed, drift, noise) in enumerate(draws):
        chance = np.random.default_rng(seed)
        steps = drift + noise * chance.standard_normal(rows)
        close[:, column] = 50.0 * np.exp(np.cumsum(steps))
        spread[:, column] = 0.012 * close[:, column]
        spread[-15 - seed % 2, column] *= 8  # every other one is calm again since today
        volume[:, column] *= chance.uniform(0.5, 2.0, rows)
        holes = chance.integers(0, rows - 70, size=seed % 3)
        close[holes, column] = NAN
    return matrix(
        last=DATA_SESSION, symbols=(*names, "SPY"), close=close, high=close + spread,
        low=close - spread, open_=close, volume=volume,
    )  # fmt: skip


DRAWS = st.lists(
    st.tuples(st.integers(0, 10_000), st.floats(0.0, 0.004), st.floats(0.0, 0.012)),
    min_size=1,
    max_size=12,
)


@settings(max_examples=25)
@given(DRAWS, st.integers(1, 4), st.randoms(use_true_random=False))
def test_every_symbol_ends_once_and_every_signal_is_sound(draws, cap, chance):
    config = config_of(avwap={"signals_max": cap})
    bars = random_market(draws, rows_needed(config.strategy.avwap))

    artifact = run(bars, config)

    told = [each.symbol for each in (*artifact.signals, *artifact.skipped)]
    assert sorted(told) == list(artifact.universe)
    assert [each.rank for each in artifact.signals] == list(range(1, len(artifact.signals) + 1))
    assert len(artifact.signals) <= cap
    assert all(each.code in REASONS for each in artifact.skipped)
    for signal in artifact.signals:
        assert Decimal(0) < signal.stop < signal.limit_price
        assert signal.stop < signal.reference_price
        assert signal.anchor_date <= signal.triggering_bar == dt.date(2024, 6, 14)
    order = list(range(len(bars.symbols)))
    chance.shuffle(order)
    shuffled = dataclasses.replace(
        bars, symbols=tuple(bars.symbols[each] for each in order),
        open=bars.open[:, order], high=bars.high[:, order], low=bars.low[:, order],
        close=bars.close[:, order], volume=np.asfortranarray(bars.volume[:, order]),
    )  # fmt: skip
    assert run(shuffled, config).to_bytes() == artifact.to_bytes()


@settings(max_examples=15)
@given(DRAWS)
def test_the_future_changes_nothing(draws):
    rows = rows_needed(config_of().strategy.avwap)
    bars = random_market(draws, rows + 5)
    today = bars.sessions[-6]
    cut = through(bars, today)
    following = sessions_ending(bars.sessions[-1], 5)[0]

    seen = scan(desk_of(ColumnMarket(bars), following))
    then = scan(desk_of(ColumnMarket(cut), following))

    assert seen.bars.data_session == today
    assert seen.to_bytes() == then.to_bytes()
