"""`quantcli enforce`."""

from __future__ import annotations

from quantcli.cli.chain import step_command

command = step_command(
    "enforce", "Judge each signal by every gate and write enforce.json with the approved intents."
)
