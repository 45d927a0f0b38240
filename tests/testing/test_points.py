"""Moments, and what happens at them."""

import errno

import pytest

from quantcli.testing.points import Blow, Crash, Points


def test_moments_are_counted_in_order():
    points = Points()

    points.passed("one")
    points.passed("two", is_disk=True)

    assert points.names == ["one", "two"]


@pytest.mark.parametrize("kind", ["kill", "power"])
def test_whoever_is_dead_does_nothing_more(kind):
    points = Points((Blow(1, kind),))
    points.passed("one")

    for name in ("two", "a clean-up", "another"):
        with pytest.raises(Crash):
            points.passed(name)

    assert points.names == ["one", "two"]


def test_nothing_that_handles_exceptions_handles_a_death():
    assert not issubclass(Crash, Exception)


def test_a_full_disk_concerns_the_disk_only_and_once():
    points = Points((Blow(0, "no-space"), Blow(1, "no-space")))

    points.passed("GET /v2/clock")
    with pytest.raises(OSError, match="No space") as caught:
        points.passed("write", is_disk=True)
    points.passed("write", is_disk=True)

    assert caught.value.errno == errno.ENOSPC


def test_a_disk_that_stays_full():
    points = Points((Blow(0, "no-space-any-more"),))

    for _ in range(3):
        with pytest.raises(OSError, match="No space"):
            points.passed("write", is_disk=True)
    points.passed("POST /v2/orders")


def test_somebody_else_types_at_a_moment():
    typed = []
    points = Points((Blow(1, "overlap"),), lambda: typed.append(list(points.names)))

    points.passed("one")
    points.passed("two")

    assert typed == [["one", "two"]]
