"""Which cycle an instant belongs to: window edges, half days, daylight saving, busy schedules."""

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quantcli.contracts.config import DeskConfig
from quantcli.contracts.errors import SessionError
from quantcli.contracts.scalars import instant
from quantcli.steps.cycles import cycle_at, cycles_of, due_cycle, is_last_cycle
from tests.core.gate_facts import limits

CONFIG = DeskConfig(limits=limits())
MINUTELY = DeskConfig(
    limits=limits(), schedule={f"open+{n}min": ["exits"] for n in range(390)} | {
        "close+5min": ["report"]
    },
)  # fmt: skip
# Tuesday; the day after Thanksgiving closes at 13:00.
REGULAR, HALF = dt.date(2024, 11, 26), dt.date(2024, 11, 29)


def names(session, config=CONFIG):
    return [cycle.name for cycle in cycles_of(config, session)]


def test_a_regular_and_a_half_day():
    assert names(REGULAR) == ["083000", "093500", "160500"]
    assert names(HALF) == ["083000", "093500", "130500"]
    assert cycles_of(CONFIG, HALF)[2].steps == ("exits", "reconcile", "snapshot", "report")


@pytest.mark.parametrize(
    ("session", "hour"),
    [
        ("2024-03-08", 13),  # the Friday before the clocks go forward
        ("2024-03-11", 12),  # and the Monday after
        ("2024-11-01", 12),  # the Friday before they go back
        ("2024-11-04", 13),
    ],
)
def test_names_are_new_york_time_and_instants_follow_the_clocks(session, hour):
    day = dt.date.fromisoformat(session)

    assert names(day) == ["083000", "093500", "160500"]
    assert cycles_of(CONFIG, day)[0].at == dt.datetime.combine(day, dt.time(hour, 30), dt.UTC)


@pytest.mark.parametrize(
    ("at", "name"),
    [
        ("2024-11-26T13:29:59Z", "082959"),
        ("2024-11-26T13:30:00Z", "083000"),
        ("2024-11-26T13:30:01Z", "083000"),
        ("2024-11-26T13:34:59Z", "083000"),
        ("2024-11-26T13:35:00Z", "083500"),
        ("2024-11-26T14:39:59.999999Z", "093500"),
        ("2024-11-26T14:40:00Z", "094000"),
        ("2024-11-26T21:05:00Z", "160500"),
        ("2024-11-27T01:00:00Z", "200000"),
        ("2024-11-26T05:00:00Z", "000000"),
    ],
)
def test_a_window_of_five_minutes(at, name):
    assert cycle_at(CONFIG, REGULAR, instant(at)) == name


@pytest.mark.parametrize(
    ("at", "name"), [("2024-11-29T18:05:00Z", "130500"), ("2024-11-29T21:05:00Z", "160500")]
)
def test_on_a_half_day_the_close_is_at_one(at, name):
    assert cycle_at(CONFIG, HALF, instant(at)) == name
    assert due_cycle(CONFIG, HALF, instant(at)).name == "130500"


def test_a_window_ends_where_the_next_cycle_begins():
    """A cycle a minute: each instant belongs to its own minute, not to one five minutes old."""
    opens = dt.datetime(2024, 11, 26, 14, 30, tzinfo=dt.UTC)
    for minute in range(390):
        at = opens + dt.timedelta(minutes=minute, seconds=59)
        expected = (opens + dt.timedelta(minutes=minute, hours=-5)).strftime("%H%M00")
        assert cycle_at(MINUTELY, REGULAR, at) == expected
        assert due_cycle(MINUTELY, REGULAR, at).name == expected


@pytest.mark.parametrize(
    ("at", "due"),
    [
        ("2024-11-26T13:29:59Z", None),
        ("2024-11-26T13:30:00Z", "083000"),
        ("2024-11-26T14:34:59Z", "083000"),
        ("2024-11-26T14:35:00Z", "093500"),
        ("2024-11-26T21:04:59Z", "093500"),
        ("2024-11-26T21:05:00Z", "160500"),
        ("2024-11-27T04:59:59Z", "160500"),
    ],
)
def test_due_is_the_newest_that_has_come(at, due):
    found = due_cycle(CONFIG, REGULAR, instant(at))

    assert (found and found.name) == due


def test_the_last_cycle_is_past_from_its_own_instant_on():
    assert not is_last_cycle(CONFIG, REGULAR, instant("2024-11-26T21:04:59Z"))
    assert is_last_cycle(CONFIG, REGULAR, instant("2024-11-26T21:05:00Z"))
    assert is_last_cycle(CONFIG, HALF, instant("2024-11-29T18:05:00Z"))
    assert not is_last_cycle(CONFIG, HALF, instant("2024-11-29T18:04:59Z"))


def test_a_half_day_has_no_room_for_some_cycles():
    config = DeskConfig(
        limits=limits(),
        schedule={"open+300min": ["exits"], "open+400min": ["snapshot"], "close+5min": ["report"]},
    )

    assert names(REGULAR, config) == ["143000", "160500", "161000"]
    assert names(HALF, config) == ["130500", "161000"]
    assert len(names(HALF, MINUTELY)) == 211
    assert is_last_cycle(MINUTELY, HALF, instant("2024-11-29T18:05:00Z"))


def test_cycles_at_one_instant_are_one():
    config = DeskConfig(
        limits=limits(),
        schedule={
            "open+150min": ["execute", "report"],
            "close-60min": ["exits", "execute", "snapshot"],
            "close+5min": ["exits", "report"],
        },
    )

    assert names(REGULAR, config) == ["120000", "150000", "160500"]
    first, second = cycles_of(config, HALF)
    assert (first.name, second.name) == ("120000", "130500")
    assert first.steps == ("execute", "exits", "snapshot", "report")


def test_no_session_no_cycles():
    with pytest.raises(SessionError):
        cycles_of(CONFIG, dt.date(2024, 11, 28))


@given(st.integers(0, 86_399))
def test_every_instant_of_a_day_has_one_cycle_that_is_not_later(second):
    midnight = dt.datetime(2024, 11, 26, 5, tzinfo=dt.UTC)
    at = midnight + dt.timedelta(seconds=second)
    own = (dt.datetime(2024, 11, 26) + dt.timedelta(seconds=second)).strftime("%H%M%S")  # noqa: DTZ001
    name = cycle_at(CONFIG, REGULAR, at)

    assert name <= own
    assert name == own or name in names(REGULAR)
