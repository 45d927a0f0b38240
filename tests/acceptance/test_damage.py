"""Each artifact of the chain damaged, one at a time, between the steps of a session.

Whatever was damaged: no entry is sent on the strength of it, exits and reconcile go on, the
report names the file, and the session is sealed with the damage listed.
"""

import hashlib
import json
import re

import pytest

from tests.acceptance.made import SESSIONS
from tests.acceptance.typed import (
    AFTER_OPEN,
    CLOSE,
    OPEN,
    STEPS_OF,
    advance,
    artifact,
    difference,
    orders_in_book,
    path_of,
    run_cycle,
    tree,
    typed,
)  # fmt: skip

SESSION, EARLIER, OLDER, LATER = "2024-11-27", "2024-11-26", "2024-11-25", "2024-11-29"
CHAIN = tuple((cycle, step) for cycle in (OPEN, AFTER_OPEN, CLOSE) for step in STEPS_OF[cycle])
#: Damaged artifact -> the next command that reads it, and the codes it may block with.
READER = {
    "reconcile": ("enforce", {"reconcile-absent", "reconcile-invalid"}),
    "scan": ("decide", {"scan-missing", "scan-invalid"}),
    "decide": ("enforce", {"decision-missing", "decision-invalid"}),
    "enforce": ("execute", {"enforce-missing", "enforce-invalid"}),
}


def deleted(path):
    path.unlink()


def truncated(path):
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])


def edited(path):
    """Change one digit of the instant: canonical, and valid for the schema, as before."""
    data = path.read_bytes()
    (found,) = re.finditer(rb'"as_of":"[0-9T:-]*(0)Z"', data)
    path.write_bytes(data[: found.start(1)] + b"7" + data[found.end(1) :])


def another_sessions(path):
    path.write_bytes(type(path)(str(path).replace(SESSION, EARLIER)).read_bytes())


DAMAGES = (deleted, truncated, edited, another_sessions)
CODES = {
    deleted: {"artifact-missing"},
    truncated: {"artifact-corrupt"},
    edited: {"artifact-tampered"},
    another_sessions: {"artifact-foreign"},
}
each_damage = pytest.mark.parametrize("damage", DAMAGES, ids=lambda damage: damage.__name__)


def type_session(desk, damaged, damage, *, after):
    """Type a session's commands, damage one artifact after a certain one; return what they said."""
    now, said = "", {}
    for cycle, step in CHAIN:
        if cycle != now:
            advance(desk, SESSION, cycle)
            now = cycle
        said[cycle, step] = typed(desk, step)
        if (cycle, step) == after:
            assert said[after].code == 0, said[after].err
            damage(path_of(desk, SESSION, *damaged))
    return said


def entries(desk):
    """Return the ids of the orders that opened something in this session, filled or not."""
    return [
        order["client_order_id"]
        for order in orders_in_book(desk)
        if order["side"] == "buy" and order["submitted_at"] >= SESSION
    ]


def assert_exits_and_reconcile_went_on(desk, said, but=()):
    for place in ((AFTER_OPEN, "exits"), (CLOSE, "exits"), (CLOSE, "reconcile")):
        assert said[place].code == 0, (place, said[place].err)
        if place not in but:
            assert artifact(desk, SESSION, *place)["exit_code"] == 0
    if (CLOSE, "exits") not in but:
        certificate = artifact(desk, SESSION, CLOSE, "exits")["certificate"]
        assert certificate
        assert all(float(row["uncovered"]) == 0 for row in certificate)


def assert_named_and_sealed(desk, said, damaged, damage):
    name = f"{SESSION}/{damaged[0]}/{damaged[1]}.json"
    told = said[CLOSE, "report"]
    assert told.code == 4
    assert len([line for line in told.err.splitlines() if name in line]) == 1
    report = artifact(desk, SESSION, CLOSE, "report")
    assert (report["verdict"], report["go_no_go"]) == ("damaged", "NO-GO")
    assert [(item["path"], {item["code"]}) for item in report["damage"]] == [(name, CODES[damage])]
    manifest = json.loads((desk / "artifacts" / SESSION / "manifest.json").read_bytes())
    assert manifest["damage"] == report["damage"]
    audit = typed(desk, "audit", "verify")
    assert (audit.code, audit.err) == (0, "")


@each_damage
@pytest.mark.parametrize("step", READER)
def test_damaged_before_the_next_command_reads_it(step, damage, before):
    damaged = (OPEN, step)
    said = type_session(before, damaged, damage, after=damaged)
    reader, codes = READER[step]
    assert said[OPEN, reader].code == 4
    assert len(said[OPEN, reader].err.splitlines()) == 1
    assert any(code in said[OPEN, reader].err for code in codes)
    assert entries(before) == []
    assert_exits_and_reconcile_went_on(before, said)
    assert_named_and_sealed(before, said, damaged, damage)


@each_damage
@pytest.mark.parametrize("damaged", list(CHAIN[4:-1]), ids="-".join)
def test_damaged_when_its_work_was_done(damaged, damage, before):
    said = type_session(before, damaged, damage, after=damaged)
    assert len(entries(before)) == 2
    assert_exits_and_reconcile_went_on(before, said, but={damaged})
    assert_named_and_sealed(before, said, damaged, damage)


@each_damage
@pytest.mark.parametrize("step", ["scan", "decide", "enforce", "execute"])
def test_damaged_just_before_the_report(step, damage, before):
    """The orders are in the journal, so each signal's end is still told."""
    damaged = (OPEN, step)
    said = type_session(before, damaged, damage, after=(CLOSE, "snapshot"))
    assert {said[place].code for place in CHAIN[:-1]} == {0}
    assert_named_and_sealed(before, said, damaged, damage)
    report = artifact(before, SESSION, CLOSE, "report")
    assert report["counts"] == {"EXECUTED": 2}
    assert len(report["fills"]) == 3


@pytest.mark.parametrize("damage", DAMAGES[:-1], ids=lambda damage: damage.__name__)
def test_yesterdays_snapshot(damage, before):
    """A sealed file: entries are refused for want of it, and the audit names it for ever."""
    damage(path_of(before, EARLIER, CLOSE, "snapshot"))
    advance(before, SESSION, OPEN)
    said = {step: typed(before, step) for step in STEPS_OF[OPEN]}
    assert said["decide"].code == 4
    verdicts = artifact(before, SESSION, OPEN, "decide")["verdicts"]
    assert [verdict["decision"] for verdict in verdicts] == ["BLOCK", "BLOCK"]
    assert entries(before) == []
    audit = typed(before, "audit", "verify")
    assert audit.code == 4
    assert f"{EARLIER}/{CLOSE}/snapshot.json" in audit.err


def emptied(path):
    path.write_bytes(b"")


def edited_seal(path):
    """Change one digit of the journal's row number: canonical, and valid, as before."""
    data = path.read_bytes()
    (found,) = re.finditer(rb'"journal_seq":(\d)', data)
    digit = b"7" if found[1] != b"7" else b"8"
    path.write_bytes(data[: found.start(1)] + digit + data[found.end(1) :])


def older_seal(path):
    path.write_bytes(type(path)(str(path).replace(EARLIER, OLDER)).read_bytes())


#: What becomes of the seal of the session before -> its code in the report, and at the gate.
SEAL_DAMAGES = {
    deleted: ("artifact-missing", "session-unsealed"),
    truncated: ("artifact-corrupt", "seal-invalid"),
    emptied: ("artifact-corrupt", "seal-invalid"),
    edited_seal: ("artifact-tampered", "seal-invalid"),
    older_seal: ("artifact-foreign", "seal-invalid"),
}


def type_chain(desk):
    """Type a session's commands; return what they said."""
    now, said = "", {}
    for cycle, step in CHAIN:
        if cycle != now:
            advance(desk, SESSION, cycle)
            now = cycle
        said[cycle, step] = typed(desk, step)
    return said


def manifest_of(desk, session):
    return json.loads((desk / "artifacts" / session / "manifest.json").read_bytes())


@pytest.mark.parametrize("damage", SEAL_DAMAGES, ids=lambda damage: damage.__name__)
def test_yesterdays_seal(damage, before):
    """Nothing is bought; the rest goes on, says which file it is, and seals over the old chain."""
    path, name = before / "artifacts" / EARLIER / "manifest.json", f"{EARLIER}/manifest.json"
    published = hashlib.sha256(path.read_bytes()).hexdigest()
    damage(path)
    said = type_chain(before)
    code, gate_code = SEAL_DAMAGES[damage]

    assert entries(before) == []
    verdicts = artifact(before, SESSION, OPEN, "enforce")["verdicts"]
    assert verdicts
    for verdict in verdicts:
        refusals = [(gate["gate"], gate["code"]) for gate in verdict["gates"] if gate["code"]]
        assert refusals == [("previous-sealed", gate_code)]
    assert {place: each.code for place, each in said.items() if each.code} == {(CLOSE, "report"): 4}
    assert_exits_and_reconcile_went_on(before, said)
    (line,) = said[CLOSE, "report"].err.splitlines()[:1]
    assert line == f"report: exit 4: {code} {name}"
    report = artifact(before, SESSION, CLOSE, "report")
    assert (report["verdict"], report["go_no_go"]) == ("damaged", "NO-GO")
    assert [(item["path"], item["code"]) for item in report["damage"]] == [(name, code)]
    sealed = manifest_of(before, SESSION)
    assert sealed["damage"] == report["damage"]
    assert sealed["previous"]["sha256"] == report["previous_seal"] == published
    audit = typed(before, "audit", "verify")
    assert audit.code == 4
    assert name in audit.err
    # It was read as it was found, so the day is derived again over the same damage.
    proof = typed(before, "prove", SESSION)
    assert (proof.code, proof.err) == (0, "")


def test_a_damaged_seal_that_another_one_follows_blocks_nothing(before):
    """The chain holds its digest, and the audit names it for ever."""
    truncated(before / "artifacts" / OLDER / "manifest.json")
    run_cycle(before, SESSION, OPEN)
    assert len(entries(before)) == 2
    audit = typed(before, "audit", "verify")
    assert audit.code == 4
    assert f"{OLDER}/manifest.json" in audit.err


def flipped_digit(path):
    """Change one digit of a value: canonical, and a valid config, as before."""
    data = path.read_bytes()
    assert b'"positions_max":10' in data
    path.write_bytes(data.replace(b'"positions_max":10', b'"positions_max":11'))


@pytest.mark.parametrize(
    "damage", [truncated, emptied, flipped_digit], ids=lambda damage: damage.__name__
)
def test_the_stored_config(damage, before):
    """Whatever may lead to an entry refuses; what protects goes on; the seal lists the damage."""
    (path,) = (before / "artifacts" / "config").iterdir()
    name, whole = f"config/{path.name}", path.read_bytes()
    damage(path)
    found = hashlib.sha256(path.read_bytes()).hexdigest()
    said = type_chain(before)

    goes_on = {"exits", "reconcile"}
    assert {step: said[cycle, step].code for cycle, step in CHAIN} == {
        step: 0 if step in goes_on else 4 for _, step in CHAIN
    }
    for (_, step), each in said.items():
        if step not in {*goes_on, "report"}:
            (line,) = each.err.splitlines()
            assert name in line
            assert line.startswith("artifact-tampered: ")
    assert entries(before) == []
    assert_exits_and_reconcile_went_on(before, said)
    report = artifact(before, SESSION, CLOSE, "report")
    assert (report["verdict"], report["go_no_go"]) == ("damaged", "NO-GO")
    assert [(item["path"], item["code"]) for item in report["damage"]] == [
        (name, "artifact-tampered")
    ]
    assert len([line for line in said[CLOSE, "report"].err.splitlines() if name in line]) == 1
    sealed = manifest_of(before, SESSION)
    assert sealed["damage"] == report["damage"]
    assert [item["sha256"] for item in sealed["files"] if item["path"] == name] == [found]
    audit = typed(before, "audit", "verify")
    assert audit.code == 4
    named = [line for line in audit.err.splitlines() if name in line]
    kept = [day for day in SESSIONS if day <= SESSION]
    assert [day for day in kept if any(day in line for line in named)] == kept
    assert typed(before, "prove", SESSION).code == 4
    # The right one, brought back, makes the chain whole and the damaged day provable.
    path.write_bytes(whole)
    assert typed(before, "audit", "verify").code == 0
    proof = typed(before, "prove", SESSION)
    assert (proof.code, proof.err) == (0, "")


def test_a_config_that_is_gone_is_stored_again(before):
    (path,) = (before / "artifacts" / "config").iterdir()
    whole = path.read_bytes()
    path.unlink()
    advance(before, SESSION, OPEN)
    assert typed(before, "reconcile").code == 0
    assert path.read_bytes() == whole


@pytest.mark.parametrize("step", STEPS_OF[OPEN])
@pytest.mark.parametrize("damage", DAMAGES[1:], ids=lambda damage: damage.__name__)
def test_a_damaged_artifacts_own_command_names_it_and_touches_nothing(step, damage, before):
    advance(before, SESSION, OPEN)
    for each in STEPS_OF[OPEN][: STEPS_OF[OPEN].index(step) + 1]:
        assert typed(before, each).code == 0
    damage(path_of(before, SESSION, OPEN, step))
    earlier = tree(before, without=("state/runs",))
    again = typed(before, step)
    assert again.code == 4
    (line,) = again.err.splitlines()
    assert f"{SESSION}/{OPEN}/{step}.json" in line
    assert line.startswith(tuple(CODES[damage]))
    assert difference(tree(before, without=("state/runs",)), earlier) == []


@pytest.mark.parametrize("step", STEPS_OF[OPEN])
def test_a_deleted_artifact_is_derived_again_or_named_by_its_own_command(step, before):
    """The same bytes heal it; a step that read the broker again has other inputs, and says so."""
    advance(before, SESSION, OPEN)
    for each in STEPS_OF[OPEN][: STEPS_OF[OPEN].index(step) + 1]:
        assert typed(before, each).code == 0
    path = path_of(before, SESSION, OPEN, step)
    first, sent = path.read_bytes(), entries(before)
    path.unlink()
    again = typed(before, step)
    if step in {"scan", "decide"}:
        assert again.code == 0, again.err
        assert path.read_bytes() == first
    else:
        assert again.code == 4
        (line,) = again.err.splitlines()
        assert f"{SESSION}/{OPEN}/{step}.json" in line
    assert entries(before) == sent
