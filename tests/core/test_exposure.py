"""Exposure, drawdown and spending power, worked by hand."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quantcli.core.exposure import (
    Book,
    Holding,
    OpenEntry,
    drawdown,
    exposure_gross,
    exposure_gross_limit,
    exposure_of,
    open_entry,
    spending_power,
)
from tests.core.gate_facts import account, limits, order

D = Decimal
MSFT = Holding("MSFT", D(20), D("400.25"))  # 8 005.00
SHORT = Holding("OOPS", D(-3), D(10))  # an oversell is exposure too: 30.00
BARE = Holding("NVDA", D(5), None)
RESTING = OpenEntry("AAPL", D(46), D("218.00"), is_unseen=True)  # 10 028.00
KNOWN = OpenEntry("AAPL", D(4), D("218.00"), is_unseen=False)  # 872.00


def test_empty_book_has_no_exposure():
    assert exposure_gross(Book()) == 0
    assert Book().symbols() == frozenset()


def test_positions_at_mark_and_entries_at_limit_add_up():
    book = Book((MSFT, SHORT), (RESTING, KNOWN))

    assert exposure_gross(book) == D("18935.00")
    assert book.symbols() == {"MSFT", "OOPS", "AAPL"}
    assert exposure_of(book, "AAPL") == D("10900.00")
    assert exposure_of(book, "MSFT") == D("8005.00")
    assert exposure_of(book, "TSLA") == 0


def test_one_missing_mark_makes_the_whole_unknown():
    book = Book((MSFT, BARE), (RESTING,))

    assert exposure_gross(book) is None
    assert exposure_of(book, "NVDA") == 0


@pytest.mark.parametrize(
    ("state", "cumulative", "booked", "expected"),
    [
        ("PENDING", 0, 0, (10, True)),
        ("UNKNOWN", 0, 0, (10, True)),  # it may rest at the broker with all its shares
        ("SUBMITTED", 0, 0, (10, False)),
        ("PARTIALLY_FILLED", 4, 4, (6, False)),
        ("PARTIALLY_FILLED", 4, 0, (10, False)),  # the executions are not yet in the ledger
        ("PARTIALLY_FILLED", 4, 1, (9, False)),
        ("PARTIALLY_FILLED", 4, 6, (6, False)),  # the ledger ahead of the order takes nothing off
        ("PENDING_CANCEL", 4, 4, (6, False)),
        ("FILLED", 10, 0, (10, False)),
        ("FILLED", 10, 7, (3, False)),
        ("FILLED", 10, 9, (1, False)),
        ("FILLED", 10, 10, None),
        ("CANCELLED", 4, 4, None),
        ("EXPIRED", 0, 0, None),
    ],
)
def test_inv08_what_an_entry_ties_up_beyond_booked_shares(state, cumulative, booked, expected):
    found = open_entry(order(state=state, cumulative_quantity=cumulative), D(booked))

    assert (found and (found.quantity, found.is_unseen)) == expected


def test_entry_counts_at_its_limit():
    found = open_entry(order("AAPL", limit_price="101.50", quantity=3), D(0))

    assert (found.symbol, found.notional) == ("AAPL", D("304.50"))


def test_order_without_a_limit_price_is_no_entry():
    assert open_entry(order(limit_price=None, order_type="market"), D(0)) is None


@pytest.mark.parametrize(
    ("equity", "expected"),
    [
        ("100000", "50000"),  # half of it, below the 60 000
        ("120000", "60000"),
        ("120000.02", "60000"),
        ("0", "0"),
        ("-1", "0"),
    ],
)
def test_gross_limit_is_the_smaller_of_dollars_and_fraction(equity, expected):
    both = limits(exposure_gross_usd_max="60000", exposure_gross_fraction_max="0.5")

    assert exposure_gross_limit(both, D(equity)) == D(expected)


@pytest.mark.parametrize(
    ("equity", "mark", "expected"),
    [
        ("80000", "100000", "0.2"),
        ("100000", "100000", "0"),
        ("100001", "100000", "0"),
        ("0", "100000", "1"),
        ("-5000", "100000", "1"),
        ("0.5", "1", "0.5"),
        ("5", "0", "1"),
        ("5", "-1", "1"),
    ],
)
def test_drawdown_is_positive_and_bounded(equity, mark, expected):
    assert drawdown(D(equity), D(mark)) == D(expected)


@given(st.decimals(-(10**9), 10**9, places=2), st.decimals(-(10**9), 10**9, places=2))
def test_drawdown_lies_between_zero_and_one(equity, mark):
    assert 0 <= drawdown(equity, mark) <= 1


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, "81972"),  # 92 000 less the entry that the broker may not have seen
        ({"buying_power": D(20_000)}, "9972"),
        ({"non_marginable_buying_power": D(15_000)}, "4972"),
        ({"buying_power": D(400_000)}, "81972"),  # margin is never spent
        ({"non_marginable_buying_power": D(5_000)}, "-5028"),
    ],
)
def test_spending_power_is_settled_own_money_not_yet_promised(changes, expected):
    assert spending_power(account(**changes), (RESTING, KNOWN)) == D(expected)
