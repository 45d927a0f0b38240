"""`quantcli execute`."""

from __future__ import annotations

from quantcli.cli.chain import step_command

command = step_command(
    "execute", "Send what is due, resolve unknowns, cancel what has expired; write execute.json."
)
