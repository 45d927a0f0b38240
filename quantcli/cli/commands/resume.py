"""`quantcli resume`."""

from __future__ import annotations

from typing import Annotated

import typer

from quantcli.cli.console import emit
from quantcli.cli.instants import operators_session
from quantcli.cli.options import (
    AsOfOption,
    DeskOption,
    DryRunOption,
    JsonOption,
    QuietOption,
    typed_text,
)
from quantcli.cli.wiring import Workspace, find_desk
from quantcli.contracts.errors import UsageError
from quantcli.contracts.journal_rows import FlagName, FlagRow
from quantcli.core.sessions import cycle_name
from quantcli.ports.halts import HaltReading
from quantcli.ports.journal import Place

#: Halts that stand in the journal.
_HALTS: tuple[FlagName, ...] = ("halt-entries", "halt-all")


def command(
    desk: DeskOption = None,
    reason: Annotated[str, typer.Option("--reason", help="Why it is safe; journaled.")] = "",
    as_of: AsOfOption = None,
    dry_run: DryRunOption = False,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> int:
    """End a halt and PAUSED. A break that is still there pauses again at the next reconcile."""
    why = typed_text(reason)
    if not why:
        raise UsageError("resuming needs --reason TEXT", hint='quantcli resume --reason "..."')
    with (
        Workspace(find_desk(desk), dry_run=dry_run) as workspace,
        workspace.lock.hold(wait_seconds=5),
    ):
        at = workspace.now(as_of)
        session = operators_session(workspace, at)
        flags = workspace.journal.flags()
        was_paused = "paused" in flags and flags["paused"].is_set
        halted = [name for name in _HALTS if name in flags and flags[name].is_set]
        halt = workspace.halts.read()
        # Journaled even if nothing was paused: a halt's end needs its trace as well.
        cleared = [
            FlagRow(name=name, is_set=False, reasons=(why,), by="operator")
            for name in ("paused", *halted)
        ]
        with workspace.witnessed(workspace.journal):
            workspace.journal.append(Place(session, cycle_name(at), "resume"), cleared)
        workspace.halts.write(HaltReading(entries=False, all=False, reason=""))
    ended = [
        name for name, was in (("PAUSED", was_paused), ("halt", halt.entries or halted)) if was
    ]
    text = f"ended: {', '.join(ended)}" if ended else "nothing was halted or paused"
    if workspace.mode == "dry-run":
        text = f"DRY RUN {text}"
    emit({"ended": ended, "reason": why}, text, as_json, quiet)
    return 0
