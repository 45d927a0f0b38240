"""`quantcli schedule`."""

from __future__ import annotations

import datetime as dt
import shlex
from pathlib import Path
from typing import Annotated

import typer

from quantcli.cli.console import emit
from quantcli.cli.desk_file import load_config
from quantcli.cli.options import DeskOption, JsonOption, QuietOption
from quantcli.cli.wiring import find_desk
from quantcli.contracts.config import DeskConfig

_OPENS = dt.datetime(2000, 1, 3, 9, 30, tzinfo=dt.UTC)
_REGULAR_MINUTES, _HALF_MINUTES = 390, 210


def command(
    desk: DeskOption = None,
    cron: Annotated[bool, typer.Option("--cron", help="Print crontab lines.")] = False,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> int:
    """Print the schedule: a table of cycles, or crontab lines that call `quantcli day`.

    The lines name the times of regular and of half days; on the other kind of day, and on
    holidays, `day` finds nothing due and exits 5.
    """
    root = find_desk(desk)
    config = load_config(root)
    rows = [
        {
            "cycle": str(offset),
            "regular": _wall(config, index, _REGULAR_MINUTES),
            "half_day": _wall(config, index, _HALF_MINUTES),
            "steps": list(steps),
        }
        for index, (offset, steps) in enumerate(config.schedule.offsets())
    ]
    text = _crontab(root, rows) if cron else _table(rows)
    emit({"timezone": "America/New_York", "cycles": rows}, text, as_json, quiet)
    return 0


def _wall(config: DeskConfig, index: int, minutes: int) -> str:
    offset, _ = config.schedule.offsets()[index]
    at = offset.of(_OPENS, _OPENS + dt.timedelta(minutes=minutes))
    return at.strftime("%H:%M")


def _table(rows: list[dict[str, object]]) -> str:
    lines = [f"{'cycle':<14}{'regular':<10}{'half day':<10}steps (New York times)"]
    lines += [
        f"{row['cycle']:<14}{row['regular']:<10}{row['half_day']:<10}{' '.join(row['steps'])}"  # type: ignore[arg-type]
        for row in rows
    ]
    return "\n".join(lines)


def _crontab(root: Path, rows: list[dict[str, object]]) -> str:
    times = sorted({str(row[kind]) for row in rows for kind in ("regular", "half_day")})
    lines = ["CRON_TZ=America/New_York"]
    for time in times:
        hour, minute = time.split(":")
        lines.append(
            f"{int(minute)} {int(hour)} * * 1-5 quantcli day --quiet -C {shlex.quote(str(root))}"
        )
    return "\n".join(lines)
