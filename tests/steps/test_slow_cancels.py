"""A broker whose cancels take a while: 204 is no cancel, and the desk reads back before it acts."""

from dataclasses import replace

import pytest

from tests.steps.conftest import MARKET
from tests.steps.holdings import (
    WEDNESDAY_CLOSE,
    WEDNESDAY_OPEN,
    bought,
    certificate,
    sends,
    with_exits,
)


def slow(rig, requests):
    """Let so many requests find a cancel undone."""
    rig.exchange.settings = replace(rig.exchange.settings, cancel_requests=requests)
    return rig


@pytest.mark.parametrize("requests", [1, 2, 4])
def test_the_exit_waits_until_its_shares_are_free(protected, requests):
    slow(with_exits(protected, hold_sessions_max=1), requests)
    protected.to(WEDNESDAY_OPEN)
    told = protected.exits()

    assert told.exit_code == 0
    assert protected.held() == 0
    assert sends(protected)[-2:] == ["DELETE", "POST"]
    assert len(protected.slept) == requests
    assert [order["status"] for order in protected.book("XYZ")] == ["filled", "canceled", "filled"]


def test_a_cancel_that_takes_longer_than_anybody_waits_is_gone_on_with_in_the_next_run(protected):
    slow(with_exits(protected, hold_sessions_max=1), 40)
    protected.to(WEDNESDAY_OPEN)
    told = protected.exits()
    assert protected.held() == 10
    assert certificate(told)[0][:2] == ("XYZ", 10)
    assert [o["status"] for o in protected.book("XYZ")] == ["filled", "pending_cancel"]
    for _ in range(40):
        protected.ask("GET", "/clock")

    told = protected.exits("093501")
    assert told.exit_code == 0
    assert protected.held() == 0


def test_the_stop_may_fill_while_its_cancel_is_under_way():
    """The fill is the exit then: nothing is sold a second time."""
    rig = bought({**MARKET, "2024-11-27": {"XYZ": (103, 108, 90, 107)}})
    rig.exits()
    slow(with_exits(rig, hold_sessions_max=1), 40)
    rig.to(WEDNESDAY_OPEN)
    rig.exits()
    rig.to(WEDNESDAY_CLOSE)
    told = rig.exits()

    assert [order["status"] for order in rig.book("XYZ")] == ["filled", "filled"]
    assert (rig.held(), rig.journal.positions(), told.exit_code) == (0, (), 0)


def test_an_entry_past_its_time_is_read_back_until_it_is_gone(rig):
    rig.approve(rig.entry(limit="50"))
    rig.execute()
    slow(rig, 2)
    rig.to("2024-11-26T14:35:00Z")
    told = rig.execute()

    assert told.exit_code == 0
    assert [order["status"] for order in rig.book("XYZ")] == ["canceled"]
    assert len(rig.slept) == 2
