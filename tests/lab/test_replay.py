"""Replay continues where the desk stands, or refuses; interrupted, it goes on."""

import datetime as dt

import pytest

from quantcli.contracts.errors import UsageError
from quantcli.core.sessions import next_session, previous_session
from quantcli.lab import replay as replay_module
from quantcli.lab.replay import begin, replay
from tests.lab.conftest import opened
from tests.shell.faults import Died


@pytest.fixture
def days(empty):
    """The four sessions of the market."""
    _, first, last = empty
    found = [first]
    while found[-1] < last:
        found.append(next_session(found[-1]))
    return found


def quiet(result):
    """Tell nobody."""


def artifacts(root):
    return {
        str(path.relative_to(root)): path.read_bytes()
        for path in sorted((root / "artifacts").rglob("*"))
        if path.is_file()
    }


def test_a_range_without_a_session(fresh):
    saturday = dt.date(2024, 12, 7)
    with opened(fresh) as stage, pytest.raises(UsageError, match="no exchange session"):
        replay(stage, saturday, saturday, quiet)


def test_in_one_go_or_in_pieces_the_bytes_are_the_same(fresh, traded, days):
    told = []
    with opened(fresh) as stage:
        assert replay(stage, days[0], days[1], told.append) == 2
    with opened(fresh) as stage:
        assert replay(stage, days[0], days[3], told.append) == 2

    assert [(each.session, each.was_sealed_before) for each in told] == [
        (days[0], False), (days[1], False),
        (days[0], True), (days[1], True), (days[2], False), (days[3], False),
    ]  # fmt: skip
    assert artifacts(fresh) == artifacts(traded)


def test_what_is_sealed_is_passed_over(desk, days):
    before = artifacts(desk)
    with opened(desk) as stage:
        assert replay(stage, days[0], days[3], quiet) == 0
        assert replay(stage, days[1], days[2], quiet) == 0
    assert artifacts(desk) == before


@pytest.mark.parametrize("place", [(2, 3), (3, 3)])
def test_a_gap_is_refused(fresh, days, place):
    with opened(fresh) as stage:
        replay(stage, days[0], days[0], quiet)
        with pytest.raises(UsageError, match=f"continues at {days[1]}") as caught:
            replay(stage, days[place[0]], days[place[1]], quiet)
    assert caught.value.value == str(days[place[0]])


def test_days_before_the_first_are_refused(fresh, days):
    """Also when the range reaches into what the desk has: its exchange cannot go back."""
    earlier = previous_session(days[1])
    with opened(fresh) as stage:
        replay(stage, days[1], days[1], quiet)
        for last in (earlier, days[1], days[2]):
            with pytest.raises(UsageError, match=f"continues at {days[2]}"):
                replay(stage, earlier, last, quiet)
    assert not (fresh / "artifacts" / str(earlier)).exists()


@pytest.mark.parametrize("death", [1, 6, 8, 13])
def test_a_replay_that_died_ends_as_if_it_had_not(fresh, traded, days, monkeypatch, death):
    """It dies before the n-th step; the next one begins anywhere in the desk's own days."""
    count = 0
    real = replay_module.run_cycle

    def mortal(stage, steps, stamp):
        nonlocal count
        outcomes = ()
        for step in steps:
            count += 1
            if count == death:
                raise Died
            outcomes += real(stage, (step,), stamp)
        return outcomes

    with monkeypatch.context() as patch:
        patch.setattr(replay_module, "run_cycle", mortal)
        with opened(fresh) as stage, pytest.raises(Died):
            replay(stage, days[0], days[3], quiet)
    with opened(fresh) as stage:
        replay(stage, days[0], days[3], quiet)

    assert artifacts(fresh) == artifacts(traded)


@pytest.mark.parametrize("moment", ["reconcile", "genesis", "snapshot"])
def test_a_genesis_that_died_is_made_again(fresh, traded, days, monkeypatch, moment):
    """Before anything; with the balance journaled and no artifact; with the artifact only."""

    def dying(stage, step, stamp, function=None):
        if (moment, step) == ("reconcile", "reconcile"):
            raise Died
        if (moment, step) == ("genesis", "snapshot"):
            monkeypatch.setattr(
                stage.store, "publish", lambda artifact: (_ for _ in ()).throw(Died)
            )
        made = real(stage, step, stamp, function)
        if (moment, step) == ("snapshot", "snapshot"):
            raise Died
        return made

    real = replay_module.run_step
    with monkeypatch.context() as patch:
        patch.setattr(replay_module, "run_step", dying)
        with opened(fresh) as stage, pytest.raises(Died):
            replay(stage, days[0], days[0], quiet)
    monkeypatch.undo()
    with opened(fresh) as stage:
        replay(stage, days[0], days[3], quiet)

    assert artifacts(fresh) == artifacts(traded)


def test_a_desk_begun_by_hand_goes_on(fresh, traded, days):
    with opened(fresh) as stage:
        at = dt.datetime.combine(days[0], dt.time(13, 25), dt.UTC)
        begin(stage, days[0], at)
    with opened(fresh) as stage:
        replay(stage, days[0], days[3], quiet)

    assert artifacts(fresh) == artifacts(traded)
