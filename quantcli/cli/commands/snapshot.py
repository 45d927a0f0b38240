"""`quantcli snapshot`."""

from __future__ import annotations

from typing import Annotated

import typer

from quantcli.cli.chain import run_command
from quantcli.cli.options import AsOfOption, DeskOption, DryRunOption, JsonOption, QuietOption


def command(
    desk: DeskOption = None,
    as_of: AsOfOption = None,
    genesis: Annotated[
        bool,
        typer.Option("--genesis", help="Journal the opening balance; once, before the first day."),
    ] = False,
    dry_run: DryRunOption = False,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> int:
    """Write the portfolio's state, P&L and figures as snapshot.json."""
    function = None
    if genesis:
        from quantcli.steps.snapshot import genesis_snapshot

        function = genesis_snapshot
    return run_command(
        "snapshot", desk, as_of, dry_run=dry_run, as_json=as_json, quiet=quiet, function=function
    )
