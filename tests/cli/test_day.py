"""`day` does what is due and is left to do, and says so when nothing is."""

import shutil
from pathlib import Path

import pytest

from quantcli.cli.init_desk import make_desk
from quantcli.contracts.errors import StorageError
from quantcli.lab.demo_desk import fill_desk
from quantcli.shell.artifact_store import FileStore
from quantcli.shell.lock import FileLock
from tests.cli.typing import say

DAY = "2024-12-09"
GENESIS, OPEN, AFTER_OPEN, CLOSE = (
    f"{DAY}T{at}Z" for at in ("13:25:00", "13:30:00", "14:35:00", "21:05:00")
)


@pytest.fixture(scope="module")
def begun(tmp_path_factory):
    """A desk on made-up bars, its opening balance journaled on the last day of the market."""
    root = tmp_path_factory.mktemp("day") / "desk"
    make_desk(root, name="day", feed="synthetic", git=False)
    fill_desk(root, 2, 1)
    say("exchange", "advance", "-C", root, "--to", GENESIS)
    assert say("reconcile", "-C", root).code == 0
    assert say("snapshot", "--genesis", "-C", root).code == 0
    return root


@pytest.fixture
def root(begun, tmp_path):
    return Path(shutil.copytree(begun, tmp_path / "desk"))


def day(root, at, *words):
    say("exchange", "advance", "-C", root, "--to", at, "--quiet")
    return say("day", "-C", root, "--as-of", at, "--json", *words)


def test_a_day(root):
    steps = {}
    for at in (OPEN, AFTER_OPEN, CLOSE):
        said = day(root, at)
        assert said.code == 0, said.err
        steps[said.value["cycle"]] = [step["step"] for step in said.value["steps"]]

    assert steps == {
        "083000": ["reconcile", "scan", "decide", "enforce", "execute"],
        "093500": ["execute", "exits"],
        "160500": ["exits", "reconcile", "snapshot", "report"],
    }
    assert (root / "artifacts" / DAY / "manifest.json").is_file()


def test_nothing_is_due_before_the_first_cycle(root):
    said = say("day", "-C", root, "--as-of", GENESIS)

    assert said.code == 5
    assert said.err.startswith("outside-window: no cycle is due yet")


def test_what_is_done_is_not_done_again(root):
    day(root, OPEN)
    before = sorted((root / "artifacts").rglob("*"))
    said = say("day", "-C", root, "--as-of", f"{DAY}T14:34:59Z")

    assert said.code == 5
    assert said.err.startswith(f"outside-window: cycle 083000 of {DAY} is done")
    assert sorted((root / "artifacts").rglob("*")) == before


def test_a_late_cron_does_the_cycle_it_was_meant_for(root):
    said = day(root, f"{DAY}T14:20:00Z")

    assert said.value["cycle"] == "083000"
    assert (root / "artifacts" / DAY / "083000" / "scan.json").is_file()


def test_a_cycle_that_was_interrupted_is_finished(root):
    say("exchange", "advance", "-C", root, "--to", OPEN)
    for step in ("reconcile", "scan"):
        assert say(step, "-C", root).code == 0
    scan = root / "artifacts" / DAY / "083000" / "scan.json"
    before = scan.stat().st_mtime_ns
    said = day(root, OPEN)

    assert [step["exit_code"] for step in said.value["steps"]] == [0] * 5
    assert scan.stat().st_mtime_ns == before


def test_a_session_that_could_not_be_sealed_is_sealed_by_the_next_call(root, monkeypatch):
    for at in (OPEN, AFTER_OPEN):
        day(root, at)
    real = FileStore.publish_file

    def refuse(store, path, data, **options):
        if path.endswith("manifest.json"):
            raise StorageError("No space left on device")
        return real(store, path, data, **options)

    with monkeypatch.context() as patch:
        patch.setattr(FileStore, "publish_file", refuse)
        assert day(root, CLOSE).code == 10
    assert not (root / "artifacts" / DAY / "manifest.json").exists()

    assert day(root, f"{DAY}T21:06:00Z").code == 0
    assert (root / "artifacts" / DAY / "manifest.json").is_file()
    assert day(root, f"{DAY}T21:07:00Z").code == 5


def test_each_steps_outcome_is_a_line(root):
    say("exchange", "advance", "-C", root, "--to", OPEN, "--quiet")
    (root / "state" / "halt.json").unlink()
    lines = say("day", "-C", root, "--as-of", OPEN).out.splitlines()

    assert [line.split(":")[0].split()[-1] for line in lines] == [
        "reconcile", "scan", "decide", "enforce", "execute",
    ]  # fmt: skip
    assert all(line.startswith("[0] ") for line in lines[:4])


def test_a_step_that_fails_is_told_and_the_others_run(root):
    (root / "exchange" / "keys.json").unlink()
    said = say("day", "-C", root, "--as-of", OPEN)

    assert said.code == 3
    codes = [line[1] for line in said.out.splitlines()]
    assert codes == ["3", "0", "0", "3", "3"]
    assert len(said.err.splitlines()) == 3
    assert all("credential-missing: " in line for line in said.err.splitlines())


@pytest.mark.parametrize("words", [("--quiet",), ()])
def test_a_step_that_wrote_its_artifact_and_ended_badly_is_told_too(root, words):
    """Cron mails stderr and nothing else."""
    say("exchange", "advance", "-C", root, "--to", OPEN, "--quiet")
    shutil.rmtree(root / "data")
    said = say("day", "-C", root, *words)

    assert said.code == 4
    lines = said.err.splitlines()
    assert lines[0].startswith("scan: bars-missing: ")
    assert lines[1:] == [
        "decide: exit 4: scan-missing",
        "enforce: exit 4: decision-mismatch, scan-missing",
    ]
    assert (said.out == "") is bool(words)


def test_the_lines_name_what_is_wrong(root):
    for at in (OPEN, AFTER_OPEN):
        day(root, at)
    scan = root / "artifacts" / DAY / "083000" / "scan.json"
    scan.write_bytes(scan.read_bytes()[:-2])
    said = day(root, CLOSE, "--quiet")

    assert said.code == 4
    assert said.err == f"report: exit 4: artifact-corrupt {DAY}/083000/scan.json\n"


def test_a_dry_run_gives_way_to_another(root):
    lock = FileLock(root / "dry-run" / "state" / "lock")
    with lock.hold():
        said = say("scan", "-C", root, "--dry-run", "--as-of", OPEN)

    assert said.code == 5
    assert sorted(path.name for path in (root / "dry-run").rglob("*")) == ["lock", "state"]


def test_a_dry_run_of_a_day_leaves_the_desk_alone(root):
    def tree():
        return {
            path: path.read_bytes()
            for path in root.rglob("*")
            if path.is_file()
            and "dry-run" not in path.parts
            and not path.name.endswith(("-wal", "-shm"))
        }

    before = tree()
    said = say("day", "-C", root, "--dry-run", "--as-of", OPEN, "--json")

    assert said.code == 0, said.err
    assert tree() == before
    assert (root / "dry-run" / "artifacts" / DAY / "083000" / "execute.json").is_file()


def test_a_replay_runs_a_session_once(root):
    words = ("replay", "-C", root, "--from", DAY, "--to", DAY)
    first, second = say(*words), say(*words)

    assert (first.code, first.err) == (0, "")
    assert "1 sessions run (" in first.out
    assert second == (0, "nothing to run: 1 sessions were run before\n", "")
    assert say(*words, "--json").value["passed_over"] == 1
    assert say("replay", "-C", root, "--from", "2024-12-14", "--to", "2024-12-15").err == (
        "usage: no exchange session in that range [2024-12-14 to 2024-12-15]\n"
    )
