"""`quantcli data check`."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Annotated, Any

import typer

from quantcli.cli.console import emit
from quantcli.cli.options import DeskOption, JsonOption, QuietOption, WriteNothingOption
from quantcli.cli.wiring import find_desk
from quantcli.shell.bar_check import CheckReport, check_store
from quantcli.shell.bar_findings import BarFinding

if TYPE_CHECKING:
    from rich.console import Group

AllOption = Annotated[bool, typer.Option("--all", help="List notes too, not only their number.")]


def command(
    show_all: AllOption = False,
    desk: DeskOption = None,
    dry_run: WriteNothingOption = False,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> int:
    """Check the bars; quarantine what is wrong.

    Looks at sessions, gaps, duplicates, OHLC sanity, spikes, stale symbols and the digest of
    every file. Bars are never edited: wrong ones are quarantined, and released when a corrected
    bar is imported. Exit 4 when a file is not what was imported; 0 otherwise.
    """
    report = check_store(find_desk(desk) / "data", is_dry_run=dry_run)
    emit(_object(report, dry_run), lambda: _table(report, dry_run, show_all), as_json, quiet)
    return report.exit_code


def _table(report: CheckReport, is_dry_run: bool, show_all: bool) -> Group:
    from rich.console import Group
    from rich.table import Table

    shown = [item for item in report.findings if show_all or item.severity != "note"]
    table = Table(
        "severity", "finding", "series", "subject", "session", "count", "detail", box=None
    )
    for item in shown:
        series = f"{item.shelf.series} {item.shelf.feed} {item.shelf.adjustment}"
        table.add_row(
            item.severity,
            item.code,
            series,
            item.subject,
            _date(item.session) or "",
            str(item.occurrences),
            item.detail,
        )
    return Group(*([table] if shown else []), _closing(report, is_dry_run, len(shown)))


def _closing(report: CheckReport, is_dry_run: bool, shown: int) -> str:
    notes = len(report.findings) - shown
    changes = f"{report.quarantined_added} quarantined, {report.quarantined_released} released"
    return (
        f"{report.bars} bars in {report.files} files: {_count(report, 'damaged')} damaged files, "
        f"{_count(report, 'quarantined')} bars in quarantine, "
        f"{_count(report, 'warning')} warnings, "
        f"{_count(report, 'note')} notes{' (--all lists them)' if notes else ''}; "
        f"{'would be ' if is_dry_run else ''}{changes} now"
    )


def _count(report: CheckReport, severity: str) -> int:
    return sum(1 for item in report.findings if item.severity == severity)


def _object(report: CheckReport, is_dry_run: bool) -> dict[str, Any]:
    return {
        "exit_code": report.exit_code,
        "files": report.files,
        "bars": report.bars,
        "quarantined_added": report.quarantined_added,
        "quarantined_released": report.quarantined_released,
        "is_dry_run": is_dry_run,
        "findings": [_finding(item) for item in report.findings],
    }


def _finding(item: BarFinding) -> dict[str, Any]:
    return {
        "severity": item.severity,
        "code": item.code,
        "series": item.shelf.series,
        "feed": item.shelf.feed,
        "adjustment": item.shelf.adjustment,
        "subject": item.subject,
        "session": _date(item.session),
        "count": item.occurrences,
        "detail": item.detail,
    }


def _date(session: dt.date | None) -> str | None:
    return session.isoformat() if session else None
