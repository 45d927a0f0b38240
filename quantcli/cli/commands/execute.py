"""`quantcli execute`."""

from __future__ import annotations

from quantcli.cli.chain import run_command
from quantcli.cli.options import AsOfOption, DeskOption, DryRunOption, JsonOption, QuietOption


def command(
    desk: DeskOption = None,
    as_of: AsOfOption = None,
    dry_run: DryRunOption = False,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> int:
    """Send what is due, resolve unknowns, cancel what has expired; write execute.json."""
    return run_command("execute", desk, as_of, dry_run=dry_run, as_json=as_json, quiet=quiet)
