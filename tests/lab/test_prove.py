"""Proof finds every changed row and byte, names it, and contacts nobody."""

import sqlite3

import orjson
import pytest

from quantcli.contracts.envelope import CodeId, InputRef
from quantcli.contracts.errors import ArtifactConflict, ArtifactMissing
from quantcli.contracts.execution import Execute
from quantcli.contracts.journal_rows import FlagRow
from quantcli.contracts.report import Report
from quantcli.contracts.scan import Scan
from quantcli.lab.pinned_store import PinnedStore
from quantcli.lab.prove import prove
from quantcli.lab.replay import replay
from quantcli.ports.artifact_store import Located
from quantcli.ports.journal import Place
from quantcli.steps.desk import ABSENT
from tests.lab.conftest import CODE, opened


@pytest.fixture(scope="session")
def days(empty):
    from quantcli.core.sessions import sessions_between

    return sessions_between(empty[1], empty[2])


def proofs(root, sessions, code=CODE):
    with opened(root, read_only=True) as archive:
        return list(prove(archive, tuple(sessions), code))


def findings(root, sessions):
    found = [
        f"{item.path}{item.pointer}" for each in proofs(root, sessions) for item in each.findings
    ]
    return sorted(set(found))


def files(root, session, pattern):
    return sorted((root / "artifacts" / str(session)).glob(pattern))


def rewrite(path, old, new):
    data = path.read_bytes()
    assert old in data, path
    path.write_bytes(data.replace(old, new, 1))


def tamper(root, *statements):
    db = sqlite3.connect(root / "state" / "desk.sqlite3")
    db.execute("DROP TRIGGER journal_no_update")
    for statement in statements:
        db.execute(statement)
    db.commit()
    db.close()


def test_untouched_days_hold(traded, days):
    found = proofs(traded, days)

    assert [each.session for each in found] == list(days)
    assert all(each.holds for each in found)
    assert all(each.other_code == () for each in found)
    count = len(list((traded / "artifacts").rglob("*.json"))) - len(days) - 1
    assert sum(each.artifacts for each in found) == count


def test_one_day_alone(traded, days):
    (found,) = proofs(traded, days[2:3])

    assert found.holds
    assert found.artifacts == 11


def test_a_desk_is_proven_without_its_exchange_and_its_halt_record(desk, days):
    (desk / "exchange" / "book.sqlite3").unlink()
    (desk / "exchange" / "keys.json").unlink()
    (desk / "state" / "halt.json").unlink()

    assert findings(desk, days) == []


def test_another_program_is_named_and_is_no_difference(traded, days):
    (found,) = proofs(traded, days[:1], CodeId(version="9", digest="e" * 64))

    assert found.holds
    assert found.other_code == (f"0 {'c' * 12}",)


# ------------------------------------------------------------------------------ changed bytes


@pytest.mark.parametrize("step", ["scan", "decide", "enforce", "execute", "exits", "snapshot"])
def test_a_changed_artifact_is_named(desk, days, step):
    path = files(desk, days[1], f"*/{step}.json")[-1]
    value = orjson.loads(path.read_bytes())
    value["codes"] = ["gate-raised"]
    path.write_bytes(orjson.dumps(value, option=orjson.OPT_SORT_KEYS | orjson.OPT_APPEND_NEWLINE))
    name = str(path.relative_to(desk / "artifacts"))

    assert any(each.startswith(name) for each in findings(desk, days[1:2]))


def test_every_kind_of_file_that_a_day_was_made_from_is_held_to_its_digest(desk, days):
    """A change that makes no difference to any decision is a change all the same."""
    tape = files(desk, days[1], "083000/enforce.tape-1.jsonl")[0]
    rewrite(tape, b'\\"account_number\\":\\"', b'\\"account_number\\":\\"X')
    found = findings(desk, days[1:2])

    name = str(tape.relative_to(desk / "artifacts"))
    assert f"{days[1]}/083000/enforce.json input {name}" in found


def test_a_changed_answer_changes_what_is_derived(desk, days):
    tape = files(desk, days[1], "160500/reconcile.tape-1.jsonl")[0]
    rewrite(tape, b'\\"cash\\":\\"', b'\\"cash\\":\\"1')

    assert any("reconcile.json/" in each for each in findings(desk, days[1:2]))


def test_a_changed_config_is_found(desk, days):
    (path,) = (desk / "artifacts" / "config").iterdir()
    rewrite(path, b'"positions_max":10', b'"positions_max":1')
    found = findings(desk, days[:2])

    assert any(f"input config/{path.name}" in each for each in found)


def test_a_config_that_is_gone_or_nonsense_is_a_finding_and_no_crash(desk, days):
    (path,) = (desk / "artifacts" / "config").iterdir()
    path.write_bytes(b"{}\n")
    assert len(findings(desk, days[1:2])) > 10
    path.unlink()
    assert len(findings(desk, days[1:2])) > 10


def test_a_tape_that_is_nonsense_is_a_finding_and_no_crash(desk, days):
    tape = files(desk, days[1], "083000/execute.tape-1.jsonl")[0]
    tape.write_bytes(b"nonsense\n")

    assert f"{days[1]}/083000/execute.json" in findings(desk, days[1:2])


@pytest.mark.parametrize("name", ["report.md", "report.html"])
@pytest.mark.parametrize("change", ["edited", "gone"])
def test_a_changed_page_is_found(desk, days, name, change):
    (path,) = files(desk, days[1], f"160500/{name}")
    if change == "gone":
        path.unlink()
    else:
        path.write_bytes(path.read_bytes() + b"\n")

    assert findings(desk, days[1:2]) == [f"{days[1]}/160500/{name}"]


def test_a_missing_artifact_is_a_finding(desk, days):
    files(desk, days[1], "*/scan.json")[0].unlink()

    assert f"{days[1]}/083000/scan.json" in findings(desk, days[1:2])


# ------------------------------------------------------------------------------ changed rows


def test_a_changed_row_is_found(desk, days):
    tamper(
        desk,
        'UPDATE journal SET body = replace(body, \'"code":null\', \'"code":"sent"\')'
        f" WHERE session = '{days[1]}' AND kind = 'order' AND body LIKE '%\"code\":null%'",
    )

    assert findings(desk, days[1:2]) != []


def test_a_row_that_nobody_wrote_is_found(desk, days):
    with opened(desk) as workspace:
        row = FlagRow(name="paused", is_set=False, reasons=(), by="reconcile")
        workspace.journal.append(Place(days[3], "160500", "reconcile"), [row])

    assert findings(desk, days[3:]) == [f"journal/{days[3]}/160500/reconcile"]


def test_a_row_of_an_operator_is_nobodys_to_derive(desk, days):
    with opened(desk) as workspace:
        row = FlagRow(name="paused", is_set=False, reasons=("ok",), by="operator")
        workspace.journal.append(Place(days[3], "180000", "resume"), [row])

    assert findings(desk, days[3:]) == []


def test_a_desk_that_was_paused_before_it_began_is_proven(fresh, days):
    with opened(fresh) as stage:
        row = FlagRow(name="paused", is_set=True, reasons=("ok",), by="operator")
        stage.journal.append(Place(days[0], "080000", "resume"), [row])
        replay(stage, days[0], days[0], lambda result: None)

    assert findings(fresh, days[:1]) == []


# ------------------------------------------------------------------------------ the pinned store


@pytest.fixture
def pinned(traded, days):
    """The store that the second day's report saw, and the report."""
    with opened(traded, read_only=True) as archive:
        located = Located(days[1], "160500", "report", f"{days[1]}/160500/report.json")
        artifact, _ = archive.store.load(located, Report)
        yield PinnedStore(archive.store, artifact), artifact


def test_only_listed_inputs_are_there(pinned, days):
    store, report = pinned
    listed = {ref.name for ref in report.inputs}

    assert {item.path for item in store.list(days[1])} <= listed
    assert store.find(days[1], "scan", not_after="235959").cycle == "083000"
    assert store.find(days[1], "scan", not_after="082959") is None
    assert store.find(days[2], "scan", not_after="235959") is None
    assert store.list(days[3]) == ()
    assert store.sessions() == tuple(days[:2])
    assert store.is_sealed(days[0])
    assert not store.is_sealed(days[1])
    assert store.last_seal(days[1]).session == days[0]
    assert store.last_seal(days[0]) is None
    assert store.seal_published(days[0]) is None


def noted(archive, report, name, sha256):
    """Return the store of a report that found one input as told, in addition to the others."""
    refs = [ref for ref in report.inputs if ref.name != name]
    refs.append(InputRef(name=name, sha256=sha256))
    return PinnedStore(archive.store, report.model_copy(update={"inputs": tuple(refs)}))


def test_a_seal_is_as_it_was_found_then(traded, pinned, days):
    """Recorded whole, gone or other bytes: what stands there today has no say in the first two."""
    store, report = pinned
    name = f"{days[0]}/manifest.json"
    assert store.previous_seal(days[1]).sha256 == report.previous_seal
    assert store.previous_seal(days[0]) is None
    assert store.seal_damage(days[0]) is None
    with opened(traded, read_only=True) as archive:
        gone = noted(archive, report, name, ABSENT)
        assert gone.last_seal(days[1]) is None
        assert gone.previous_seal(days[1]).sha256 == report.previous_seal
        assert gone.seal_damage(days[0]).code == "artifact-missing"
        other = noted(archive, report, name, "e" * 64)
        assert other.last_seal(days[1]).sha256 == "e" * 64
        assert other.previous_seal(days[1]).sha256 == report.previous_seal


def test_a_damaged_seal_is_proven_over_while_it_is_there(desk, days):
    with opened(desk, read_only=True) as archive:
        located = Located(days[1], "160500", "report", f"{days[1]}/160500/report.json")
        report, _ = archive.store.load(located, Report)
        name = f"{days[0]}/manifest.json"
        (archive.store.root / name).write_bytes(b"")
        assert noted(archive, report, name, "e" * 64).seal_damage(days[0]).code == (
            "artifact-corrupt"
        )
        # The report of then read it whole.
        assert PinnedStore(archive.store, report).seal_damage(days[0]) is None


def test_a_config_is_as_it_was_found_then(traded, pinned):
    store, report = pinned
    sha256 = report.config_sha256
    assert store.config_digest(sha256) == sha256
    assert store.config_digest("e" * 64) == "e" * 64
    with opened(traded, read_only=True) as archive:
        name = f"config/{sha256}.json"
        assert noted(archive, report, name, "e" * 64).config_digest(sha256) == "e" * 64
        assert noted(archive, report, name, ABSENT).config_digest(sha256) is None


def test_what_is_not_listed_is_not_opened(pinned, days):
    store, _ = pinned
    with pytest.raises(ArtifactMissing):
        store.load(Located(days[2], "083000", "scan", f"{days[2]}/083000/scan.json"), Scan)


def test_what_was_absent_stays_absent(traded, days):
    """Restored since, it must not take part in deriving the day on which it was gone."""
    with opened(traded, read_only=True) as archive:
        located = Located(days[1], "093500", "execute", f"{days[1]}/093500/execute.json")
        artifact, _ = archive.store.load(located, Execute)
        name = f"{days[1]}/083000/enforce.json"
        refs = [
            ref.model_copy(update={"sha256": ABSENT if ref.name == name else ref.sha256})
            for ref in artifact.inputs
        ]
        store = PinnedStore(archive.store, artifact.model_copy(update={"inputs": tuple(refs)}))
        found = store.find(days[1], "enforce", not_after="235959")

        assert found.path == name
        with pytest.raises(ArtifactMissing):
            store.load(found, Scan)


def test_a_proof_writes_nothing(pinned):
    store, report = pinned
    assert store.published(None, Report) is None
    with pytest.raises(ArtifactConflict):
        store.publish(report)
    with pytest.raises(ArtifactConflict):
        store.publish_file("x", b"")
    assert store.files(report.session) == store.configs(report.session) == ()


def test_proving_changes_nothing(desk, days):
    def tree():
        return {
            path: (path.read_bytes(), path.stat().st_mtime_ns)
            for path in desk.rglob("*")
            if path.is_file() and not path.name.endswith(("-wal", "-shm"))
        }

    before = tree()
    findings(desk, days)
    assert tree() == before
