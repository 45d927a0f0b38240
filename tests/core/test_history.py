"""History: what counts as a bar, which holes are closed, and who has enough."""

import datetime as dt

import numpy as np
import pytest

from quantcli.core.history import (
    HistoryRules,
    columns_of,
    coverage_of,
    has_bar,
    is_covered,
    newest_session,
    rows_of,
    without_holes,
)
from tests.core.made_bars import matrix

NAN = float("nan")


def test_a_bar_with_one_unknown_value_is_none():
    bars = matrix(
        last="2024-02-15", symbols="ABC", close=[[1, 1, 1]], volume=[[5, NAN, 5]],
        open_=[[1, 1, float("inf")]],
    )  # fmt: skip

    assert has_bar(bars).tolist() == [[True, False, False]]


def test_newest_session_is_the_last_with_any_bar():
    bars = matrix(last="2024-02-15", symbols="AB", close=[[1, NAN], [NAN, 1], [NAN, NAN]])
    nothing = matrix(last="2024-02-15", close=[NAN, NAN])

    assert newest_session(bars) == dt.date(2024, 2, 14)
    assert newest_session(nothing) is None


def test_rows_are_views_of_the_rows_asked_for():
    bars = matrix(last="2024-02-15", close=[1, 2, 3, 4])

    assert rows_of(bars, 1, 3).close.ravel().tolist() == [2, 3]
    assert rows_of(bars, 1, None).sessions == bars.sessions[1:]
    assert rows_of(bars, -9, None).sessions == bars.sessions
    assert np.shares_memory(rows_of(bars, 1, 3).close, bars.close)


def test_columns_come_in_the_order_asked_for_and_unknown_ones_are_empty():
    bars = matrix(last="2024-02-15", symbols="ABC", close=[[1, 2, 3]])

    chosen = columns_of(bars, ("C", "X", "A"))

    assert chosen.symbols == ("C", "X", "A")
    assert chosen.close[0] == pytest.approx([3, NAN, 1], nan_ok=True)
    assert np.isnan(chosen.volume[0, 1])
    assert bars.close.tolist() == [[1, 2, 3]]
    assert columns_of(bars, ("A", "B", "C")) is bars
    assert columns_of(bars, ()).close.shape == (1, 0)
    assert np.isnan(columns_of(matrix(last="2024-02-15", symbols="", close=[[]]), ("A",)).close)


def test_coverage_names_the_newest_hole_and_counts_bars():
    rules = HistoryRules(bars_min=3, gaps_max=2, unbroken_bars=2)
    rows = [
        # whole, old hole, recent hole, no last bar, young, holes everywhere
        [1, 1, 1, 1, NAN, NAN],
        [1, NAN, 1, 1, NAN, NAN],
        [1, 1, 1, 1, NAN, 1],
        [1, 1, NAN, 1, 1, NAN],
        [1, 1, 1, NAN, 1, NAN],
    ]
    bars = matrix(last="2024-02-15", symbols="ABCDEF", close=rows)

    coverage = coverage_of(bars, rules)

    assert coverage.is_current.tolist() == [True, True, True, False, True, False]
    assert coverage.hole_rows.tolist() == [-1, -1, 3, 4, -1, 4]
    assert coverage.counts.tolist() == [5, 4, 4, 4, 2, 1]
    assert is_covered(coverage, rules).tolist() == [True, True, False, False, False, False]


def test_only_the_newest_sessions_count():
    rules = HistoryRules(bars_min=2, gaps_max=1, unbroken_bars=1)
    bars = matrix(last="2024-02-15", close=[1, 1, 1, NAN, NAN, 1])

    assert coverage_of(bars, rules).counts.tolist() == [1]
    assert is_covered(coverage_of(bars, rules), rules).tolist() == [False]


def test_holes_become_bars_without_trade_and_the_time_before_listing_stays_empty():
    bars = matrix(
        last="2024-02-15", symbols="AB", close=[[1, NAN], [NAN, 7], [3, 8]],
        high=[[2, NAN], [9, 9], [4, 9]], volume=[[5, NAN], [NAN, 6], [5, 6]],
    )  # fmt: skip

    closed = without_holes(bars)

    assert closed.close == pytest.approx(np.array([[1, NAN], [1, 7], [3, 8]]), nan_ok=True)
    assert closed.high == pytest.approx(np.array([[2, NAN], [1, 9], [4, 9]]), nan_ok=True)
    assert closed.open == pytest.approx(np.array([[1, NAN], [1, 7], [3, 8]]), nan_ok=True)
    assert closed.volume == pytest.approx(np.array([[5, NAN], [0, 6], [5, 6]]), nan_ok=True)


def test_bars_without_holes_are_left_alone():
    bars = matrix(last="2024-02-15", close=[1, 2])

    assert without_holes(bars) is bars
