"""What a run record says of the run, and which program it was."""

import datetime as dt
import hashlib
import platform
import subprocess
from pathlib import Path

import quantcli
from quantcli.shell.clock import WallClock
from quantcli.shell.code_identity import code_identity
from quantcli.shell.run_facts import git_dirty, git_revision, run_facts

START = dt.datetime(2024, 8, 1, 12, 30, tzinfo=dt.UTC)
COMMIT = "0123456789abcdef0123456789abcdef01234567"


def test_facts(tmp_path):
    facts = run_facts(tmp_path, START, START + dt.timedelta(seconds=1, microseconds=2500))

    assert facts == {
        "started_at": "2024-08-01T12:30:00Z",
        "ended_at": "2024-08-01T12:30:01.0025Z",
        "duration_ms": 1002,
        "host": platform.node(),
        "git_revision": "",
        "git_dirty": None,
    }


def test_the_revision_of_a_desk_with_and_without_git(tmp_path):
    assert git_revision(tmp_path) == ""
    folder = tmp_path / ".git"
    (folder / "refs" / "heads").mkdir(parents=True)
    assert git_revision(tmp_path) == ""
    (folder / "HEAD").write_text("ref: refs/heads/main\n")
    assert git_revision(tmp_path) == ""
    (folder / "refs" / "heads" / "main").write_text(f"{COMMIT}\n")
    assert git_revision(tmp_path) == COMMIT
    (folder / "HEAD").write_text(f"{COMMIT[::-1]}\n")
    assert git_revision(tmp_path) == COMMIT[::-1]


def test_a_packed_reference_is_found(tmp_path):
    folder = tmp_path / ".git"
    folder.mkdir()
    (folder / "HEAD").write_text("ref: refs/heads/main\n")
    (folder / "packed-refs").write_text(
        f"# pack-refs with: peeled fully-peeled sorted\n{COMMIT[::-1]} refs/heads/other\n"
        f"{COMMIT} refs/heads/main\n^{COMMIT[::-1]}\n"
    )

    assert git_revision(tmp_path) == COMMIT


def test_a_git_folder_full_of_nonsense_is_no_revision(tmp_path):
    folder = tmp_path / ".git"
    folder.mkdir()
    for data in (b"\xff\xfe", b"", b"ref: ../../../etc/passwd\n", b"ref: \n", b"gossip\n"):
        (folder / "HEAD").write_bytes(data)
        assert git_revision(tmp_path) == ""


def git(folder, *words):
    identity = ("-c", "user.name=x", "-c", "user.email=x@localhost")
    done = subprocess.run(
        ["git", "-C", str(folder), *identity, *words], check=True, capture_output=True, text=True
    )
    return done.stdout.strip()


def test_a_real_repository(tmp_path, monkeypatch):
    """Another repository in the environment, as within a git hook, is not asked."""
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "elsewhere"))
    assert git_dirty(tmp_path) is None
    monkeypatch.delenv("GIT_DIR")
    git(tmp_path, "init", "--quiet")
    (tmp_path / "desk.toml").write_text("a = 1\n")
    git(tmp_path, "add", "desk.toml")
    git(tmp_path, "commit", "--quiet", "--message", "one")
    (tmp_path / "untracked").write_text("")
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "elsewhere"))

    def dirty():
        git_dirty.cache_clear()
        return git_dirty(tmp_path)

    assert dirty() is False
    (tmp_path / "desk.toml").write_text("a = 2\n")
    assert dirty() is True
    monkeypatch.setenv("PATH", str(tmp_path))
    assert dirty() is None
    monkeypatch.undo()
    assert git_revision(tmp_path) == git(tmp_path, "rev-parse", "HEAD")
    git(tmp_path, "pack-refs", "--all")
    assert git_revision(tmp_path) == git(tmp_path, "rev-parse", "HEAD")


def test_the_program_is_its_version_and_the_digest_of_its_source(tmp_path):
    root = Path(quantcli.__file__).parent
    digest = hashlib.sha256()
    for name in sorted(str(path.relative_to(root)) for path in root.rglob("*.py")):
        data = (root / name).read_bytes()
        digest.update(name.encode() + b"\0" + str(len(data)).encode() + b"\0" + data)

    code_identity.cache_clear()
    assert code_identity().version == quantcli.__version__
    assert code_identity().digest == digest.hexdigest()
    assert code_identity() is code_identity()


def test_the_wall_clock_is_aware_and_waits():
    clock = WallClock()
    before = clock.now()
    clock.sleep(0.01)

    assert before.tzinfo is dt.UTC
    assert clock.now() - before >= dt.timedelta(milliseconds=9)
