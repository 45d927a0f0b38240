"""`quantcli halt`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from quantcli.cli.console import emit
from quantcli.cli.desk_file import load_config
from quantcli.cli.options import DeskOption, DryRunOption, JsonOption, QuietOption, typed_text
from quantcli.cli.wiring import find_desk, home_of
from quantcli.contracts.envelope import Mode
from quantcli.contracts.errors import ConfigError, UsageError
from quantcli.ports.halts import HaltReading
from quantcli.shell.halt_file import HaltFile


def command(
    desk: DeskOption = None,
    entries: Annotated[bool, typer.Option("--entries", help="Stop entries; exits go on.")] = False,
    everything: Annotated[
        bool, typer.Option("--all", help="Stop exits as well: positions keep only their stops.")
    ] = False,
    reason: Annotated[str, typer.Option("--reason", help="Why; kept with the halt.")] = "",
    dry_run: DryRunOption = False,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> int:
    """Stop entries, or everything, from the next send on.

    Needs neither network nor journal, and does not wait for the lock: a step that is running
    reads the halt again before each order it sends.
    """
    if entries == everything:
        raise UsageError("say --entries or --all", hint='quantcli halt --entries --reason "..."')
    why = typed_text(reason)
    if not why:
        raise UsageError(
            "a halt needs --reason TEXT", hint='quantcli halt --entries --reason "..."'
        )
    root = find_desk(desk)
    mode: Mode = "dry-run" if dry_run else _mode(root)
    record = HaltFile(home_of(root, mode) / "state" / "halt.json")
    before = record.read()
    # A halt of everything is not narrowed by a later halt of entries.
    reading = HaltReading(entries=True, all=everything or before.all, reason=why)
    record.write(reading)
    scope = "everything" if reading.all else "entries"
    tail = (
        "; no stop will be placed or raised: shares keep the stops that are at the broker"
        if reading.all
        else "; exits go on"
    )
    text = f"{'DRY RUN ' if mode == 'dry-run' else ''}halted: {scope}{tail}"
    emit({"halted": scope, "reason": reading.reason}, text, as_json, quiet)
    return 0


def _mode(root: Path) -> Mode:
    """Return the desk's mode; while desk.toml cannot be read, one whose halt is the desk's own."""
    try:
        return load_config(root).desk.mode
    except ConfigError:
        return "local"
