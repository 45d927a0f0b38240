"""`quantcli replay`."""

from __future__ import annotations

from typing import Annotated

import typer

from quantcli.cli.console import emit, warn
from quantcli.cli.instants import typed_range
from quantcli.cli.options import DeskOption, JsonOption, QuietOption
from quantcli.cli.replay_run import run_replay
from quantcli.cli.wiring import Workspace, find_desk
from quantcli.contracts.errors import UsageError


def command(
    first: Annotated[str, typer.Option("--from", metavar="DATE", help="First session.")],
    last: Annotated[str, typer.Option("--to", metavar="DATE", help="Last session.")],
    desk: DeskOption = None,
    url: Annotated[
        str, typer.Option("--url", help="A running exchange, instead of the one in process.")
    ] = "",
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> int:
    """Run past sessions on the local exchange, each through the whole schedule, and seal them.

    Interrupted, it continues where it stopped; sealed sessions are passed over.
    """
    root = find_desk(desk)
    start, end = typed_range(first, last)
    with Workspace(root, url=url or None) as workspace:
        if workspace.mode != "local":
            raise UsageError(
                "replay runs on the local exchange only", value=workspace.mode,
                hint='set desk.mode = "local"',
            )  # fmt: skip
        workspace.syncs_together = True
        tally = run_replay(workspace, start, end, quiet=quiet or as_json)
        workspace.syncs_together = False
        workspace.refresh_views()
    for line in tally.problems:
        warn(line)
    emit(tally.as_object(), tally.table, as_json, quiet)
    return tally.exit_code
