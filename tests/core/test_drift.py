"""The borders of what a clean reconciliation may end by itself."""

import datetime as dt
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quantcli.contracts.broker_views import BrokerPosition
from quantcli.contracts.config import ReconcileSection
from quantcli.contracts.positions import PositionRecord
from quantcli.core.drift import correction, drift, exceeded, is_within
from quantcli.core.reconciliation import position_breaks

LIMITS = ReconcileSection()
AT = dt.datetime(2024, 11, 26, 14, 30, tzinfo=dt.UTC)


def ours(**held):
    return [
        PositionRecord(symbol, Decimal(shares), Decimal(10), AT.date(), AT, None)
        for symbol, shares in held.items()
    ]


def theirs(**held):
    return [
        BrokerPosition(symbol, Decimal(shares), Decimal(10), None, None)
        for symbol, shares in held.items()
    ]


def told(found):
    return [(each.code, each.observed, each.limit) for each in found]


THREE = {"AA": 1, "BB": 1, "CC": 1}
FOUR = {**THREE, "DD": 1}


@pytest.mark.parametrize(
    ("mine", "shown", "count"),
    [
        (THREE, {}, None),
        (FOUR, {}, 4),
        ({}, THREE, None),
        ({}, FOUR, 4),
        (FOUR, {"AA": 1}, None),
        # Each side counts by itself, and a position of zero shares is none.
        (THREE, {"XX": 1, "YY": 1, "ZZ": 1}, None),
        (FOUR, {"AA": 0}, 4),
        (FOUR, FOUR, None),
    ],
)
def test_three_positions_may_be_missing_and_four_may_not(mine, shown, count):
    found = told(exceeded(ours(**mine), theirs(**shown), LIMITS))
    assert found == ([("limit-positions-missing", str(count), "3")] if count else [])


@pytest.mark.parametrize(
    ("mine", "shown", "observed"),
    [
        (950, 1000, None),
        (949, 1000, "AA 0.051000"),
        (1050, 1000, None),
        (1051, 1000, "AA 0.051000"),
        (100, 100, None),
        (10, -10, "AA 2.000000"),
        (-5, 100, "AA 1.050000"),
    ],
)
def test_five_percent_of_the_brokers_quantity_and_no_more(mine, shown, observed):
    found = told(exceeded(ours(AA=mine), theirs(AA=shown), LIMITS))
    assert found == ([("limit-quantity-drift", observed, "0.050000")] if observed else [])


def test_every_symbol_that_drifted_is_named_and_limits_are_as_configured():
    strict = ReconcileSection(positions_missing_max=0, quantity_drift_fraction_max=Decimal(0))
    found = exceeded(ours(AA=9, BB=10, CC=1), theirs(AA=10, BB=10), strict)
    assert [(each.code, each.observed) for each in found] == [
        ("limit-positions-missing", "1"),
        ("limit-quantity-drift", "AA 0.100000"),
    ]


@given(st.integers(-2000, 2000).filter(bool), st.integers(-2000, 2000).filter(bool))
def test_within_is_what_the_limit_says(mine, shown):
    assert is_within(Decimal(mine), Decimal(shown), LIMITS) == (
        abs(shown - mine) * 100 <= abs(shown) * 5
    )
    assert (drift(Decimal(mine), Decimal(shown)) == 0) == (mine == shown)


@given(st.integers(1, 3000), st.integers(1, 3000))
def test_corrected_by_the_difference_ours_is_theirs_within_the_limit_and_ours_beyond(mine, shown):
    differences = position_breaks(ours(AA=mine), theirs(AA=shown))
    corrected = mine + correction(differences, "AA", LIMITS)
    assert corrected == (shown if abs(shown - mine) * 100 <= shown * 5 else mine)
    assert correction(differences, "BB", LIMITS) == 0
