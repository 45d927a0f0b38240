"""`quantcli show`."""

from __future__ import annotations

from typing import Annotated

import typer

from quantcli.cli.console import write_out
from quantcli.cli.investigation import SessionOption, chosen_session
from quantcli.cli.options import DeskOption, JsonOption, QuietOption, ShadowOption
from quantcli.cli.wiring import Workspace, find_desk
from quantcli.contracts.envelope import STEPS, Artifact
from quantcli.contracts.errors import ArtifactMissing, UsageError
from quantcli.contracts.registry import schema_model


def command(
    step: Annotated[str, typer.Argument(metavar="STEP", help="scan, decide, ... or report.")],
    session: SessionOption = None,
    cycle: Annotated[
        str | None, typer.Option("--cycle", metavar="HHMMSS", help="Else the newest cycle.")
    ] = None,
    raw: Annotated[bool, typer.Option("--raw", help="Print the canonical bytes.")] = False,
    desk: DeskOption = None,
    dry_run: ShadowOption = False,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> int:
    """Print one artifact, checked against what was published: indented, or raw with --json."""
    if step not in STEPS:
        raise UsageError("no such step", value=step, hint=f"known: {', '.join(STEPS)}")
    with Workspace(find_desk(desk), dry_run=dry_run, read_only=True) as workspace:
        date = chosen_session(workspace, session)
        found = [each for each in workspace.store.list(date) if each.step == step]
        located = next((e for e in reversed(found) if e.cycle == (cycle or e.cycle)), None)
        if located is None:
            at = f" in cycle {cycle}" if cycle else ""
            raise ArtifactMissing(
                f"no {step}{at} in session {date}",
                hint=f"quantcli ls {date} lists its files; --session names another session",
            )
        model = schema_model(step)
        assert issubclass(model, Artifact)
        artifact, _ = workspace.store.load(located, model)
    if as_json or raw:
        write_out(artifact.to_bytes().decode())
    elif not quiet:
        write_out(_indented(artifact))
    return 0


def _indented(artifact: Artifact) -> str:
    import orjson

    options = orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS | orjson.OPT_APPEND_NEWLINE
    return orjson.dumps(artifact.as_json(), option=options).decode()
