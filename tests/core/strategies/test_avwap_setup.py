"""The AVWAP setup: each part holds, or fails alone, on bars drawn for it."""

import dataclasses
from decimal import Decimal

import numpy as np
import pytest

from quantcli.contracts.config import AvwapSection
from quantcli.core.strategies.avwap_setup import (
    atr_percent_cap,
    choose_anchor,
    is_setup,
    is_weekly_up,
    quality_of,
    rules_of,
)
from tests.core.made_bars import matrix
from tests.core.strategies.steady import ROWS, SECTION, excited, steady

RULES = rules_of(SECTION)


def setup(bars, rules=RULES):
    return bool(is_setup(quality_of(bars), choose_anchor(bars, rules), rules)[0])


def test_rules_are_the_configs_as_floats():
    rules = rules_of(AvwapSection(gap_fraction=Decimal("0.05"), slope_min=Decimal("-0.01")))

    assert rules.anchors == (60, 20, 0.05, 1.8)
    assert (rules.slope_min, rules.distance_percent_max) == (-0.01, 8.0)
    assert (rules.atr_usd_min, rules.atr_percent_max) == (0.5, 6.0)
    assert rules.atr_median_multiple_max == 1.15


def test_a_calm_uptrend_is_a_setup():
    bars = steady()
    quality = quality_of(bars)
    last = float(bars.close[-1, 0])

    assert setup(bars)
    assert quality.atr_usd == pytest.approx([1.0])
    assert quality.atr_percent == pytest.approx([100 / last])
    assert quality.average_20 == pytest.approx([last - 0.95])  # 19 x 0.1 / 2
    assert quality.average_50 == pytest.approx([last - 2.45])
    assert quality.change_percent == pytest.approx([100 / (last - 2.45 - 1.0)])
    assert quality.tier.tolist() == [1]


def test_the_median_is_of_120_bars():
    # ATR percent falls as the price rises, so its median lies between the 60th and 61st newest
    bars = steady()
    newest = 100.0 / bars.close[::-1, 0]

    assert quality_of(bars).atr_percent_median == pytest.approx((newest[59] + newest[60]) / 2)


def test_weekly_averages_are_of_last_closes_of_weeks():
    # 2024-06-14 is a Friday; no close but the last ones of 40 weeks may count
    bars = steady()
    ends = {(session.isocalendar()[:2]): row for row, session in enumerate(bars.sessions)}
    kept = set(ends.values())
    for row in range(ROWS):
        if row not in kept:
            bars.close[row] = 0.0
    weekly = [bars.close[row, 0] for row in sorted(kept)]

    quality = quality_of(bars)

    assert quality.weekly_fast == pytest.approx([np.mean(weekly[-10:])])
    assert quality.weekly_slow == pytest.approx([np.mean(weekly[-40:])])


def test_a_falling_year_is_not_up_by_the_week():
    bars = steady()
    bars.close[:] = bars.close[::-1]

    assert not is_weekly_up(quality_of(bars))[0]
    assert not setup(bars)


def test_too_little_history_is_no_setup():
    bars = steady(rows=120)

    assert np.isnan(quality_of(bars).atr_percent_median[0])
    assert not setup(bars)


@pytest.mark.parametrize(
    ("closes", "tier"),
    [
        # last 50 closes, then the newest one; the 10 before the 50 are level at 100
        ([100.0] * 49 + [101.0], 1),
        ([100.0] * 50, 0),  # not above its averages
        ([100.0] * 30 + [90.0] * 19 + [99.0], 0),  # above both, but they fall and cross
        ([104.0] * 20 + [110.0] * 10 + [100.0] * 19 + [105.0], 2),
    ],
)
def test_tiers(closes, tier):
    # the last case: 20-bar mean 100.25 below the 50-bar mean 103.7, which rises; close above both
    bars = matrix(last="2024-06-14", close=[100.0] * 110 + closes)

    assert quality_of(bars).tier.tolist() == [tier]


def test_atr_is_capped_by_its_own_median_and_absolutely():
    bars = steady()
    quality = quality_of(bars)

    assert atr_percent_cap(quality, RULES) == pytest.approx(1.15 * quality.atr_percent_median)
    strict = RULES._replace(atr_percent_max=0.5)
    assert atr_percent_cap(quality, strict) == pytest.approx([0.5])
    assert not setup(bars, strict)
    assert setup(bars, RULES._replace(atr_usd_min=0.999))
    assert not setup(bars, RULES._replace(atr_usd_min=1.001))


@pytest.mark.parametrize(
    "part",
    [
        {"weekly_fast": 1.0},
        {"atr_usd": 0.49},
        {"tier": 0},
        {"atr_percent": 6.01},
        {"atr_percent_median": 0.01},
        {"atr_percent_median": float("nan")},
    ],
)
def test_each_part_alone_spoils_the_setup(part):
    bars = steady()
    quality, choice = quality_of(bars), choose_anchor(bars, RULES)
    spoiled = dataclasses.replace(
        quality, **{name: np.array([value]) for name, value in part.items()}
    )

    assert is_setup(quality, choice, RULES).tolist() == [True]
    assert is_setup(spoiled, choice, RULES).tolist() == [False]


def test_one_wild_bar_disturbs_fourteen_sessions():
    assert not setup(excited(steady(), -14))
    assert setup(excited(steady(), -15))


def flat_with(last_two, rows=40, level=100.0, volume=None):
    """Return bars at one level in February 2024 whose last two closes are given."""
    return matrix(
        last="2024-02-15", close=[level] * (rows - 2) + list(last_two),
        volume=volume or [1000.0] * (rows - 2) + [0.0, 0.0],
    )  # fmt: skip


def test_distance_slope_and_confluence_by_hand():
    # the last two bars trade nothing, so every level stays at 100
    choice = choose_anchor(flat_with([103.0, 104.0]), RULES)

    # year-start, month-start and swing-low (the first of 20 equal lows) pass; two highs are young
    assert choice.names[int(choice.index[0])] == "year-start"
    assert choice.level == pytest.approx([100.0])
    assert choice.distance_percent == pytest.approx([4.0])
    assert choice.slope == pytest.approx([0.0])
    assert not choice.is_reclaim[0]
    assert choice.confluence.tolist() == [3]
    assert choice.score == pytest.approx([96.0])


def two_levels(february, close):
    """Return bars whose shares since the new year traded at 100 and, hardly any, later.

    Lines: year-start and swing-low at 100, month-start at `february`.
    """
    return matrix(
        last="2024-02-15", close=[100.0] * 29 + [february] * 10 + [close],
        high=[100.0] * 29 + [february] * 11,
        low=[99.0] * 20 + [98.0] + [100.0] * 8 + [february] * 11,
        open_=[100.0] * 40, volume=[1e12] * 29 + [1.0] * 11,
    )  # fmt: skip


def test_a_line_above_the_close_is_no_confluence():
    choice = choose_anchor(two_levels(100.5, 100.3), RULES)

    assert choice.names[int(choice.index[0])] == "year-start"
    assert choice.confluence.tolist() == [2]


def test_a_line_far_from_the_chosen_one_is_no_confluence():
    choice = choose_anchor(two_levels(103.0, 104.0), RULES)

    assert choice.names[int(choice.index[0])] == "month-start"
    assert choice.confluence.tolist() == [1]


@pytest.mark.parametrize(
    ("last_two", "is_chosen", "is_reclaim"),
    [
        ([101.0, 108.0], True, False),  # 8 percent away is still near enough
        ([101.0, 108.01], False, False),
        ([101.0, 100.0], False, False),  # on the level is not above it
        ([100.0, 101.0], True, True),  # from the level: a reclaim
        ([99.0, 101.0], True, True),
        ([99.0, 99.5], False, False),
    ],
)
def test_which_closes_pass(last_two, is_chosen, is_reclaim):
    choice = choose_anchor(flat_with(last_two), RULES)

    assert (choice.index >= 0).tolist() == [is_chosen]
    if is_chosen:
        assert choice.is_reclaim.tolist() == [is_reclaim]


@pytest.mark.parametrize(
    ("close", "score"),
    [
        (100.05, 100 - 0.05),  # under 0.1 percent: no bonus
        (100.2, 100 - 0.2 + 50),
        (101.4, 100 - 1.4 + 50),
        (101.6, 100 - 1.6),
    ],
)
def test_a_close_near_the_level_earns_a_bonus(close, score):
    choice = choose_anchor(flat_with([101.0, close]), RULES)

    assert choice.score == pytest.approx([score])


def test_a_reclaim_earns_a_bonus():
    assert choose_anchor(flat_with([99.0, 105.0]), RULES).score == pytest.approx([100 - 5 + 40])


def test_a_falling_level_does_not_pass_unless_it_is_reclaimed():
    # 27 bars of 10 shares at 120 since the new year, then 4 of 2000 shares at 100: the level falls
    # from 120 to (32,400 + 800,000) / 8,270 = 100.65296
    closes = [120.0] * 35 + [100.0] * 4
    volumes = [10.0] * 35 + [2000.0] * 4

    held = matrix(
        last="2024-02-15", close=[*closes, 106.0], volume=[*volumes, 0.0],
        open_=[120.0] * 35 + [100.0] * 5,
    )  # fmt: skip
    choice = choose_anchor(held, RULES)
    year = choice.names.index("year-start")

    assert choice.distances_percent[year, 0] == pytest.approx(5.3123498)
    assert choice.index.tolist() == [year]  # the close before, 100, lay below the level: reclaimed
    assert choice.slope == pytest.approx([-0.1612253])
    held.close[-2] = 105.0  # and now it did not
    assert choose_anchor(held, RULES).index.tolist() == [-1]
    assert choose_anchor(held, RULES._replace(slope_min=-0.2)).index.tolist() == [year]


def test_an_anchor_younger_than_five_bars_does_not_pass():
    # 2024-02-01 is the only anchor: on the 5th its slope is unknown, from the 8th on it is known
    young = matrix(last="2024-02-05", close=[100.0, 100.0, 99.0, 101.0])
    old = matrix(last="2024-02-08", close=[100.0] + [100.0] * 5 + [99.0, 101.0])

    assert choose_anchor(young, RULES).index.tolist() == [-1]
    assert choose_anchor(old, RULES).index[0] >= 0


def test_without_any_anchor_nothing_is_chosen():
    bars = matrix(last="2024-06-14", close=[float("nan")] * 30)

    choice = choose_anchor(bars, RULES)

    assert choice.index.tolist() == [-1]
    assert choice.confluence.tolist() == [0]
    assert not setup(bars)
