"""Prices of a proposal, worked out by hand."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quantcli.core.strategies.avwap_levels import levels_of, structural_stop


def test_limit_stop_and_targets_by_hand():
    # pivot (104 + 98 + 101.37) / 3 = 101.123333
    levels = levels_of(
        (104.0, 98.0, 101.37), level=100.0, swing_low=97.0, atr=1.0,
        limit_fraction=Decimal("0.005"),
    )  # fmt: skip

    assert levels.reference == Decimal("101.37")
    assert levels.limit == Decimal("101.87")  # 101.87685 down
    assert levels.stop == Decimal("96.51")  # 97 x 0.995 = 96.515 down
    assert levels.target_r1 == Decimal("104.25")  # 2 x 101.123333 - 98
    assert levels.target_r2 == Decimal("107.12")  # 101.123333 + 6


@pytest.mark.parametrize(
    ("swing_low", "atr", "stop"),
    [
        (None, 1.0, 98.5),  # 1.5 percent under the level
        (None, 2.5, 97.5),  # one true range under the level
        (97.0, 1.0, 96.515),  # half a percent under the swing low
        (99.9, 1.0, 98.5),  # the swing low asks for less than 1.5 percent
        (120.0, 1.0, 98.5),  # a swing low above the level is no support
        (100.4, 1.0, 98.5),
        (100.6, 1.0, 98.5),
        (97.0, 9.0, 91.0),
    ],
)
def test_the_lowest_proposal_is_the_stop(swing_low, atr, stop):
    assert structural_stop(100.0, swing_low, atr) == pytest.approx(stop)


POSITIVE = st.floats(0.01, 10_000, allow_nan=False)


@given(POSITIVE, POSITIVE, st.one_of(st.none(), POSITIVE), POSITIVE)
def test_a_close_above_the_level_puts_the_stop_below_the_limit(level, above, swing_low, atr):
    close = level + above
    levels = levels_of(
        (close * 1.01, close * 0.99, close), level=level, swing_low=swing_low, atr=atr,
        limit_fraction=Decimal("0.005"),
    )  # fmt: skip

    assert levels.stop <= Decimal(str(level))
    assert levels.stop < levels.limit or levels.limit <= Decimal("0.02")
    assert levels.limit.as_tuple().exponent == levels.stop.as_tuple().exponent == -2
    assert levels.target_r1 <= levels.target_r2
