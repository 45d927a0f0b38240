"""Stops worked out by hand on short charts, and a ratchet that never falls."""

import datetime as dt
import math
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quantcli.contracts.bars import MinuteBar
from quantcli.core.stops import (
    Level,
    base_level,
    choose,
    daily_level,
    intraday_level,
    intraday_lows,
    is_intraday_phase,
    phase_of,
    resolve,
    swing_lows,
)

NAN = math.nan
TEN_CENTS = Decimal("0.10")
FAR = Decimal("0.015")


@pytest.mark.parametrize(
    ("own", "base"),
    [("41.239", "41.23"), ("41.23", "41.23"), ("1.009", "1.00"), ("0.99999", "0.9999")],
)
def test_without_memory_the_entrys_own_stop_is_rounded_down(own, base):
    assert base_level(None, Decimal(own)) == Level(Decimal(base), "intent")


def test_what_is_remembered_stands_before_the_entrys_own_stop():
    memory = Level(Decimal(40), "daily_swing_low")

    assert base_level(memory, Decimal(50)) is memory


@pytest.mark.parametrize(
    ("lows", "found"),
    [
        ([5, 4, 6], [4]),
        ([5, 4, 4, 6], []),  # equal neighbours: neither is strictly lower
        ([4, 5, 6], []),
        ([6, 5, 4], []),  # the newest bar is never one
        ([5, 3, 6, 2, 7], [3, 2]),
        ([5, NAN, 4, NAN, NAN, 6], [4]),  # missing bars are not neighbours
        ([], []),
        ([5], []),
        ([5, 4], []),
    ],
)
def test_swing_lows(lows, found):
    assert list(swing_lows([float(low) for low in lows])) == found


def test_the_daily_stop_lies_below_the_newest_swing_low():
    lows = [50.0, 48.0, 51.0, 49.37, 52.0, 53.0]
    assert daily_level(lows, TEN_CENTS) == Level(Decimal("49.27"), "daily_swing_low")


def test_the_buffer_never_leads_below_zero():
    assert daily_level([0.2, 0.1, 0.3], TEN_CENTS) is None
    assert daily_level([1.0, 2.0, 3.0], TEN_CENTS) is None


def test_sub_penny_lows_are_rounded_away_from_the_market():
    # 49.3799 less 0.10 is 49.2799: the stop stands at 49.27, not 49.28.
    assert daily_level([50.0, 49.3799, 50.0], TEN_CENTS).price == Decimal("49.27")


def test_the_intraday_stop_needs_a_higher_low_and_enough_bars():
    higher = [10.0, 9.0, 11.0, 9.5, 12.0, 11.5]
    assert intraday_level(higher, 6, TEN_CENTS) == Level(Decimal("9.40"), "intraday_higher_low")
    assert intraday_level(higher, 7, TEN_CENTS) is None
    assert intraday_level([10.0, 9.5, 11.0, 9.0, 12.0, 11.5], 6, TEN_CENTS) is None


def test_an_equal_low_is_not_a_higher_low():
    assert intraday_level([10.0, 9.0, 11.0, 9.0, 12.0, 11.5], 6, TEN_CENTS) is None


def test_stops_below_a_dollar_exist():
    assert daily_level([0.7, 0.65, 0.8], TEN_CENTS).price == Decimal("0.55")


def test_a_later_lower_low_does_not_take_the_higher_low_back():
    lows = [10.0, 9.0, 11.0, 9.5, 12.0, 8.0, 12.0]
    assert intraday_level(lows, 6, TEN_CENTS).price == Decimal("9.40")


def minute(at, low):
    start = dt.datetime(2024, 8, 1, 14, at, 0, tzinfo=dt.UTC)
    return MinuteBar(start, low + 1, low + 2, low, low + 1, 100)


def test_minutes_become_whole_bars_that_are_complete():
    bars = [minute(0, 10.0), minute(3, 9.0), minute(4, 9.5), minute(5, 8.0), minute(9, 8.5)]
    at = dt.datetime(2024, 8, 1, 14, 9, 59, tzinfo=dt.UTC)
    assert intraday_lows(bars, 5, at) == [9.0]
    assert intraday_lows(bars, 5, at + dt.timedelta(seconds=1)) == [9.0, 8.0]


OPENS = dt.datetime(2024, 8, 1, 13, 30, tzinfo=dt.UTC)
CLOSES = dt.datetime(2024, 8, 1, 20, 0, tzinfo=dt.UTC)
HALF_DAY_CLOSES = dt.datetime(2024, 8, 1, 17, 0, tzinfo=dt.UTC)


@pytest.mark.parametrize(
    ("hour", "minute_", "closes", "phase"),
    [
        (13, 29, CLOSES, "closed"),
        (13, 30, CLOSES, "open-noise"),
        (13, 44, CLOSES, "open-noise"),
        (13, 45, CLOSES, "early-trend"),
        (14, 29, CLOSES, "early-trend"),
        (14, 30, CLOSES, "normal"),
        (19, 29, CLOSES, "normal"),
        (19, 30, CLOSES, "close-protect"),
        (19, 59, CLOSES, "close-protect"),
        (20, 0, CLOSES, "closed"),
        (16, 29, HALF_DAY_CLOSES, "normal"),
        (16, 30, HALF_DAY_CLOSES, "close-protect"),
        (17, 0, HALF_DAY_CLOSES, "closed"),
    ],
)
def test_phases_follow_open_and_close(hour, minute_, closes, phase):
    as_of = dt.datetime(2024, 8, 1, hour, minute_, tzinfo=dt.UTC)
    assert phase_of(as_of, OPENS, closes) == phase


def test_which_structure_counts_when():
    daily, intraday = Level(Decimal(9), "daily_swing_low"), Level(Decimal(8), "intraday_higher_low")
    assert choose("normal", daily, intraday) == intraday
    assert choose("normal", daily, None) == daily
    assert choose("early-trend", daily, intraday) == daily
    assert choose("early-trend", None, intraday) == intraday
    for phase in ("closed", "open-noise", "close-protect"):
        assert choose(phase, daily, intraday) == daily
        assert choose(phase, None, intraday) is None
        assert not is_intraday_phase(phase)


def level(price, basis="daily_swing_low"):
    return Level(Decimal(price), basis)


def test_without_structure_the_entrys_own_stop_stands_on_its_tick():
    resolved = resolve(None, Decimal("95.007"), None, Decimal(100), FAR)
    assert resolved.level == level("95.00", "intent")
    assert resolved.findings == ()


def test_a_first_structural_stop_keeps_its_distance():
    # 1.5 % below 100 is 98.50: just far enough, and one cent too near.
    far = resolve(None, Decimal(95), level("98.50"), Decimal(100), FAR)
    assert far.level == level("98.50")
    near = resolve(None, Decimal(95), level("98.51"), Decimal(100), FAR)
    assert near.level == level("95.00", "intent")
    assert [f.model_dump() for f in near.findings] == [
        {"code": "stop-too-close", "observed": "98.51", "limit": "98.500"}
    ]


def test_structure_below_the_entrys_own_stop_does_not_widen_the_risk():
    assert resolve(None, Decimal(95), level("90"), Decimal(100), FAR).level.price == 95


def test_a_trailing_stop_may_pass_the_entry():
    assert resolve(level("97"), Decimal(95), level("104"), Decimal(100), FAR).level.price == 104


def test_a_lower_candidate_keeps_what_is_remembered():
    memory = level("97", "intraday_higher_low")
    assert resolve(memory, Decimal(95), level("96"), Decimal(100), FAR).level == memory
    assert resolve(memory, Decimal(95), None, Decimal(100), FAR).level == memory


def test_at_the_same_price_structure_names_the_stop_and_memory_keeps_its_name():
    daily = level("97")
    assert resolve(level("97", "intent"), Decimal(95), daily, Decimal(100), FAR).level == daily
    memory = level("97", "intraday_higher_low")
    assert resolve(memory, Decimal(95), daily, Decimal(100), FAR).level == memory


@given(st.lists(st.none() | st.integers(1, 20_000), min_size=1, max_size=20))
def test_inv06_over_any_path_the_stop_never_falls(candidates):
    memory, before = None, Decimal(0)
    for cents in candidates:
        candidate = None if cents is None else level(Decimal(cents) / 100)
        memory = resolve(memory, Decimal(95), candidate, Decimal(100), FAR).level
        assert memory.price >= max(before, Decimal(95))
        before = memory.price


@given(st.lists(st.floats(0.5, 500, allow_nan=False), max_size=30))
def test_a_swing_low_is_lower_than_its_neighbours_and_never_last(lows):
    found = list(swing_lows(lows))
    places = [i for i in range(1, len(lows) - 1) if lows[i] < min(lows[i - 1], lows[i + 1])]
    assert found == [lows[i] for i in places]


def test_a_level_too_close_for_the_first_stop_stays_so_while_it_is_remembered():
    near = level("98.51")
    first = resolve(None, Decimal(95), near, Decimal(100), FAR)
    again = resolve(first.level, Decimal(95), near, Decimal(100), FAR, frozenset({near.price}))
    assert again == first
    assert [finding.code for finding in again.findings] == ["stop-too-close"]
    newer = resolve(
        first.level, Decimal(95), level("98.60"), Decimal(100), FAR, frozenset({near.price})
    )
    assert newer.level == level("98.60")
