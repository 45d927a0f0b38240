"""What happens to processes: signals, a full disk, a folder nobody may write, a closed stdout.

Each rehearsal types a real command at a desk of its own, hurts it, types it again and holds the
desk to the same end: exit 0, each intent once in the book, `prove` and `audit verify` content.
"""

import os
import shutil
import signal
import stat
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from tests.acceptance.typed import (
    OPEN,
    ROOT,
    artifact,
    command_line,
    environment,
    orders_in_book,
    path_of,
    run_cycle,
    spawned,
    tree,
    typed,
)  # fmt: skip

SESSION = "2024-11-27"
#: What a command that resumes has read and asked is not what one undisturbed has.
NEVER_ALIKE = {"inputs": [], "calls": []}

#: Runs a command that stands still as its n-th request is answered, until it is told to go on.
SLOW = """
import sys
from quantcli.cli.app import main
from quantcli.shell.alpaca.http import AlpacaTransport
send, left = AlpacaTransport.send, [1]
def waiting(self, request):
    answer = send(self, request)
    if request.method == "POST" and left:
        left.pop()
        print("inside", flush=True)
        sys.stdin.readline()
    return answer
AlpacaTransport.send = waiting
sys.exit(main(sys.argv[1:]))
"""


@pytest.fixture
def ready(before):
    """Return a desk whose next command sends two entries."""
    run_cycle(before, SESSION, OPEN, through="enforce")
    return before


def ends_well(desk, whole):
    """Type the command again and hold the desk to one that was never hurt."""
    again = spawned(desk, "execute")
    assert again.code == 0, again.err
    found = orders_in_book(desk)
    assert all(n == 1 for n in Counter(o["client_order_id"] for o in found).values())
    assert len([o for o in found if o["submitted_at"] >= SESSION]) == 2
    made, expected = (artifact(each, SESSION, OPEN, "execute") for each in (desk, whole))
    assert {**made, **NEVER_ALIKE} == {**expected, **NEVER_ALIKE}
    assert not list((desk / "artifacts").rglob("*.part"))
    for words in (("prove", SESSION), ("audit", "verify")):
        outcome = typed(desk, *words)
        assert outcome.code == 0, outcome.err


def one_line(text):
    """Return the one line that was printed."""
    (line,) = text.splitlines()
    return line


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_a_wish_to_stop_between_two_orders(number, ready, desks):
    process = subprocess.Popen(
        [sys.executable, "-c", SLOW, "execute", "--desk", str(ready)], stdin=subprocess.PIPE,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment(), cwd=ROOT,
    )  # fmt: skip
    with process:
        assert process.stdout.readline() == "inside\n"
        process.send_signal(number)
        out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (1, "")
    assert one_line(err) == "interrupted: run the command again; it resumes"
    assert not path_of(ready, SESSION, OPEN, "execute").exists()
    ends_well(ready, desks.whole)


def test_a_hangup_that_the_caller_ignores_is_ignored(ready, desks):
    """As `nohup` starts a command."""
    process = subprocess.Popen(
        ["sh", "-c", 'trap "" HUP; exec "$@"', "sh", sys.executable, "-c", SLOW, "execute",
         "--desk", str(ready)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment(), cwd=ROOT,
    )  # fmt: skip
    with process:
        assert process.stdout.readline() == "inside\n"
        process.send_signal(signal.SIGHUP)
        process.communicate("\n", timeout=60)
    assert process.returncode == 0
    ends_well(ready, desks.whole)


# ------------------------------------------------------------------------------ a full disk


@pytest.fixture
def small_disk(tmp_path):
    """Return a folder on a file system of 16 MB."""
    folder = tmp_path / "small"
    folder.mkdir()
    words = ["mount", "-t", "tmpfs", "-o", "size=16m,mode=0700", "tmpfs", str(folder)]
    try:
        done = subprocess.run(words, capture_output=True, text=True, check=False)
    except OSError as error:
        pytest.skip(f"no mount here: {error}")
    if done.returncode:
        pytest.skip(f"mounting a tmpfs is refused: {done.stderr.strip()}")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def fill(folder, free_bytes):
    """Fill a file system up to some bytes."""
    ballast = folder / "ballast"
    with ballast.open("wb", buffering=0) as file:
        room = os.statvfs(folder)
        file.write(b"\0" * max(0, room.f_bavail * room.f_frsize - free_bytes))
    return ballast


@pytest.mark.parametrize("pages", [0, 1, 3, 8, 20])
def test_a_disk_that_is_full(pages, ready, small_disk, desks):
    """With room for nothing, and for the first few things that a command writes."""
    desk = Path(shutil.copytree(ready, small_disk / "desk"))
    ballast = fill(small_disk, pages * 4096)
    hurt = spawned(desk, "execute")
    assert hurt.code == 10, hurt
    assert one_line(hurt.err).startswith(("storage", "journal", "state"))
    assert "bug" not in hurt.err
    ballast.unlink()
    ends_well(desk, desks.whole)


# ------------------------------------------------------------------------------ read only


@pytest.mark.parametrize("folder", [".", "artifacts", "state", "exchange"])
def test_a_file_system_that_may_only_be_read(folder, ready, desks):
    """Mounted over itself, for permissions do not hold the superuser back."""
    place = str(ready / folder)
    for words in (["mount", "--bind", place, place], ["mount", "-o", "remount,bind,ro", place]):
        done = subprocess.run(words, capture_output=True, text=True, check=False)
        if done.returncode:
            subprocess.run(["umount", "-l", place], capture_output=True, check=False)
            pytest.skip(f"mounting is refused: {done.stderr.strip()}")
    try:
        earlier = tree(ready)
        hurt = spawned(ready, "execute")
        assert tree(ready).keys() - earlier.keys() <= set() if folder == "." else True
    finally:
        subprocess.run(["umount", "-l", place], check=True)
    # The exchange is the broker's side: its trouble is the broker's, as it is over HTTP.
    assert hurt.code == 10, hurt
    assert one_line(hurt.err)
    assert "bug" not in hurt.err
    ends_well(ready, desks.whole)


# ------------------------------------------------------------------------------ stdout


@pytest.mark.parametrize("words", ["", "--json"])
def test_a_stdout_that_is_closed(words, ready, desks):
    line = f'exec "$@" {words} >&-'
    done = subprocess.run(
        ["sh", "-c", line, "sh", *command_line("execute", "--desk", ready)],
        capture_output=True, text=True, check=False, env=environment(),
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    ends_well(ready, desks.whole)


def test_stdout_and_stderr_that_are_closed(ready, desks):
    done = subprocess.run(
        ["sh", "-c", 'exec "$@" >&- 2>&- <&-', "sh", *command_line("execute", "--desk", ready)],
        check=False, env=environment(),
    )  # fmt: skip
    assert done.returncode == 0
    ends_well(ready, desks.whole)


def test_a_pipe_whose_reader_went_away(ready, desks):
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "wb") as pipe:
        done = subprocess.run(
            command_line("execute", "--desk", ready), stdout=pipe, stderr=subprocess.PIPE,
            text=True, check=False, env=environment(),
        )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    ends_well(ready, desks.whole)


# ------------------------------------------------------------------------------ umask


def test_files_are_the_owner_s_alone_whatever_the_umask(tmp_path, ready, desks):
    root = tmp_path / "new"
    line = 'umask 000; exec "$@"'
    for words in (
        ("init", root, "--no-git"),
        ("execute", "--desk", ready),
        ("exits", "--dry-run", "--desk", ready),
        ("halt", "--entries", "--reason", "drill", "--desk", ready),
        ("backup", tmp_path / "copy", "--desk", ready),
    ):
        done = subprocess.run(
            ["sh", "-c", line, "sh", *command_line(*words)],
            capture_output=True, text=True, check=False, env=environment(),
        )  # fmt: skip
        assert done.returncode == 0, (words, done.stderr)
    # What people wrote by hand may be as open as they like.
    assert loose(root) == []
    assert loose(ready / "dry-run") == []
    assert loose(ready / "artifacts" / SESSION) == []
    assert loose(ready / "state") == []
    assert loose(tmp_path / "copy") == []
    assert typed(ready, "resume", "--reason", "over").code == 0
    ends_well(ready, desks.whole)


def loose(folder):
    """Return what others than the owner may read, write or enter."""
    return [
        str(path.relative_to(folder))
        for path in [folder, *folder.rglob("*")]
        if stat.S_IMODE(path.lstat().st_mode) != (0o700 if path.is_dir() else 0o600)
    ]
