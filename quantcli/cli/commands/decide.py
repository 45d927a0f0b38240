"""`quantcli decide`."""

from __future__ import annotations

from quantcli.cli.chain import step_command

command = step_command(
    "decide", "Decide ALLOW or BLOCK per signal, size it, and write decide.json."
)
