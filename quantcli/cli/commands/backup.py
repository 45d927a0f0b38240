"""`quantcli backup`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from quantcli.cli.console import emit
from quantcli.cli.instants import typed_instant
from quantcli.cli.options import AsOfOption, DeskOption, JsonOption, QuietOption, ShadowOption
from quantcli.cli.wiring import Workspace, find_desk


def command(
    into: Annotated[
        Path | None,
        typer.Argument(metavar="DIR", help="A new folder; else backups/INSTANT of the desk."),
    ] = None,
    desk: DeskOption = None,
    as_of: AsOfOption = None,
    dry_run: ShadowOption = False,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> int:
    """Copy the desk's state, journal and log as one, and open the copy to verify it.

    Holds the journal, the halt record, the run records and desk.toml, with their digests; not
    artifacts, bars or keys. `quantcli restore --from DIR` begins with it.
    """
    from quantcli.shell.backup import make_backup

    with (
        Workspace(find_desk(desk), dry_run=dry_run, read_only=True) as workspace,
        workspace.lock.hold(wait_seconds=5),
    ):
        if into is None:
            # No broker is asked for the time: a backup depends on nothing but the disk.
            at = workspace.clock.now() if as_of is None else typed_instant(as_of, "--as-of")
            into = workspace.home / "backups" / at.strftime("%Y%m%dT%H%M%SZ")
        made = make_backup(workspace.root, workspace.home, workspace.journal, into)
    head = {"seq": made.head.seq, "sha256": made.head.sha256}
    value = {"backup": str(into), "files": made.files, "journal": head}
    text = f"{into}: {made.files} files, journal at row {made.head.seq}\nhead: {made.head.sha256}"
    emit(value, text, as_json, quiet)
    return 0
