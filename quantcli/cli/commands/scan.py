"""`quantcli scan`."""

from __future__ import annotations

from quantcli.cli.chain import step_command

command = step_command("scan", "Scan the universe for signals and write scan.json.")
