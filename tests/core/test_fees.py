"""Estimated fees: rounded up to the cent, capped, and gone once the broker books its own."""

import datetime as dt
from decimal import Decimal

import pytest

from quantcli.contracts.config import FeesSection
from quantcli.core.fees import estimated_fees, fees_accrued, sale_fees, sessions_with_fees
from tests.core.day_facts import cash_row, fill

RATES = FeesSection()
FRIDAY = dt.date(2024, 8, 2)


@pytest.mark.parametrize(
    ("quantity", "price", "sec", "taf"),
    [
        # 5 000 x 27.80 / 1 000 000 = 0.139; 100 x 0.000166 = 0.0166
        (100, "50", "0.14", "0.02"),
        # 36 000 USD: 1.0008 -> 1.01; 120 shares: 0.01992 -> 0.02
        (120, "300", "1.01", "0.02"),
        # one share at one dollar: 0.0000278 and 0.000166, a cent each
        (1, "1", "0.01", "0.01"),
        # the cap: 60 000 shares x 0.000166 = 9.96 -> 8.30; 60 000 USD: 1.668 -> 1.67
        (60_000, "1", "1.67", "8.30"),
    ],
)
def test_each_fee_is_rounded_up(quantity, price, sec, taf):
    fees = sale_fees(Decimal(quantity), Decimal(price), RATES)

    assert (fees.sec, fees.taf) == (Decimal(sec), Decimal(taf))
    assert fees.total == Decimal(sec) + Decimal(taf)


def test_whole_cents_are_not_rounded_further():
    rates = FeesSection(sec_usd_per_million="10", taf_usd_per_share="0.01")

    assert sale_fees(Decimal(100), Decimal(100), rates) == (Decimal("0.10"), Decimal("1.00"))


def test_buying_costs_nothing():
    assert estimated_fees(fill(1, "buy", 100, "50"), RATES) == 0
    assert estimated_fees(fill(1, "sell", 100, "50"), RATES) == Decimal("0.16")


def test_sales_accrue_until_their_session_is_booked():
    thursday = fill(1, "sell", 100, "50")  # 0.16
    friday = fill(2, "sell", 120, "300", session=FRIDAY)  # 1.03
    fills = [fill(3, "buy", 500, "80"), thursday, friday]

    assert fees_accrued(fills, [], RATES) == Decimal("1.19")
    assert fees_accrued(fills, [cash_row(1, "-0.10")], RATES) == Decimal("1.03")
    booked = [cash_row(1, "-0.10"), cash_row(2, "-0.90", session=FRIDAY)]
    assert fees_accrued(fills, booked, RATES) == 0


def test_only_fees_that_name_their_session_cover_it():
    rows = [cash_row(1, "5", kind="DIV"), cash_row(2, "-1", session=None)]

    assert sessions_with_fees(rows) == frozenset()
    assert sessions_with_fees([cash_row(3, "-1", kind="PTC")]) == {dt.date(2024, 8, 1)}


def test_session_of_a_sale_is_the_new_york_date():
    # 2024-08-02 00:30 UTC is still Thursday evening in New York
    late = fill(1, "sell", 100, "50", at=dt.datetime(2024, 8, 2, 0, 30, tzinfo=dt.UTC))

    assert fees_accrued([late], [cash_row(1, "-0.10", session=FRIDAY)], RATES) == Decimal("0.16")
    assert fees_accrued([late], [cash_row(1, "-0.10")], RATES) == 0
