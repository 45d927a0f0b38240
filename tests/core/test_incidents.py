"""Incidents, damage, go/no-go and the circuit breaker."""

import pytest

from quantcli.contracts.envelope import Finding
from quantcli.contracts.journal_rows import FillRow, FlagRow
from quantcli.contracts.manifest import Damage
from quantcli.core.evidence import Written
from quantcli.core.incidents import (
    circuit_breaker,
    damage_of,
    incidents_of,
    no_go_reasons,
    uncovered_symbols,
)
from tests.core.day_facts import (
    CLOSE,
    MORNING,
    OPEN,
    SESSION,
    damaged,
    decide,
    difference,
    enforce,
    evidence,
    execute,
    exits,
    fill,
    gate,
    judgment,
    order,
    order_report,
    reconcile,
    review,
    scan,
    snapshot,
)

CLEAN = (
    reconcile(), scan(), decide(), enforce(), execute(), exits(review()),
    reconcile(cycle=CLOSE), snapshot(),
)  # fmt: skip


def told(found):
    return [(each.cycle, each.step, each.code) for each in incidents_of(found)]


def flag(name="paused", *reasons, is_set=True):
    return FlagRow(name=name, is_set=is_set, reasons=reasons, by="reconcile")


def test_clean_day_has_no_incident_and_goes_on():
    day = evidence(*CLEAN)

    assert told(day) == []
    assert no_go_reasons(day) == ()
    assert circuit_breaker(day) == "not observed"
    assert damage_of(day) == ()
    assert uncovered_symbols(day) == ()


@pytest.mark.parametrize(
    "artifact",
    [
        scan(codes=("bars-stale",)),
        decide(codes=("bars-stale",)),
        enforce(codes=("bars-stale",)),
        execute(codes=("bars-stale",)),
        exits(codes=("bars-stale",)),
        snapshot(codes=("bars-stale",)),
    ],
)
def test_every_code_of_every_step_is_told(artifact):
    (incident,) = incidents_of(evidence(artifact))

    assert (incident.step, incident.code) == (artifact.STEP, "bars-stale")
    assert incident.detail == "the newest complete bar is older than the session before"


def test_exit_codes_are_told_with_their_meaning():
    (incident,) = incidents_of(evidence(execute(exit_code=7)))

    assert incident.code == "exit-code"
    assert incident.detail == "7: the outcome of an order is unknown"


def test_orders_that_went_wrong_are_told():
    step = execute(
        order_report(action="refused", code=None, message="no such asset"),
        order_report(action="unknown", code="outcome-unknown", state="UNKNOWN"),
        order_report(action="sent"),
        withheld=(Finding(code="halted", observed="drill", limit="no halt"),),
    )
    assert [(i.code, i.detail) for i in incidents_of(evidence(step))] == [
        ("halted", "withheld: drill (limit no halt)"),
        ("order-refused", "NVDA entry buy-order: no such asset"),
        ("outcome-unknown", "NVDA entry buy-order: UNKNOWN"),
    ]


def test_withheld_without_an_observation_is_explained():
    step = exits(withheld=(Finding(code="halted"),))

    assert incidents_of(evidence(step))[0].detail == "withheld: the desk is halted"


def test_unregistered_code_is_told_all_the_same():
    (incident,) = incidents_of(evidence(scan(codes=("unheard-of",))))

    assert (incident.code, incident.detail) == ("unheard-of", "no further detail")


def test_uncovered_shares_stop_the_desk():
    day = evidence(*CLEAN, exits(review(), uncovered=1, cycle=CLOSE, exit_code=8))

    assert uncovered_symbols(day) == ("NVDA",)
    assert (CLOSE, "exits", "share-uncovered") in told(day)
    assert no_go_reasons(day) == ("share-uncovered",)


def test_share_covered_later_is_an_incident_but_no_reason_to_stop():
    day = evidence(exits(review(), uncovered=10), *CLEAN[:1], exits(review(), cycle=CLOSE))

    assert uncovered_symbols(day) == ()
    assert (OPEN, "exits", "share-uncovered") in told(day)


def test_breaks_and_pause_are_told():
    day = evidence(reconcile(difference(), paused=("position-foreign",)), snapshot())
    details = {i.code: i.detail for i in incidents_of(day)}

    assert details["position-foreign"] == "NVDA: ours nothing, theirs 20"
    assert details["paused"] == "position-foreign"
    assert no_go_reasons(day) == ("reconcile-break", "paused")


def test_clean_reconciliation_later_lifts_the_breaks():
    day = evidence(reconcile(difference()), reconcile(cycle=CLOSE), snapshot())

    assert no_go_reasons(day) == ()


@pytest.mark.parametrize(
    ("artifacts", "reasons"),
    [
        ((snapshot(),), ("reconcile-absent",)),
        ((reconcile(),), ("snapshot-missing",)),
        ((damaged("reconcile"), snapshot()), ("reconcile-invalid", "artifact-tampered")),
        ((reconcile(), snapshot(codes=("mark-missing", "history-gap"))), ("mark-missing",)),
        ((reconcile(), snapshot(drawdown="0.2")), ("limit-drawdown",)),
    ],
)
def test_reasons_against_new_risk(artifacts, reasons):
    assert no_go_reasons(evidence(*artifacts)) == reasons


@pytest.mark.parametrize("code", ["index-missing", "bars-stale", "benchmark-missing"])
def test_scan_that_could_not_judge_stops_the_desk(code):
    assert no_go_reasons(evidence(*CLEAN, scan(codes=(code,), cycle=OPEN))) == (code,)
    assert no_go_reasons(evidence(scan(codes=(code,)), *CLEAN)) == ()  # a later one could


def test_closed_market_gate_is_no_reason_against_tomorrow():
    day = evidence(*CLEAN, scan(codes=("benchmark-below-average",), cycle=OPEN))

    assert no_go_reasons(day) == ()


@pytest.mark.parametrize(
    ("name", "code"), [("paused", "paused"), ("halt-all", "halted"), ("halt-entries", "halted")]
)
def test_flags_stop_the_desk(name, code):
    assert no_go_reasons(evidence(*CLEAN, flags={name: flag(name)})) == (code,)
    assert no_go_reasons(evidence(*CLEAN, flags={name: flag(name, is_set=False)})) == ()


def test_halt_that_withheld_an_entry_stops_the_desk():
    day = evidence(*CLEAN, execute(withheld=(Finding(code="halted"),), cycle=OPEN))

    assert no_go_reasons(day) == ("halted",)


def test_unknown_order_stops_the_desk():
    assert no_go_reasons(evidence(*CLEAN, orders=(order("UNKNOWN"),))) == ("outcome-unknown",)


def test_scheduled_step_that_never_ran_is_told():
    day = evidence(*CLEAN, expected=[(MORNING, ("scan", "decide")), (OPEN, ("execute",))])

    assert told(day) == [(OPEN, "execute", "step-missing")]
    assert no_go_reasons(day) == ("step-missing",)


def test_vanished_artifact_is_told_once():
    gone = damaged("scan", "artifact-missing")
    day = evidence(*CLEAN[:1], gone, snapshot(), expected=[(MORNING, ("scan",))])

    assert told(day) == [(MORNING, "scan", "artifact-missing")]
    assert no_go_reasons(day) == ("artifact-missing",)
    assert damage_of(day) == (
        Damage(path=gone.path, code="artifact-missing", detail=gone.error_detail),
    )


def test_damage_is_listed_once_and_by_path():
    other = Damage(path="2024-08-01/083000/execute.tape-1.jsonl", code="x", detail="y")
    same = Damage(path="2024-08-01/083000/scan.json", code="z", detail="another view of it")
    day = evidence(damaged("scan"), damage=(same, other))

    assert [(d.path, d.code) for d in damage_of(day)] == [
        ("2024-08-01/083000/execute.tape-1.jsonl", "x"),
        ("2024-08-01/083000/scan.json", "artifact-tampered"),
    ]


def test_journal_rows_speak_too():
    rows = (
        Written(OPEN, "execute", FillRow(fill=fill(1, "buy", 5, "10"), is_late=True)),
        Written(OPEN, "execute", FillRow(fill=fill(2, "buy", 5, "10"))),
        Written(CLOSE, "reconcile", flag("halt-all", "operator")),
        Written(CLOSE, "reconcile", flag("paused", is_set=False)),
    )
    found = incidents_of(evidence(*CLEAN, rows=rows))

    assert [(i.step, i.code, i.detail) for i in found] == [
        ("execute", "late-fill", "NVDA: 5 shares"),
        ("reconcile", "halted", "halt-all set by reconcile: operator"),
    ]


def test_breaker_names_flags_with_reasons_and_gates_beside_them():
    gates = judgment(gate("paused", "paused"), gate("r", "reconcile-break"), gate("s", "size-zero"))
    day = evidence(
        *CLEAN, enforce(gates), flags={"paused": flag("paused", "cash-difference")}
    )  # fmt: skip

    assert circuit_breaker(day) == "paused (cash-difference); reconcile-break"


def test_breaker_remembers_a_flag_that_was_cleared_again():
    rows = (Written(MORNING, "reconcile", flag("halt-all")),)

    assert circuit_breaker(evidence(*CLEAN, rows=rows)) == "halted"
    cleared = {"paused": flag("paused", is_set=False)}
    assert circuit_breaker(evidence(*CLEAN, flags=cleared)) == "not observed"


def test_breaker_names_the_drawdown_limit():
    assert circuit_breaker(evidence(snapshot(drawdown="0.21"))) == "limit-drawdown"


def test_session_of_evidence_is_in_the_path_of_what_is_missing():
    (incident,) = incidents_of(evidence(expected=[(OPEN, ("exits",))]))

    assert incident.detail == f"no {SESSION}/{OPEN}/exits.json"
