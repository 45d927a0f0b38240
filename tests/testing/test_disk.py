"""What a power cut takes: whatever was not flushed, and nothing that was."""

import os
from random import Random

import pytest

from quantcli.shell import files
from quantcli.testing.disk import WatchedDisk
from quantcli.testing.points import Blow, Crash, Points


@pytest.fixture
def disk(tmp_path, monkeypatch):
    monkeypatch.setattr(files, "_SETTLED", {tmp_path, *tmp_path.parents})
    found = WatchedDisk(tmp_path)
    with found.watched():
        yield found


class Always(Random):
    """Takes back everything that can be."""

    def random(self):
        return 0.0

    def randint(self, low, high):
        return low


def test_what_is_published_stays(disk, tmp_path):
    files.publish_once(tmp_path / "a" / "b" / "scan.json", b"{}\n")
    files.append_durably(tmp_path / "runs.jsonl", b"{}\n")
    files.replace_file(tmp_path / "halt.json", b"{}\n")

    disk.cut_power(Always())

    names = sorted(str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*"))
    assert names == ["a", "a/b", "a/b/scan.json", "halt.json", "runs.jsonl"]
    assert (tmp_path / "runs.jsonl").read_bytes() == b"{}\n"


def test_a_name_is_not_durable_before_its_folder(disk, tmp_path):
    (tmp_path / "temporary").write_bytes(b"{}\n")
    os.link(tmp_path / "temporary", tmp_path / "scan.json")

    disk.cut_power(Always())

    assert not (tmp_path / "scan.json").exists()


def test_bytes_are_not_durable_before_their_file(disk, tmp_path):
    path = tmp_path / "tape.jsonl"
    files.append_durably(path, b"first\n")
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND)
    os.write(descriptor, b"second\n")
    os.close(descriptor)

    disk.cut_power(Always())

    assert path.read_bytes() == b"first\n"


def test_a_folder_is_lost_with_all_that_is_in_it(disk, tmp_path):
    (tmp_path / "2024-11-27").mkdir()
    files.publish_once(tmp_path / "2024-11-27" / "scan.json", b"{}\n")
    assert "_SETTLED" in vars(files)

    disk.cut_power(Always())

    # The folder's mode is not the desk's own, so nobody flushed its name.
    assert not (tmp_path / "2024-11-27").exists()


def test_what_was_replaced_or_removed_may_come_back(disk, tmp_path):
    path = tmp_path / "halt.json"
    files.replace_file(path, b"old\n")
    (tmp_path / "new").write_bytes(b"new\n")
    (tmp_path / "new").replace(path)
    path.unlink()

    disk.cut_power(Always())

    assert path.read_bytes() == b"old\n"


def test_time_flushes(disk, tmp_path):
    (tmp_path / "temporary").write_bytes(b"{}\n")
    os.link(tmp_path / "temporary", tmp_path / "scan.json")

    disk.settle()

    assert disk.cut_power(Always()) == 0
    assert (tmp_path / "scan.json").exists()


def test_a_death_in_the_middle_of_a_write_leaves_half_of_it(disk, tmp_path):
    names = []
    disk.points = Points()
    files.append_durably(tmp_path / "whole.jsonl", b"12345678")
    names = disk.points.names
    disk.points = Points((Blow(names.index("half a write whole.jsonl"), "kill"),))

    with pytest.raises(Crash):
        files.append_durably(tmp_path / "torn.jsonl", b"12345678")
    disk.let_go()

    assert (tmp_path / "torn.jsonl").read_bytes() == b"1234"


def test_other_folders_are_left_alone(disk, tmp_path_factory):
    path = tmp_path_factory.mktemp("elsewhere") / "file"
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT)
    os.write(descriptor, b"kept")
    os.close(descriptor)

    assert disk.points.names == []
    assert disk.cut_power(Always()) == 0
    assert path.read_bytes() == b"kept"
