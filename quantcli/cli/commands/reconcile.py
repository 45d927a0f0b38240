"""`quantcli reconcile`."""

from __future__ import annotations

from typing import Annotated

import typer

from quantcli.cli.chain import run_command
from quantcli.cli.options import AsOfOption, DeskOption, DryRunOption, JsonOption, QuietOption
from quantcli.contracts.errors import UsageError


def command(
    desk: DeskOption = None,
    as_of: AsOfOption = None,
    read_only: Annotated[
        bool,
        typer.Option("--read-only", help="Compare and write the artifact; set or clear nothing."),
    ] = False,
    adopt: Annotated[
        str,
        typer.Option(
            "--adopt",
            metavar="BREAK",
            help="Take one break's fact into the books: its subject as printed, or its id.",
        ),
    ] = "",
    reason: Annotated[str, typer.Option("--reason", help="Why to adopt it; journaled.")] = "",
    dry_run: DryRunOption = False,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> int:
    """Hold our book against the broker's; a break pauses entries. Exit 8 when there is one.

    With --adopt an operator takes one difference as the broker shows it into the desk's books, with
    a reason. PAUSED ends with the next clean reconcile.
    """
    if adopt and read_only:
        raise UsageError("--read-only adopts nothing", hint="type one of the two")
    if reason and not adopt:
        raise UsageError("--reason is for --adopt", hint="quantcli reconcile --help")
    if adopt:
        from quantcli.cli.adoption import run_adoption

        return run_adoption(
            desk, as_of, adopt, reason, dry_run=dry_run, as_json=as_json, quiet=quiet
        )
    if read_only:
        from quantcli.cli.read_only_check import run_read_only

        return run_read_only(desk, as_of, dry_run=dry_run, as_json=as_json, quiet=quiet)
    return run_command("reconcile", desk, as_of, dry_run=dry_run, as_json=as_json, quiet=quiet)
