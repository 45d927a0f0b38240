"""A night that looks like a split keeps a symbol of raw bars out, unless it is explained."""

import dataclasses
import datetime as dt

import numpy as np
import pytest

from quantcli.contracts.bars import BarMatrix
from quantcli.core.sieve import Sieve
from quantcli.core.split_jumps import is_split_like, screen_splits

DAYS = tuple(dt.date(2024, 11, day) for day in (20, 21, 22, 25))


def matrix(closes, opens, adjustment="raw"):
    close = np.array([closes], dtype=float).T
    opened = np.array([opens], dtype=float).T
    return BarMatrix(("AAA",), DAYS, opened, opened, opened, close, close, "f", adjustment, ())


def dropped(bars, excused=()):
    sieve = Sieve(bars.symbols)
    screen_splits(sieve, bars, excused)
    return {symbol: (drop.code, drop.observed) for symbol, drop in sieve.drops.items()}


@pytest.mark.parametrize("ratio", [1.5, 2, 3, 4, 5, 7, 10, 20, 25, 50, 100])
@pytest.mark.parametrize("night", [0.94, 1.0, 1.06])
def test_what_looks_like_a_split(ratio, night):
    assert is_split_like(ratio * night)
    assert is_split_like(1 / ratio * night)


@pytest.mark.parametrize("factor", [1.0, 0.75, 1.33, 1.75, 2.4, 0, -1, float("nan"), float("inf")])
def test_what_does_not(factor):
    assert not is_split_like(factor)


def test_the_night_is_named():
    bars = matrix([400, 400, 101, 102], [400, 400, 100, 101])
    assert dropped(bars) == {"AAA": ("split-unrecorded", "close 400, open 100 in 2024-11-22")}


def test_a_reverse_split_too_and_over_missing_bars():
    nan = float("nan")
    assert dropped(matrix([1, nan, nan, 20], [1, nan, nan, 20])) == {
        "AAA": ("split-unrecorded", "close 1, open 20 in 2024-11-25")
    }


def test_a_fall_within_the_session_is_none():
    assert dropped(matrix([400, 400, 100, 100], [400, 400, 390, 100])) == {}


def test_adjusted_bars_are_not_judged():
    bars = matrix([400, 400, 101, 102], [400, 400, 100, 101])
    assert dropped(dataclasses.replace(bars, adjustment="split")) == {}


def test_a_move_that_an_operator_explained():
    bars = matrix([400, 400, 101, 102], [400, 400, 100, 101])
    assert dropped(bars, {("AAA", DAYS[2])}) == {}
    assert dropped(bars, {("AAA", DAYS[1]), ("BBB", DAYS[2])})


def test_rows_before_the_first_bar_are_no_move():
    nan = float("nan")
    assert dropped(matrix([nan, nan, 100, 101], [nan, nan, 100, 100])) == {}
