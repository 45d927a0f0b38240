"""Gates that give every signal the same answer: at, just below and just above each limit."""

import datetime as dt

import pytest

from quantcli.contracts.broker_views import CalendarDay
from quantcli.contracts.manifest import Damage
from quantcli.contracts.reconciliation import Paused
from quantcli.core.gates import (
    account,
    broker_calendar,
    clock_skew,
    data_fresh,
    decision_present,
    halt,
    mode,
    order_window,
    paused,
    previous_sealed,
    reconciled,
)
from quantcli.core.readings import Reading
from tests.core import gate_facts as given

SECOND = dt.timedelta(seconds=1)
MINUTE = dt.timedelta(minutes=1)


def said(gate, **changes):
    """Return code, observed and limit of a gate on the good morning, spoiled by `changes`."""
    return tuple(gate.GATE.function(given.facts(**changes)))


ALL = (
    account, broker_calendar, clock_skew, data_fresh, decision_present, halt, mode, order_window,
    paused, previous_sealed, reconciled,
)  # fmt: skip


@pytest.mark.parametrize("gate", ALL, ids=lambda gate: gate.GATE.name)
def test_on_a_good_morning_each_gate_allows(gate):
    assert said(gate)[0] is None


# ------------------------------------------------------------------------------ decision


@pytest.mark.parametrize("fault", ["decision-missing", "decision-invalid"])
def test_without_a_readable_decision_nothing_passes(fault):
    assert said(decision_present, decision=Reading(fault=fault)) == (fault, "none", "2024-08-01")


def test_decision_of_another_session_is_none():
    old = given.decide(session=given.PREVIOUS)

    assert said(decision_present, decision=Reading(value=old)) == (
        "decision-mismatch", "2024-07-31", "2024-08-01",
    )  # fmt: skip


def test_decision_on_an_older_scan_is_none():
    newer = given.SCAN_REF.model_copy(update={"sha256": "9" * 64})

    found = said(decision_present, scan=Reading(value=given.scan(), ref=newer))

    assert found == ("decision-mismatch", f"scan {'1' * 64}", f"scan {'9' * 64}")


def test_decision_without_a_scan_is_none_even_where_there_is_no_scan_now():
    blind = Reading(value=given.decide(scan=None))

    assert said(decision_present, decision=blind, scan=Reading(fault="scan-missing")) == (
        "decision-mismatch", "scan none", "scan none",
    )  # fmt: skip


# ------------------------------------------------------------------------------ mode, halt, pause


@pytest.mark.parametrize("name", ["dry-run", "local", "paper"])
def test_modes_that_may_form_entries(name):
    assert said(mode, mode=name) == (None, name, "dry-run, local, paper")


def test_live_may_not_before_it_can_be_armed():
    assert said(mode, mode="live")[0] == "mode-forbids"


def test_inv09_halt_dominates():
    assert said(halt, halt="market looks wrong")[:2] == ("halted", "market looks wrong")
    assert said(halt, halt="")[:2] == ("halted", "halted")  # a halt needs no reason


def test_paused_flag_of_the_journal_blocks():
    assert said(paused, paused=("position-foreign",))[:2] == ("paused", "position-foreign")
    assert said(paused, paused=())[:2] == ("paused", "paused")


def test_paused_word_of_the_reconciliation_blocks_even_if_the_flag_is_clear():
    word = given.reconcile(paused=Paused(is_set=True, reasons=("cash-difference",)))

    found = said(paused, paused=None, reconcile=Reading(value=word))

    assert found[:2] == ("paused", "cash-difference")


def test_paused_flag_is_known_without_a_reconciliation():
    nothing = Reading(fault="reconcile-absent")

    assert said(paused, reconcile=nothing)[0] is None
    assert said(paused, reconcile=nothing, paused=("cash-difference",))[0] == "paused"


# ------------------------------------------------------------------------------ reconciled


@pytest.mark.parametrize("fault", ["reconcile-absent", "reconcile-invalid"])
def test_without_a_readable_reconciliation_nothing_passes(fault):
    assert said(reconciled, reconcile=Reading(fault=fault)) == (fault, "none", "60 min")


@pytest.mark.parametrize(
    ("age", "expected"),
    [
        (60 * MINUTE - SECOND, (None, "59 min, 0 breaks", "60 min, 0 breaks")),
        (60 * MINUTE, (None, "60 min, 0 breaks", "60 min, 0 breaks")),
        (60 * MINUTE + SECOND, ("reconcile-stale", "60 min", "60 min")),
        (-SECOND, ("reconcile-invalid", "2024-08-01 083000", "2024-08-01")),
    ],
)
def test_reconciliation_may_be_as_old_as_its_limit(age, expected):
    old = given.reconcile(as_of=given.AS_OF - age)

    assert said(reconciled, reconcile=Reading(value=old)) == expected


def test_reconciliation_of_another_session_is_none():
    foreign = given.reconcile(session=given.PREVIOUS)

    assert said(reconciled, reconcile=Reading(value=foreign))[0] == "reconcile-invalid"


def test_inv22_one_break_blocks():
    found = said(reconciled, reconcile=Reading(value=given.reconcile(breaks=(given.one_break(),))))

    assert found == ("reconcile-break", "1 breaks", "0 breaks")


# ------------------------------------------------------------------------------ data


def bars(**changes):
    return Reading(value=given.scan(bars=given.scan().bars.model_copy(update=changes)))


@pytest.mark.parametrize("fault", ["scan-missing", "scan-invalid"])
def test_without_a_readable_scan_nothing_passes(fault):
    assert said(data_fresh, scan=Reading(fault=fault))[0] == fault


def test_scan_of_another_session_is_none():
    foreign = Reading(value=given.scan(session=given.PREVIOUS))

    assert said(data_fresh, scan=foreign) == ("scan-invalid", "2024-07-31", "2024-08-01")


def test_scan_that_blocks_itself_blocks():
    found = said(data_fresh, scan=Reading(value=given.scan(codes=("index-missing",))))

    assert found == ("scan-blocked", "index-missing", "no codes")


@pytest.mark.parametrize(
    ("newest", "code", "seen"),
    [
        (None, "bars-stale", "none"),
        (dt.date(2024, 7, 30), "bars-stale", "2024-07-30"),
        (given.PREVIOUS, None, "2024-07-31"),
        # today's bars may be there; the scan did not use them
        (given.SESSION, None, "2024-07-31"),
    ],
)
def test_bars_must_reach_the_session_before(newest, code, seen):
    assert said(data_fresh, scan=bars(newest_session=newest)) == (code, seen, "2024-07-31")


@pytest.mark.parametrize("used", [dt.date(2024, 7, 30), given.SESSION])
def test_scan_must_have_used_the_session_before(used):
    found = said(data_fresh, scan=bars(data_session=used, newest_session=given.SESSION))

    assert found == ("bars-stale", used.isoformat(), "2024-07-31")


# ------------------------------------------------------------------------------ sealed, window


def test_unsealed_session_blocks():
    found = said(previous_sealed, unsealed_session=given.PREVIOUS)

    assert found == ("session-unsealed", "2024-07-31 is not sealed", "sealed")


def test_a_seal_that_is_not_what_was_published_blocks():
    path = "2024-07-31/manifest.json"
    damage = Damage(path=path, code="artifact-corrupt", detail="words")

    found = said(previous_sealed, seal_damage=damage)

    assert found == ("seal-invalid", f"{path}: artifact-corrupt", "as published")


@pytest.mark.parametrize(
    ("new_york", "code"),
    [
        ("07:59:59", "outside-order-window"),
        ("08:00:00", None),  # open - 90 min, the start is inside
        ("15:44:59", None),
        ("15:45:00", "outside-order-window"),  # close - 15 min, the end is outside
    ],
)
def test_entries_are_sent_inside_the_window_only(new_york, code):
    at = dt.datetime.fromisoformat(f"2024-08-01T{new_york}-04:00").astimezone(dt.UTC)

    assert said(order_window, as_of=at)[0] == code


def test_window_is_recorded():
    assert said(order_window) == (
        None, "2024-08-01T12:30:00Z", "[2024-08-01T12:00:00Z, 2024-08-01T19:45:00Z)",
    )  # fmt: skip


# ------------------------------------------------------------------------------ broker


@pytest.mark.parametrize(
    ("skew", "expected"),
    [
        (dt.timedelta(0), (None, "0 s", "30 s")),
        (29 * SECOND, (None, "29 s", "30 s")),
        (30 * SECOND, (None, "30 s", "30 s")),
        (30 * SECOND + dt.timedelta(microseconds=1), ("clock-skew", "31 s", "30 s")),
        (31 * SECOND, ("clock-skew", "31 s", "30 s")),
    ],
)
@pytest.mark.parametrize("sign", [1, -1])
def test_clocks_may_be_thirty_seconds_apart_either_way(sign, skew, expected):
    at = given.AS_OF + sign * skew

    assert said(clock_skew, clock=Reading(value=given.clock(at))) == expected


@pytest.mark.parametrize(
    ("gate", "field"),
    [(clock_skew, "clock"), (broker_calendar, "calendar"), (account, "account")],
)
def test_silent_broker_blocks(gate, field):
    found = said(gate, **{field: Reading(fault="broker-unavailable")})

    assert found[:2] == ("broker-unavailable", "unreadable")


HALF_DAY = given.CLOSES - dt.timedelta(hours=3)


@pytest.mark.parametrize(
    "days",
    [
        (),
        (CalendarDay(given.SESSION, given.OPENS, HALF_DAY),),
        (CalendarDay(given.SESSION, given.OPENS + SECOND, given.CLOSES),),
        (CalendarDay(given.PREVIOUS, given.OPENS, given.CLOSES),),
        (CalendarDay(given.SESSION, given.OPENS, given.CLOSES),) * 2,
    ],
    ids=["no session", "half day", "later open", "another day", "twice"],
)
def test_calendar_must_be_the_broker_s_to_the_second(days):
    assert said(broker_calendar, calendar=Reading(value=days))[0] == "calendar-disagrees"


def test_account_needs_a_journal_that_has_begun():
    assert said(account, account_id=None)[:2] == ("genesis-missing", "none")


def test_inv10_account_must_be_the_journal_s_own():
    found = said(account, account=Reading(value=given.account(account_id="acct-2")))

    assert found == ("account-foreign", "acct-2", "acct-1")


@pytest.mark.parametrize(
    ("changes", "seen"),
    [
        ({"status": "ACCOUNT_UPDATED"}, "ACCOUNT_UPDATED"),
        ({"is_blocked": True}, "ACTIVE, blocked"),
    ],
)
def test_account_must_take_orders(changes, seen):
    found = said(account, account=Reading(value=given.account(**changes)))

    assert found == ("account-not-tradable", seen, "ACTIVE")
