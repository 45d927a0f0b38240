"""`halt` needs nothing but its file; `resume` needs a reason and leaves a trace."""

import datetime as dt

import pytest

from quantcli.contracts.journal_rows import FlagRow, GenesisRow
from quantcli.ports.halts import HaltReading
from quantcli.ports.journal import Place
from quantcli.shell.halt_file import HaltFile
from quantcli.shell.journal import SqliteJournal
from quantcli.shell.lock import FileLock
from tests.cli.typing import say

DAY = dt.date(2024, 11, 26)
AS_OF = "2024-11-26T15:00:00Z"
PAUSED = FlagRow(name="paused", is_set=True, reasons=("cash-difference",), by="reconcile")


def halt(desk):
    return HaltFile(desk / "state" / "halt.json").read()


def journal(desk):
    return SqliteJournal.open(desk / "state" / "desk.sqlite3")


def pause(desk):
    opened = journal(desk)
    opened.append(Place(DAY, "083000", "reconcile"), [PAUSED])
    opened.close()


def rows(desk):
    opened = journal(desk)
    found = opened.rows()
    opened.close()
    return found


def test_entries_or_everything(desk):
    said = say("halt", "-C", desk, "--entries", "--reason", " looks odd ")

    assert said == (0, "halted: entries; exits go on\n", "")
    assert halt(desk) == HaltReading(entries=True, all=False, reason="looks odd")
    said = say("halt", "-C", desk, "--all", "--reason", "fire", "--json")
    assert said.value == {"halted": "everything", "reason": "fire"}
    assert halt(desk) == HaltReading(entries=True, all=True, reason="fire")


def test_a_halt_of_everything_is_not_narrowed(desk):
    say("halt", "-C", desk, "--all", "--reason", "fire")
    said = say("halt", "-C", desk, "--entries", "--reason", "calm")

    assert said.out.startswith("halted: everything; no stop will be placed or raised")
    assert halt(desk).all


@pytest.mark.parametrize(
    "words",
    [(), ("--reason", "x"), ("--entries",), ("--all", "--reason", "  "),
     ("--entries", "--all", "--reason", "x")],
)  # fmt: skip
def test_half_a_halt_is_a_mistake_and_changes_nothing(desk, words):
    assert say("halt", "-C", desk, *words).code == 2
    assert halt(desk) == HaltReading(entries=False, all=False, reason="")


@pytest.mark.parametrize("gone", ["state/desk.sqlite3", "state/halt.json", "exchange/keys.json"])
def test_a_halt_needs_nothing_but_the_folder(desk, gone):
    (desk / gone).unlink()

    assert say("halt", "-C", desk, "--entries", "--reason", "x").code == 0
    assert halt(desk).entries


def test_a_halt_needs_no_valid_configuration(desk):
    (desk / "desk.toml").write_text("nonsense")

    assert say("halt", "-C", desk, "--all", "--reason", "x").code == 0
    assert halt(desk).all


def test_a_halt_does_not_wait_for_the_lock(desk):
    with FileLock(desk / "state" / "lock").hold():
        assert say("halt", "-C", desk, "--entries", "--reason", "x").code == 0


def test_a_damaged_record_is_replaced_by_a_halt(desk):
    (desk / "state" / "halt.json").write_bytes(b"\xff")
    say("halt", "-C", desk, "--entries", "--reason", "x")

    assert halt(desk) == HaltReading(entries=True, all=False, reason="x")


# ------------------------------------------------------------------------------ dry run


def tree(folder):
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def in_mode_dry_run(desk):
    text = (desk / "desk.toml").read_text()
    assert text.count('mode = "local"') == 1
    (desk / "desk.toml").write_text(text.replace('mode = "local"', 'mode = "dry-run"'))


@pytest.mark.parametrize("by_mode", [False, True])
def test_a_dry_run_is_halted_and_resumed_apart_from_the_desk(desk, by_mode):
    """A halt holds what the same command line would run: a dry run's own steps, and no other."""
    if by_mode:
        in_mode_dry_run(desk)
    words = () if by_mode else ("--dry-run",)
    before = tree(desk)
    said = say("halt", "-C", desk, "--entries", "--reason", "rehearsal", *words)

    assert said == (0, "DRY RUN halted: entries; exits go on\n", "")
    shadow = desk / "dry-run"
    assert halt(shadow) == HaltReading(entries=True, all=False, reason="rehearsal")
    # The first dry run makes the rest of the shadow desk around it.
    assert say("scan", "-C", desk, "--as-of", AS_OF, *words).code == 4
    assert halt(shadow).entries
    assert say("status", "-C", desk, *words, "--json").value["may_enter"] is False

    said = say("resume", "-C", desk, "--reason", "seen", "--as-of", AS_OF, *words)
    assert said == (0, "DRY RUN ended: halt\n", "")
    assert halt(shadow) == HaltReading(entries=False, all=False, reason="")
    after = {path: data for path, data in tree(desk).items() if shadow not in path.parents}
    assert after == before


@pytest.mark.parametrize("words", [("resume", "--reason", "x", "--as-of", AS_OF), ("status",)])
def test_before_the_first_dry_run_nobody_is_sent_to_a_backup(desk, words):
    said = say(*words, "-C", desk, "--dry-run")

    assert said.code == 10
    assert "there is no dry run yet" in said.out + said.err
    assert "quantcli day --dry-run begins one" in said.out + said.err


# ------------------------------------------------------------------------------ resume


def test_resuming_ends_both_and_is_journaled(desk):
    pause(desk)
    say("halt", "-C", desk, "--all", "--reason", "fire")
    said = say("resume", "-C", desk, "--reason", "put out", "--as-of", AS_OF)

    assert said == (0, "ended: PAUSED, halt\n", "")
    assert halt(desk) == HaltReading(entries=False, all=False, reason="")
    *_, last = rows(desk)
    assert last.place == Place(DAY, "100000", "resume")
    assert last.row == FlagRow(name="paused", is_set=False, reasons=("put out",), by="operator")


def test_nothing_to_end_is_said_and_journaled_all_the_same(desk):
    said = say("resume", "-C", desk, "--reason", "sure", "--as-of", AS_OF, "--json")

    assert said.value == {"ended": [], "reason": "sure"}
    assert len(rows(desk)) == 1


def test_a_desk_resumed_before_it_began_can_begin(desk):
    say("halt", "-C", desk, "--entries", "--reason", "x")
    say("resume", "-C", desk, "--reason", "y", "--as-of", AS_OF)
    opened = journal(desk)
    genesis = GenesisRow(account_id="a", cash=1, first_session=DAY)
    opened.append(Place(DAY, "082500", "snapshot"), [genesis])

    assert opened.genesis() == genesis
    opened.close()


@pytest.mark.parametrize("words", [(), ("--reason", ""), ("--reason", " ")])
def test_resuming_needs_a_reason(desk, words):
    say("halt", "-C", desk, "--entries", "--reason", "x")

    assert say("resume", "-C", desk, *words, "--as-of", AS_OF).code == 2
    assert halt(desk).entries


def test_without_a_journal_nothing_is_resumed(desk):
    say("halt", "-C", desk, "--entries", "--reason", "x")
    (desk / "state" / "desk.sqlite3").unlink()
    said = say("resume", "-C", desk, "--reason", "x", "--as-of", AS_OF)

    assert said.code == 10
    assert said.err.startswith("state-missing: ")
    assert halt(desk).entries


@pytest.mark.parametrize(
    ("at", "is_sealed", "session", "cycle"),
    [
        ("2024-11-26T15:00:00Z", False, "2024-11-26", "100000"),
        ("2024-11-26T23:00:00Z", True, "2024-11-27", "180000"),
        ("2024-11-30T15:00:00Z", False, "2024-12-02", "100000"),
        ("2024-11-28T15:00:00Z", False, "2024-11-29", "100000"),
    ],
)
def test_it_belongs_to_the_session_that_learns_of_it(desk, at, is_sealed, session, cycle):
    if is_sealed:
        (desk / "artifacts" / "2024-11-26").mkdir(parents=True)
        (desk / "artifacts" / "2024-11-26" / "manifest.json").write_bytes(b"{}\n")
    say("resume", "-C", desk, "--reason", "x", "--as-of", at)

    assert rows(desk)[-1].place[:2] == (dt.date.fromisoformat(session), cycle)
