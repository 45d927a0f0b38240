"""A world of real parts in a temporary folder, whose steps are whatever a test says."""

import datetime as dt
from contextlib import contextmanager

from quantcli.contracts.canonical import canonical_bytes
from quantcli.contracts.config import DeskConfig
from quantcli.contracts.envelope import CodeId, Stamp
from quantcli.contracts.execution import Execute, Exits
from quantcli.ports.halts import HaltReading
from quantcli.shell.artifact_store import FileStore
from quantcli.shell.files import publish_once
from quantcli.shell.halt_file import HaltFile
from quantcli.shell.journal import SqliteJournal
from quantcli.shell.run_records import RunRecords
from quantcli.steps.desk import config_ref
from quantcli.steps.run import Session
from tests.core.gate_facts import limits

CODE = CodeId(version="0", digest="c" * 64)
DAY = dt.date(2024, 11, 26)
EMPTY = {
    Execute: {"orders": (), "fills": (), "withheld": (), "codes": ()},
    Exits: {
        "reviews": (), "orders": (), "fills": (), "certificate": (), "withheld": (), "codes": (),
    },
}  # fmt: skip


class SmallWorld:
    """Store, records, journal and halt record are the real ones."""

    def __init__(self, folder, **config):
        self.folder = folder
        self.config = DeskConfig(limits=limits(), **config)
        self.records = RunRecords(folder / "state" / "runs")
        self.store = FileStore(folder / "artifacts", self.records)
        self.journal = SqliteJournal.in_memory()
        self.halts = HaltFile(folder / "state" / "halt.json")
        self.halts.write(HaltReading(entries=False, all=False, reason=""))
        self.market = None
        self.attempts = []
        self.views = 0
        self.now = None
        self.alarms = []

    def stamp(self, session=DAY, cycle="083000", as_of=None):
        at = as_of or dt.datetime.combine(session, dt.time(13, 30), dt.UTC)
        return Stamp(
            session=session,
            cycle=cycle,
            as_of=at,
            mode="local",
            code=CODE,
            config_sha256=config_ref(self.config).sha256,
        )

    def present(self):
        """Return the instant a test says it is; unless it says one, all has been long ago."""
        return self.now or dt.datetime(2026, 1, 1, tzinfo=dt.UTC)

    @contextmanager
    def attempt(self, stamp, step):
        self.attempts.append((stamp.cycle, step))
        yield Session(None, self.halts, tuple)

    def pages(self, report):
        return {"report.md": f"{report.cycle}\n".encode(), "report.html": b"<p>\n"}

    def refresh_views(self):
        self.views += 1

    def alarm(self, line):
        self.alarms.append(line)

    def step_aside(self, stamp, seconds):
        raise AssertionError("nothing here waits")

    def sleep(self, seconds):
        raise AssertionError("nothing here waits")

    def keep_config(self):
        path = self.store.root / config_ref(self.config).name
        publish_once(path, canonical_bytes(self.config.decision_view()))

    def started(self):
        pass

    def record(self, stamp, step, exit_code, published):
        known = self.records.published(stamp.session)
        if published and all(known.get(path) == digest for path, digest in published.items()):
            return
        record = {"step": step, "exit_code": exit_code, "published": dict(published)}
        self.records.append(stamp.session, record)

    def recorded(self, session=DAY):
        return [(each["step"], each["exit_code"]) for each in self.records.all(session)]

    def tree(self):
        """Return every file below the folder with its bytes and the time it was last changed."""
        return {
            str(path.relative_to(self.folder)): (path.read_bytes(), path.stat().st_mtime_ns)
            for path in sorted(self.folder.rglob("*"))
            if path.is_file()
        }


def nothing(model, exit_code=0, **fields):
    """Return a step in which nothing happens."""
    return lambda desk: model(**desk.header(model, exit_code), **{**EMPTY[model], **fields})
