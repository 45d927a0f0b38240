"""One writer at a time; a dead holder holds nothing."""

import errno
import fcntl
import os
import signal
import stat
import subprocess
import sys
import time

import pytest

from quantcli.contracts.errors import LockHeld, StorageError
from quantcli.shell.lock import FileLock

HOLD = """
import sys, time
from pathlib import Path
from quantcli.shell.lock import FileLock
with FileLock(Path(sys.argv[1])).hold():
    print("held", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def path(tmp_path):
    return tmp_path / "state" / "lock"


@pytest.fixture
def other(path):
    """Another process that holds the lock."""
    words = [sys.executable, "-c", HOLD, str(path)]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "held\n"
        yield process
        process.kill()


def test_the_loser_gives_way_at_once(path, other):
    began = time.monotonic()
    with pytest.raises(LockHeld, match="nothing was done") as caught, FileLock(path).hold():
        pytest.fail("two writers")

    assert caught.value.exit_code == 5
    assert time.monotonic() - began < 1


def test_waiting_for_a_holder_that_stays(path, other):
    began = time.monotonic()
    with pytest.raises(LockHeld), FileLock(path).hold(wait_seconds=0.3):
        pytest.fail("two writers")

    assert time.monotonic() - began >= 0.3


def test_the_lock_of_the_dead_is_free(path, other):
    os.kill(other.pid, signal.SIGKILL)

    with FileLock(path).hold(wait_seconds=10):
        pass


def test_it_is_free_again_after_success_and_after_failure(path):
    lock = FileLock(path)
    with lock.hold():
        pass
    with pytest.raises(KeyError), lock.hold():
        raise KeyError
    with lock.hold():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert path.exists()


def test_a_planted_link_is_not_followed(path, tmp_path):
    path.parent.mkdir()
    path.symlink_to(tmp_path / "elsewhere")

    with pytest.raises(StorageError), FileLock(path).hold():
        pytest.fail("followed")
    assert not (tmp_path / "elsewhere").exists()


def test_a_file_system_without_locks_is_told(path, monkeypatch):
    def refuse(descriptor, operation):
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", refuse)

    with pytest.raises(StorageError, match="No locks available"), FileLock(path).hold():
        pytest.fail("unlocked")


def test_whoever_waits_lets_others_have_the_lock_and_takes_it_again(tmp_path):
    lock, other = FileLock(tmp_path / "lock"), FileLock(tmp_path / "lock")

    def meanwhile():
        with other.hold():
            assert lock.is_lost

    with lock.hold():
        lock.step_aside(meanwhile, wait_seconds=0)
        lock.require()
        with pytest.raises(LockHeld), other.hold():
            pass


def test_a_lock_that_another_kept_is_lost_for_good(tmp_path):
    lock, other = FileLock(tmp_path / "lock"), FileLock(tmp_path / "lock").hold()
    with lock.hold():
        with pytest.raises(LockHeld, match="another command"):
            lock.step_aside(other.__enter__, wait_seconds=0)
        with pytest.raises(LockHeld, match="took the account over"):
            lock.require()
    other.__exit__(None, None, None)
    with lock.hold():
        lock.require()


def test_a_wait_without_the_lock_is_only_a_wait(tmp_path):
    waited = []
    FileLock(tmp_path / "lock").step_aside(lambda: waited.append(1), wait_seconds=0)
    assert waited == [1]
