"""`quantcli reconcile`."""

from __future__ import annotations

from typing import Annotated

import typer

from quantcli.cli.chain import run_command
from quantcli.cli.options import AsOfOption, DeskOption, DryRunOption, JsonOption, QuietOption


def command(
    desk: DeskOption = None,
    as_of: AsOfOption = None,
    read_only: Annotated[
        bool,
        typer.Option("--read-only", help="Compare and write the artifact; set or clear nothing."),
    ] = False,
    dry_run: DryRunOption = False,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> int:
    """Hold our book against the broker's; a break pauses entries. Exit 8 when there is one."""
    if read_only:
        from quantcli.cli.read_only_check import run_read_only

        return run_read_only(desk, as_of, dry_run=dry_run, as_json=as_json, quiet=quiet)
    return run_command("reconcile", desk, as_of, dry_run=dry_run, as_json=as_json, quiet=quiet)
