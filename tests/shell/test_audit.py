"""`audit verify` finds one flipped byte, wherever it is."""

import datetime as dt
import hashlib
import shutil
import sqlite3
from decimal import Decimal

import pytest

from quantcli.contracts.canonical import canonical_bytes
from quantcli.contracts.envelope import SchemaId
from quantcli.contracts.errors import StateMissing, StorageError
from quantcli.contracts.journal_rows import FlagRow, GenesisRow
from quantcli.contracts.manifest import Damage, Manifest, PreviousSeal, SealedFile
from quantcli.ports.journal import Place
from quantcli.shell.audit import Fault, verify
from quantcli.shell.journal import SqliteJournal
from tests.shell.made_artifacts import made, publish, store

# Thursday, Friday and, with Monday left out, Tuesday.
DAYS = (dt.date(2024, 8, 1), dt.date(2024, 8, 2), dt.date(2024, 8, 6))
GENESIS = GenesisRow(account_id="a", cash=Decimal(10), first_session=DAYS[0])
PAUSED = FlagRow(name="paused", is_set=True, reasons=(), by="operator")


def sha256(data):
    return hashlib.sha256(data).hexdigest()


CONFIG = f"config/{sha256(b'{}' + bytes([10]))}.json"


def sealed(kept, name):
    data = (kept.root / name).read_bytes()
    return SealedFile(path=name, sha256=sha256(data), bytes=len(data))


def seal(kept, journal, session, previous, **changes):
    """Seal a session as it lies there; return the seal and record it as a run does."""
    folder = kept.root / str(session)
    names = sorted(str(p.relative_to(kept.root)) for p in folder.rglob("*") if p.is_file())
    head = journal.head()
    fields = {
        "session": session,
        "previous": previous,
        "gap": (),
        "files": tuple(sealed(kept, name) for name in [*names, CONFIG]),
        "damage": (Damage(path="2024-08-01/x", code="artifact-missing", detail="some words"),),
        "journal_seq": head.seq,
        "journal_sha256": head.sha256,
        **changes,
    }
    data = canonical_bytes(
        Manifest(schema_id=SchemaId(name="manifest", version=1), **fields).as_json()
    )
    path = f"{session}/manifest.json"
    kept.publish_file(path, data)
    kept.records.append(session, {"published": {path: sha256(data)}})
    return PreviousSeal(session=session, sha256=sha256(data))


def without_the_last_seal(kept):
    """Return the store with the newest seal and every record of it taken away."""
    (kept.root / f"{DAYS[2]}/manifest.json").unlink()
    (kept.root.parent / "runs" / f"{DAYS[2]}.jsonl").unlink()
    again = store(kept.root.parent)
    publish(again, made(session=DAYS[2]))
    return again


@pytest.fixture
def path(tmp_path):
    return tmp_path / "state" / "desk.sqlite3"


@pytest.fixture
def journal(path):
    opened = SqliteJournal.create(path)
    yield opened
    opened.close()


@pytest.fixture
def kept(tmp_path, journal):
    """Three sealed sessions."""
    kept = store(tmp_path)
    kept.publish_file(CONFIG, b"{}\n")
    previous = None
    for number, day in enumerate(DAYS):
        journal.append(Place(day, "083000", "x"), [PAUSED if number else GENESIS])
        publish(kept, made(session=day))
        kept.publish_file(f"{day}/083000/execute.tape-1.jsonl", b'{"kind":"head"}\n')
        gap = (dt.date(2024, 8, 5),) if number == 2 else ()
        previous = seal(kept, journal, day, previous, gap=gap)
    return kept


def faults(kept, journal):
    return [(fault.path, fault.code) for fault in verify(kept, journal).faults]


def test_a_whole_desk(kept, journal):
    audit = verify(kept, journal)

    assert audit.faults == ()
    assert (audit.sessions, audit.files) == (3, 9)
    newest = (kept.root / "2024-08-06/manifest.json").read_bytes()
    assert audit.head == PreviousSeal(session=DAYS[2], sha256=sha256(newest))


def test_nothing_is_sealed_yet(tmp_path, journal):
    audit = verify(store(tmp_path), journal)

    assert (audit.sessions, audit.files, audit.head, audit.faults) == (0, 0, None, ())


def test_every_flipped_byte_of_every_sealed_file_is_found(kept, journal):
    """All files of the tree, manifests and the newest of them included; a bit in each byte."""
    files = sorted(item for item in kept.root.rglob("*") if item.is_file())
    assert len(files) == 10
    for file in files:
        whole = file.read_bytes()
        name = str(file.relative_to(kept.root))
        for place in range(0, len(whole), 13):
            data = bytearray(whole)
            data[place] ^= 1
            file.write_bytes(bytes(data))
            assert name in [fault.path for fault in verify(kept, journal).faults], place
        file.write_bytes(whole)
    assert faults(kept, journal) == []


def test_a_file_that_went_or_came_is_named(kept, journal):
    (kept.root / "2024-08-02/083000/execute.json").unlink()
    (kept.root / "2024-08-01/083000/late.txt").write_bytes(b"")

    assert faults(kept, journal) == [
        ("2024-08-01/083000/late.txt", "artifact-added"),
        ("2024-08-02/083000/execute.json", "artifact-missing"),
    ]


def test_a_file_that_is_a_folder_now_is_missing(kept, journal):
    (kept.root / "2024-08-02/083000/execute.json").unlink()
    (kept.root / "2024-08-02/083000/execute.json").mkdir()

    assert faults(kept, journal) == [("2024-08-02/083000/execute.json", "artifact-missing")]


@pytest.mark.parametrize("day", DAYS)
def test_a_seal_that_went_is_missed(kept, journal, day):
    (kept.root / f"{day}/manifest.json").unlink()

    assert (f"{day}/manifest.json", "artifact-missing") in faults(kept, journal)


def test_the_newest_session_that_went_is_missed(kept, journal):
    """No later seal names it: the run records do."""
    for file in [*(kept.root / "2024-08-06").rglob("*")][::-1]:
        file.rmdir() if file.is_dir() else file.unlink()
    (kept.root / "2024-08-06").rmdir()

    assert ("2024-08-06/manifest.json", "artifact-missing") in faults(kept, journal)


def test_a_session_that_went_breaks_the_chain(kept, journal):
    """Folder and run records gone: the next seal still names it."""
    for file in [*(kept.root / "2024-08-02").rglob("*")][::-1]:
        file.rmdir() if file.is_dir() else file.unlink()
    (kept.root / "2024-08-02").rmdir()
    (kept.root.parent / "runs" / "2024-08-02.jsonl").unlink()

    assert ("2024-08-06/manifest.json", "chain-broken") in faults(kept, journal)


def remove(kept, day, *, with_records):
    shutil.rmtree(kept.root / str(day))
    if with_records:
        (kept.root.parent / "runs" / f"{day}.jsonl").unlink()


@pytest.fixture
def traded(kept, journal):
    """The three sessions, each with a row of a step of the chain behind it."""
    for day in DAYS:
        journal.append(Place(day, "083000", "reconcile"), [PAUSED])
    return kept


def test_the_newest_session_that_went_with_its_records_is_known_to_the_journal(traded, journal):
    assert faults(traded, journal) == []
    remove(traded, DAYS[2], with_records=True)

    assert faults(traded, journal) == [("2024-08-06", "artifact-missing")]


def test_every_session_that_went_with_its_records_is_known_to_the_journal(traded, journal):
    shutil.rmtree(traded.root)
    shutil.rmtree(traded.root.parent / "runs")

    assert faults(traded, journal) == [(str(day), "artifact-missing") for day in DAYS]


def test_a_folder_left_empty_hides_nothing(traded, journal):
    remove(traded, DAYS[2], with_records=True)
    (traded.root / str(DAYS[2]) / "083000").mkdir(parents=True)

    assert faults(traded, journal) == [("2024-08-06", "artifact-missing")]


def test_an_attempt_that_died_left_its_tape(traded, journal):
    """A session under way: rows, no artifact yet, no run record."""
    day = dt.date(2024, 8, 7)
    traded.publish_file(f"{day}/083000/reconcile.tape-1.jsonl", b'{"kind":"head"}\n')
    journal.append(Place(day, "083000", "reconcile"), [PAUSED])

    assert faults(traded, journal) == []


def test_an_operators_act_leaves_no_folder(traded, journal):
    for step in ("resume", "adopt"):
        journal.append(Place(dt.date(2024, 8, 7), "120000", step), [PAUSED])

    assert faults(traded, journal) == []


def test_a_session_copied_over_another_is_foreign(kept, journal):
    data = (kept.root / "2024-08-01/manifest.json").read_bytes()
    (kept.root / "2024-08-02/manifest.json").write_bytes(data)

    assert ("2024-08-02/manifest.json", "artifact-foreign") in faults(kept, journal)


def test_a_chain_made_again_without_its_records_is_seen_by_its_head(kept, journal):
    """What nobody can detect from inside: that is why the head is printed to be kept elsewhere."""
    before = verify(kept, journal).head
    file = kept.root / "2024-08-06/083000/execute.tape-1.jsonl"
    file.write_bytes(b'{"kind":"lies"}\n')
    kept = without_the_last_seal(kept)
    second = (kept.root / "2024-08-02/manifest.json").read_bytes()
    previous = PreviousSeal(session=DAYS[1], sha256=sha256(second))
    seal(kept, journal, DAYS[2], previous, gap=(dt.date(2024, 8, 5),))

    audit = verify(kept, journal)
    assert audit.faults == ()
    assert audit.head != before


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"gap": ()}, "chain-broken"),
        ({"previous": None}, "chain-broken"),
        ({"journal_sha256": "e" * 64}, "journal-corrupt"),
        ({"journal_seq": 2}, "journal-corrupt"),
        ({"journal_seq": 99}, "journal-corrupt"),
    ],
)
def test_a_seal_that_says_something_else(kept, journal, changes, code):
    kept = without_the_last_seal(kept)
    second = (kept.root / "2024-08-02/manifest.json").read_bytes()
    previous = PreviousSeal(session=DAYS[1], sha256=sha256(second))
    usual = {"gap": (dt.date(2024, 8, 5),), "previous": previous}
    seal(kept, journal, DAYS[2], **{**usual, **changes})

    assert faults(kept, journal) == [("2024-08-06/manifest.json", code)]


def test_an_edited_journal_row_is_found(kept, journal, path):
    db = sqlite3.connect(path)
    db.execute("DROP TRIGGER journal_no_update")
    db.execute("UPDATE journal SET body = replace(body, 'operator', 'operatoR') WHERE seq = 2")
    db.commit()
    db.close()

    assert faults(kept, journal) == [("state/desk.sqlite3", "journal-corrupt")]


def test_an_edited_table_is_found(kept, journal, path):
    db = sqlite3.connect(path)
    db.execute("UPDATE facts SET value = '1000000.00'")
    db.commit()
    db.close()

    assert faults(kept, journal) == [("state/desk.sqlite3", "journal-corrupt")]


def test_another_desks_journal_is_found(kept, tmp_path):
    other = SqliteJournal.in_memory()
    richer = GenesisRow(account_id="a", cash=Decimal(11), first_session=DAYS[0])
    other.append(Place(DAYS[0], "083000", "x"), [richer])
    found = faults(kept, other)
    other.close()

    assert found == [(f"{day}/manifest.json", "journal-corrupt") for day in DAYS]


def test_an_empty_journal_is_not_the_one_that_was_sealed(kept):
    fresh = SqliteJournal.in_memory()
    found = faults(kept, fresh)
    fresh.close()

    assert found == [(f"{day}/manifest.json", "journal-corrupt") for day in DAYS]


def test_a_journal_that_is_gone_is_a_fault_of_its_own(kept):
    gone = StateMissing("the journal is gone")

    assert faults(kept, gone) == [("state/desk.sqlite3", "state-missing")]


def test_a_journal_that_cannot_be_opened_is_told_as_what_it_is(kept):
    closed = StorageError("the journal cannot be read: unable to open database file")

    assert verify(kept, closed).faults == (
        Fault("state/desk.sqlite3", "storage-failed", closed.message),
    )


def test_edited_and_absent_run_records_are_found(kept, journal):
    runs = kept.root.parent / "runs"
    edited = runs / "2024-08-01.jsonl"
    edited.write_bytes(edited.read_bytes().replace(b'"published"', b'"publisheD"', 1))
    (runs / "2024-08-02.jsonl").unlink()

    assert faults(kept, journal) == [
        ("state/runs/2024-08-01.jsonl", "storage-failed"),
        ("state/runs/2024-08-02.jsonl", "artifact-missing"),
    ]


# ------------------------------------------------------------------ the transaction log

LOG = "2024-08-01/transactions.jsonl"


def with_log(tmp_path, journal, data=None):
    """Return one sealed session whose transaction log holds these bytes, its own by default."""
    kept = store(tmp_path)
    kept.publish_file(CONFIG, b"{}\n")
    rows = [GENESIS, PAUSED, PAUSED]
    journal.append(Place(DAYS[0], "083000", "x"), rows)
    publish(kept, made(session=DAYS[0]))
    kept.publish_file(LOG, journal.transactions(DAYS[0]) if data is None else data(journal))
    seal(kept, journal, DAYS[0], None)
    return kept


def test_a_log_that_is_the_journal_s(tmp_path, journal):
    assert faults(with_log(tmp_path, journal), journal) == []


@pytest.mark.parametrize(
    "spoil",
    [
        lambda lines: lines[:2],
        lambda lines: [lines[0], lines[2]],
        lambda lines: [*lines, lines[2]],
        lambda lines: [lines[0], lines[2], lines[1]],
        lambda lines: [lines[0], lines[1].replace(b'"operator"', b'"reconcile"'), lines[2]],
        lambda lines: [lines[0].replace(b"2024-08-01", b"2024-08-02", 1), *lines[1:]],
        lambda lines: [b"{", *lines[1:]],
        lambda _: [],
    ],
    ids=["short", "gap", "twice", "swapped", "changed", "foreign", "no-json", "empty"],
)
def test_a_log_that_was_sealed_wrong_is_found(tmp_path, journal, spoil):
    """Its digest is what was sealed; its rows are not the session's."""

    def spoilt(of):
        lines = of.transactions(DAYS[0]).splitlines()
        return b"".join(line + b"\n" for line in spoil(lines))

    assert faults(with_log(tmp_path, journal, spoilt), journal) == [(LOG, "journal-corrupt")]


def test_without_a_journal_the_log_still_has_its_chain(tmp_path, journal):
    def changed(of):
        return of.transactions(DAYS[0]).replace(b'"operator"', b'"reconcile"', 1)

    gone = StateMissing("gone", value="x")
    found = faults(with_log(tmp_path, journal, changed), gone)
    assert found == [("state/desk.sqlite3", "state-missing"), (LOG, "journal-corrupt")]
