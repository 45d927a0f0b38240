"""Reporting and sealing: in which order, when not, and never twice in two forms."""

import datetime as dt
import hashlib
import json

import orjson
import pytest

from quantcli.contracts.config import DeskConfig
from quantcli.contracts.errors import (
    ArtifactConflict,
    ArtifactError,
    ClockSkew,
    OutsideWindow,
    StorageError,
)
from quantcli.contracts.execution import Exits
from quantcli.contracts.journal_rows import GenesisRow, IntentRow
from quantcli.contracts.registry import parse_manifest
from quantcli.ports.journal import Place
from quantcli.shell.audit import verify
from quantcli.steps.closing import close_report
from quantcli.steps.desk import config_ref
from quantcli.steps.run import run_step
from tests.core.gate_facts import limits
from tests.core.made_orders import intent, order, row
from tests.shell.faults import Died
from tests.steps.small_world import DAY, SmallWorld, nothing

NEXT, THEN = dt.date(2024, 11, 27), dt.date(2024, 11, 29)
ENTRY = intent(session=DAY)


@pytest.fixture
def world(tmp_path):
    made = SmallWorld(tmp_path)
    genesis = GenesisRow(account_id="a", cash=1000, first_session=DAY)
    made.journal.append(Place(DAY, "082500", "snapshot"), [genesis])
    yield made
    made.journal.close()


def closing_stamp(world, session=DAY, minutes=0):
    """Return the stamp of the session's last cycle, or of a later instant."""
    half = session == THEN
    at = dt.datetime.combine(session, dt.time(18 if half else 21, 5), dt.UTC)
    at += dt.timedelta(minutes=minutes)
    cycle = (at - dt.timedelta(hours=5)).strftime("%H%M%S")
    return world.stamp(session, cycle, at)


def close(world, session=DAY, minutes=0):
    return close_report(world, closing_stamp(world, session, minutes))


def unknown(world):
    """Journal an order whose outcome nobody knows; return how it ends."""
    place = Place(DAY, "083000", "execute")
    pending = order("PENDING", None, of=ENTRY)
    world.journal.append(place, [IntentRow(intent=ENTRY), row(pending, "UNKNOWN")])

    def end():
        known = order("UNKNOWN", None, of=ENTRY)
        world.journal.append(Place(NEXT, "083000", "execute"), [row(known, "REJECTED")])

    return end


def manifest(world, session=DAY):
    data = (world.store.root / f"{session}/manifest.json").read_bytes()
    return parse_manifest(data, what="manifest"), hashlib.sha256(data).hexdigest()


def faults(world):
    return [(fault.path, fault.code) for fault in verify(world.store, world.journal).faults]


def artifacts(world):
    return {name: data for name, (data, _) in world.tree().items() if name.startswith("artifacts")}


# ------------------------------------------------------------------------------ sealing


def test_the_last_report_seals(world):
    run_step(world, "exits", world.stamp(), nothing(Exits))
    closing = close(world)
    sealed, digest = manifest(world)

    assert closing.sealed == (DAY,)
    assert closing.report.seals
    assert closing.page == "2024-11-26/160500/report.html"
    assert [item.path for item in sealed.files] == [
        "2024-11-26/083000/exits.json",
        "2024-11-26/160500/report.html",
        "2024-11-26/160500/report.json",
        "2024-11-26/160500/report.md",
        "2024-11-26/transactions.jsonl",
        f"config/{closing.report.config_sha256}.json",
    ]
    assert (sealed.previous, sealed.gap) == (None, ())
    assert (sealed.journal_seq, sealed.journal_sha256) == world.journal.head()
    assert world.records.published(DAY)["2024-11-26/manifest.json"] == digest
    assert faults(world) == []


def test_an_earlier_report_does_not_seal(world):
    closing = close_report(world, world.stamp())

    assert not closing.report.seals
    assert closing.sealed == ()
    assert not world.store.is_sealed(DAY)
    assert not (world.store.root / "2024-11-26/083000/unsealed.json").exists()


def test_the_transaction_log_can_be_checked_without_the_journal(world):
    run_step(world, "exits", world.stamp(), nothing(Exits))
    unknown(world)()
    close(world, NEXT)
    head = "0" * 64
    kinds = []
    for session in (DAY, NEXT):
        for line in (world.store.root / f"{session}/transactions.jsonl").read_bytes().splitlines():
            said = json.loads(line)
            body = json.dumps(said["body"], sort_keys=True, separators=(",", ":"))
            named = [said[name] for name in ("previous", "seq", "session", "cycle", "step", "kind")]
            link = json.dumps([*named, body], separators=(",", ":")) + "\n"
            assert said["session"] == str(session)
            assert said["previous"] == head
            head = hashlib.sha256(link.encode()).hexdigest()
            assert said["sha256"] == head
            kinds.append(said["kind"])
    assert kinds == ["genesis", "intent", "order", "order"]


def test_a_seal_that_died_takes_the_rows_that_came_after_into_its_log(world, monkeypatch):
    publish, log = world.store.publish_file, f"{DAY}/transactions.jsonl"

    def dies(path, data, **terms):
        if path.endswith("manifest.json"):
            raise Died
        return publish(path, data, **terms)

    with monkeypatch.context() as dying:
        dying.setattr(world.store, "publish_file", dies)
        with pytest.raises(Died):
            close(world)
    place = Place(DAY, "160500", "exits")
    world.journal.append(place, [IntentRow(intent=intent("GOOGL", session=DAY))])
    close(world)
    lines = (world.store.root / log).read_bytes().splitlines()
    assert [json.loads(line)["kind"] for line in lines] == ["genesis", "intent"]
    assert faults(world) == []
    changed = world.journal.transactions(DAY) + b"{}\n"
    monkeypatch.setattr(world.journal, "transactions", lambda session: changed)
    close(world)
    assert (world.store.root / log).read_bytes() != changed


def test_a_report_typed_with_a_wrong_date_does_not_close_the_session_under_way(world):
    """It would take the stops away from the day: nothing is added to what is sealed."""
    run_step(world, "exits", world.stamp(), nothing(Exits))
    closing = close_report(world, world.stamp(NEXT))

    assert closing.sealed == ()
    assert not world.store.is_sealed(DAY)


def test_a_report_ahead_of_time_neither_seals_nor_writes(world):
    """Were it to seal, every stop of the day would be refused its place in the record."""
    run_step(world, "exits", world.stamp(), nothing(Exits))
    stamp = closing_stamp(world)
    world.now = stamp.as_of - dt.timedelta(seconds=31)
    before = world.tree()
    with pytest.raises(ClockSkew, match="would seal"):
        close_report(world, stamp)
    assert world.tree() == before
    world.now += dt.timedelta(seconds=1)
    assert close_report(world, stamp).sealed == (DAY,)


def test_seals_are_chained_over_days_that_were_not_traded(world):
    close(world)
    _, first = manifest(world)
    close(world, THEN)
    sealed, _ = manifest(world, THEN)

    assert (sealed.previous.session, sealed.previous.sha256) == (DAY, first)
    assert sealed.gap == (NEXT,)
    assert faults(world) == []


def test_older_sessions_are_sealed_first_oldest_first(world):
    for session in (DAY, NEXT):
        run_step(world, "exits", world.stamp(session), nothing(Exits))
    closing = close(world, THEN)

    assert closing.sealed == (DAY, NEXT, THEN)
    assert manifest(world, NEXT)[0].previous.sha256 == manifest(world, DAY)[1]
    assert manifest(world, THEN)[0].previous.sha256 == manifest(world, NEXT)[1]
    assert closing.report.previous_seal == manifest(world, NEXT)[1]
    assert faults(world) == []


def test_an_older_sessions_damage_stands_in_its_seal(world):
    run_step(world, "exits", world.stamp(), nothing(Exits))
    (world.store.root / "2024-11-26/083000/exits.json").unlink()
    close(world, NEXT)

    (damage,) = manifest(world, DAY)[0].damage
    assert (damage.path, damage.code) == ("2024-11-26/083000/exits.json", "artifact-missing")


# ------------------------------------------------------------------------------ reruns


@pytest.mark.parametrize("minutes", [0, 1, 90])
def test_on_a_sealed_session_nothing_is_written(world, minutes):
    first = close(world)
    before, views = world.tree(), world.views
    again = close(world, minutes=minutes)

    assert again.report == first.report
    assert again.exit_code == first.exit_code
    assert again.page == first.page
    assert again.sealed == ()
    assert world.tree() == before
    assert world.views == views


def test_a_sealed_session_without_a_report_says_so(world):
    close(world, NEXT)
    (world.store.root / str(DAY)).mkdir()
    world.store.publish_file(f"{DAY}/manifest.json", b"{}\n")

    with pytest.raises(OutsideWindow, match="sealed"):
        close(world, DAY)


def test_the_damaged_report_of_a_sealed_session_is_not_printed(world):
    close(world)
    (world.store.root / "2024-11-26/160500/report.json").write_bytes(b"{}\n")

    with pytest.raises(ArtifactError):
        close(world, minutes=30)


@pytest.mark.parametrize("name", ["report.html", "report.md", "report.json", "manifest.json"])
@pytest.mark.parametrize("minutes", [0, 2])
def test_wherever_it_dies_the_next_run_seals(world, monkeypatch, name, minutes):
    """It dies just before a file is written; the next run may come in the same window, later."""
    store = world.store
    real_file, real_artifact = store.publish_file, store.publish

    def file(path, data, **options):
        if path.endswith(name):
            raise Died
        return real_file(path, data, **options)

    def artifact(found):
        if name == "report.json":
            raise Died
        return real_artifact(found)

    with monkeypatch.context() as patch:
        patch.setattr(store, "publish_file", file)
        patch.setattr(store, "publish", artifact)
        with pytest.raises(Died):
            close(world)
    assert not store.is_sealed(DAY)

    stamp = closing_stamp(world, minutes=minutes).model_copy(update={"cycle": "160500"})
    closing = close_report(world, stamp)

    assert closing.sealed == (DAY,)
    page = (store.root / "2024-11-26/160500/report.md").read_bytes()
    assert page == b"160500\n"
    assert faults(world) == []


def test_a_seal_whose_record_was_lost_is_recorded_by_the_next_run(world, monkeypatch):
    real = world.record

    def die(stamp, step, exit_code, published):
        if any(path.endswith("manifest.json") for path in published):
            raise Died
        real(stamp, step, exit_code, published)

    with monkeypatch.context() as patch:
        patch.setattr(world, "record", die)
        with pytest.raises(Died):
            close(world)
    assert "2024-11-26/manifest.json" not in world.records.published(DAY)

    close(world)
    assert world.records.published(DAY)["2024-11-26/manifest.json"] == manifest(world)[1]


# ------------------------------------------------------------------------------ not yet


def test_an_unknown_order_keeps_the_session_open(world):
    end = unknown(world)
    closing = close(world)

    assert closing.exit_code == 7
    assert closing.sealed == ()
    told = (world.store.root / "2024-11-26/160500/unsealed.json").read_bytes()
    assert orjson.loads(told) == {"open_orders": [ENTRY.client_order_id]}
    # The next session's report neither seals it nor itself ...
    later = close(world, NEXT)
    assert (later.exit_code, later.sealed) == (7, ())
    # ... until the outcome is known.
    end()
    finished = close(world, THEN)
    assert finished.sealed == (DAY, NEXT, THEN)
    assert faults(world) == []


def test_sealing_is_tried_again_in_the_same_session(world):
    end = unknown(world)
    assert close(world).exit_code == 7
    assert close(world).exit_code == 7
    end()
    closing = close(world, minutes=40)

    assert closing.sealed == (DAY,)
    assert closing.report.cycle == "164500"
    assert closing.exit_code != 7
    assert "2024-11-26/160500/unsealed.json" in [each.path for each in manifest(world)[0].files]


def test_what_is_open_may_change_between_two_tries(world):
    unknown(world)
    close(world)
    other = intent("MSFT", session=DAY)
    pending = order("PENDING", None, of=other)
    rows = [IntentRow(intent=other), row(pending, "UNKNOWN")]
    world.journal.append(Place(DAY, "160500", "execute"), rows)

    assert close(world).exit_code == 7
    told = (world.store.root / "2024-11-26/160500/unsealed.json").read_bytes()
    assert len(orjson.loads(told)["open_orders"]) == 2


# ------------------------------------------------------------------------------ a lost seal


def test_a_lost_seal_stays_in_the_chain_and_is_told(world):
    close(world)
    path = world.store.root / "2024-11-26/manifest.json"
    kept = path.read_bytes()
    digest = manifest(world)[1]
    path.unlink()
    closing = close(world, NEXT)
    sealed, _ = manifest(world, NEXT)

    assert closing.exit_code == closing.report.exit_code == 4
    assert (closing.report.verdict, closing.report.go_no_go) == ("damaged", "NO-GO")
    assert closing.report.damage == sealed.damage
    assert closing.report.previous_seal == digest
    assert closing.sealed == (NEXT,)
    assert not path.exists()
    assert (sealed.previous.session, sealed.previous.sha256) == (DAY, digest)
    assert [(each.path, each.code) for each in sealed.damage] == [
        ("2024-11-26/manifest.json", "artifact-missing"),
    ]
    assert ("2024-11-26/manifest.json", "artifact-missing") in faults(world)
    # Restored from a backup, all is well again.
    path.write_bytes(kept)
    assert faults(world) == []


DAMAGES = {
    "artifact-corrupt": lambda data: data[: len(data) // 2],
    "artifact-tampered": lambda data: data.replace(b'"journal_seq":1', b'"journal_seq":2'),
    "artifact-foreign": lambda data: data.replace(str(DAY).encode(), b"2024-11-25"),
}


@pytest.mark.parametrize("code", DAMAGES)
def test_a_damaged_seal_is_told_and_the_chain_goes_on_from_the_published_one(world, code):
    close(world)
    path = world.store.root / "2024-11-26/manifest.json"
    kept, digest = path.read_bytes(), manifest(world)[1]
    spoilt = DAMAGES[code](kept)
    assert spoilt != kept
    path.write_bytes(spoilt)
    closing = close(world, NEXT)
    sealed, _ = manifest(world, NEXT)

    assert (closing.exit_code, closing.sealed) == (4, (NEXT,))
    assert [(each.path, each.code) for each in closing.report.damage] == [
        ("2024-11-26/manifest.json", code),
    ]
    assert (closing.report.verdict, closing.report.go_no_go) == ("damaged", "NO-GO")
    assert code in closing.report.no_go_reasons
    assert sealed.damage == closing.report.damage
    assert closing.report.previous_seal == sealed.previous.sha256 == digest
    found = [ref.sha256 for ref in closing.report.inputs if ref.name == "2024-11-26/manifest.json"]
    assert found == [hashlib.sha256(spoilt).hexdigest()]
    assert "2024-11-26/manifest.json" in [name for name, _ in faults(world)]
    path.write_bytes(kept)
    assert faults(world) == []


def test_a_seal_damaged_after_the_report_and_before_sealing_is_listed(world, monkeypatch):
    close(world)
    real = world.store.publish_file

    def dies(path, data, **terms):
        if path == f"{NEXT}/manifest.json":
            raise Died
        return real(path, data, **terms)

    with monkeypatch.context() as dying:
        dying.setattr(world.store, "publish_file", dies)
        with pytest.raises(Died):
            close(world, NEXT)
    (world.store.root / "2024-11-26/manifest.json").write_bytes(b"")
    closing = close(world, NEXT)

    assert (closing.report.exit_code, closing.exit_code) == (0, 4)
    (damage,) = manifest(world, NEXT)[0].damage
    assert (damage.path, damage.code) == ("2024-11-26/manifest.json", "artifact-corrupt")


def test_an_older_session_lists_the_damaged_seal_before_it(world):
    close(world)
    run_step(world, "exits", world.stamp(NEXT), nothing(Exits))
    (world.store.root / "2024-11-26/manifest.json").write_bytes(b"{}\n")
    closing = close(world, THEN)

    assert closing.sealed == (NEXT, THEN)
    (damage,) = manifest(world, NEXT)[0].damage
    assert (damage.path, damage.code) == ("2024-11-26/manifest.json", "artifact-corrupt")
    assert manifest(world, THEN)[0].damage == ()


# ------------------------------------------------------------------------------ the config


@pytest.mark.parametrize("spoilt", [b"", b"{}\n"])
def test_a_damaged_config_is_listed_with_the_digest_found(world, spoilt):
    run_step(world, "exits", world.stamp(), nothing(Exits))
    name = config_ref(world.config).name
    path, found = world.store.root / name, hashlib.sha256(spoilt).hexdigest()
    kept = path.read_bytes()
    path.write_bytes(spoilt)
    closing = close(world)
    sealed, _ = manifest(world)

    assert (closing.exit_code, closing.sealed) == (4, (DAY,))
    (damage,) = closing.report.damage
    assert (damage.path, damage.code) == (name, "artifact-tampered")
    assert found in damage.detail
    assert sealed.damage == (damage,)
    assert [(item.sha256, item.bytes) for item in sealed.files if item.path == name] == [
        (found, len(spoilt)),
    ]
    assert [ref.sha256 for ref in closing.report.inputs if ref.name == name] == [found]
    # Who sealed it does not make it whole; the right one does.
    assert faults(world) == [(name, "artifact-tampered")]
    path.write_bytes(kept)
    assert faults(world) == []


@pytest.mark.parametrize("change", ["gone", "spoilt"])
def test_a_config_that_only_an_earlier_cycle_names_is_listed(world, change):
    run_step(world, "exits", world.stamp(), nothing(Exits))
    name = config_ref(world.config).name
    world.config = DeskConfig(limits=limits(positions_max=3))
    path = world.store.root / name
    if change == "gone":
        path.unlink()
    else:
        path.write_bytes(b"x")
    closing = close(world)

    code = "artifact-missing" if change == "gone" else "artifact-tampered"
    assert [(each.path, each.code) for each in closing.report.damage] == [(name, code)]
    assert closing.exit_code == 4
    assert config_ref(world.config).name != name


def test_an_older_sessions_damaged_config_stands_in_its_seal(world):
    run_step(world, "exits", world.stamp(), nothing(Exits))
    name = config_ref(world.config).name
    (world.store.root / name).write_bytes(b"x")
    world.config = DeskConfig(limits=limits(positions_max=3))
    close(world, NEXT)

    assert [(each.path, each.code) for each in manifest(world)[0].damage] == [
        (name, "artifact-tampered"),
    ]
    assert manifest(world, NEXT)[0].damage == ()


def test_a_seal_is_not_made_anew_in_another_form(world):
    close(world)
    path = world.store.root / "2024-11-26/manifest.json"
    kept = path.read_bytes()
    path.unlink()
    world.journal.append(
        Place(NEXT, "083000", "x"), [IntentRow(intent=intent("MSFT", session=NEXT))]
    )

    with pytest.raises(ArtifactConflict, match="is gone or changed"):
        close(world)
    assert not path.exists()
    with pytest.raises(OutsideWindow):
        close(world, minutes=30)
    path.write_bytes(kept)
    assert faults(world) == []


def test_the_same_seal_heals(world):
    close(world)
    path = world.store.root / "2024-11-26/manifest.json"
    kept = path.read_bytes()
    path.unlink()
    close(world)

    assert path.read_bytes() == kept


def test_a_disk_that_refuses_the_seal_is_told_and_tried_again(world, monkeypatch):
    real = world.store.publish_file

    def refuse(path, data, **options):
        if path.endswith("manifest.json"):
            raise StorageError("No space left on device")
        return real(path, data, **options)

    with monkeypatch.context() as patch:
        patch.setattr(world.store, "publish_file", refuse)
        with pytest.raises(StorageError):
            close(world)

    assert close(world).sealed == (DAY,)
    assert len(artifacts(world)) == 6
