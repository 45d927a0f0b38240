"""The universe: who is looked at, and who is dropped before any strategy sees it."""

import datetime as dt
from decimal import Decimal

import pytest

from quantcli.contracts.config import UniverseSection
from quantcli.core.history import HistoryRules
from quantcli.core.sieve import Drop, Sieve
from quantcli.core.universe import (
    screen_history,
    screen_liquidity,
    screen_undelivered,
    universe_of,
)
from tests.core.made_bars import matrix

NAN = float("nan")
RULES = HistoryRules(bars_min=3, gaps_max=1, unbroken_bars=2)


def test_imported_means_every_symbol_with_a_bar_less_the_excluded():
    bars = matrix(last="2024-02-15", symbols=("SPY", "BBB", "AAA", "NEW"), close=[[1, 1, 1, NAN]])

    assert universe_of(UniverseSection(), bars) == ("AAA", "BBB", "SPY")
    assert universe_of(UniverseSection(exclude=("SPY", "ZZZ")), bars) == ("AAA", "BBB")


def test_spelled_out_symbols_are_scanned_whether_or_not_there_are_bars():
    bars = matrix(last="2024-02-15", symbols=("AAA", "BBB"), close=[[1, 1]])
    section = UniverseSection(symbols=("ZZZ", "BBB", "BBB"), exclude=("AAA",))

    assert universe_of(section, bars) == ("BBB", "ZZZ")


def test_missing_wrong_and_young_bars_are_told_apart():
    bars = matrix(
        last="2024-02-15",
        symbols=("GOOD", "LATE", "HOLE", "WRONG", "YOUNG"),
        close=[
            [1, 1, 1, 1, NAN],
            [1, 1, 1, 1, NAN],
            [1, 1, NAN, NAN, 1],
            [1, NAN, 1, 1, 1],
        ],
    )
    sieve = Sieve(bars.symbols)

    screen_history(sieve, bars, RULES, {"WRONG": [dt.date(2024, 2, 14)]})

    each = "a bar in each of 2 sessions"
    assert sieve.drops == {
        "LATE": Drop("bars-missing", "no bar in 2024-02-15", each),
        "HOLE": Drop("bars-missing", "no bar in 2024-02-14", each),
        "WRONG": Drop("bars-quarantined", "no bar in 2024-02-14", each),
        "YOUNG": Drop("bars-too-few", "2 bars", "3 of 4 sessions"),
    }


def test_what_was_asked_for_and_did_not_arrive_says_why():
    bars = matrix(
        last="2024-02-15", symbols=("HERE", "GONE", "QUIET"), close=[[1, 1, 1], [1, NAN, NAN]]
    )
    sieve = Sieve(bars.symbols)

    screen_undelivered(sieve, bars, {"HERE": "of an older day", "GONE": "source-failing: HTTP 502"})

    assert sieve.drops == {
        "GONE": Drop("fetch-failed", "source-failing: HTTP 502", "a bar in 2024-02-15")
    }


def liquid(price=10.0, volume=400_000.0, rows=20):
    return matrix(last="2024-02-15", close=[price] * rows, volume=[volume] * rows)


SECTION = UniverseSection(
    price_min=Decimal(5), mean_volume_shares_min=Decimal(1000), mean_dollar_volume_min=Decimal(9000)
)


@pytest.mark.parametrize(
    ("bars", "drop"),
    [
        (liquid(5.0, 2000.0), None),
        (liquid(9.0, 1000.0), None),
        (liquid(4.99, 99_999.0), Drop("price-too-low", "4.99", "5")),
        (liquid(50.0, 999.0), Drop("volume-too-low", "999", "1000")),
        (liquid(8.0, 1124.0), Drop("dollar-volume-too-low", "8992", "9000")),
        (liquid(rows=19), Drop("volume-too-low", "unknown", "1000")),
    ],
)
def test_liquidity_is_judged_by_the_last_twenty_bars(bars, drop):
    sieve = Sieve(bars.symbols)

    screen_liquidity(sieve, bars, SECTION)

    assert sieve.drops == ({} if drop is None else {"AAA": drop})


def test_dollar_volume_is_the_mean_of_products():
    # 19 bars of 1 x 1000 and one of 3 x 181000: mean 28,100; product of means would be 11,000
    bars = matrix(
        last="2024-02-15", close=[1.0] * 19 + [3.0], volume=[1000.0] * 19 + [181_000.0]
    )  # fmt: skip
    sieve = Sieve(bars.symbols)

    screen_liquidity(
        sieve,
        bars,
        UniverseSection(price_min=0, mean_volume_shares_min=0, mean_dollar_volume_min=28_101),
    )

    assert sieve.drops == {"AAA": Drop("dollar-volume-too-low", "28100", "28101")}
