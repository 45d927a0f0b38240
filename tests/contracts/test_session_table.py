"""The compiled table against the calendar library and the zone database, and by hand."""

import datetime as dt
import subprocess
import sys
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quantcli.contracts import session_table
from quantcli.contracts.errors import SessionError
from quantcli.contracts.session_table import FIRST, LAST, hours, is_half_day, is_session, new_york
from tests.docs import compile_sessions

NEW_YORK = ZoneInfo("America/New_York")
# The calendar library reads pandas in a way that pandas will change; its answers are not ours.
library = pytest.mark.filterwarnings("ignore:Series.values returning:DeprecationWarning")

START = dt.datetime(2007, 1, 1, tzinfo=dt.UTC)
END = dt.datetime(2027, 12, 31, 23, 59, tzinfo=dt.UTC)


def utc(text):
    return dt.datetime.fromisoformat(text).replace(tzinfo=dt.UTC)


@library
def test_every_session_and_its_hours_are_those_of_the_calendar_library():
    schedule = compile_sessions.calendar().schedule
    theirs = {
        label.date(): (opens.to_pydatetime(), closes.to_pydatetime())
        for label, opens, closes in zip(
            schedule.index, schedule["open"], schedule["close"], strict=True
        )
    }
    days = [FIRST + dt.timedelta(days=n) for n in range((LAST - FIRST).days + 1)]
    assert {day: tuple(hours(day)) for day in days if is_session(day)} == theirs
    assert len(theirs) == 5282


@library
def test_the_source_is_what_the_compiler_writes():
    assert compile_sessions.main(["--check"]) == 0


@pytest.mark.parametrize(
    ("session", "opens", "closes", "half"),
    [
        ("2024-11-27", "2024-11-27T14:30", "2024-11-27T21:00", False),
        ("2024-11-29", "2024-11-29T14:30", "2024-11-29T18:00", True),
        ("2024-07-03", "2024-07-03T13:30", "2024-07-03T17:00", True),
        ("2024-12-24", "2024-12-24T14:30", "2024-12-24T18:00", True),
        ("2024-03-08", "2024-03-08T14:30", "2024-03-08T21:00", False),  # Friday before spring
        ("2024-03-11", "2024-03-11T13:30", "2024-03-11T20:00", False),
        ("2024-11-01", "2024-11-01T13:30", "2024-11-01T20:00", False),  # Friday before autumn
        ("2024-11-04", "2024-11-04T14:30", "2024-11-04T21:00", False),
    ],
)
def test_hours(session, opens, closes, half):
    date = dt.date.fromisoformat(session)
    assert hours(date) == (utc(opens), utc(closes))
    assert is_half_day(date) is half


@pytest.mark.parametrize(
    "date",
    [
        "2012-10-29",  # the storm Sandy
        "2012-10-30",
        "2018-12-05",  # mourning, President Bush
        "2024-03-29",  # Good Friday
        "2024-11-28",  # Thanksgiving
        "2025-01-09",  # mourning, President Carter
        "2026-07-03",  # the Fourth is a Saturday
        "2024-11-30",  # a Saturday
        "2024-12-01",  # a Sunday
    ],
)
def test_no_session(date):
    closed = dt.date.fromisoformat(date)
    assert not is_session(closed)
    assert not is_half_day(closed)
    with pytest.raises(SessionError, match="no session"):
        hours(closed)


def test_the_friday_before_a_new_year_on_a_saturday_is_a_session():
    assert is_session(dt.date(2021, 12, 31))
    assert is_session(dt.date(2027, 12, 31))


@pytest.mark.parametrize("ask", [is_session, is_half_day, hours])
@pytest.mark.parametrize("date", [dt.date(2007, 1, 2), dt.date(2028, 1, 3)])
def test_beyond_the_table_is_an_error_and_never_a_guess(ask, date):
    with pytest.raises(SessionError, match="2007-01-03 to 2027-12-31") as caught:
        ask(date)
    assert caught.value.value == date.isoformat()


@pytest.mark.parametrize("ask", [is_session, is_half_day])
def test_an_instant_is_not_a_date(ask):
    with pytest.raises(SessionError, match="not an instant"):
        ask(dt.datetime(2024, 11, 28, tzinfo=dt.UTC))


@given(
    st.integers(0, int((END - START).total_seconds())).map(
        lambda seconds: START + dt.timedelta(seconds=seconds)
    )
)
def test_new_york_is_the_zone_database(moment):
    ours, theirs = new_york(moment), moment.astimezone(NEW_YORK)
    assert ours == theirs
    assert ours.replace(tzinfo=None) == theirs.replace(tzinfo=None)
    assert ours.tzname() == theirs.tzname()


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("2024-03-10T06:59:59", "01:59:59 EST"),
        ("2024-03-10T07:00:00", "03:00:00 EDT"),
        ("2024-11-03T05:59:59", "01:59:59 EDT"),
        ("2024-11-03T06:00:00", "01:00:00 EST"),
    ],
)
def test_the_seconds_around_a_change(before, after):
    assert f"{new_york(utc(before)):%H:%M:%S %Z}" == after


def test_another_zone_is_converted_not_relabelled():
    auckland = dt.datetime(2024, 11, 30, 3, 30, tzinfo=dt.timezone(dt.timedelta(hours=13)))
    assert f"{new_york(auckland):%Y-%m-%d %H:%M}" == "2024-11-29 09:30"


def test_a_naive_instant_is_refused():
    with pytest.raises(SessionError, match="time zone"):
        new_york(dt.datetime(2024, 11, 29, 14, 30))  # noqa: DTZ001 - naive is the case


def test_an_instant_in_another_year_is_refused():
    with pytest.raises(SessionError, match="covers"):
        new_york(utc("2028-06-01T12:00"))


def test_the_table_needs_no_calendar_library_and_no_zone_database():
    code = (
        "import sys, datetime; from quantcli.contracts import session_table as t;"
        "t.hours(datetime.date(2024, 11, 29));"
        "print({'zoneinfo', 'exchange_calendars', 'pandas', 'numpy'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def test_short_sessions_are_sessions():
    assert all(is_session(date) for date in session_table.SHORT)
