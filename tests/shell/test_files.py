"""A file is absent or whole, whatever happens at whichever call; a rerun always ends well."""

import errno
import os
import stat
import subprocess
from pathlib import Path

import pytest

from quantcli.contracts.errors import ArtifactConflict, StorageError
from quantcli.shell import files
from quantcli.shell.files import (
    append_durably,
    make_directory,
    publish_once,
    replace_file,
    settle,
    storage,
    synced_together,
)
from tests.shell.faults import Died, Trouble

DATA, OTHER = b'{"a":1}\n', b'{"a":2}\n'
NO = (errno.ENOSPC, errno.EIO, errno.EROFS, errno.EACCES, errno.EDQUOT, errno.EMFILE)


@pytest.fixture(autouse=True)
def settled(tmp_path, monkeypatch):
    """The test's own folder is durable; what is made in it is not."""
    monkeypatch.setattr(files, "_SETTLED", {tmp_path, *tmp_path.parents})


def test_a_folder_that_a_dead_process_made_is_flushed_before_anything_rests_on_it(
    tmp_path, monkeypatch
):
    folder = tmp_path / "2024-11-27"
    folder.mkdir(mode=0o700)  # and whoever made it died before the flush

    first = calls_of(monkeypatch, lambda: publish_once(folder / "a.json", DATA))
    second = calls_of(monkeypatch, lambda: publish_once(folder / "b.json", DATA))

    opened = [words[0] for name, *words in first if name == "open"]
    assert [str(path) for path in opened[:1]] == [str(tmp_path)]
    assert [name for name, *_ in first].count("fsync") == 3
    assert [name for name, *_ in second].count("fsync") == 2


def mode_of(path):
    return stat.S_IMODE(path.stat().st_mode)


def beside(path):
    return sorted(item.name for item in path.parent.iterdir())


def calls_of(monkeypatch, action):
    """Return the calls that an undisturbed run makes."""
    with monkeypatch.context() as patch:
        trouble = Trouble(patch)
        action()
    return trouble.log


def error_of(action, *args):
    """Return the StorageError that an action ends with; None if it does what it should."""
    try:
        action(*args)
    except StorageError as error:
        return error
    return None


@pytest.fixture
def loose_umask():
    before = os.umask(0)
    yield
    os.umask(before)


# ------------------------------------------------------------------------------ publish_once


def test_published_once(tmp_path):
    path = tmp_path / "2024-08-01" / "083000" / "scan.json"

    assert publish_once(path, DATA) is True
    assert publish_once(path, DATA) is False
    assert path.read_bytes() == DATA
    assert beside(path) == ["scan.json"]


def test_other_bytes_are_a_conflict_and_change_nothing(tmp_path):
    path = tmp_path / "scan.json"
    publish_once(path, DATA)

    with pytest.raises(ArtifactConflict, match=r"scan\.json is published with other bytes"):
        publish_once(path, OTHER)
    assert path.read_bytes() == DATA
    assert beside(path) == ["scan.json"]


def test_the_bytes_are_on_disk_before_the_name_and_the_name_before_success(tmp_path, monkeypatch):
    log = calls_of(monkeypatch, lambda: publish_once(tmp_path / "x" / "scan.json", DATA))
    names = [name for name, *_ in log]
    linked = names.index("link")
    folder = next(
        i for i, (name, *rest) in enumerate(log) if name == "open" and rest[0] == tmp_path / "x"
    )

    assert names.index("write") < names.index("fsync", names.index("write")) < linked
    assert linked < names.index("unlink", linked) < folder
    assert names[folder : folder + 3] == ["open", "fsync", "close"]
    # The directory itself got a durable name as well.
    assert log[names.index("mkdir") + 2][:2] == ("open", tmp_path)


def points(tmp_path_factory, monkeypatch):
    """Return the numbers of the calls that one publication makes."""
    dry = tmp_path_factory.mktemp("dry")
    log = calls_of(monkeypatch, lambda: publish_once(dry / "x" / "scan.json", DATA))
    assert 15 <= len(log) <= 40
    return range(1, len(log) + 1)


@pytest.mark.parametrize("kind", ["before", "after", "torn"])
def test_a_process_that_dies_leaves_nothing_or_the_whole(tmp_path_factory, monkeypatch, kind):
    for at in points(tmp_path_factory, monkeypatch):
        path = tmp_path_factory.mktemp("crash") / "x" / "scan.json"
        with monkeypatch.context() as patch:
            Trouble(patch, at, kind)
            with pytest.raises(Died):
                publish_once(path, DATA)

        assert not path.exists() or path.read_bytes() == DATA, (at, kind)
        publish_once(path, DATA)
        assert path.read_bytes() == DATA
        assert beside(path) == ["scan.json"], (at, kind)


@pytest.mark.parametrize("number", NO, ids=errno.errorcode.get)
@pytest.mark.parametrize("lasting", [False, True])
def test_a_disk_that_refuses_leaves_nothing_or_the_whole(
    tmp_path_factory, monkeypatch, number, lasting
):
    for at in points(tmp_path_factory, monkeypatch):
        path = tmp_path_factory.mktemp("refused") / "x" / "scan.json"
        with monkeypatch.context() as patch:
            trouble = Trouble(patch, at, number, lasting)
            error = error_of(publish_once, path, DATA)
        if error is None:
            # Looking and tidying may fail without harm, writing never.
            assert trouble.names[at - 1] not in {"open", "write", "fsync", "link", "mkdir"}
        else:
            assert error.exit_code == 10
            assert len(error.line().splitlines()) == 1
            assert error.hint

        assert not path.exists() or path.read_bytes() == DATA, (at, lasting)
        publish_once(path, DATA)
        assert path.read_bytes() == DATA
        assert beside(path) == ["scan.json"], (at, lasting)


def test_a_refused_write_leaves_no_part_behind(tmp_path, monkeypatch):
    """On a full disk a cron job a minute would leave a part a minute."""
    path = tmp_path / "scan.json"
    log = calls_of(monkeypatch, lambda: publish_once(tmp_path / "dry.json", DATA))
    at = [name for name, *_ in log].index("fsync") + 1
    with monkeypatch.context() as patch:
        Trouble(patch, at, errno.ENOSPC)
        with pytest.raises(StorageError):
            publish_once(path, DATA)

    assert beside(path) == ["dry.json"]


def test_a_failed_sync_is_never_repeated_on_the_same_file(tmp_path, monkeypatch):
    log = calls_of(monkeypatch, lambda: publish_once(tmp_path / "dry.json", DATA))
    at = [name for name, *_ in log].index("fsync") + 1
    with monkeypatch.context() as patch:
        trouble = Trouble(patch, at, errno.EIO)
        with pytest.raises(StorageError, match="Input/output error"):
            publish_once(tmp_path / "scan.json", DATA)

    assert trouble.names.count("fsync") == 1


def test_a_file_found_there_is_made_durable_before_success(tmp_path, monkeypatch):
    """The attempt that linked it may have died before it could sync the directory."""
    path = tmp_path / "scan.json"
    publish_once(path, DATA)

    log = calls_of(monkeypatch, lambda: publish_once(path, DATA))

    assert [name for name, *_ in log if name in {"write", "link", "fsync"}] == ["fsync"]


def test_parts_of_the_dead_are_swept_away(tmp_path):
    path = tmp_path / "scan.json"
    gone = subprocess.Popen(["true"])
    gone.wait()
    for number in (gone.pid, os.getpid()):
        (tmp_path / f".scan.json.{number}.part").write_bytes(b"torn")
    alive = f".scan.json.{os.getppid()}.part"
    others = [
        alive,
        f".decide.json.{gone.pid}.part",
        f".scan.json.{gone.pid}.keep",
        "scan.json.part",
        ".scan.json.x.part",
        f".scan.json.{10**30}.part",
    ]
    for name in others:
        (tmp_path / name).write_bytes(b"not ours to touch")

    publish_once(path, DATA)
    assert beside(path) == sorted([*others, "scan.json"])

    (tmp_path / f".scan.json.{gone.pid}.part").write_bytes(b"torn")
    replace_file(path, OTHER)
    assert beside(path) == sorted([*others, "scan.json"])


def test_two_publishers_at_once(tmp_path, monkeypatch):
    """Another process publishes, and sweeps our part, just before we link."""
    path = tmp_path / "scan.json"
    real = os.link

    def late(source, target):
        real(source, target)
        source.unlink()
        return real(source, target)

    monkeypatch.setattr(os, "link", late)

    assert publish_once(path, DATA) is False
    monkeypatch.undo()
    assert beside(path) == ["scan.json"]


# ------------------------------------------------------------------------------ planted links


def test_a_link_planted_where_the_part_goes_is_not_followed(tmp_path):
    victim = tmp_path / "victim"
    victim.write_bytes(b"precious")
    folder = tmp_path / "x"
    folder.mkdir()
    (folder / f".scan.json.{os.getpid()}.part").symlink_to(victim)

    publish_once(folder / "scan.json", DATA)

    assert victim.read_bytes() == b"precious"
    assert (folder / "scan.json").read_bytes() == DATA
    assert not (folder / "scan.json").is_symlink()


@pytest.mark.parametrize("content", [DATA, OTHER, None], ids=["same", "other", "dangling"])
def test_a_link_planted_at_the_name_is_refused(tmp_path, content):
    victim = tmp_path / "victim"
    if content is not None:
        victim.write_bytes(content)
    path = tmp_path / "scan.json"
    path.symlink_to(victim)

    with pytest.raises(StorageError):
        publish_once(path, DATA)
    assert victim.exists() == (content is not None)
    assert path.is_symlink()


def test_a_link_planted_at_a_log_is_refused(tmp_path):
    victim = tmp_path / "victim"
    victim.write_bytes(b"precious\n")
    (tmp_path / "log.jsonl").symlink_to(victim)

    with pytest.raises(StorageError):
        append_durably(tmp_path / "log.jsonl", b"{}\n")
    assert victim.read_bytes() == b"precious\n"


def test_replacing_a_link_replaces_the_link(tmp_path):
    victim = tmp_path / "victim"
    victim.write_bytes(b"precious")
    (tmp_path / "halt.json").symlink_to(victim)

    replace_file(tmp_path / "halt.json", DATA)

    assert victim.read_bytes() == b"precious"
    assert not (tmp_path / "halt.json").is_symlink()


# ------------------------------------------------------------------------------ permissions


@pytest.mark.usefixtures("loose_umask")
def test_nobody_else_reads_whatever_the_umask(tmp_path):
    published, replaced, appended = (tmp_path / "a" / "b" / name for name in ("x", "y", "z"))
    publish_once(published, DATA)
    replace_file(replaced, DATA)
    append_durably(appended, DATA)

    assert [mode_of(each) for each in (published, replaced, appended)] == [0o600] * 3
    assert [mode_of(tmp_path / each) for each in ("a", "a/b")] == [0o700] * 2


def test_a_full_disk(tmp_path):
    """A file system of 64 kB, where this machine lets us mount one."""
    mounted = tmp_path / "small"
    mounted.mkdir()
    words = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(mounted)]
    if os.geteuid() != 0 or subprocess.run(words, check=False, capture_output=True).returncode:
        pytest.skip("mounting needs privileges that this run does not have")
    try:
        with pytest.raises(StorageError) as caught:
            publish_once(mounted / "big.json", b"x" * 100_000)
        assert caught.value.line().startswith("storage-failed: No space left on device (big.json)")
        assert list(mounted.iterdir()) == []
        publish_once(mounted / "small.json", DATA)
        with pytest.raises(StorageError):
            append_durably(mounted / "log", b"y" * 100_000)
    finally:
        subprocess.run(["umount", str(mounted)], check=True)


def test_a_read_only_file_system(tmp_path):
    mounted = tmp_path / "fixed"
    mounted.mkdir()
    words = ["mount", "-t", "tmpfs", "-o", "ro,size=64k", "tmpfs", str(mounted)]
    if os.geteuid() != 0 or subprocess.run(words, check=False, capture_output=True).returncode:
        pytest.skip("mounting needs privileges that this run does not have")
    try:
        for action in (publish_once, replace_file, append_durably):
            with pytest.raises(StorageError, match="Read-only file system"):
                action(mounted / "x" / "scan.json", DATA)
    finally:
        subprocess.run(["umount", str(mounted)], check=True)


# ------------------------------------------------------------------------------ the others


def test_a_file_where_a_directory_should_be(tmp_path):
    (tmp_path / "x").write_bytes(b"")

    with pytest.raises(StorageError, match="File exists"):
        make_directory(tmp_path / "x")
    with pytest.raises(StorageError):
        publish_once(tmp_path / "x" / "y" / "scan.json", DATA)


def test_another_process_makes_the_directory_first(tmp_path, monkeypatch):
    real = os.mkdir

    def twice(path, mode=0o777):
        real(path, mode)
        real(path, mode)

    monkeypatch.setattr(os, "mkdir", twice)
    make_directory(tmp_path / "x")

    assert (tmp_path / "x").is_dir()


@pytest.mark.parametrize("kind", ["before", "after", "torn"])
def test_replacing_leaves_the_old_or_the_new(tmp_path_factory, monkeypatch, kind):
    dry = tmp_path_factory.mktemp("dry") / "halt.json"
    dry.write_bytes(DATA)
    count = len(calls_of(monkeypatch, lambda: replace_file(dry, OTHER)))
    for at in range(1, count + 1):
        path = tmp_path_factory.mktemp("crash") / "halt.json"
        path.write_bytes(DATA)
        with monkeypatch.context() as patch:
            Trouble(patch, at, kind)
            with pytest.raises(Died):
                replace_file(path, OTHER)

        assert path.read_bytes() in {DATA, OTHER}, (at, kind)
        replace_file(path, OTHER)
        assert path.read_bytes() == OTHER


def test_two_writers_do_not_share_a_part(tmp_path, monkeypatch):
    """A halt needs no lock: what one process is writing, another must not put in place."""
    path = tmp_path / "halt.json"
    one = files._write_temporary(path, DATA)
    monkeypatch.setattr(os, "getpid", lambda: 1)
    replace_file(path, OTHER)

    one.replace(path)
    assert path.read_bytes() == DATA


def test_appended_lines_are_synced(tmp_path, monkeypatch):
    path = tmp_path / "log.jsonl"
    first = calls_of(monkeypatch, lambda: append_durably(path, b"1\n"))
    second = calls_of(monkeypatch, lambda: append_durably(path, b"2\n"))

    assert path.read_bytes() == b"1\n2\n"
    # The first line makes the name durable as well.
    assert [name for name, *_ in first].count("fsync") == 2
    assert [name for name, *_ in second].count("fsync") == 1


def test_a_write_that_takes_only_part_of_it_is_continued(tmp_path, monkeypatch):
    real = os.write
    monkeypatch.setattr(os, "write", lambda to, data: real(to, bytes(data)[:3]))

    publish_once(tmp_path / "scan.json", DATA)
    append_durably(tmp_path / "log.jsonl", DATA)

    assert (tmp_path / "scan.json").read_bytes() == DATA
    assert (tmp_path / "log.jsonl").read_bytes() == DATA


def test_together_files_are_synced_at_the_end_only(tmp_path, monkeypatch):
    syncs = []
    monkeypatch.setattr(os, "sync", lambda: syncs.append("all"))

    def write():
        with synced_together():
            publish_once(tmp_path / "x" / "a.json", DATA)
            append_durably(tmp_path / "log", DATA)
            settle()

    names = [name for name, *_ in calls_of(monkeypatch, write)]

    assert "fsync" not in names
    assert syncs == ["all", "all"]
    again = calls_of(monkeypatch, lambda: publish_once(tmp_path / "b.json", DATA))
    assert [name for name, *_ in again].count("fsync") == 2


def test_after_a_failure_together_files_are_synced_singly_again(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "sync", lambda: None)
    with pytest.raises(KeyError), synced_together():
        raise KeyError
    log = calls_of(monkeypatch, lambda: append_durably(tmp_path / "log", DATA))

    assert "fsync" in [name for name, *_ in log]


def test_storage_errors_name_the_file():
    with pytest.raises(StorageError) as caught, storage(Path("/x/scan.json")):
        raise OSError(errno.ENOSPC, "No space left on device")

    assert caught.value.line() == (
        "storage-failed: No space left on device (scan.json) [/x/scan.json]"
        " -> free space or repair permissions, then run the command again"
    )
    with pytest.raises(StorageError, match="odd"), storage(Path("x")):
        raise OSError("odd")
