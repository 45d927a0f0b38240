"""Views: a function of what can be read, whatever was kept from the refresh before."""

import csv
import datetime as dt
import io
import json
import shutil
import tempfile
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from quantcli.shell.artifact_store import FileStore
from quantcli.shell.run_records import RunRecords
from quantcli.shell.views import (
    ENFORCEMENT_FILE,
    KEPT_FILE,
    METRICS_COLUMNS,
    METRICS_FILE,
    Views,
)
from quantcli.steps.report import report
from quantcli.steps.snapshot import snapshot
from tests.core.day_facts import enforce, gate, judgment, reconcile, scan, signal
from tests.steps.books import CLOSE, FRIDAY, MORNING, Books


@pytest.fixture
def books(tmp_path):
    """Return a desk with a Thursday that blocked one signal and an empty Friday."""
    made = Books(tmp_path).begin()
    made.publish(
        reconcile(), scan(signal()), enforce(judgment(gate("halt", "halted", "drill", "no halt")))
    )
    for session in (made.desk("x").stamp.session, FRIDAY):
        made.publish(snapshot(made.desk("snapshot", session)))
        made.publish(report(made.desk("report", session)))
    made.home = tmp_path
    return made


def refreshed(made, program="p"):
    Views(made.store, made.home / "views", program).refresh()
    text = (made.home / "views" / METRICS_FILE).read_text()
    lines = (made.home / "views" / ENFORCEMENT_FILE).read_text().splitlines()
    return list(csv.DictReader(io.StringIO(text))), [json.loads(line) for line in lines]


def test_one_row_for_each_session(books):
    rows, lines = refreshed(books)

    assert [row["session"] for row in rows] == ["2024-08-01", "2024-08-02"]
    assert tuple(rows[0]) == METRICS_COLUMNS
    assert rows[0]["equity"] == "100000.00"
    assert rows[0]["signals"] == "1"
    assert (rows[1]["signals"], rows[1]["volatility_5"]) == ("0", "")
    assert [(line["session"], line["symbol"], line["decision"]) for line in lines] == [
        ("2024-08-01", "NVDA", "BLOCK")
    ]
    assert lines[0]["gates"][0]["observed"] == "drill"
    assert lines[0]["is_enforced"] is True


def test_refreshing_changes_nothing(books):
    first = refreshed(books)

    assert refreshed(books) == first


def test_damaged_artifacts_leave_their_cells_empty(books):
    books.path("snapshot", cycle=CLOSE).write_bytes(b"")
    books.path("snapshot", cycle="082500").write_bytes(b"")
    books.path("enforce").write_bytes(b"")
    rows, lines = refreshed(books)

    assert (rows[0]["equity"], rows[0]["verdict"]) == ("", "attention")
    assert lines == []


def test_sealed_sessions_are_read_once_by_each_version_of_the_program(books):
    refreshed(books)
    books.store.publish_file("2024-08-01/manifest.json", b"{}\n")
    refreshed(books)
    books.path("enforce").unlink()

    assert len(refreshed(books)[1]) == 1
    assert refreshed(books, "another")[1] == []


# ------------------------------------------------------------------------------ kept or made anew

SESSIONS = [dt.date(2024, 8, day) for day in (1, 2, 5, 6)]


@pytest.fixture(scope="module")
def days(tmp_path_factory):
    """A desk of four sessions, each with a judgment, to be copied from one by one."""
    home = tmp_path_factory.mktemp("days")
    made = Books(home).begin()
    for session in SESSIONS:
        judged = enforce(judgment(gate("halt", "halted", f"drill {session}", "no halt")))
        made.publish(judged.model_copy(update={"session": session}))
        made.publish(snapshot(made.desk("snapshot", session)))
        made.publish(report(made.desk("report", session)))
    return home


class Growing:
    """A desk that grows a session at a time, is sealed, looked at, and tampered with."""

    def __init__(self, source, home):
        self.source, self.home = source, home
        (home / "artifacts").mkdir()
        shutil.copytree(source / "state", home / "state")
        self.views = home / "views"

    def refresh(self, folder=None):
        """Refresh as a process of its own would."""
        store = FileStore(self.home / "artifacts", RunRecords(self.home / "state" / "runs"))
        Views(store, folder or self.views, "p").refresh()

    def names(self):
        return sorted(path.name for path in (self.home / "artifacts").iterdir())

    def arrive(self):
        missing = [day.isoformat() for day in SESSIONS if day.isoformat() not in self.names()]
        for name in missing[:1]:
            shutil.copytree(self.source / "artifacts" / name, self.home / "artifacts" / name)

    def seal(self):
        """Seal the oldest open session; the seal tells all before it."""
        sealed = b""
        for name in self.names():
            manifest = self.home / "artifacts" / name / "manifest.json"
            if not manifest.exists():
                manifest.write_bytes(sealed + name.encode())
                return
            sealed = manifest.read_bytes()

    def lose_the_oldest(self):
        for name in self.names()[:1]:
            shutil.rmtree(self.home / "artifacts" / name)

    def swap_the_oldest(self):
        """Put another sealed day in the place of the oldest one."""
        others = [day.isoformat() for day in SESSIONS if day.isoformat() not in self.names()]
        for name in self.names()[:1] if others else ():
            shutil.rmtree(self.home / "artifacts" / name)
            new = self.home / "artifacts" / others[0]
            shutil.copytree(self.source / "artifacts" / others[0], new)
            (new / "manifest.json").write_bytes(others[0].encode())

    def restore_the_newest_seal_from_elsewhere(self):
        """Put another history of the newest sealed session there, with a seal of its own."""
        sealed = sorted((self.home / "artifacts").glob("*/manifest.json"))
        for manifest in sealed[-1:]:
            (manifest.parent / MORNING / "enforce.json").write_bytes(b"{}")
            manifest.write_bytes(manifest.read_bytes() + b"!")

    def damage_an_open_session(self):
        for name in self.names():
            folder = self.home / "artifacts" / name
            if not (folder / "manifest.json").exists():
                (folder / MORNING / "enforce.json").write_bytes(b"{}")

    def edit(self, name, change):
        path = self.views / name
        if path.exists():
            path.write_bytes(change(path.read_bytes()))

    def forget(self, name):
        (self.views / name).unlink(missing_ok=True)

    def cut_metrics(self):
        self.edit(METRICS_FILE, lambda data: data[:-3])

    def edit_metrics(self):
        self.edit(METRICS_FILE, lambda data: data.replace(b"100000.00", b"900000.00"))

    def edit_enforcement(self):
        self.edit(ENFORCEMENT_FILE, lambda data: data.replace(b"drill", b"grill"))

    def forget_metrics(self):
        self.forget(METRICS_FILE)

    def forget_what_is_kept(self):
        self.forget(KEPT_FILE)

    def tear_what_is_kept(self):
        self.edit(KEPT_FILE, lambda data: data[: len(data) // 2])

    def empty_what_is_kept(self):
        self.edit(KEPT_FILE, lambda _: b"[]")


ACTS = [
    name for name in vars(Growing) if name not in {"names", "edit", "forget"} and name[0] != "_"
]


@settings(max_examples=40, deadline=None)
@given(acts=st.lists(st.sampled_from(ACTS), max_size=14))
@example(acts=["arrive", "arrive", "seal", "refresh", "arrive", "seal", "refresh"])
@example(acts=["arrive", "seal", "refresh", "edit_metrics"])
@example(acts=["arrive", "seal", "refresh", "edit_enforcement"])
@example(acts=["arrive", "arrive", "seal", "seal", "refresh", "lose_the_oldest", "arrive"])
@example(acts=["arrive", "arrive", "seal", "refresh", "lose_the_oldest"])
@example(acts=["arrive", "seal", "refresh", "restore_the_newest_seal_from_elsewhere"])
@example(acts=["arrive", "refresh", "damage_an_open_session"])
@example(acts=["arrive", "refresh", "damage_an_open_session", "seal"])
@example(
    acts=[
        "arrive",
        "arrive",
        "lose_the_oldest",
        "arrive",
        "arrive",
        "seal",
        "seal",
        "seal",
        "refresh",
    ]
)
@example(acts=[*["arrive"] * 3, "lose_the_oldest", "seal", "seal", "refresh", "swap_the_oldest"])
def test_what_was_kept_never_shows(days, acts):
    with tempfile.TemporaryDirectory() as folder:
        desk = Growing(days, Path(folder))
        for act in acts:
            getattr(desk, act)()
        desk.refresh()
        desk.refresh(desk.home / "anew")

        for name in (METRICS_FILE, ENFORCEMENT_FILE, KEPT_FILE):
            assert (desk.views / name).read_bytes() == (desk.home / "anew" / name).read_bytes()


def test_a_sealed_session_is_not_read_again(days, tmp_path, monkeypatch):
    desk = Growing(days, tmp_path)
    for act in ("arrive", "seal", "arrive", "seal", "arrive", "refresh", "arrive"):
        getattr(desk, act)()
    read = []
    real = FileStore.load

    def load(store, located, model):
        read.append(located.session)
        return real(store, located, model)

    monkeypatch.setattr(FileStore, "load", load)
    desk.refresh()

    assert sorted(set(read)) == SESSIONS[2:]
