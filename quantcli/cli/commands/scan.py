"""`quantcli scan`."""

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
    """Scan the universe for signals and write scan.json."""
    return run_command("scan", desk, as_of, dry_run=dry_run, as_json=as_json, quiet=quiet)
