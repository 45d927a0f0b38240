"""Indicators against values worked out by hand, and against their own independence of layout."""

import datetime as dt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from quantcli.core.indicators import (
    anchored_vwap,
    directional_index,
    ratio_of,
    relative_change,
    rolling_mean,
    smoothed,
    swing_low_rows,
    trailing_mean,
    trailing_median,
    true_range,
    weekly_last_rows,
)
from quantcli.core.sessions import sessions_between
from tests.core.made_bars import column

NAN = float("nan")
HIGH, LOW, CLOSE = column([10, 12, 13, 12]), column([8, 9, 11, 9]), column([9, 11, 12, 10])
PRICES = arrays(np.float64, (30, 3), elements=st.floats(1, 1000, allow_nan=False))


def test_ratio_is_unknown_for_a_zero_or_unknown_denominator():
    numerators, denominators = np.array([1.0, 1.0, 1.0, 0.0]), np.array([4.0, 0.0, NAN, 0.0])

    assert ratio_of(numerators, denominators) == pytest.approx([0.25, NAN, NAN, NAN], nan_ok=True)


def test_trailing_mean_takes_the_newest_rows():
    values = column([100, 1, 2, 6])

    assert trailing_mean(values, 3).tolist() == [3.0]
    assert trailing_mean(values, 2, ago=1).tolist() == [1.5]
    assert np.isnan(trailing_mean(values, 5)).all()
    assert np.isnan(trailing_mean(values, 4, ago=1)).all()


def test_trailing_mean_is_unknown_with_an_unknown_row():
    assert np.isnan(trailing_mean(column([1, NAN, 3]), 3)).all()
    assert trailing_mean(column([NAN, 1, 3]), 2).tolist() == [2.0]


def test_rolling_mean_starts_when_it_has_enough_rows():
    assert rolling_mean(column([1, 2, 6, 10]), 3).ravel() == pytest.approx(
        [NAN, NAN, 3, 6], nan_ok=True
    )
    assert np.isnan(rolling_mean(column([1, 2]), 3)).all()


@pytest.mark.parametrize(
    ("rows", "bars", "median"),
    [
        ([9, 1, 5, 3], 4, 4.0),
        ([9, 1, 5, 3], 3, 3.0),
        ([7], 1, 7.0),
        ([1, NAN, 3], 3, NAN),
        ([NAN, 1, 3], 2, 2.0),
        ([1, 2], 3, NAN),
    ],
)
def test_trailing_median(rows, bars, median):
    assert trailing_median(column(rows), bars) == pytest.approx([median], nan_ok=True)


def test_relative_change_is_measured_from_the_size_of_the_old_value():
    now, before = np.array([3.0, -1.0, 1.0]), np.array([2.0, -2.0, 0.0])

    assert relative_change(now, before) == pytest.approx([0.5, 0.5, NAN], nan_ok=True)


def test_true_range_reaches_from_the_close_before():
    # the third bar (11 to 13) opened away from 11; the last one fell below 12 within its range
    assert true_range(HIGH, LOW, CLOSE).ravel() == pytest.approx([NAN, 3, 2, 3], nan_ok=True)
    gap_down = true_range(column([20, 12]), column([19, 11]), column([20, 11]))
    assert gap_down[1, 0] == 9.0  # from 20 down to 11
    gap_up = true_range(column([20, 31]), column([19, 30]), column([20, 31]))
    assert gap_up[1, 0] == 11.0  # from 20 up to 31


def test_smoothed_forgets_a_share_of_the_old_with_each_row():
    assert smoothed(column([8, 0, 4]), 2).ravel() == pytest.approx([8, 4, 4])
    assert smoothed(column([14, 0, 0]), 14).ravel() == pytest.approx([14, 13, 169 / 14])


def test_smoothed_keeps_unknown_what_began_unknown():
    averages = smoothed(column([[1, NAN], [2, 2], [2, 2]], "AB"), 2)

    assert averages[:, 0] == pytest.approx([1, 1.5, 1.75])
    assert np.isnan(averages[:, 1]).all()


def test_smoothed_agrees_with_its_recursion_over_thousands_of_rows():
    values = np.abs(np.random.default_rng(7).normal(size=(2000, 2)))
    expected = [values[0]]
    for row in values[1:]:
        expected.append(expected[-1] + (row - expected[-1]) / 14)

    assert smoothed(values, 14) == pytest.approx(np.array(expected), rel=1e-12)


def test_directional_index_by_hand():
    # up moves 2, 1, 0; down moves 0, 0, 2; with period 2 they average 2, 1.5, .75 and 0, 0, 1.
    # Spread 1, 1, .25/1.75 = 1/7, averaged 1, 1, 4/7.
    assert directional_index(HIGH, LOW, CLOSE, 2, 3) == pytest.approx([400 / 7])


def test_of_two_moves_only_the_larger_counts_and_equal_ones_cancel():
    # the second bar reaches 3 up and 2 down, the third 1 up and 1 down: only up moved
    high, low = column([10, 13, 14]), column([8, 6, 5])
    assert directional_index(high, low, (high + low) / 2, 2, 2) == pytest.approx([100])
    # the second bar reaches 1 up and 3 down: only down moved, then up by 1 for half of that
    high, low = column([10, 11, 12]), column([8, 5, 5])
    # plus 0, .5; minus 3, 1.5; spread 1, .5; averaged 1, .75
    assert directional_index(high, low, (high + low) / 2, 2, 2) == pytest.approx([75])


def test_directional_index_needs_one_row_more_than_movements():
    assert np.isnan(directional_index(HIGH, LOW, CLOSE, 2, 4)).all()


def test_directional_index_reads_no_older_rows():
    older = [column([[value], *rows.tolist()]) for value, rows in
             ((99, HIGH), (1, LOW), (50, CLOSE))]  # fmt: skip

    assert directional_index(*older, 2, 3) == pytest.approx([400 / 7])


def test_directional_index_of_a_flat_line_is_zero_and_of_an_unknown_one_unknown():
    flat = column([[5, 5], [5, NAN], [5, 5]], "AB")

    assert directional_index(flat, flat, flat, 2, 2) == pytest.approx([0, NAN], nan_ok=True)


def test_weeks_end_with_their_last_session():
    # Friday 29 March 2024 was Good Friday; the week of 8 April has only begun
    sessions = sessions_between(dt.date(2024, 3, 25), dt.date(2024, 4, 9))

    ends = [sessions[row] for row in weekly_last_rows(sessions)]

    assert ends == [dt.date(2024, 3, 28), dt.date(2024, 4, 5), dt.date(2024, 4, 9)]


def test_weeks_are_told_apart_over_the_turn_of_a_year():
    sessions = sessions_between(dt.date(2024, 12, 30), dt.date(2025, 1, 6))

    assert [sessions[row] for row in weekly_last_rows(sessions)] == [
        dt.date(2025, 1, 3),
        dt.date(2025, 1, 6),
    ]


def test_anchored_vwap_weighs_prices_by_volume_from_the_anchor_on():
    # prices 10, 20, 30 with 100, 300, 100 shares
    turnover, volume = column([1000, 6000, 3000]), column([100, 300, 100])
    from_first = anchored_vwap(turnover, volume, np.array([0]), ago=(0, 1, 2, 3))
    from_second = anchored_vwap(turnover, volume, np.array([1]), ago=(0, 1, 2))

    assert from_first[:, 0] == pytest.approx([20, 17.5, 10, NAN], nan_ok=True)
    assert from_second[:, 0] == pytest.approx([22.5, 20, NAN], nan_ok=True)


def test_anchored_vwap_needs_an_anchor_and_a_trade():
    turnover, volume = column([[10, 0], [20, 0]], "AB"), column([[1, 0], [1, 0]], "AB")

    assert anchored_vwap(turnover, volume, np.array([-1, 0])) == pytest.approx(
        np.array([[NAN, NAN]]), nan_ok=True
    )
    assert np.isnan(anchored_vwap(turnover, volume, np.array([-1, -1]))).all()


def test_anchored_vwap_ignores_unknown_rows_before_the_anchor():
    turnover, volume = column([[NAN, 5], [20, 20]], "AB"), column([[NAN, 1], [2, 2]], "AB")

    levels = anchored_vwap(turnover, volume, np.array([1, 0]))

    assert levels == pytest.approx(np.array([[10, 25 / 3]]))


@pytest.mark.parametrize(
    ("lows", "bars", "row"),
    [
        ([5, 3, 4, 2, 6, 1], 6, 3),  # the last row is lower but has only one neighbour
        ([5, 3, 4, 4, 6, 7], 6, 1),
        ([5, 3, 4, 2, 6, 1], 3, 3),  # at the edge: its older neighbour may lie before the rows
        ([5, 3, 4, 2, 6, 1], 2, -1),
        ([3, 2, 2, 3], 4, -1),  # equal neighbours: not strictly below
        ([3, 2], 2, -1),
        ([2, 3, 4], 3, -1),  # the first row has no older neighbour
        ([NAN, 1, NAN], 3, -1),
    ],
)
def test_newest_swing_low(lows, bars, row):
    assert swing_low_rows(column(lows), bars).tolist() == [row]


@given(PRICES)
def test_values_do_not_depend_on_memory_layout_or_on_neighbouring_columns(values):
    turned, alone = np.asfortranarray(values), values[:, 1:2].copy()
    anchors = np.array([3, 0, 7])

    for indicator in (
        lambda array: trailing_mean(array, 20),
        lambda array: rolling_mean(array, 14)[-1],
        lambda array: trailing_median(array, 15),
        lambda array: directional_index(array, array / 2, array * 0.75, 14, 25),
        lambda array: anchored_vwap(array, array, anchors[: array.shape[1]] * 0)[0],
    ):
        whole = indicator(values)
        assert whole.tobytes() == indicator(turned).tobytes()
        assert whole[1] == indicator(alone)[0]
