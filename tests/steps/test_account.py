"""Another account behind the same address: nothing is sent, booked or believed, and it is said."""

import datetime as dt
from decimal import Decimal

import pytest

from quantcli.contracts.scalars import instant
from tests.steps.conftest import AFTER_CLOSE, AFTER_OPEN
from tests.steps.rig import always, rewrite, states

OTHER = "00000000-0000-4000-8000-000000000000"


def show_another_account(rig):
    rewrite(rig, "/account", lambda value: {**value, "id": OTHER} if "id" in value else value)
    rig.line.log.clear()


def mutations(rig):
    return [(method, path) for method, path, _ in rig.line.log if method != "GET"]


def test_no_entry_is_sent_to_another_account(rig):
    rig.approve(rig.entry())
    show_another_account(rig)
    told = rig.execute()
    assert mutations(rig) == []
    assert told.exit_code == 8
    assert told.codes == ("account-differs",)
    assert states(rig) == ["PENDING"]
    flag = rig.journal.flags()["paused"]
    assert (flag.is_set, flag.reasons) == (True, ("account-differs",))


def test_no_entry_is_cancelled_at_another_account(rig):
    rig.approve(rig.entry())
    rig.execute()
    rig.to(AFTER_OPEN)
    show_another_account(rig)
    rig.execute()
    assert mutations(rig) == []
    assert states(rig) == ["SUBMITTED"]


def test_exits_sell_nothing_of_somebody_else(holder):
    show_another_account(holder)
    told = holder.exits()
    assert mutations(holder) == []
    assert told.exit_code == 8
    assert {"account-differs", "share-uncovered"} <= set(told.codes)
    assert [row.uncovered for row in told.certificate] == [10]
    assert holder.journal.flags()["paused"].is_set


def test_what_another_account_lacks_proves_nothing(rig):
    """An entry of unknown outcome is not written off because a stranger never heard of it."""
    rig.approve(rig.entry())
    lookups = always("GET", "/orders:by", "lag")
    sends = always("POST", "/orders", "unheard")
    rig.line.trouble = lambda method, path: lookups(method, path) or sends(method, path)
    rig.execute()
    assert states(rig) == ["UNKNOWN"]
    rig.line.trouble = lookups
    show_another_account(rig)
    rig.to(AFTER_CLOSE)
    rig.exits()
    assert states(rig) == ["UNKNOWN"]


def test_an_account_that_cannot_be_read_stops_entries_and_no_exit(holder):
    holder.line.trouble = always("GET", "/account", "504")
    told = holder.exits()
    assert [row.uncovered for row in told.certificate] == [0]
    holder.approve(holder.entry(symbol="ABC", limit="45", expires_at=instant(AFTER_CLOSE)))
    holder.execute("093501")
    assert holder.book("ABC") == []


def test_the_own_account_is_traded_again_once_it_answers(rig):
    rig.approve(rig.entry())
    send = rig.line.send
    show_another_account(rig)
    rig.execute()
    rig.line.send = send
    assert rig.reconcile().exit_code == 0
    rig.execute("080001")
    assert states(rig) == ["SUBMITTED"]
    assert rig.book()[0]["qty"] == "10"


@pytest.mark.parametrize(("seconds", "is_sent"), [(30, True), (31, False), (-31, False)])
def test_an_entry_needs_a_clock_that_agrees(seconds, is_sent, rig):
    rig.to("2024-11-26T13:10:00Z")
    rig.approve(rig.entry())
    rewrite(rig, "/clock", lambda value: {**value, "timestamp": shifted(value, seconds)})
    told = rig.execute()
    assert (len(rig.book()) == 1) is is_sent
    if not is_sent:
        assert [finding.code for finding in told.withheld] == ["clock-skew"]
        assert told.exit_code == 5


def shifted(value, seconds):
    return (instant(value["timestamp"]) + dt.timedelta(seconds=seconds)).isoformat()


def test_a_skewed_clock_stops_no_exit(holder):
    rewrite(holder, "/clock", lambda value: {**value, "timestamp": shifted(value, 600)})
    told = holder.exits()
    assert [row.uncovered for row in told.certificate] == [Decimal(0)]
