"""`quantcli enforce`."""

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
    """Judge each signal by every gate and write enforce.json with the approved intents."""
    return run_command("enforce", desk, as_of, dry_run=dry_run, as_json=as_json, quiet=quiet)
