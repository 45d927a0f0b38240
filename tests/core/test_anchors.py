"""Anchors on bars drawn so that each has one right answer."""

import numpy as np
import pytest

from quantcli.core.anchors import (
    Anchor,
    AnchorRules,
    extreme_rows,
    find_anchors,
    is_gap,
    is_volume_breakout,
    newest_row,
    period_rows,
    without_repeats,
)
from tests.core.made_bars import column, matrix

NAN = float("nan")
RULES = AnchorRules(lookback_bars=60, swing_bars=20, gap_fraction=0.04, volume_multiple=1.8)


def year(session):
    return session.year


def month(session):
    return session.month


def sessions_at(bars, rows):
    return [None if row < 0 else bars.sessions[row].isoformat() for row in rows]


def test_year_and_month_begin_with_the_data_sessions_own():
    bars = matrix(last="2024-02-15", close=[10.0] * 60)

    assert sessions_at(bars, period_rows(bars, year)) == ["2024-01-02"]
    assert sessions_at(bars, period_rows(bars, month)) == ["2024-02-01"]


def test_on_the_last_session_of_a_year_the_year_is_still_the_old_one():
    bars = matrix(last="2024-12-31", close=[10.0] * 256)

    assert sessions_at(bars, period_rows(bars, year)) == ["2024-01-02"]
    assert sessions_at(bars, period_rows(bars, month)) == ["2024-12-02"]


def test_on_the_first_session_of_a_year_both_begin_with_it():
    bars = matrix(last="2025-01-02", close=[10.0] * 30)

    assert sessions_at(bars, period_rows(bars, year)) == ["2025-01-02"]
    assert sessions_at(bars, period_rows(bars, month)) == ["2025-01-02"]


def test_a_year_that_began_before_the_rows_has_no_anchor():
    bars = matrix(last="2024-02-15", close=[10.0] * 32)  # 2024-01-02 is the first row

    assert sessions_at(bars, period_rows(bars, year)) == [None]
    assert sessions_at(bars, period_rows(bars, month)) == ["2024-02-01"]


def test_a_listing_within_the_year_is_anchored_at_its_first_bar():
    closes = [[10.0, NAN]] * 40 + [[10.0, 20.0]] * 20 + [[NAN, 20.0]]
    bars = matrix(last="2024-02-15", symbols="AB", close=closes)

    assert sessions_at(bars, period_rows(bars, year)) == ["2024-01-02", "2024-01-18"]


def test_a_symbol_without_a_bar_in_the_period_has_no_anchor():
    bars = matrix(last="2024-02-15", symbols="AB", close=[[10.0, 20.0]] * 28 + [[10.0, NAN]] * 32)

    assert sessions_at(bars, period_rows(bars, year)) == ["2024-01-02", None]


@pytest.mark.parametrize(
    ("open_", "is_found"),
    [(104.0, True), (103.99, False), (96.0, True), (96.01, False), (NAN, False)],
)
def test_a_gap_is_four_percent_of_the_close_before(open_, is_found):
    bars = matrix(last="2024-02-15", close=[100.0, 100.0, 100.0], open_=[100.0, open_, 100.0])

    assert is_gap(bars, RULES).ravel().tolist() == [False, is_found, False]


def test_gaps_are_sought_in_the_lookback_only_and_the_newest_counts():
    opens = [100.0] * 30
    opens[5] = opens[12] = opens[25] = 110.0
    bars = matrix(last="2024-02-15", close=[100.0] * 30, open_=opens)

    assert newest_row(is_gap(bars, RULES)).tolist() == [25]
    assert is_gap(bars, RULES._replace(lookback_bars=18)).sum() == 2
    assert newest_row(is_gap(bars, RULES._replace(lookback_bars=4))).tolist() == [-1]


def breakout(volume=188.0, high=112.0, low=102.0, close=109.0, prior_high=105.0):
    """Return bars whose last one may break out: 19 quiet ones of 100 shares before it."""
    highs = [120.0] * 15 + [prior_high] + [104.0] * 4 + [high]
    return matrix(
        last="2024-02-15", close=[100.0] * 20 + [close], high=highs, low=[99.0] * 20 + [low],
        volume=[100.0] * 20 + [volume],
    )  # fmt: skip


@pytest.mark.parametrize(
    ("change", "is_found"),
    [
        ({}, True),
        # 1.8 x mean of (19 x 100 + v) / 20 is below v from 187.91 on
        ({"volume": 187.9}, False),
        ({"close": 108.99}, False),  # 69.9 percent of the range
        ({"close": 104.9, "high": 105.0, "low": 104.0}, False),  # under the high of 5 bars ago
        ({"close": 105.1, "high": 105.2, "low": 104.0}, True),
        ({"close": 109.0, "high": 109.0, "low": 109.0}, False),  # no range to close in
    ],
)
def test_volume_breakout(change, is_found):
    found = is_volume_breakout(breakout(**change), RULES)

    assert found.ravel().tolist() == [False] * 20 + [is_found]


def test_volume_breakout_needs_twenty_bars_of_volume():
    bars = breakout()
    short = matrix(
        last="2024-02-15", close=bars.close[-19:], high=bars.high[-19:], low=bars.low[-19:],
        volume=bars.volume[-19:],
    )  # fmt: skip

    assert not is_volume_breakout(short, RULES).any()


def test_extremes_are_the_oldest_of_equals_within_the_rows_asked_for():
    assert extreme_rows(column([9, 5, 7, 7, 1]), 4).tolist() == [2]
    assert extreme_rows(column([9, 5, NAN, 7, 1]), 4).tolist() == [-1]
    assert extreme_rows(column([9, 5]), 3).tolist() == [-1]


def test_a_bar_holds_the_kind_of_highest_priority_only():
    first = Anchor("first", 3.0, np.array([4, -1, 2]))
    second = Anchor("second", 2.0, np.array([4, 5, 1]))
    third = Anchor("third", 1.0, np.array([4, 5, 2]))

    kept = without_repeats((first, second, third))

    assert [anchor.rows.tolist() for anchor in kept] == [[4, -1, 2], [-1, 5, 1], [-1, -1, -1]]


def test_all_six_kinds_are_found():
    size = 60  # rows 0 to 59; 2024-01-02 is row 28, 2024-02-01 row 49
    close = [100.0] * size
    open_, high, low, volume = [100.0] * size, [101.0] * size, [99.0] * size, [100.0] * size
    open_[33] = 106.0
    close[36], high[36], volume[36] = 102.0, 102.0, 400.0
    low[45] = 90.0
    high[47] = 110.0
    bars = matrix(
        last="2024-02-15", close=close, open_=open_, high=high, low=low, volume=volume
    )  # fmt: skip

    found = {anchor.name: anchor.rows.tolist() for anchor in find_anchors(bars, RULES)}

    assert found == {
        "year-start": [28],
        "gap": [33],
        "volume-breakout": [36],
        "month-start": [49],
        "swing-low": [45],
        "swing-high": [47],
    }
    priorities = [anchor.priority for anchor in find_anchors(bars, RULES)]
    assert priorities == sorted(priorities, reverse=True)
