"""Resume or do, publish, record: the same for every step."""

import errno

import pytest

from quantcli.contracts.errors import (
    ArtifactConflict,
    ArtifactCorrupt,
    ArtifactTampered,
    BrokerUnreachable,
    LedgerError,
    OutsideWindow,
    StorageError,
)
from quantcli.contracts.execution import Execute, Exits
from quantcli.contracts.journal_rows import FlagRow
from quantcli.contracts.scan import Scan
from quantcli.ports.broker import Response
from quantcli.steps.run import Deferred, run_step, step_function
from tests.shell.faults import Died, Trouble
from tests.steps.small_world import DAY, SmallWorld, nothing

PAUSED = FlagRow(name="paused", is_set=True, reasons=(), by="reconcile")


@pytest.fixture
def world(tmp_path):
    made = SmallWorld(tmp_path)
    yield made
    made.journal.close()


def run(world, step="execute", function=None, **stamp):
    model = {"execute": Execute, "exits": Exits}[step]
    return run_step(world, step, world.stamp(**stamp), function or nothing(model))


def test_done_once(world):
    artifact = run(world)

    assert world.store.load(world.store.list(DAY)[0], Execute)[0] == artifact
    assert world.recorded() == [("execute", 0)]
    assert (world.store.root / f"config/{artifact.config_sha256}.json").is_file()
    assert artifact.inputs[0].name == f"config/{artifact.config_sha256}.json"


def test_done_twice_is_verified_and_touches_nothing(world):
    first = run(world, function=nothing(Execute, 7, codes=("outcome-unknown",)))
    before = world.tree()

    def never(desk):
        raise AssertionError("a published step runs again")

    again = run(world, function=never)

    assert again == first
    assert again.exit_code == 7
    assert world.tree() == before
    assert world.attempts == [("083000", "execute")]


def test_a_step_that_fails_leaves_a_record_and_no_artifact(world):
    def fail(desk):
        desk.write([PAUSED])
        raise BrokerUnreachable("gone")

    with pytest.raises(BrokerUnreachable):
        run(world, function=fail)

    assert world.recorded() == [("execute", 6)]
    assert world.store.list(DAY) == ()
    # The next attempt finds what the first one journaled.
    seen = []
    run(world, function=lambda desk: seen.extend(desk.my_rows()) or nothing(Execute)(desk))
    assert [entry.row for entry in seen] == [PAUSED]
    assert world.recorded() == [("execute", 6), ("execute", 0)]


def test_a_bug_leaves_a_record_as_well(world):
    def fail(desk):
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        run(world, function=fail)
    assert world.recorded() == [("execute", 1)]


def test_a_record_that_cannot_be_written_does_not_hide_why(world, monkeypatch):
    def full(*args):
        raise StorageError("No space left on device")

    def fail(desk):
        raise LedgerError("broken")

    monkeypatch.setattr(world, "record", full)
    with pytest.raises(LedgerError):
        run(world, function=fail)
    with pytest.raises(StorageError):
        run(world)


def test_a_crash_before_the_record_is_repaired_by_the_next_run(world, monkeypatch):
    def die(*args):
        raise Died

    with monkeypatch.context() as patch:
        patch.setattr(world.records, "append", die)
        with pytest.raises(Died):
            run(world)
    assert world.recorded() == []
    assert world.store.list(DAY) != ()

    run(world)
    assert world.recorded() == [("execute", 0)]
    assert world.attempts == [("083000", "execute")]


@pytest.mark.parametrize("kind", ["before", "after", "torn", errno.EIO])
def test_wherever_it_stops_the_next_run_ends_as_if_nothing_had_been(tmp_path, monkeypatch, kind):
    def once(folder, at=None):
        world = SmallWorld(folder)
        try:
            with monkeypatch.context() as patch:
                trouble = Trouble(patch, at, kind)
                if at is None:
                    run(world)
                else:
                    with pytest.raises((Died, StorageError, OSError)):
                        run(world)
            run(world)
            wanted = {"artifacts/2024-11-26/083000/execute.json"}
            artifacts = {name: data for name, (data, _) in world.tree().items() if "art" in name}
            assert world.recorded()[-1] == ("execute", 0)
            assert wanted <= set(artifacts)
            return artifacts, len(trouble.log)
        finally:
            world.journal.close()

    expected, count = once(tmp_path / "whole")
    # Looking alone may be refused without harm: only calls that write are struck by an errno.
    for at in range(1, count + 1, 1 if kind == "before" else 3):
        if isinstance(kind, int):
            with monkeypatch.context() as patch:
                dry = SmallWorld(tmp_path / f"dry-{at}")
                log = Trouble(patch)
                run(dry)
            dry.journal.close()
            if log.names[at - 1] not in {"write", "fsync", "link"}:
                continue
        found, _ = once(tmp_path / f"{at}", at)
        assert found == expected, at


# ------------------------------------------------------------------------------ damage


def spoil(world, step="execute"):
    path = world.store.root / f"2024-11-26/083000/{step}.json"
    path.write_bytes(path.read_bytes()[:-10])
    return path


def test_a_damaged_artifact_stops_its_step(world):
    run(world)
    path = spoil(world)
    before = path.read_bytes()

    with pytest.raises(ArtifactCorrupt):
        run(world)
    assert path.read_bytes() == before
    assert len(world.attempts) == 1
    assert world.recorded()[-1] == ("execute", 4)


def test_a_damaged_artifact_never_stops_exits(world):
    run(world, "exits")
    path = spoil(world, "exits")
    before = path.read_bytes()
    worked = []

    with pytest.raises(ArtifactCorrupt):
        run(world, "exits", lambda desk: worked.append(1) or nothing(Exits)(desk))

    assert worked == [1]
    assert path.read_bytes() == before
    assert world.recorded()[-1] == ("exits", 4)


def test_an_artifact_that_vanished_and_comes_out_otherwise_is_a_conflict_after_the_work(world):
    run(world, "exits")
    (world.store.root / "2024-11-26/083000/exits.json").unlink()
    worked = []

    def other(desk):
        worked.append(1)
        return nothing(Exits, 0, codes=("halted",))(desk)

    with pytest.raises(ArtifactConflict):
        run(world, "exits", other)
    assert worked == [1]
    assert run(world, "exits").codes == ()


def test_exits_that_fail_over_a_damaged_artifact_tell_why_they_failed(world):
    run(world, "exits")
    spoil(world, "exits")

    def fail(desk):
        raise BrokerUnreachable("gone")

    with pytest.raises(BrokerUnreachable):
        run(world, "exits", fail)


# ------------------------------------------------------------------------------ sealed


@pytest.mark.parametrize("step", ["execute", "exits"])
def test_nothing_is_added_to_a_sealed_session(world, step):
    run(world, step)
    world.store.publish_file("2024-11-26/manifest.json", b"{}\n")
    before = {name: kept for name, kept in world.tree().items() if "artifacts" in name}

    assert run(world, step).exit_code == 0
    with pytest.raises(OutsideWindow, match="the session is sealed"):
        run(world, step, cycle="093500")
    spoil_path = world.store.root / f"2024-11-26/083000/{step}.json"
    assert {name: kept for name, kept in world.tree().items() if "artifacts" in name} == before
    spoil_path.write_bytes(b"")
    with pytest.raises(ArtifactCorrupt):
        run(world, step)
    assert world.attempts == [("083000", step)]


# ------------------------------------------------------------------------------ the config


@pytest.mark.parametrize("step", ["exits", "reconcile", "report"])
@pytest.mark.parametrize("error", [ArtifactTampered("config"), StorageError("config")])
def test_a_config_in_doubt_does_not_stop_what_opens_nothing(world, monkeypatch, step, error):
    def doubted():
        raise error

    monkeypatch.setattr(world, "keep_config", doubted)
    began = []

    def work(desk):
        began.append(desk.step)
        raise BrokerUnreachable("gone")

    with pytest.raises(BrokerUnreachable):
        run_step(world, step, world.stamp(), work)
    assert began == [step]


@pytest.mark.parametrize("step", ["scan", "decide", "enforce", "execute", "snapshot"])
@pytest.mark.parametrize("error", [ArtifactTampered("config"), StorageError("config")])
def test_a_config_in_doubt_stops_whatever_may_lead_to_new_risk(world, monkeypatch, step, error):
    def doubted():
        raise error

    monkeypatch.setattr(world, "keep_config", doubted)
    with pytest.raises(type(error)):
        run_step(world, step, world.stamp(), nothing(Execute))
    assert world.attempts == []
    assert world.store.list(DAY) == ()


# ------------------------------------------------------------------------------ the rest


def test_steps_are_found_by_name():
    from quantcli.steps.exits import exits
    from quantcli.steps.scan import scan

    assert step_function("exits") is exits
    assert step_function("scan") is scan


def test_an_artifact_of_another_step_is_refused(world):
    with pytest.raises(AssertionError):
        run_step(world, "manifest", world.stamp())


def test_parts_are_opened_when_first_used():
    opened = []

    def open_it():
        opened.append(1)
        return Response(200, (), b"x")

    part = Deferred(open_it)
    assert opened == []
    assert (part.status, part.body) == (200, b"x")


def test_a_scan_is_not_read_where_execute_stands(world):
    run(world)
    located = world.store.list(DAY)[0]
    with pytest.raises(Exception, match="schema execute"):
        world.store.load(located, Scan)
