"""A journal that was lost, damaged or rolled back comes back row for row, and the desk goes on."""

import shutil
import sqlite3

import pytest

from quantcli.cli import restoring
from tests.acceptance.test_proof_of_deaths import Death, dying_at
from tests.acceptance.typed import (
    AFTER_OPEN,
    CLOSE,
    HALF_DAY_CLOSE,
    OPEN,
    Served,
    advance,
    artifact,
    orders_in_book,
    run_cycle,
    typed,
)  # fmt: skip

SESSION, NEXT, DAY_BEFORE = "2024-11-27", "2024-11-29", "2024-11-26"
FILES = ("desk.sqlite3", "desk.sqlite3-wal", "desk.sqlite3-shm")


pytestmark = pytest.mark.usefixtures("no_waits")


def rows(desk):
    """Return the journal's rows as stored, by a reader of its own."""
    db = sqlite3.connect(desk / "state" / "desk.sqlite3")
    try:
        return db.execute("SELECT * FROM journal ORDER BY seq").fetchall()
    finally:
        db.close()


def delete(desk):
    for name in FILES:
        (desk / "state" / name).unlink(missing_ok=True)


def keep(desk, folder):
    folder.mkdir()
    for name in FILES:
        if (desk / "state" / name).exists():
            shutil.copy(desk / "state" / name, folder / name)


def roll_back(desk, folder):
    delete(desk)
    for path in folder.iterdir():
        shutil.copy(path, desk / "state" / path.name)


def garble(desk):
    delete(desk)
    (desk / "state" / "desk.sqlite3").write_bytes(b"no database" * 500)


def restored(desk, *words):
    outcome = typed(desk, "restore", *words, "--json")
    assert outcome.code == 0, outcome.err
    return outcome.value


def goes_on(desk, *, unknown=False):
    """Catch up, reconcile clean, resume, trade the next day; every byte of all of it holds.

    An entry of `unknown` outcome stays so until the close: a halted desk does not send it again.
    """
    advance(desk, SESSION, "100000")
    outcome = typed(desk, "exits")
    assert outcome.code == (7 if unknown else 0), outcome.err
    certificate = artifact(desk, SESSION, "100000", "exits")["certificate"]
    assert {row["uncovered"] for row in certificate} == {"0"}
    assert typed(desk, "reconcile").code == 0
    assert typed(desk, "status", "--json").value["may_enter"] is False
    assert typed(desk, "resume", "--reason", "restored and clean").code == 0
    said = run_cycle(desk, SESSION, CLOSE)
    assert {outcome.code for outcome in said.values()} == {0}, said
    for following in (OPEN, AFTER_OPEN, HALF_DAY_CLOSE):
        said = run_cycle(desk, NEXT, following)
        assert {outcome.code for outcome in said.values()} == {0}, (following, said)
    days = ("--from", DAY_BEFORE, "--to", NEXT)
    proof = typed(desk, "prove", *days)
    assert proof.code == 0, proof.err
    audit = typed(desk, "audit", "verify")
    assert audit.code == 0, audit.err
    names = [order["client_order_id"] for order in orders_in_book(desk)]
    assert len(names) == len(set(names))


# ------------------------------------------------------------------------------ detection


def traded_morning(desk):
    """Run the morning's cycles, and leave the clock between them and the close."""
    for cycle in (OPEN, AFTER_OPEN):
        said = run_cycle(desk, SESSION, cycle)
        assert {outcome.code for outcome in said.values()} == {0}, said
    advance(desk, SESSION, "100000")


def held_in_book(desk):
    with Served(desk) as exchange:
        return {each["symbol"]: each["qty"] for each in exchange.ask("GET", "/v2/positions")}


@pytest.mark.parametrize(("lose", "code"), [(delete, "state-missing"), (garble, "journal-corrupt")])
def test_no_command_works_without_a_journal_and_exits_names_every_share(before, lose, code):
    traded_morning(before)
    held = held_in_book(before)
    orders = orders_in_book(before)
    lose(before)
    for step in ("reconcile", "decide", "enforce", "execute", "exits", "snapshot", "report"):
        outcome = typed(before, step)
        assert (outcome.code, code in outcome.err) == (10, True), step
    said = typed(before, "exits").err
    for symbol, quantity in held.items():
        assert f"exits: {symbol}: {quantity} shares, {quantity} under working sells, stop " in said
    assert orders_in_book(before) == orders
    status = typed(before, "status", "--json")
    assert (status.code, status.value["may_enter"]) == (10, False)


def test_a_share_without_a_stop_is_named_without_a_journal_too(before):
    traded_morning(before)
    with Served(before) as exchange:
        stop = next(each for each in exchange.ask("GET", "/v2/orders") if each["type"] == "stop")
        exchange.ask("DELETE", f"/v2/orders/{stop['id']}")
    delete(before)
    outcome = typed(before, "exits", "--json")
    assert outcome.code == 10
    assert outcome.value["error"] == "state-missing"
    assert f"exits: UNCOVERED {stop['symbol']}: {stop['qty']} shares, 0 under" in outcome.err
    assert outcome.err.count("UNCOVERED") == 1


def test_the_cycle_that_is_due_names_the_shares_as_well(before):
    traded_morning(before)
    advance(before, SESSION, CLOSE)
    held = held_in_book(before)
    delete(before)
    outcome = typed(before, "day")
    assert outcome.code == 10
    assert all(f"exits: {symbol}: " in outcome.err for symbol in held)


@pytest.mark.parametrize("kept_at", [OPEN, AFTER_OPEN])
def test_an_older_copy_is_no_journal(before, kept_at, tmp_path):
    """The night's copy comes back after the morning, or the morning's after the open."""
    if kept_at == AFTER_OPEN:
        run_cycle(before, SESSION, OPEN)
    keep(before, tmp_path / "older")
    run_cycle(before, SESSION, OPEN)
    run_cycle(before, SESSION, AFTER_OPEN)
    lost = rows(before)
    roll_back(before, tmp_path / "older")
    older = rows(before)
    assert 0 < len(older) < len(lost)
    advance(before, SESSION, "100000")
    for step in ("reconcile", "execute", "exits"):
        outcome = typed(before, step)
        assert outcome.code == 10, step
        assert f"state-rolled-back: the journal ends at row {len(older)}; " in outcome.err
    assert rows(before) == older
    assert typed(before, "audit", "verify").code == 4


@pytest.mark.parametrize("gone", ["records", "tapes", "seals"])
def test_any_one_kind_of_record_tells_of_an_older_copy(whole, desks, gone):
    """Here state/ is that of a week ago, whole, as a copy of the folder brings it."""
    shutil.rmtree(whole / "state")
    shutil.copytree(desks.before / "state", whole / "state")
    if gone != "records":
        pattern = "*/*/*.jsonl" if gone == "tapes" else "*/manifest.json"
        for path in (whole / "artifacts").glob(pattern):
            path.unlink()
    outcome = typed(whole, "reconcile", "--read-only")
    assert outcome.code == 10
    assert "state-rolled-back" in outcome.err


# ------------------------------------------------------------------------------ coming back


def test_after_a_sealed_day_every_row_comes_back(whole):
    lost = rows(whole)
    delete(whole)
    value = restored(whole)
    assert rows(whole)[:-1] == lost
    assert (value["rows"], value["lost"]) == ({"log": len(lost)}, [])
    assert typed(whole, "audit", "verify").code == 0
    assert typed(whole, "prove", "--from", "2024-11-19", "--to", "2024-12-03").code == 0


@pytest.mark.parametrize("lose", [delete, garble])
@pytest.mark.parametrize("through", ["reconcile", "enforce", "execute"])
def test_in_the_morning_every_row_comes_back(before, lose, through):
    run_cycle(before, SESSION, OPEN, through=through)
    lost = rows(before)
    lose(before)
    value = restored(before)
    assert rows(before)[:-1] == lost
    assert value["heads_recorded"] > 0
    # Halted: what was approved before is not sent, whatever cycle comes.
    run_cycle(before, SESSION, AFTER_OPEN, through="execute")
    goes_on(before)


def test_after_the_open_every_row_comes_back_and_the_desk_goes_on(before):
    traded_morning(before)
    lost = rows(before)
    delete(before)
    value = restored(before)
    assert rows(before)[:-1] == lost
    assert value["rows"]["tape"] > 40
    # Halted twice: in the record that needs no journal, and in the journal.
    status = typed(before, "status", "--json").value
    assert (status["halt"]["reason"], status["violations"]) == (
        "state-restored",
        ["state-restored"],
    )
    goes_on(before)


def test_rolled_back_to_the_night_every_row_of_the_day_comes_back(before, tmp_path):
    keep(before, tmp_path / "older")
    traded_morning(before)
    lost = rows(before)
    roll_back(before, tmp_path / "older")
    restored(before)
    assert rows(before)[:-1] == lost
    assert (before / "state" / "replaced-1.sqlite3").exists()
    goes_on(before)


def test_a_log_that_was_left_behind_is_not_played_into_the_new_journal(before):
    """Only the file itself was deleted; SQLite's log of it still lies there, full of pages."""
    reader = sqlite3.connect(before / "state" / "desk.sqlite3")
    reader.execute("BEGIN")
    reader.execute("SELECT count(*) FROM journal").fetchall()
    traded_morning(before)
    lost = rows(before)
    kept = (before / "state" / "desk.sqlite3-wal").read_bytes()
    reader.close()
    delete(before)
    (before / "state" / "desk.sqlite3-wal").write_bytes(kept)
    restored(before)
    assert rows(before)[:-1] == lost
    assert (before / "state" / "replaced-1.sqlite3-wal").read_bytes() == kept
    goes_on(before)


def test_what_an_operator_did_comes_back_from_the_run_records(before):
    run_cycle(before, SESSION, OPEN, through="execute")
    assert typed(before, "resume", "--reason", "a drill").code == 0
    run_cycle(before, SESSION, AFTER_OPEN)
    lost = rows(before)
    delete(before)
    assert restored(before)["rows"]["operator"] == 1
    assert rows(before)[:-1] == lost


def test_a_restored_state_that_is_lost_again_comes_back_again(before):
    traded_morning(before)
    delete(before)
    restored(before)
    first = rows(before)
    delete(before)
    restored(before)
    assert rows(before)[:-1] == first
    goes_on(before)


@pytest.mark.parametrize("number", [1, 2, 4])
@pytest.mark.parametrize(("step", "cycle"), [("execute", OPEN), ("exits", AFTER_OPEN)])
def test_lost_together_with_a_step_that_died(step, cycle, number, before, monkeypatch):
    """Its tape is all there is: whatever it may have sent is looked up under its own name."""
    before_it = {OPEN: "enforce", AFTER_OPEN: "execute"}[cycle]
    if cycle == AFTER_OPEN:
        run_cycle(before, SESSION, OPEN)
    run_cycle(before, SESSION, cycle, through=before_it)
    with monkeypatch.context() as dying:
        dying_at(number, dying)
        with pytest.raises(Death):
            typed(before, step)
    lost = rows(before)
    delete(before)
    value = restored(before)
    assert rows(before)[: len(lost)] == lost
    assert value["lost"] == []
    if cycle == OPEN:
        run_cycle(before, SESSION, AFTER_OPEN, through="execute")
    goes_on(before, unknown=step == "execute" and number > 1)


def test_killed_between_two_names_restore_is_typed_again(before, monkeypatch):
    traded_morning(before)
    lost = rows(before)
    garble(before)
    with monkeypatch.context() as dying:
        dying.setattr(restoring, "sync_directory", lambda path: None)
        dying.setattr(restoring.Path, "rename", _dies)
        with pytest.raises(Death):
            typed(before, "restore")
    restored(before)
    assert rows(before)[: len(lost)] == lost
    goes_on(before)


def _dies(*_):
    raise Death


# ------------------------------------------------------------------------------ what it refuses


def test_a_whole_journal_is_left_alone(before):
    traded_morning(before)
    lost = rows(before)
    outcome = typed(before, "restore")
    assert outcome.code == 2
    assert "the journal is whole" in outcome.err
    assert rows(before) == lost
    assert typed(before, "status", "--json").value["halt"]["entries"] is False


def test_without_any_record_there_is_nothing_to_restore_from(before):
    shutil.rmtree(before / "artifacts")
    shutil.rmtree(before / "state")
    outcome = typed(before, "restore")
    assert outcome.code == 4
    assert "nothing to rebuild it from" in outcome.err
    assert not (before / "state" / "desk.sqlite3").exists()


def test_rows_that_cannot_be_rebuilt_are_named_and_not_invented(before):
    """One tape of the morning is gone: the chain ends there, and the broker's word stands."""
    traded_morning(before)
    lost = rows(before)
    (tape,) = (before / "artifacts" / SESSION / OPEN).glob("execute.tape-1.jsonl")
    tape.unlink()
    delete(before)
    outcome = typed(before, "restore", "--json")
    assert outcome.code == 4
    kept = outcome.value["journal"]["seq"] - 1
    assert rows(before)[:-1] == lost[:kept]
    assert kept < len(lost)
    assert {each["seq"] for each in outcome.value["lost"]} >= {len(lost)}
    assert f"cannot be rebuilt: the rows up to {len(lost)}, of which " in outcome.err
    # What is at the broker and no longer in the book is a break, and nothing is sent blindly.
    said = typed(before, "reconcile")
    assert said.code == 8
    assert typed(before, "status", "--json").value["paused"]["is_set"] is True


# ------------------------------------------------------------------------------ check, backup


def test_check_rebuilds_beside_the_journal_and_changes_nothing(before):
    traded_morning(before)
    lost = rows(before)
    outcome = typed(before, "restore", "--check", "--json")
    assert outcome.code == 0, outcome.err
    assert outcome.value["is_equal"] is True
    assert outcome.value["rows_equal"] == len(lost)
    assert rows(before) == lost
    assert typed(before, "restore", "--check", "--from", before).code == 2


def test_check_says_where_the_journal_differs(before):
    traded_morning(before)
    db = sqlite3.connect(before / "state" / "desk.sqlite3")
    with db:
        db.execute("DROP TRIGGER journal_no_update")
        db.execute("UPDATE journal SET body = replace(body, 'SYN', 'SYM') WHERE seq = 5")
    db.close()
    outcome = typed(before, "restore", "--check")
    assert outcome.code == 4
    assert "the first 4 of " in outcome.out


def test_a_backup_comes_back_and_is_brought_up_to_date(before, tmp_path):
    made = typed(before, "backup", tmp_path / "copy", "--json")
    assert made.code == 0, made.err
    traded_morning(before)
    lost = rows(before)
    shutil.rmtree(before / "state")
    value = restored(before, "--from", tmp_path / "copy")
    assert rows(before)[:-1] == lost
    assert value["rows"]["log"] >= made.value["journal"]["seq"]
    goes_on(before)


def test_a_backup_alone_brings_the_journal_back(before, tmp_path):
    """The transaction logs are gone as well."""
    assert typed(before, "backup", tmp_path / "copy").code == 0
    lost = rows(before)
    delete(before)
    for path in (before / "artifacts").glob("*/transactions.jsonl"):
        path.unlink()
    for path in (before / "artifacts").glob("*/*/*.jsonl"):
        path.unlink()
    assert restored(before, "--from", tmp_path / "copy")["rows"]["copy"] == len(lost)
    assert rows(before)[:-1] == lost


def test_a_backup_is_taken_from_the_log_as_well(before, tmp_path):
    """An open reader keeps SQLite from folding its log into the file."""
    reader = sqlite3.connect(before / "state" / "desk.sqlite3")
    reader.execute("BEGIN")
    reader.execute("SELECT count(*) FROM journal").fetchall()
    traded_morning(before)
    assert (before / "state" / "desk.sqlite3-wal").stat().st_size > 0
    assert typed(before, "backup", tmp_path / "copy").code == 0
    copied = sqlite3.connect(tmp_path / "copy" / "state" / "desk.sqlite3")
    assert copied.execute("SELECT * FROM journal ORDER BY seq").fetchall() == rows(before)
    copied.close()
    reader.close()
    assert not (tmp_path / "copy" / "state" / "desk.sqlite3-wal").exists()


@pytest.mark.parametrize(
    ("name", "error"),
    [
        ("state/desk.sqlite3", "artifact-tampered"),
        ("state/halt.json", "artifact-tampered"),
        ("backup.json", "artifact-corrupt"),
    ],
)
def test_a_damaged_backup_is_refused(before, tmp_path, name, error):
    assert typed(before, "backup", tmp_path / "copy").code == 0
    path = tmp_path / "copy" / name
    path.write_bytes(path.read_bytes()[:-20])
    delete(before)
    outcome = typed(before, "restore", "--from", tmp_path / "copy")
    assert outcome.code in {4, 10}
    assert error in outcome.err or "journal-corrupt" in outcome.err
    assert not (before / "state" / "desk.sqlite3").exists()


def test_a_folder_that_is_no_backup_is_refused(before, tmp_path):
    delete(before)
    outcome = typed(before, "restore", "--from", tmp_path)
    assert outcome.code == 4
    assert "not a whole backup" in outcome.err


def test_a_backup_asks_no_broker(before):
    """Port 9 on loopback: nothing listens there."""
    path = before / "desk.toml"
    path.write_text(path.read_text().replace('url = ""', 'url = "http://127.0.0.1:9"', 1))
    assert typed(before, "backup").code == 0
    assert typed(before, "backup", "--as-of", "2024-11-27T15:00:00Z").code == 0
    assert (before / "backups" / "20241127T150000Z" / "backup.json").is_file()
    assert "/backups/" in (before / ".gitignore").read_text().splitlines()
