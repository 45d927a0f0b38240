"""`quantcli schedule`."""

from __future__ import annotations

import datetime as dt
import shlex
import sys
from pathlib import Path
from typing import Annotated, NamedTuple

import typer

from quantcli.cli.console import emit
from quantcli.cli.desk_file import load_config
from quantcli.cli.options import DeskOption, JsonOption, QuietOption
from quantcli.cli.wiring import find_desk
from quantcli.contracts.config import DeskConfig, Offset
from quantcli.steps.cycles import fetch_offset

_NEVER = "-"
_OPENS = dt.datetime(2000, 1, 3, 9, 30, tzinfo=dt.UTC)
_REGULAR_MINUTES, _HALF_MINUTES = 390, 210


def command(
    desk: DeskOption = None,
    cron: Annotated[bool, typer.Option("--cron", help="Print crontab lines.")] = False,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> int:
    """Print the schedule: a table of cycles, or crontab lines that call `quantcli day`.

    In the modes paper and live `day` also fetches bars, before the first cycle.

    The lines name the times of regular and of half days; on the other kind of day, and on
    holidays, `day` finds nothing due and exits 5.
    """
    root = find_desk(desk)
    config = load_config(root)
    rows = [
        _Row(str(offset), _wall(offset, _REGULAR_MINUTES), _wall(offset, _HALF_MINUTES), steps)
        for offset, steps in _entries(config)
    ]
    value = {"timezone": "America/New_York", "cycles": [row.as_object() for row in rows]}
    emit(value, _crontab(root, rows) if cron else _table(rows), as_json, quiet)
    return 0


def _entries(config: DeskConfig) -> list[tuple[Offset, tuple[str, ...]]]:
    """Return the cycles, and the fetch where there is one, in time order."""
    found: list[tuple[Offset, tuple[str, ...]]] = [*config.schedule.offsets()]
    offset = fetch_offset(config, config.desk.mode)
    if offset is not None:
        found.insert(0, (offset, ("data fetch",)))
    closes = _OPENS + dt.timedelta(minutes=_REGULAR_MINUTES)
    return sorted(found, key=lambda entry: entry[0].of(_OPENS, closes))


class _Row(NamedTuple):
    """One cycle: its offset, and New York times on a regular and on a half day."""

    cycle: str
    regular: str
    half_day: str
    steps: tuple[str, ...]

    def as_object(self) -> dict[str, object]:
        return self._asdict() | {"steps": list(self.steps)}


def _wall(offset: Offset, minutes: int) -> str:
    closes = _OPENS + dt.timedelta(minutes=minutes)
    is_kept = offset.is_kept(_OPENS, closes)
    return offset.of(_OPENS, closes).strftime("%H:%M") if is_kept else _NEVER


def _table(rows: list[_Row]) -> str:
    lines = [f"{'cycle':<14}{'regular':<10}{'half day':<10}steps (New York times)"]
    lines += [
        f"{row.cycle:<14}{row.regular:<10}{row.half_day:<10}{' '.join(row.steps)}" for row in rows
    ]
    return "\n".join(lines)


def _crontab(root: Path, rows: list[_Row]) -> str:
    """Return one line for each time of day; cron knows no PATH, so the program is named whole."""
    program = Path(sys.executable).with_name("quantcli")
    words = f"{shlex.quote(str(program))} day --quiet -C {shlex.quote(str(root))}"
    # Cron reads a percent sign as the end of the line.
    words = words.replace("%", r"\%")
    times = {time for row in rows for time in (row.regular, row.half_day)} - {_NEVER}
    lines = [
        "# For a cron that knows CRON_TZ; elsewhere run it in New York's time zone.",
        "CRON_TZ=America/New_York",
    ]
    for time in sorted(times):
        hour, minute = time.split(":")
        lines.append(f"{int(minute)} {int(hour)} * * 1-5 {words}")
    return "\n".join(lines)
