"""Running a replay for people: a progress bar, a table, and what went wrong."""

from __future__ import annotations

import datetime as dt
import time
from collections import Counter
from contextlib import nullcontext
from dataclasses import dataclass, field
from typing import Any

from quantcli.cli.chain import problem
from quantcli.cli.console import is_terminal
from quantcli.cli.wiring import Workspace
from quantcli.contracts.errors import gravest
from quantcli.contracts.execution import Exits
from quantcli.contracts.report import Report
from quantcli.contracts.snapshot import Snapshot
from quantcli.core.sessions import sessions_between
from quantcli.lab.replay import SessionResult, replay
from quantcli.shell.files import settle, synced_together


@dataclass(slots=True)
class ReplayTally:
    """What a replay came to."""

    seconds: float = 0.0
    sessions: int = 0
    passed_over: int = 0
    counts: Counter[str] = field(default_factory=Counter)
    signals: int = 0
    trades_closed: int = 0
    stops_raised: int = 0
    equity_first: str = ""
    equity_last: str = ""
    report_page: str = ""
    rows: list[tuple[str, ...]] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    exit_codes: list[int] = field(default_factory=list)

    @property
    def exit_code(self) -> int:
        """The gravest exit code of all steps."""
        return gravest(self.exit_codes)

    def add(self, result: SessionResult) -> None:
        """Count one session."""
        if result.was_sealed_before:
            self.passed_over += 1
            return
        self.sessions += 1
        for outcome in result.outcomes:
            self.exit_codes.append(outcome.exit_code)
            if outcome.exit_code:
                self.problems.append(f"{result.session} {problem(outcome)}")
            if isinstance(outcome.artifact, Exits):
                raised = [row for row in outcome.artifact.reviews if row.action == "raise"]
                self.stops_raised += len(raised)
            if isinstance(outcome.artifact, Snapshot):
                self.equity_first = self.equity_first or str(outcome.artifact.equity_history[0])
                self.equity_last = str(outcome.artifact.equity)
            if isinstance(outcome.artifact, Report):
                self._add_report(outcome.artifact)

    def as_object(self) -> dict[str, Any]:
        """Return the tally for `--json`."""
        return {
            "sessions": self.sessions,
            "passed_over": self.passed_over,
            "milliseconds": int(self.seconds * 1000),
            "signals": self.signals,
            "terminal_states": dict(sorted(self.counts.items())),
            "trades_closed": self.trades_closed,
            "stops_raised": self.stops_raised,
            "equity_first": self.equity_first,
            "equity_last": self.equity_last,
            "exit_code": self.exit_code,
            "problems": self.problems,
            "report": self.report_page,
        }

    def table(self) -> Any:
        """Return the table that people see."""
        if not self.rows:
            return self._footer()
        from rich.console import Group
        from rich.table import Table
        from rich.text import Text

        table = Table(title="Sessions", title_justify="left")
        for name in ("session", "verdict", "signals", "executed", "closed", "positions", "equity"):
            table.add_column(name, justify="left" if name in ("session", "verdict") else "right")
        for row in self.rows[-20:]:
            table.add_row(*row)
        return Group(table, Text(self._footer()))

    def _footer(self) -> str:
        if not self.sessions:
            return f"nothing to run: {self.passed_over} sessions were run before"
        rate = f" ({self.sessions / self.seconds:.1f} a second)" if self.seconds else ""
        states = ", ".join(f"{count} {state}" for state, count in sorted(self.counts.items()))
        equity = f"equity {self.equity_first} -> {self.equity_last}"
        return "\n".join(
            (
                f"{self.sessions} sessions run{rate}, {self.passed_over} passed over",
                f"{self.signals} signals: {states or 'none'}",
                f"{self.trades_closed} trades closed, {self.stops_raised} stops raised, {equity}",
                f"report: {self.report_page}",
            )
        )

    def _add_report(self, report: Report) -> None:
        self.signals += report.signals_scanned
        self.counts.update({state: n for state, n in report.counts.items() if n})
        self.trades_closed += len(report.trades_closed)
        executed = report.counts.get("EXECUTED", 0)
        self.rows.append(
            (
                report.session.isoformat(),
                f"{report.label} {report.verdict}".strip(),
                str(report.signals_scanned),
                str(executed),
                str(len(report.trades_closed)),
                str(len(report.positions)),
                str(report.risk.equity),
            )
        )
        self.report_page = f"{report.session.isoformat()}/{report.cycle}/report.html"


def run_replay(
    workspace: Workspace, first: dt.date, last: dt.date, *, quiet: bool = False
) -> ReplayTally:
    """Run a replay under the lock, with a progress bar on a terminal."""
    tally = ReplayTally()
    shown = is_terminal() and not quiet
    started = time.perf_counter()
    workspace.journal.sync_at_checkpoints()
    total = len(sessions_between(first, last))
    with workspace.lock.hold(), synced_together(), _progress(shown, total) as bar:

        def told(result: SessionResult) -> None:
            settle()
            tally.add(result)
            if bar is not None:
                bar.update(bar.task_ids[0], advance=1, description=result.session.isoformat())

        replay(workspace, first, last, told)
    tally.seconds = time.perf_counter() - started
    tally.report_page = str(workspace.store.root / tally.report_page) if tally.report_page else ""
    return tally


def _progress(shown: bool, total: int) -> Any:
    if not shown:
        return nullcontext(None)
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(),
               TimeElapsedColumn())  # fmt: skip
    progress = Progress(*columns, console=Console(stderr=True))
    progress.add_task("replay", total=total)
    return progress
