"""`quantcli calendar`."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from quantcli.cli.console import emit
from quantcli.cli.instants import typed_date
from quantcli.cli.options import AsOfOption, DeskOption, JsonOption, QuietOption, ShadowOption
from quantcli.contracts.errors import UsageError
from quantcli.contracts.scalars import instant_text
from quantcli.contracts.session_table import LAST, hours, is_half_day, new_york
from quantcli.core.sessions import sessions_between

if TYPE_CHECKING:
    from rich.console import RenderableType

FromOption = Annotated[
    str | None, typer.Option("--from", metavar="DATE", help="First date; else that of --as-of.")
]
ToOption = Annotated[
    str | None,
    typer.Option("--to", metavar="DATE", help="Last date; else 30 days after the first."),
]
_DAYS_SHOWN = 30


def command(
    first: FromOption = None,
    last: ToOption = None,
    desk: DeskOption = None,
    as_of: AsOfOption = None,
    dry_run: ShadowOption = False,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> int:
    """Print sessions of the exchange with their hours, half days marked."""
    begin = typed_date(first, "--from") if first else _here(desk, as_of, dry_run)
    # A start beyond the table keeps its own end, so that the table's error names it.
    shown = min(begin + dt.timedelta(days=_DAYS_SHOWN), max(begin, LAST))
    end = typed_date(last, "--to") if last else shown
    if end < begin:
        raise UsageError("--to lies before --from", value=f"{begin} to {end}")
    sessions = sessions_between(begin, end)
    value = {"sessions": [_object(session) for session in sessions]}
    emit(value, lambda: _table(sessions, begin, end), as_json, quiet)
    return 0


def _here(desk: Path | None, as_of: str | None, dry_run: bool) -> dt.date:
    """Return the New York date of the command's instant."""
    from quantcli.cli.wiring import Workspace, find_desk

    with Workspace(find_desk(desk), dry_run=dry_run, read_only=True) as workspace:
        return new_york(workspace.now(as_of)).date()


def _object(session: dt.date) -> dict[str, Any]:
    opens_at, closes_at = hours(session)
    return {
        "session": session.isoformat(),
        "opens_at": instant_text(opens_at),
        "closes_at": instant_text(closes_at),
        "is_half_day": is_half_day(session),
    }


def _table(sessions: tuple[dt.date, ...], begin: dt.date, end: dt.date) -> RenderableType:
    from rich.table import Table

    if not sessions:
        return f"no sessions from {begin} to {end}"
    table = Table("session", "", "New York", "UTC", "", box=None)
    for session in sessions:
        times = hours(session)
        local = "-".join(f"{new_york(time):%H:%M}" for time in times)
        utc = "-".join(f"{time:%H:%M}" for time in times)
        table.add_row(
            session.isoformat(),
            f"{session:%a}",
            local,
            utc,
            "half day" if is_half_day(session) else "",
        )
    return table
