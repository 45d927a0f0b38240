"""`quantcli exits`."""

from __future__ import annotations

from quantcli.cli.chain import step_command

command = step_command(
    "exits", "Keep a working stop or exit for every share; write exits.json with the certificate."
)
