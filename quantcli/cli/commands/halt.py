"""`quantcli halt`."""

from __future__ import annotations

from typing import Annotated

import typer

from quantcli.cli.console import emit
from quantcli.cli.options import DeskOption, JsonOption, QuietOption, typed_text
from quantcli.cli.wiring import find_desk
from quantcli.contracts.errors import UsageError
from quantcli.ports.halts import HaltReading
from quantcli.shell.halt_file import HaltFile


def command(
    desk: DeskOption = None,
    entries: Annotated[bool, typer.Option("--entries", help="Stop entries; exits go on.")] = False,
    everything: Annotated[
        bool, typer.Option("--all", help="Stop exits as well: positions keep only their stops.")
    ] = False,
    reason: Annotated[str, typer.Option("--reason", help="Why; kept with the halt.")] = "",
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
        raise UsageError("a halt needs --reason TEXT")
    home = find_desk(desk)
    record = HaltFile(home / "state" / "halt.json")
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
    emit({"halted": scope, "reason": reading.reason}, f"halted: {scope}{tail}", as_json, quiet)
    return 0
