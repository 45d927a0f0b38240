"""`prove` derives every byte again or names what differs; `audit verify` finds one flipped byte."""

import json
import shutil
import sqlite3

import pytest

from tests.acceptance.made import FIRST, LAST, SESSIONS
from tests.acceptance.typed import (
    AFTER_OPEN,
    CLOSE,
    HALF_DAY_CLOSE,
    INDEXES,
    OPEN,
    difference,
    path_of,
    spawned,
    tree,
    typed,
)  # fmt: skip

SESSION = "2024-11-27"
#: An artifact of the session, the digits that are changed, and where that is.
EDITS = (
    (OPEN, "scan", b'"reference_price":"78.2800"', b'"reference_price":"78.2900"',
     "/signals/0/reference_price"),
    (OPEN, "decide", b'"quantity":"127"', b'"quantity":"128"', "/verdicts/0/"),
    (OPEN, "enforce", b'"limit":"30 s"', b'"limit":"60 s"', "/verdicts/0/gates/"),
    (OPEN, "execute", b'"state":"SUBMITTED"', b'"state":"FILLED"', "/orders/0/state"),
    (AFTER_OPEN, "exits", b'"unprotected_seconds":300', b'"unprotected_seconds":200',
     "/certificate/"),
    (CLOSE, "reconcile", b'"cash_ours":"2', b'"cash_ours":"3', "/cash_ours"),
    (CLOSE, "snapshot", b'"equity":"9', b'"equity":"8', "/equity"),
    (CLOSE, "report", b'"signals_scanned":2', b'"signals_scanned":3', "/signals_scanned"),
)  # fmt: skip


def flipped(path):
    """Flip the lowest bit of the byte in the middle of a file."""
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def test_every_session_is_derived_again(whole):
    earlier = tree(whole, without=INDEXES)
    outcome = typed(whole, "prove", "--from", FIRST, "--to", LAST, "--json")
    assert outcome.code == 0, outcome.err
    assert outcome.value["sessions"] == len(SESSIONS)
    assert outcome.value["artifacts"] == 11 * len(SESSIONS) + 2  # two at genesis
    assert outcome.value["failed"] == []
    assert difference(tree(whole, without=INDEXES), earlier) == []


def test_a_proof_needs_neither_exchange_nor_state_of_today(whole):
    """Later sessions, PAUSED, halt and the exchange's book have no say in a past day."""
    (whole / "exchange" / "book.sqlite3").unlink()
    assert typed(whole, "halt", "--all", "--reason", "drill").code == 0
    outcome = spawned(whole, "prove", SESSION, TZ="Asia/Kolkata", PYTHONHASHSEED="3")
    assert outcome.code == 0, outcome.err


def test_one_session_by_its_name(whole):
    assert typed(whole, "prove", "2024-11-29").code == 0
    unknown = typed(whole, "prove", "2024-11-28")
    assert unknown.code == 4
    assert "2024-11-28" in unknown.err


@pytest.mark.parametrize(("cycle", "step", "was", "becomes", "pointer"), EDITS, ids=lambda v: "")
def test_an_altered_artifact_is_named_with_the_pointer(cycle, step, was, becomes, pointer, whole):
    path = path_of(whole, SESSION, cycle, step)
    data = path.read_bytes()
    assert was in data
    path.write_bytes(data.replace(was, becomes, 1))
    outcome = typed(whole, "prove", SESSION)
    assert outcome.code == 4
    lines = [line for line in outcome.err.splitlines() if f"{SESSION}/{cycle}/{step}.json" in line]
    assert any(pointer in line for line in lines), outcome.err


def test_the_config_of_the_day_decides_not_todays(whole):
    path = whole / "desk.toml"
    path.write_text(path.read_text().replace("risk_fraction = 0.005", "risk_fraction = 0.004"))
    assert typed(whole, "prove", "--from", FIRST, "--to", LAST).code == 0


FILES = (
    f"{SESSION}/{OPEN}/scan.json",
    f"{SESSION}/{OPEN}/execute.json",
    f"{SESSION}/{OPEN}/execute.tape-1.jsonl",
    f"{SESSION}/{CLOSE}/report.json",
    f"{SESSION}/{CLOSE}/report.html",
    f"{SESSION}/{CLOSE}/report.md",
    f"{SESSION}/manifest.json",
    f"{LAST}/manifest.json",
    f"2024-11-29/{HALF_DAY_CLOSE}/snapshot.json",
)


def test_the_chain_holds(whole):
    earlier = tree(whole, without=INDEXES)
    outcome = typed(whole, "audit", "verify", "--json")
    assert outcome.code == 0, outcome.err
    assert outcome.value["sessions"] == len(SESSIONS)
    assert outcome.value["head"]["session"] == LAST
    assert difference(tree(whole, without=INDEXES), earlier) == []


@pytest.mark.parametrize("name", FILES)
def test_one_flipped_byte_is_found_and_named(name, whole):
    flipped(whole / "artifacts" / name)
    outcome = typed(whole, "audit", "verify")
    assert outcome.code == 4
    assert name in outcome.err


def test_a_flipped_byte_of_the_stored_config_is_found(whole):
    (config,) = (whole / "artifacts" / "config").iterdir()
    flipped(config)
    outcome = typed(whole, "audit", "verify")
    assert outcome.code == 4
    assert f"config/{config.name}" in outcome.err


def test_a_changed_row_of_the_journal_is_found(whole):
    """With SQLite itself, past the triggers that refuse it."""
    with sqlite3.connect(whole / "state" / "desk.sqlite3") as journal:
        for (name,) in journal.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'"):
            journal.execute(f"DROP TRIGGER {name}")
        (seq, body) = journal.execute(
            "SELECT seq, body FROM journal WHERE kind = 'fill' LIMIT 1"
        ).fetchone()
        fill = json.loads(body)
        fill["fill"]["last_price"] = "1.0000"
        text = json.dumps(fill, sort_keys=True, separators=(",", ":"))
        journal.execute("UPDATE journal SET body = ? WHERE seq = ?", (text, seq))
    journal.close()
    outcome = typed(whole, "audit", "verify")
    assert outcome.code == 4
    assert "state/desk.sqlite3" in outcome.err
    assert f"row {seq}" in outcome.err


def test_a_row_of_the_journal_cannot_be_changed_by_accident(whole):
    with sqlite3.connect(whole / "state" / "desk.sqlite3") as journal:
        for statement in ("UPDATE journal SET body = '{}' WHERE seq = 5", "DELETE FROM journal"):
            with pytest.raises(sqlite3.DatabaseError, match="append-only"):
                journal.execute(statement)
    journal.close()


def test_a_file_added_to_a_sealed_session_is_found(whole):
    (whole / "artifacts" / SESSION / OPEN / "note.json").write_text("{}\n")
    outcome = typed(whole, "audit", "verify")
    assert outcome.code == 4
    assert f"{SESSION}/{OPEN}/note.json" in outcome.err


def test_a_session_cut_out_of_the_chain_is_found(whole):
    shutil.rmtree(whole / "artifacts" / SESSION)
    outcome = typed(whole, "audit", "verify")
    assert outcome.code == 4
    assert "2024-11-29/manifest.json" in outcome.err


def test_a_manifest_made_anew_is_found(whole):
    """Sealing again is easy; the run record remembers the seal that was."""
    path = whole / "artifacts" / LAST / "manifest.json"
    manifest = json.loads(path.read_bytes())
    manifest["damage"] = [{"path": "x", "code": "artifact-missing", "detail": "forged"}]
    text = json.dumps(manifest, sort_keys=True, separators=(",", ":"))
    path.write_text(text + "\n")
    outcome = typed(whole, "audit", "verify")
    assert outcome.code == 4
    assert f"{LAST}/manifest.json" in outcome.err


def test_a_run_record_that_is_gone_or_changed_is_found(whole):
    path = whole / "state" / "runs" / f"{SESSION}.jsonl"
    data = path.read_bytes()
    path.write_bytes(data.replace(b'"exit_code":0', b'"exit_code":6', 1))
    assert f"state/runs/{SESSION}.jsonl" in typed(whole, "audit", "verify").err
    path.unlink()
    assert f"state/runs/{SESSION}.jsonl" in typed(whole, "audit", "verify").err


def test_a_sealed_session_takes_nothing_more(whole):
    earlier = tree(whole, without=("state/runs",))
    instant = f"{LAST}T21:10:00Z"
    outcome = typed(whole, "scan", "--as-of", instant)
    assert outcome.code == 5
    assert "sealed" in outcome.err
    again = typed(whole, "report", "--as-of", f"{LAST}T21:05:00Z")
    assert again.code == 0
    assert difference(tree(whole, without=("state/runs",)), earlier) == []


@pytest.mark.data
def test_real_sessions_are_derived_again_and_audited(real_desks):
    outcome = typed(real_desks.whole, "prove", "--from", FIRST, "--to", LAST, "--json")
    assert outcome.code == 0, outcome.err
    assert outcome.value["sessions"] == len(SESSIONS)
    assert typed(real_desks.whole, "audit", "verify").code == 0
