"""The store: published once, doubted on every read, and what vanished is remembered."""

import datetime as dt
import hashlib

import pytest

from quantcli.contracts.errors import (
    ArtifactConflict,
    ArtifactCorrupt,
    ArtifactForeign,
    ArtifactMissing,
    ArtifactTampered,
    SchemaUnknown,
    StorageError,
)
from quantcli.contracts.execution import Execute, Exits
from quantcli.contracts.manifest import PreviousSeal
from quantcli.ports.artifact_store import Located
from tests.shell.made_artifacts import DAY, made, publish, stamp, store

NEXT = dt.date(2024, 8, 2)


@pytest.fixture
def kept(tmp_path):
    return store(tmp_path)


def located(step="execute", cycle="083000", session=DAY):
    return Located(session, cycle, step, f"{session}/{cycle}/{step}.json")


def file(kept, **place):
    return kept.root / located(**place).path


# ------------------------------------------------------------------------------ publishing


def test_published_and_read_back(kept):
    artifact = made(codes=("paused",), exit_code=8)
    ref = publish(kept, artifact)

    assert ref.name == "2024-08-01/083000/execute.json"
    assert ref.sha256 == hashlib.sha256(artifact.to_bytes()).hexdigest()
    assert file(kept).read_bytes() == artifact.to_bytes()
    assert kept.load(located(), Execute) == (artifact, ref)
    assert kept.published(stamp(), Execute) == artifact


def test_not_published_yet(kept):
    assert kept.published(stamp(), Execute) is None
    assert kept.find(DAY, "execute", not_after="235959") is None
    assert kept.list(DAY) == ()
    assert kept.sessions() == ()
    assert kept.files(DAY) == ()


def test_other_bytes_are_refused(kept):
    publish(kept, made())

    with pytest.raises(ArtifactConflict):
        kept.publish(made(codes=("halted",)))


def test_what_vanished_may_come_back_as_it_was_and_in_no_other_form(kept):
    publish(kept, made())
    file(kept).unlink()

    with pytest.raises(ArtifactConflict, match="gone or changed"):
        kept.publish(made(codes=("halted",)))
    assert not file(kept).exists()
    kept.publish(made())
    assert kept.load(located(), Execute)[0] == made()


# ------------------------------------------------------------------------------ finding


def test_the_newest_that_is_not_later(kept):
    for cycle in ("083000", "093500", "160500"):
        publish(kept, made("exits", cycle))
    publish(kept, made("execute", "093500"))

    assert kept.find(DAY, "exits", not_after="235959").cycle == "160500"
    assert kept.find(DAY, "exits", not_after="160459").cycle == "093500"
    assert kept.find(DAY, "exits", not_after="083000").cycle == "083000"
    assert kept.find(DAY, "exits", not_after="082959") is None
    assert kept.find(NEXT, "exits", not_after="235959") is None
    assert [(item.cycle, item.step) for item in kept.list(DAY)] == [
        ("083000", "exits"), ("093500", "execute"), ("093500", "exits"), ("160500", "exits"),
    ]  # fmt: skip


def test_files_that_are_no_artifacts_are_not_listed(kept):
    publish(kept, made())
    folder = file(kept).parent
    for name in ("notes.json", "execute.tape-1.jsonl", ".exits.json.7.part", "unsealed.json"):
        (folder / name).write_bytes(b"{}")
    (folder.parent / "exits.json").write_bytes(b"{}")
    (folder / "deeper").mkdir()
    (folder / "deeper" / "exits.json").write_bytes(b"{}")

    assert [item.path for item in kept.list(DAY)] == [located().path]


def test_sessions_are_folders_named_by_a_date(kept):
    publish(kept, made(session=NEXT))
    publish(kept, made())
    for name in ("config", "2024-08-01.bak", "20240803", "2024-W31-4", "2024-13-01", "1"):
        (kept.root / name).mkdir()
    (kept.root / "2024-08-05").write_bytes(b"")

    assert kept.sessions() == (DAY, NEXT)


# ------------------------------------------------------------------------------ doubt


DAMAGES = {
    "cut short": (lambda data: data[:-20], ArtifactCorrupt),
    "empty": (lambda data: b"", ArtifactCorrupt),
    "no newline": (lambda data: data[:-1], ArtifactCorrupt),
    "a blank": (lambda data: data.replace(b",", b", ", 1), ArtifactCorrupt),
    "a key twice": (lambda data: data.replace(b"{", b'{"as_of":"",', 1), ArtifactCorrupt),
    "an unknown field": (
        lambda data: data.replace(b',"schema"', b',"note":1,"schema"'), ArtifactCorrupt,
    ),
    "a field missing": (lambda data: data.replace(b'"codes":[],', b""), ArtifactCorrupt),
    "an exit code of 11": (
        lambda data: data.replace(b'"exit_code":0', b'"exit_code":11'), ArtifactCorrupt,
    ),
    "a number as a fraction": (
        lambda data: data.replace(b'"exit_code":0', b'"exit_code":0.0'), ArtifactCorrupt,
    ),
    "an instant in another zone": (
        lambda data: data.replace(b"12:30:00Z", b"12:30:00+00:00"), ArtifactCorrupt,
    ),
    "a list": (lambda data: b"[]\n", ArtifactCorrupt),
    "another session's": (
        lambda data: made(session=NEXT).to_bytes(), ArtifactForeign,
    ),
    "another cycle's": (lambda data: made(cycle="083001").to_bytes(), ArtifactForeign),
    "another step's": (lambda data: made("exits").to_bytes(), SchemaUnknown),
    "a later version": (
        lambda data: data.replace(b'"version":1}', b'"version":2}'), SchemaUnknown,
    ),
    "no schema": (lambda data: b'{"session":"2024-08-01"}\n', ArtifactCorrupt),
    "a word changed": (lambda data: data.replace(b"c" * 64, b"e" * 64), ArtifactTampered),
    "a reason added": (
        lambda data: data.replace(b'"codes":[]', b'"codes":["halted"]'), ArtifactTampered,
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", DAMAGES)
def test_damage_has_its_name(kept, case):
    spoil, error = DAMAGES[case]
    publish(kept, made())
    data = spoil(file(kept).read_bytes())
    assert data != made().to_bytes()
    file(kept).write_bytes(data)

    with pytest.raises(error) as caught:
        kept.load(located(), Execute)

    assert caught.value.exit_code == 4
    assert caught.value.found_sha256 == hashlib.sha256(data).hexdigest()
    assert located().path in caught.value.line()
    with pytest.raises(error):
        kept.published(stamp(), Execute)
    (damage,) = kept.damage(DAY)
    assert (damage.path, damage.code) == (located().path, error.code)


def test_every_flipped_byte_is_seen(kept):
    publish(kept, made())
    whole = made().to_bytes()
    for place in range(len(whole)):
        data = bytearray(whole)
        data[place] ^= 1
        file(kept).write_bytes(bytes(data))
        with pytest.raises((ArtifactCorrupt, ArtifactForeign, ArtifactTampered, SchemaUnknown)):
            kept.load(located(), Execute)


def test_an_artifact_that_vanished_is_remembered(kept):
    publish(kept, made())
    publish(kept, made("exits"))
    file(kept).unlink()

    assert kept.find(DAY, "execute", not_after="235959") == located()
    with pytest.raises(ArtifactMissing, match="was published and is gone") as caught:
        kept.load(located(), Execute)
    assert caught.value.found_sha256 is None
    assert [damage.code for damage in kept.damage(DAY)] == ["artifact-missing"]
    # The whole session's folder as well.
    file(kept, step="exits").unlink()
    file(kept).parent.rmdir()
    file(kept).parent.parent.rmdir()
    assert [damage.code for damage in kept.damage(DAY)] == ["artifact-missing"] * 2


def test_an_artifact_without_a_record_is_read(kept):
    """The run may have died between the two; the next one adds the record."""
    kept.publish(made())

    assert kept.load(located(), Execute)[0] == made()


def test_nothing_is_wrong_with_whole_files(kept):
    publish(kept, made())
    publish(kept, made("exits"))

    assert kept.damage(DAY) == []


def test_a_folder_in_an_artifacts_place(kept):
    file(kept).mkdir(parents=True)

    with pytest.raises(StorageError):
        kept.load(located(), Execute)


# ------------------------------------------------------------------------------ sealing


def test_sealed_files_are_all_but_the_manifest_and_the_parts_of_the_dead(kept):
    publish(kept, made())
    kept.publish_file("2024-08-01/083000/execute.tape-1.jsonl", b"tape\n")
    kept.publish_file("2024-08-01/160500/report.md", b"")
    (file(kept).parent / ".exits.json.1.part").write_bytes(b"torn")
    kept.publish_file("2024-08-01/manifest.json", b"{}\n")

    assert [(item.path, item.bytes) for item in kept.files(DAY)] == [
        ("2024-08-01/083000/execute.json", len(made().to_bytes())),
        ("2024-08-01/083000/execute.tape-1.jsonl", 5),
        ("2024-08-01/160500/report.md", 0),
    ]
    assert kept.files(DAY)[1].sha256 == hashlib.sha256(b"tape\n").hexdigest()


def test_configs_are_those_the_artifacts_name(kept):
    publish(kept, made())
    assert kept.configs(DAY) == ()
    kept.publish_file(f"config/{'d' * 64}.json", b"{}\n")
    kept.publish_file(f"config/{'e' * 64}.json", b"{}\n")
    (file(kept).parent / "exits.json").write_bytes(b"not json")

    assert [item.path for item in kept.configs(DAY)] == [f"config/{'d' * 64}.json"]


def test_the_last_seal_is_the_newest_before(kept):
    assert kept.last_seal(NEXT) is None
    for day in (DAY, NEXT):
        publish(kept, made(session=day))
    kept.publish_file(f"{DAY}/manifest.json", b"one\n")
    digest = hashlib.sha256(b"one\n").hexdigest()

    assert kept.is_sealed(DAY)
    assert not kept.is_sealed(NEXT)
    assert kept.last_seal(NEXT) == PreviousSeal(session=DAY, sha256=digest)
    assert kept.last_seal(dt.date(2024, 8, 5)) == PreviousSeal(session=DAY, sha256=digest)
    assert kept.last_seal(DAY) is None


def test_the_chain_goes_on_from_the_seal_that_was_published(kept):
    assert kept.previous_seal(NEXT) is None
    publish(kept, made())
    assert kept.previous_seal(NEXT) is None
    ref = kept.publish_file(f"{DAY}/manifest.json", b"one\n")
    assert kept.previous_seal(NEXT) == PreviousSeal(session=DAY, sha256=ref.sha256)
    kept.records.append(DAY, {"published": {ref.name: "e" * 64}})

    assert kept.previous_seal(NEXT) == PreviousSeal(session=DAY, sha256="e" * 64)
    (kept.root / ref.name).unlink()
    assert kept.previous_seal(NEXT) == PreviousSeal(session=DAY, sha256="e" * 64)
    assert kept.previous_seal(DAY) is None


def test_a_seal_that_was_published_is_taken_as_it_is(kept):
    ref = kept.publish_file(f"{DAY}/manifest.json", b"no manifest of this program\n")
    assert kept.seal_damage(DAY).code == "artifact-corrupt"
    kept.records.append(DAY, {"published": {ref.name: ref.sha256}})
    assert kept.seal_damage(DAY) is None


def test_a_stored_config_is_known_by_the_digest_of_its_bytes(kept):
    assert kept.config_digest("d" * 64) is None
    kept.publish_file(f"config/{'d' * 64}.json", b"{}\n")
    assert kept.config_digest("d" * 64) == hashlib.sha256(b"{}\n").hexdigest()


def test_another_file_is_written_once(kept):
    kept.publish_file("2024-08-01/160500/report.md", b"one")
    kept.publish_file("2024-08-01/160500/report.md", b"one")
    with pytest.raises(ArtifactConflict):
        kept.publish_file("2024-08-01/160500/report.md", b"two")


def test_exits_are_not_read_as_execute(kept):
    publish(kept, made("exits"))

    with pytest.raises(SchemaUnknown):
        kept.load(located("exits"), Execute)
    assert kept.load(located("exits"), Exits)[0] == made("exits")
