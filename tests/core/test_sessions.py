"""Sessions in order, by hand and against a plain walk over the days."""

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quantcli.contracts.errors import SessionError
from quantcli.contracts.session_table import FIRST, LAST, is_session
from quantcli.core.sessions import (
    cycle_name,
    data_session,
    is_regular_hours,
    next_session,
    previous_session,
    session_of,
    sessions_apart,
    sessions_between,
    sessions_ending,
)

DATES = st.dates(FIRST, LAST)


def day(text):
    return dt.date.fromisoformat(text)


def at(text):
    return dt.datetime.fromisoformat(text).replace(tzinfo=dt.UTC)


def walk(first, last):
    span = (first + dt.timedelta(days=n) for n in range((last - first).days + 1))
    return tuple(date for date in span if is_session(date))


THANKSGIVING_WEEK = tuple(
    day(text) for text in ("2024-11-25", "2024-11-26", "2024-11-27", "2024-11-29", "2024-12-02")
)


def test_between_passes_over_holiday_and_weekend():
    assert sessions_between(day("2024-11-25"), day("2024-12-02")) == THANKSGIVING_WEEK
    assert sessions_between(day("2024-11-23"), day("2024-12-02")) == THANKSGIVING_WEEK
    assert sessions_between(day("2024-11-28"), day("2024-11-28")) == ()
    assert sessions_between(day("2024-12-02"), day("2024-11-25")) == ()


def test_the_whole_table_is_a_walk_over_its_days():
    assert sessions_between(FIRST, LAST) == walk(FIRST, LAST)


@pytest.mark.parametrize(
    ("date", "before", "after"),
    [
        ("2024-11-27", "2024-11-26", "2024-11-29"),
        ("2024-11-28", "2024-11-27", "2024-11-29"),  # the holiday itself
        ("2024-11-29", "2024-11-27", "2024-12-02"),
        ("2024-12-01", "2024-11-29", "2024-12-02"),  # a Sunday
        ("2012-10-30", "2012-10-26", "2012-10-31"),  # two days of storm after a weekend
    ],
)
def test_neighbours(date, before, after):
    assert previous_session(day(date)) == day(before)
    assert next_session(day(date)) == day(after)


def test_ending_counts_back_from_a_session_or_from_the_one_before_a_closed_day():
    assert sessions_ending(day("2024-12-02"), 5) == THANKSGIVING_WEEK
    assert sessions_ending(day("2024-12-01"), 1) == (day("2024-11-29"),)
    assert sessions_ending(day("2024-12-02"), 0) == ()


@given(DATES, st.integers(0, 300))
def test_ending_is_the_tail_of_between(last, count):
    every = sessions_between(FIRST, last)
    if count > len(every):
        with pytest.raises(SessionError):
            sessions_ending(last, count)
    else:
        assert sessions_ending(last, count) == every[len(every) - count :]


@pytest.mark.parametrize(
    ("first", "second", "apart"),
    [
        ("2024-11-27", "2024-11-29", 1),
        ("2024-11-27", "2024-12-02", 2),
        ("2024-11-27", "2024-11-27", 0),
        ("2024-12-02", "2024-11-27", -2),
        ("2024-11-29", "2024-12-01", 0),  # no session begins on the weekend
        ("2024-11-28", "2024-11-29", 1),
    ],
)
def test_apart(first, second, apart):
    assert sessions_apart(day(first), day(second)) == apart


@given(DATES, DATES)
def test_apart_counts_the_sessions_after_the_first(first, second):
    low, high = sorted((first, second))
    counted = len([date for date in sessions_between(low, high) if date > low])
    assert sessions_apart(low, high) == counted
    assert sessions_apart(high, low) == -counted


@pytest.mark.parametrize(
    ("instant", "session"),
    [
        ("2024-11-29T05:00:00", "2024-11-29"),  # midnight in New York
        ("2024-11-30T04:59:59", "2024-11-29"),  # already Saturday in UTC
        ("2024-07-02T04:00:00", "2024-07-02"),  # midnight in summer
        ("2024-07-02T03:59:59", "2024-07-01"),
    ],
)
def test_session_of(instant, session):
    assert session_of(at(instant)) == day(session)


def test_an_instant_without_session_names_the_next_one():
    with pytest.raises(SessionError, match="next one is 2024-11-29") as caught:
        session_of(at("2024-11-28T15:00:00"))
    assert caught.value.exit_code == 5
    assert caught.value.value == "2024-11-28T15:00:00+00:00"


@pytest.mark.parametrize(
    ("as_of", "session"),
    [
        ("2024-11-29T17:59:59", "2024-11-27"),  # the half day has not closed yet
        ("2024-11-29T18:00:00", "2024-11-29"),
        ("2024-12-02T13:30:00", "2024-11-29"),  # before Monday's open
        ("2024-12-01T12:00:00", "2024-11-29"),  # Sunday
        ("2024-11-28T22:00:00", "2024-11-27"),  # the holiday
        ("2024-07-01T20:00:00", "2024-07-01"),  # summer: 16:00 is 20:00 UTC
        ("2024-12-02T20:00:00", "2024-11-29"),  # winter: 16:00 is 21:00 UTC
    ],
)
def test_data_session(as_of, session):
    assert data_session(at(as_of)) == day(session)


@pytest.mark.parametrize(
    ("instant", "inside"),
    [
        ("2024-11-29T14:29:59", False),
        ("2024-11-29T14:30:00", True),
        ("2024-11-29T17:59:59", True),
        ("2024-11-29T18:00:00", False),
        ("2024-11-28T15:00:00", False),
        ("2024-12-01T15:00:00", False),
    ],
)
def test_regular_hours(instant, inside):
    assert is_regular_hours(at(instant)) is inside


@pytest.mark.parametrize(
    ("instant", "name"),
    [
        ("2024-11-29T13:30:00", "083000"),
        ("2024-07-01T12:30:00", "083000"),
        ("2024-11-29T18:05:59.999999", "130559"),
    ],
)
def test_cycle_name(instant, name):
    assert cycle_name(at(instant)) == name


@pytest.mark.parametrize("ask", [previous_session, next_session])
def test_dates_beyond_the_table(ask):
    for date in (FIRST - dt.timedelta(days=1), LAST + dt.timedelta(days=1)):
        with pytest.raises(SessionError, match="covers"):
            ask(date)


def test_the_ends_of_the_table_have_one_neighbour():
    assert next_session(FIRST) == day("2007-01-04")
    assert previous_session(LAST) == day("2027-12-30")
    with pytest.raises(SessionError, match="no session before"):
        previous_session(FIRST)
    with pytest.raises(SessionError, match="no session after"):
        next_session(LAST)
    with pytest.raises(SessionError, match="2 sessions back"):
        sessions_ending(FIRST, 2)


@pytest.mark.parametrize("ask", [sessions_between, sessions_apart])
def test_both_bounds_must_be_covered(ask):
    for first, second in ((FIRST, dt.date(2028, 1, 3)), (dt.date(2006, 1, 3), LAST)):
        with pytest.raises(SessionError, match="covers"):
            ask(first, second)
