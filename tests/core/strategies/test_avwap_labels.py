"""Labels at and around their bounds."""

import numpy as np
import pytest

from quantcli.core.strategies import avwap_labels as words
from tests.core.made_bars import matrix


@pytest.mark.parametrize(
    ("percent", "word"),
    [(0.21, "bullish"), (0.2, "neutral"), (-0.2, "neutral"), (-0.21, "bearish"),
     (float("nan"), "neutral")],
)  # fmt: skip
def test_control(percent, word):
    assert words.control(percent) == word


@pytest.mark.parametrize(
    ("closes", "word"),
    [([9, 11], "bullish"), ([10, 11], "bullish"), ([11, 9], "bearish"), ([10, 9], "bearish"),
     ([11, 12], "none"), ([8, 9], "none"), ([9, 10], "none"), ([11, 10], "none")],
)  # fmt: skip
def test_reclaim_of_ten(closes, word):
    assert words.reclaim(closes, 10.0) == word


@pytest.mark.parametrize(
    ("closes", "word"),
    [([11, 12, 13], "bullish"), ([9, 11, 12, 13], "bullish"), ([10, 12, 13], "none"),
     ([9, 8, 7], "bearish"), ([9, 10, 9], "none"), ([9, 11, 9], "none")],
)  # fmt: skip
def test_acceptance_above_ten(closes, word):
    assert words.acceptance(closes, 10.0) == word


@pytest.mark.parametrize(
    ("percent", "word"),
    [(1.0, "balanced"), (-1.0, "balanced"), (1.01, "moderate"), (5.99, "moderate"),
     (6.0, "extended"), (-6.0, "extended")],
)  # fmt: skip
def test_extension(percent, word):
    assert words.extension(percent) == word


@pytest.mark.parametrize(
    ("row", "word"), [(-1, "none"), (99, "recent"), (95, "recent"), (94, "stale"), (0, "stale")]
)
def test_gap_reset_of_a_hundred_rows(row, word):
    assert words.gap_reset(row, 100) == word


@pytest.mark.parametrize(
    ("fast", "slow", "slope", "word"),
    [(11, 10, 0.1, "bullish"), (11, 10, 0.0, "mixed"), (11, 10, -0.1, "mixed"),
     (9, 10, -0.1, "bearish"), (9, 10, 0.1, "mixed"), (10, 10, 0.1, "mixed")],
)  # fmt: skip
def test_structure(fast, slow, slope, word):
    assert words.structure(fast, slow, slope) == word


def test_percent_above():
    assert words.percent_above(103.0, 100.0) == pytest.approx(3.0)
    assert np.isnan(words.percent_above(1.0, 0.0))


def test_labels_of_a_level_carry_its_name():
    assert words.level_labels("vwap", [9.0, 10.5, 10.6, 10.7], 10.0) == {
        "vwap_control": "bullish",
        "vwap_reclaim": "none",
        "vwap_acceptance": "bullish",
    }


def test_rolling_vwap_weighs_twenty_bars():
    # typical prices 30 with 100 shares and 60 with 300, then 18 bars without trade
    bars = matrix(
        last="2024-02-15", close=[500, 30, 60] + [1] * 18, high=[500, 31, 61] + [1] * 18,
        low=[500, 29, 59] + [1] * 18, volume=[900, 100, 300] + [0] * 18,
    )  # fmt: skip

    assert words.rolling_vwap(bars) == pytest.approx([52.5])


def test_average_slope_is_over_five_bars():
    # 45 x 80 and 5 x 130 make 85; five bars before, 5 x 50 and 45 x 80 made 77
    bars = matrix(last="2024-02-15", close=[50.0] * 5 + [80.0] * 45 + [130.0] * 5)

    assert words.average_slope(bars) == pytest.approx([8 / 77])
