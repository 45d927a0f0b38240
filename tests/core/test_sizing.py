"""Sizes worked by hand, each cap at, just below and just above what it binds at."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quantcli.contracts.config import SizingSection
from quantcli.core.sizing import SIZE_REASONS, Room, shares_within, size_of

D = Decimal


def sized(limit_price="50", stop="47.50", equity="100000", concentration="20000",
          gross="100000", **sizing):  # fmt: skip
    room = Room(D(equity), D(concentration), D(gross))
    return size_of(D(limit_price), D(stop), room, SizingSection(**sizing))


def codes(size):
    return [finding.code for finding in size.findings]


@pytest.mark.parametrize(
    ("stop", "quantity", "notional", "risk"),
    [
        # half a percent of 100 000 is 500 to lose
        ("45", 100, "5000", "500"),  # 500 / 5
        ("45.01", 100, "5000", "499"),  # 500 / 4.99 = 100.2
        ("44.99", 99, "4950", "495.99"),  # 500 / 5.01 = 99.8
        ("47.50", 200, "10000", "500"),  # 500 / 2.50 = 200, which is also 10 % of equity
        ("49", 200, "10000", "200"),  # 500 by risk, 200 by the position's fraction
        ("49.99", 200, "10000", "2"),
    ],
)
def test_risk_budget_over_risk_per_share_capped_by_the_position(stop, quantity, notional, risk):
    size = sized(stop=stop)

    assert size == (D(quantity), D(notional), D(risk), ())


@pytest.mark.parametrize(("room", "quantity"), [("4999.99", 99), ("5000", 100), ("5049.99", 100)])
@pytest.mark.parametrize("cap", ["concentration", "gross"])
def test_what_is_left_of_a_limit_caps_the_size(cap, room, quantity):
    assert sized(**{cap: room}).quantity == quantity


def test_smallest_cap_decides():
    assert sized(concentration="4000", gross="3000").quantity == 60
    assert sized(concentration="2000", gross="3000").quantity == 40


@pytest.mark.parametrize(
    ("left", "quantity", "found"),
    [
        ("550", 11, []),
        ("500", 10, []),  # the minimum notional itself is enough
        ("499.99", 0, ["limit-gross-exposure"]),
        ("0", 0, ["limit-gross-exposure"]),
        ("-1", 0, ["limit-gross-exposure"]),
    ],
)
def test_too_little_left_of_the_gross_limit_blocks_with_its_reason(left, quantity, found):
    size = sized(gross=left)

    assert (size.quantity, codes(size)) == (quantity, found)


def test_too_little_left_of_the_symbol_blocks_with_its_reason():
    size = sized(concentration="499")
    (finding,) = size.findings

    assert (finding.code, finding.observed, finding.limit) == (
        "limit-symbol-concentration", "500.00", "499.00",
    )  # fmt: skip
    assert (size.quantity, size.notional, size.risk) == (0, 0, 0)


@pytest.mark.parametrize(
    ("limit_price", "stop", "found"),
    [
        ("600", "100", []),  # 500 of risk is one share of 600
        ("600", "99.99", ["size-zero"]),  # one share risks more than the budget
        ("499", "9", ["notional-too-small"]),  # one share, worth 499
        ("500", "1", []),
        ("10001", "10000", ["size-zero"]),  # one share is more than a tenth of equity
    ],
)
def test_one_share_is_never_forced(limit_price, stop, found):
    assert codes(sized(limit_price, stop)) == found


def test_notional_finding_shows_what_the_size_would_be_worth():
    (finding,) = sized("499", "9").findings

    assert (finding.observed, finding.limit) == ("499.00", "500.00")


def test_without_a_minimum_one_share_is_enough_and_none_is_not():
    assert sized("20", "19", gross="20", notional_usd_min=0).quantity == 1
    assert codes(sized("20", "19", gross="19.99", notional_usd_min=0)) == ["limit-gross-exposure"]


def test_all_failing_caps_are_named_the_tightest_first():
    size = sized("50", "1", equity="8000", concentration="300", gross="-20")

    # gross 0 shares, risk 40 / 49 = 0 shares; concentration 6; a tie goes by documented order
    assert codes(size) == ["size-zero", "limit-gross-exposure", "limit-symbol-concentration"]


@pytest.mark.parametrize("stop", ["50", "50.01"])
def test_stop_at_or_above_the_limit_sizes_nothing(stop):
    size = sized(stop=stop)

    assert size.quantity == 0
    assert [tuple(finding.model_dump().values()) for finding in size.findings] == [
        ("stop-not-below-entry", stop, "50")
    ]


@pytest.mark.parametrize("equity", ["0", "-1"])
def test_no_equity_no_size(equity):
    assert sized(equity=equity).quantity == 0


def test_shares_within_less_than_a_dollar():
    assert shares_within(D("0.99"), D("0.33")) == 3
    assert shares_within(D(0), D("0.33")) == shares_within(D("-0.99"), D("0.33")) == 0


def test_division_does_not_round_up():
    # 10 / 3.3333333333333333333333333333 is below 3 by far less than a rounded quotient shows
    assert shares_within(D(10), D("3.3333333333333333333333333334")) == 2


PRICES = st.decimals(D("1"), D("2000"), places=2)
DOLLARS = st.decimals(D(-1000), D(1_000_000), places=2)


@given(PRICES, PRICES, DOLLARS, DOLLARS, DOLLARS)
def test_size_is_whole_and_within_every_budget(limit_price, stop, equity, concentration, gross):
    sizing = SizingSection()
    size = size_of(limit_price, stop, Room(equity, concentration, gross), sizing)

    assert size.quantity == int(size.quantity) >= 0
    assert (size.quantity == 0) == bool(size.findings)
    assert set(codes(size)) <= set(SIZE_REASONS)
    if size.quantity:
        assert size.quantity * (limit_price - stop) <= equity * D("0.005")
        assert 500 <= size.quantity * limit_price <= min(equity / 10, concentration, gross)


@given(PRICES, PRICES, DOLLARS, DOLLARS, DOLLARS, DOLLARS)
def test_inv03_less_room_never_gives_a_larger_size(price, stop, equity, wide, narrow, other):
    lesser, greater = sorted([narrow, wide])
    sizing = SizingSection()

    for less, more in (
        (Room(equity, lesser, other), Room(equity, greater, other)),
        (Room(equity, other, lesser), Room(equity, other, greater)),
        (Room(lesser, equity, other), Room(greater, equity, other)),
    ):
        assert size_of(price, stop, less, sizing).quantity <= (
            size_of(price, stop, more, sizing).quantity
        )  # fmt: skip


@given(
    PRICES, PRICES, DOLLARS, st.decimals(D("0.0001"), 1, places=4),
    st.decimals(D("0.0001"), 1, places=4), st.integers(0, 5000),
)  # fmt: skip
def test_inv03_tighter_sizing_never_gives_a_larger_size(price, stop, equity, one, two, least):
    room = Room(equity, D(50_000), D(60_000))
    low, high = sorted([one, two])

    for name in ("risk_fraction", "position_fraction_max"):
        tight = size_of(price, stop, room, SizingSection(**{name: low}, notional_usd_min=least))
        loose = size_of(price, stop, room, SizingSection(**{name: high}, notional_usd_min=least))
        assert tight.quantity <= loose.quantity
