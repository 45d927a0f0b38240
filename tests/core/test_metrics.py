"""Figures, each against values worked out by hand."""

from decimal import Context, Decimal, localcontext
from statistics import stdev

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quantcli.contracts.snapshot import Pnl, Snapshot
from quantcli.core import metrics

D = Decimal


def test_every_figure_names_a_defined_formula():
    assert set(metrics.FORMULAS.values()) == set(metrics.DEFINITIONS)
    known = {*Snapshot.model_fields, *Pnl.model_fields, "risk_at_stop"}
    assert set(metrics.FORMULAS) <= known


def test_exposures_and_equity():
    values = [D("1000.10"), D("-250.05")]

    assert metrics.exposure_gross(values) == D("1250.15")
    assert metrics.exposure_net(values) == D("750.05")
    assert metrics.equity(D("-100.00"), D("750.05")) == D("650.05")
    assert metrics.exposure_gross([]) == metrics.exposure_net([]) == 0


def test_amounts_are_rounded_half_even():
    assert metrics.amount(D(3), D("0.335")) == D("1.00")  # 1.005 -> 1.00
    assert metrics.amount(D(1), D("0.015")) == D("0.02")


@pytest.mark.parametrize(
    ("quantity", "mark", "stop", "expected"),
    [
        (100, "50", "47.5", "250.00"),
        (100, "50", "50", "0.00"),
        (100, "50", "52", "0.00"),  # the stop lies above the mark: nothing more to lose
        (100, "50", None, "5000.00"),
        (-10, "50", "47", "500.00"),  # a sell stop protects no short
    ],
)
def test_risk_at_stop(quantity, mark, stop, expected):
    found = metrics.risk_at_stop(D(quantity), D(mark), None if stop is None else D(stop))

    assert found == D(expected)


def test_heat_is_a_share_of_equity():
    assert metrics.heat([D(250), D(750)], D(50_000)) == D("0.02")
    assert metrics.heat([], D(0)) == 0
    assert metrics.heat([D(1)], D(-5)) == 1
    assert metrics.heat([D("0.1")], D("0.5")) == D("0.2")


def test_high_water_mark_never_falls():
    assert metrics.high_water_mark(D(100), D(90)) == 100
    assert metrics.high_water_mark(D(100), D(110)) == 110


@pytest.mark.parametrize(
    ("equity", "mark", "expected"),
    [("100", "100", "0"), ("75", "100", "0.25"), ("110", "100", "0"), ("-10", "100", "1"),
     ("5", "0", "0"), ("0.5", "1", "0.5")],
)  # fmt: skip
def test_drawdown_lies_between_nothing_and_everything(equity, mark, expected):
    assert metrics.drawdown(D(equity), D(mark)) == D(expected)


def test_returns_leave_out_what_cannot_earn():
    assert metrics.session_return(D(101), D(100)) == D("0.01")
    assert metrics.session_return(D(101), D(0)) is None
    assert metrics.session_return(D("0.75"), D("0.5")) == D("0.5")
    assert metrics.returns([D(100), D(110), D(99)]) == (D("0.1"), D("-0.1"))
    assert metrics.returns([D(100), D(0), D(5)]) == (D(-1),)
    assert metrics.returns([]) == ()


def test_volatility_by_hand():
    # mean 0.02; squared distances 4, 1, 0, 1, 4 (e-4): 10e-4 / 4 = 2.5e-4; root 0.0158113883
    values = [D("0.00"), D("0.01"), D("0.02"), D("0.03"), D("0.04")]

    assert round(metrics.volatility([D(9), *values]), 10) == D("0.0158113883")
    assert metrics.volatility(values[:4]) is None
    # of the last two, 0.03 and 0.04: mean 0.035, 2 x 0.005 squared, root 0.0070710678
    assert round(metrics.volatility(values, window=2), 10) == D("0.0070710678")
    assert metrics.volatility(values, window=1) is None


@given(st.lists(st.integers(-500, 500).map(lambda n: D(n) / 10_000), min_size=5, max_size=12))
def test_volatility_agrees_with_an_independent_oracle(values):
    assert abs(metrics.volatility(values) - D(stdev(values[-5:]))) < D("1e-9")


def test_history_keeps_the_newest_values():
    history = tuple(D(n) for n in range(25))

    assert metrics.extended(history, D(25)) == tuple(D(n) for n in range(5, 26))
    assert metrics.extended((), D(1)) == (D(1),)


def test_capital_that_moves_scales_history():
    # 100 -> 120 earned 20 %; 60 paid in afterwards counts as always there: 150 -> 180
    assert metrics.scaled([D(100), D(120)], D(60)) == (D("150.00"), D("180.00"))
    assert metrics.scaled([D(100), D(120)], D(0)) == (D(100), D(120))
    assert metrics.scaled([D(100), D(50), D(200)], D(-100)) == (D(50), D(25), D(100))
    assert metrics.scaled([D("0.50")], D("0.50")) == (D("1.00"),)
    assert metrics.scaled([D("2.00")], D("-1.50")) == (D("0.50"),)


@pytest.mark.parametrize(
    ("history", "moved"), [([], 10), ([-5], 10), ([100], -100), ([100], -150), ([0], 5)]
)
def test_history_that_cannot_be_scaled_stays(history, moved):
    assert metrics.scaled([D(n) for n in history], D(moved)) == tuple(D(n) for n in history)


def test_context_of_the_caller_does_not_matter():
    values = [D(n) / 7 for n in range(5)]

    with localcontext(Context(prec=3)):
        narrow = metrics.volatility(values)
    assert narrow == metrics.volatility(values)
