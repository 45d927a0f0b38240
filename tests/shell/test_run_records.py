"""Run records: chained, and readable past whatever a crash left in them."""

import datetime as dt
import errno
import hashlib

import orjson
import pytest

from quantcli.contracts.errors import StorageError
from quantcli.shell.run_records import RunRecords
from tests.shell.faults import Died, Trouble

DAY = dt.date(2024, 8, 1)
FIRST = {"step": "scan", "exit_code": 0, "published": {"2024-08-01/083000/scan.json": "a" * 64}}
SECOND = {"step": "decide", "exit_code": 4, "published": {}}
THIRD = {"step": "decide", "exit_code": 0, "published": {"2024-08-01/083000/decide.json": "b" * 64}}


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "runs"


@pytest.fixture
def file(folder):
    return folder / "2024-08-01.jsonl"


def write(folder, *records):
    made = RunRecords(folder)
    for record in records:
        made.append(DAY, record)
    return made


def fresh(folder):
    """Return the records as another process finds them."""
    return RunRecords(folder)


def test_a_session_without_records(folder):
    assert fresh(folder).published(DAY) == {}
    assert fresh(folder).all(DAY) == []
    assert not folder.exists()


def test_records_are_chained_by_the_digest_of_the_line_before(folder, file):
    write(folder, FIRST, SECOND)
    one, two = file.read_bytes().splitlines(keepends=True)

    assert orjson.loads(one)["previous"] == "0" * 64
    assert orjson.loads(two)["previous"] == hashlib.sha256(one).hexdigest()
    assert [record["step"] for record in fresh(folder).all(DAY)] == ["scan", "decide"]


def test_published_is_what_all_runs_published(folder):
    made = write(folder, FIRST, SECOND, THIRD)
    expected = {**FIRST["published"], **THIRD["published"]}

    assert made.published(DAY) == expected
    assert fresh(folder).published(DAY) == expected
    assert fresh(folder).published(dt.date(2024, 8, 2)) == {}


def test_two_processes_take_turns(folder):
    one, two = fresh(folder), fresh(folder)
    one.append(DAY, FIRST)
    two.append(DAY, SECOND)
    one.append(DAY, THIRD)

    assert len(fresh(folder).all(DAY)) == 3
    assert two.published(DAY) == one.published(DAY)


# ------------------------------------------------------------------------------ crashes


@pytest.mark.parametrize("cut", [1, 20, -2])
def test_a_torn_line_is_kept_and_the_next_record_stands_on_its_own(folder, file, cut):
    write(folder, FIRST, SECOND)
    lines = file.read_bytes().splitlines(keepends=True)
    file.write_bytes(lines[0] + lines[1][:cut])

    again = fresh(folder)
    assert again.published(DAY) == FIRST["published"]
    again.append(DAY, THIRD)

    assert [record["step"] for record in fresh(folder).all(DAY)] == ["scan", "decide"]
    assert fresh(folder).published(DAY) == {**FIRST["published"], **THIRD["published"]}
    assert file.read_bytes().startswith(lines[0] + lines[1][:cut] + b"\n")


def test_a_line_that_lacks_only_its_end_is_a_record(folder, file):
    write(folder, FIRST)
    file.write_bytes(file.read_bytes().removesuffix(b"\n"))

    again = fresh(folder)
    assert again.published(DAY) == FIRST["published"]
    again.append(DAY, SECOND)
    assert len(fresh(folder).all(DAY)) == 2


def test_reading_writes_nothing(folder, file):
    write(folder, FIRST)
    file.write_bytes(file.read_bytes() + b'{"torn')
    before = file.read_bytes()

    fresh(folder).published(DAY)
    fresh(folder).all(DAY)

    assert file.read_bytes() == before


@pytest.mark.parametrize("kind", ["before", "after", "torn"])
def test_a_crash_anywhere_leaves_records_that_go_on(tmp_path, monkeypatch, kind):
    with monkeypatch.context() as patch:
        trouble = Trouble(patch)
        write(tmp_path / "dry", FIRST, THIRD)
    for at in range(1, len(trouble.log) + 1):
        folder = tmp_path / f"{at}"
        with monkeypatch.context() as patch:
            Trouble(patch, at, kind)
            with pytest.raises(Died):
                write(folder, FIRST, THIRD)

        again = fresh(folder)
        again.append(DAY, SECOND)
        records = fresh(folder).all(DAY)
        assert records[-1]["step"] == SECOND["step"], at
        assert len(records) in {1, 2, 3}


def test_a_full_disk_is_told(folder, monkeypatch):
    made = write(folder, FIRST)
    with monkeypatch.context() as patch:
        Trouble(patch, 1, errno.ENOSPC, lasting=True)
        with pytest.raises(StorageError, match="No space left"):
            made.append(DAY, SECOND)

    made.append(DAY, SECOND)
    assert len(fresh(folder).all(DAY)) == 2


# ------------------------------------------------------------------------------ edits


@pytest.mark.parametrize("victim", [0, 1])
def test_an_edit_of_any_record_with_a_successor_is_found(folder, file, victim):
    write(folder, FIRST, SECOND, THIRD)
    lines = file.read_bytes().splitlines(keepends=True)
    for place in range(len(lines[victim]) - 1):
        changed = bytearray(lines[victim])
        changed[place] ^= 1
        if changed[place] in b"\r\n":
            continue
        file.write_bytes(b"".join([*lines[:victim], bytes(changed), *lines[victim + 1 :]]))
        with pytest.raises(StorageError, match="does not continue the chain"):
            fresh(folder).all(DAY)


def test_a_record_taken_out_or_turned_round_is_found(folder, file):
    write(folder, FIRST, SECOND, THIRD)
    one, two, three = file.read_bytes().splitlines(keepends=True)
    for lines in ([two, three], [one, three], [two, one, three], [one, one, two, three]):
        file.write_bytes(b"".join(lines))
        with pytest.raises(StorageError, match="does not continue the chain"):
            fresh(folder).all(DAY)


@pytest.mark.parametrize(
    "line", [b"[]\n", b"1\n", b'{"published":[]}\n', b'{"published":{"x":1}}\n', b"\xff\n", b"\n"]
)
def test_nonsense_publishes_nothing_and_stops_nobody(folder, file, line):
    write(folder, FIRST)
    file.write_bytes(file.read_bytes() + line)

    assert fresh(folder).published(DAY) == FIRST["published"]
    fresh(folder).append(DAY, SECOND)


def test_sessions_are_those_with_a_file_of_records(tmp_path):
    records = RunRecords(tmp_path / "runs")
    assert records.sessions() == ()
    for day in (dt.date(2024, 8, 2), dt.date(2024, 8, 1)):
        records.append(day, {"step": "scan"})
    for name in ("notes.jsonl", "20240801.jsonl", "2024-13-01.jsonl", "2024-08-03.txt"):
        (tmp_path / "runs" / name).touch()
    assert records.sessions() == (dt.date(2024, 8, 1), dt.date(2024, 8, 2))
