"""`quantcli exchange advance`."""

from __future__ import annotations

from typing import Annotated

import typer

from quantcli.cli.console import emit
from quantcli.cli.instants import typed_instant
from quantcli.cli.options import DeskOption, JsonOption, QuietOption
from quantcli.cli.wiring import Workspace, find_desk
from quantcli.contracts.errors import UsageError
from quantcli.contracts.scalars import instant_text


def command(
    to: Annotated[str, typer.Option("--to", metavar="INSTANT", help="E.g. 2024-08-01T14:35:00Z.")],
    desk: DeskOption = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> int:
    """Move the local exchange's clock forward and let happen what happens until then.

    Works on the embedded exchange, or over HTTP on the one that broker.url names. The clock
    never goes back.
    """
    target = typed_instant(to, "--to")
    with Workspace(find_desk(desk)) as workspace:
        if workspace.mode not in {"local", "dry-run"}:
            raise UsageError(
                "only the local exchange has a clock that moves", value=workspace.mode,
                hint='set desk.mode = "local"',
            )  # fmt: skip
        workspace.advance(target)
        stamp = instant_text(workspace.exchange_time())
    emit({"timestamp": stamp}, f"the exchange's clock shows {stamp}", as_json, quiet)
    return 0
