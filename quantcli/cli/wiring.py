"""The composition root: finds the desk, reads its configuration, puts the parts together."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from quantcli.cli import interrupts
from quantcli.cli.console import warn
from quantcli.cli.desk_file import load_config
from quantcli.contracts.canonical import canonical_bytes
from quantcli.contracts.config import DeskConfig
from quantcli.contracts.envelope import CodeId, InputRef, Mode, Stamp, StepName
from quantcli.contracts.errors import ConfigError, StateMissing
from quantcli.contracts.scalars import session_date
from quantcli.contracts.stored_config import check_config
from quantcli.shell.artifact_store import FileStore
from quantcli.shell.clock import WallClock
from quantcli.shell.code_identity import code_identity
from quantcli.shell.files import publish_once
from quantcli.shell.halt_file import HaltFile
from quantcli.shell.lock import FileLock
from quantcli.shell.run_records import RunRecords
from quantcli.steps.desk import Desk, config_ref
from quantcli.steps.run import BROKER_STEPS, Session

if TYPE_CHECKING:
    from quantcli.contracts.report import Report
    from quantcli.exchange.venue import Exchange
    from quantcli.ports.broker import Broker, Transport
    from quantcli.shell.alpaca.http import AlpacaTransport
    from quantcli.shell.bar_store import BarStore
    from quantcli.shell.journal import SqliteJournal


def find_desk(path: Path | None) -> Path:
    """Return the desk's folder: the one given, or the nearest parent with desk.toml.

    Raises:
        ConfigError: there is none.
    """
    if path is not None:
        if not (path / "desk.toml").is_file():
            raise ConfigError("no desk.toml there", value=path, hint="quantcli init DIR makes one")
        return path.resolve()
    try:
        here = Path.cwd()
    except OSError as error:
        raise ConfigError(
            "the working directory is gone", hint="name a desk: --desk DIR"
        ) from error
    for folder in (here, *here.parents):
        if (folder / "desk.toml").is_file():
            return folder
    raise ConfigError(
        "no desk.toml here or above",
        value=here,
        hint="quantcli init DIR makes a desk; --desk DIR or QUANTCLI_DESK names one",
    )


def home_of(root: Path, mode: Mode) -> Path:
    """Return the folder that state and artifacts of a mode live under."""
    return root / "dry-run" if mode == "dry-run" else root


class Workspace:
    """One desk, opened: configuration, paths and the parts, each made when first used."""

    def __init__(
        self,
        root: Path,
        *,
        dry_run: bool = False,
        read_only: bool = False,
        url: str | None = None,
        config: DeskConfig | None = None,
        code: CodeId | None = None,
    ) -> None:
        """Open a desk.

        Args:
            root: The desk's folder.
            dry_run: Work on the shadow book under dry-run/.
            read_only: Open the journal read-only.
            url: The broker's address, instead of the one in desk.toml.
            config: The configuration, instead of the one in desk.toml.
            code: The program's identity, instead of the installed one's (tests).
        """
        self.root = root
        self.config = config or load_config(root)
        self._config_ref = config_ref(self.config)
        self.mode: Mode = "dry-run" if dry_run else self.config.desk.mode
        self.home = home_of(root, self.mode)
        self.url = "" if self.mode == "dry-run" else self.config.broker.url if url is None else url
        self.code = code or code_identity()
        self.clock = WallClock()
        self.records = RunRecords(self.home / "state" / "runs")
        self.store = FileStore(self.home / "artifacts", self.records)
        self.halts = HaltFile(self.home / "state" / "halt.json")
        self.lock = FileLock(self.home / "state" / "lock")
        self._read_only = read_only
        self.syncs_together = False
        self._parts: dict[str, Any] = {}
        self._closing = ExitStack()
        self._started_at: dt.datetime | None = None
        self._criticals: list[str] = []

    @property
    def journal_path(self) -> Path:
        """Where the journal lies."""
        return self.home / "state" / "desk.sqlite3"

    @property
    def journal(self) -> SqliteJournal:
        """The journal, opened when first used.

        Raises:
            StateMissing: there is none: halted and paused, never a fresh start.
            StateRolledBack: an older copy lies in its place.
            JournalCorrupt: it does not hold together.
        """
        if "journal" not in self._parts:
            from quantcli.shell.journal import SqliteJournal
            from quantcli.shell.recorded_heads import GivenUp, require_newest

            path = self.journal_path
            if self.mode == "dry-run" and not path.exists():
                raise StateMissing(
                    "there is no dry run yet", value=path, hint="quantcli day --dry-run begins one"
                )
            journal = SqliteJournal.open(path, read_only=self._read_only)
            self._closing.callback(journal.close)
            require_newest(self.store, journal, GivenUp(self.home).read())
            self._parts["journal"] = journal
        found: SqliteJournal = self._parts["journal"]
        return found

    def forget_journal(self) -> None:
        """Open the journal anew at its next use: another file lies in its place."""
        self._parts.pop("journal", None)

    @property
    def market(self) -> BarStore:
        """The bar store of the configured feed and adjustment."""
        if "market" not in self._parts:
            from quantcli.shell.bar_store import BarStore

            data = self.config.data
            self._parts["market"] = BarStore(
                self.root / "data",
                data.feed,
                data.adjustment,
                keeps_lists=self.mode != "dry-run",
            )
        found: BarStore = self._parts["market"]
        return found

    @property
    def exchange(self) -> Exchange:
        """The embedded exchange of this desk."""
        if "exchange" not in self._parts:
            from quantcli.cli.venue import open_exchange

            exchange = open_exchange(
                self.root,
                self.home,
                self.config,
                self.market,
                syncs_each_commit=not self.syncs_together,
            )
            self._closing.callback(exchange.close)
            self._parts["exchange"] = exchange
        found: Exchange = self._parts["exchange"]
        return found

    @property
    def transport(self) -> AlpacaTransport:
        """The line to the broker, over HTTP or in process."""
        if "transport" not in self._parts:
            from quantcli.cli.broker_line import open_transport

            self._parts["transport"] = open_transport(self)
        found: AlpacaTransport = self._parts["transport"]
        return found

    def pinned_market(self, refs: tuple[InputRef, ...]) -> BarStore:
        """Return a market of exactly the partitions among `refs`."""
        return self.market.pinned(refs)

    def broker_on(self, transport: Transport) -> Broker:
        """Return a broker over a transport, e.g. a tape."""
        from quantcli.shell.alpaca.broker import AlpacaBroker

        return AlpacaBroker(transport)

    def close(self) -> None:
        """Close whatever was opened."""
        self._closing.close()

    def __enter__(self) -> Self:
        """Use as a context."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close."""
        self.close()

    def now(self, as_of: str | None) -> dt.datetime:
        """Return the command's instant; see `instants`. Nothing is changed."""
        from quantcli.cli.instants import command_instant

        return command_instant(self, as_of)

    def present(self) -> dt.datetime:
        """Return the instant that is, whatever a command was told; see `instants`."""
        from quantcli.cli.instants import present

        return present(self)

    def prepare(self, at: dt.datetime) -> None:
        """Bring a dry run's own desk to an instant, the lock being held."""
        if self.mode == "dry-run":
            from quantcli.cli.shadow import prepare_shadow

            prepare_shadow(self, at)

    def stamp(self, session: dt.date, cycle: str, as_of: dt.datetime) -> Stamp:
        """Return the stamp that all artifacts of a cycle share."""
        return Stamp(
            session=session,
            cycle=cycle,
            as_of=as_of,
            mode=self.mode,
            code=self.code,
            config_sha256=self._config_ref.sha256,
        )

    def desk(self, stamp: Stamp, step: str, broker: Broker | None = None) -> Desk:
        """Return the parts as a step sees them, outside any attempt: nothing is taped."""
        return Desk(
            config=self.config,
            stamp=stamp,
            step=step,
            store=self.store,
            journal=self.journal,
            market=self.market,
            halts=self.halts,
            sleep=self.sleep,
            broker_or_none=broker,
        )

    @contextmanager
    def attempt(self, stamp: Stamp, step: StepName) -> Iterator[Session]:
        """Open the line to the broker for one attempt of a step, on a new tape."""
        if step not in BROKER_STEPS:
            yield Session(None, self.halts, tuple)
            return
        from quantcli.shell.alpaca.broker import AlpacaBroker
        from quantcli.shell.tape import TapeRecorder

        head = self.journal.head()
        seen = self.store.names_before(stamp.session)
        tape = TapeRecorder(self.store.root, stamp, step, head, self.transport, self.halts, seen)
        self.journal.before_append = tape.flush
        try:
            yield Session(AlpacaBroker(tape), tape, lambda: tuple(tape.refs()))
        finally:
            self.journal.before_append = lambda: None
            tape.close()

    def advance(self, to: dt.datetime) -> None:
        """Move the local exchange's clock forward.

        Raises:
            BrokerRefused: the exchange refuses, e.g. to go back.
        """
        from quantcli.cli.exchange_clock import move

        move(self.transport, to)

    def exchange_time(self) -> dt.datetime:
        """Return the local exchange's clock."""
        from quantcli.cli.exchange_clock import read

        return read(self.transport)

    def pages(self, report: Report) -> Mapping[str, bytes]:
        """Return the report's pages: file name -> bytes."""
        from quantcli.shell.render.pages import report_pages

        return report_pages(report)

    def refresh_views(self) -> None:
        """Bring the views up to date, which stand outside the seal; a replay does so at its end."""
        if self.syncs_together:
            return
        from quantcli.shell.views import Views

        Views(self.store, self.home / "views", self.code.digest).refresh()

    def sleep(self, seconds: float) -> None:
        """Wait."""
        self.clock.sleep(seconds)

    def step_aside(self, stamp: Stamp, seconds: float) -> None:
        """Wait without the account's lock; see `stepping_aside`."""
        from quantcli.cli.stepping_aside import step_aside

        step_aside(self, stamp, seconds)

    def alarm(self, line: str) -> None:
        """Tell of an invariant that was violated, on stderr and in the run record."""
        self._criticals.append(line)
        warn(f"CRITICAL {line}: entries are halted; quantcli resume --reason TEXT ends it")

    def keep_config(self) -> None:
        """Store the decision config content-addressed, once; raises as `World` says."""
        ref = self._config_ref
        found = self.store.config_digest(ref.sha256)
        if found is None:
            view = canonical_bytes(self.config.decision_view())
            publish_once(self.store.root / ref.name, view)
        else:
            check_config(ref.sha256, found)

    def started(self) -> None:
        """Note the wall-clock start of a step, for its run record.

        Raises:
            LockHeld: the lock was given up for a wait, and another command has it.
        """
        interrupts.check()  # none begins after Ctrl-C
        self.lock.require()
        self._started_at = self.clock.now()
        self._criticals.clear()

    def record(
        self, stamp: Stamp, step: StepName, exit_code: int, published: Mapping[str, str]
    ) -> None:
        """Write the run record; without the lock it would be another command's chain."""
        if self.lock.is_lost:
            return
        from quantcli.shell.run_facts import run_facts

        known = self.records.published(stamp.session)
        if published and all(known.get(path) == digest for path, digest in published.items()):
            return  # verified only: nothing was added
        ended = self.clock.now()
        self.records.append(
            stamp.session,
            {
                "cycle": stamp.cycle,
                "step": step,
                "exit_code": exit_code,
                "published": dict(published),
                **({"critical": list(self._criticals)} if self._criticals else {}),
                **self._journal_fact(),
                **run_facts(self.root, self._started_at or ended, ended),
            },
        )

    @contextmanager
    def witnessed(self, journal: SqliteJournal) -> Iterator[None]:
        """Keep a record of what an operator's act writes: no tape tells of its rows."""
        journal.witness = self._record_rows
        try:
            yield
        finally:
            journal.witness = None

    def _record_rows(self, rows: list[tuple[Any, ...]]) -> None:
        from quantcli.shell.journal_text import value_of
        from quantcli.shell.run_facts import run_facts

        _, session, cycle, step, *_ = rows[0]
        now = self.clock.now()
        self.records.append(
            session_date(session),
            {
                "cycle": cycle,
                "step": step,
                "exit_code": 0,
                "published": {},
                "rows": [value_of(row) for row in rows],
                **run_facts(self.root, now, now),
            },
        )

    def _journal_fact(self) -> dict[str, Any]:
        """Return where the journal stands, if this command opened it."""
        if "journal" not in self._parts:
            return {}
        seq, sha256 = self.journal.head()
        return {"journal": {"seq": seq, "sha256": sha256}}
