"""The regime: what is missing is unknown, what is unknown blocks."""

import datetime as dt
from decimal import Decimal

import pytest

from quantcli.contracts.bars import IndexSeries, IndexValue
from quantcli.core.regime import regime_findings, regime_of
from quantcli.core.sieve import Drop
from tests.core.made_bars import matrix

NAN = float("nan")
LAST, BEFORE = dt.date(2024, 2, 15), dt.date(2024, 2, 14)


def bars(closes):
    return matrix(last="2024-02-15", symbols=("AAA", "SPY"), close=[[1, each] for each in closes])


def vix(*values):
    return IndexSeries("VIX", tuple(IndexValue(*each) for each in values), ())


def found(regime, **switches):
    return regime_findings(regime, **{"is_gate_on": True, "is_index_required": True, **switches})


def test_a_known_regime_blocks_nothing():
    regime = regime_of(bars([100.0] * 209 + [140.0]), "SPY", vix((BEFORE, 12.0), (LAST, 13.456)))

    assert regime.trend == "above"
    assert regime.benchmark_close == Decimal(140)
    assert regime.benchmark_average_200 == Decimal("100.2")  # 199 x 100 + 140
    assert regime.volatility == Decimal("13.456")
    assert regime.volatility_session == LAST
    assert found(regime) == ()


@pytest.mark.parametrize("close", [100.0, 99.0])
def test_at_or_below_the_average_the_gate_is_closed(close):
    regime = regime_of(bars([100.0] * 209 + [close]), "SPY", vix((LAST, 13.0)))

    assert regime.trend == "below"
    assert [each.code for each in found(regime)] == ["benchmark-below-average"]
    assert found(regime, is_gate_on=False) == ()


def test_the_average_is_of_the_newest_200_closes():
    regime = regime_of(bars([9999.0] * 10 + [100.0] * 200), "SPY", vix((LAST, 13.0)))

    assert regime.benchmark_average_200 == Decimal(100)


def test_ten_holes_are_stepped_over_and_eleven_are_not():
    some = regime_of(bars([100.0] * 100 + [NAN] * 10 + [100.0] * 100), "SPY", vix((LAST, 13.0)))
    many = regime_of(bars([100.0] * 101 + [NAN] * 11 + [100.0] * 99), "SPY", vix((LAST, 13.0)))

    assert some.benchmark_average_200 == Decimal(100)
    assert many.benchmark_average_200 is None
    assert found(many) == (Drop("benchmark-missing", "no average of 200 closes", "SPY"),)


@pytest.mark.parametrize(
    "matrix_",
    [bars([100.0] * 209 + [NAN]), matrix(last="2024-02-15", close=[1.0] * 210)],
    ids=["no bar in the data session", "no such symbol"],
)
def test_a_missing_benchmark_is_unknown_and_blocks(matrix_):
    regime = regime_of(matrix_, "SPY", vix((LAST, 13.0)))

    assert regime.trend == "unknown"
    assert regime.benchmark_close is None
    assert found(regime) == (Drop("benchmark-missing", "no close", "SPY"),)
    assert found(regime, is_gate_on=False) == ()


@pytest.mark.parametrize(
    ("series", "observed"),
    [
        (vix(), "no value"),
        (vix((BEFORE, 13.0)), "none; the newest value is of 2024-02-14"),
        (vix((LAST, NAN)), "none; the newest value is of 2024-02-15"),
        (vix((LAST, 0.0)), "none; the newest value is of 2024-02-15"),
        (vix((LAST, float("inf"))), "none; the newest value is of 2024-02-15"),
    ],
)
def test_an_index_without_a_number_for_the_data_session_blocks(series, observed):
    regime = regime_of(bars([100.0] * 209 + [140.0]), "SPY", series)

    assert regime.volatility is None
    assert found(regime) == (Drop("index-missing", observed, "VIX"),)
    assert found(regime, is_index_required=False) == ()


def test_everything_missing_is_named():
    regime = regime_of(bars([NAN] * 210), "SPY", vix())

    assert [each.code for each in found(regime)] == ["benchmark-missing", "index-missing"]
