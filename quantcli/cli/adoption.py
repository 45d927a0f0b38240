"""`reconcile --adopt`: the operator's act at the command line."""

from __future__ import annotations

from pathlib import Path

from quantcli.cli.console import emit
from quantcli.cli.instants import operators_session
from quantcli.cli.options import typed_text
from quantcli.cli.wiring import Workspace, find_desk
from quantcli.contracts.errors import UsageError
from quantcli.core.sessions import cycle_name


def run_adoption(
    desk: Path | None,
    as_of: str | None,
    wanted: str,
    reason: str,
    *,
    dry_run: bool,
    as_json: bool,
    quiet: bool,
) -> int:
    """Take one break's fact into the books and return 0."""
    from quantcli.steps.adoption import adopt

    why = typed_text(reason)
    if not why:
        raise UsageError(
            "adopting needs --reason TEXT", hint='quantcli reconcile --adopt BREAK --reason "..."'
        )
    with (
        Workspace(find_desk(desk), dry_run=dry_run) as workspace,
        workspace.lock.hold(wait_seconds=5),
    ):
        at = workspace.now(as_of)
        workspace.prepare(at)
        stamp = workspace.stamp(operators_session(workspace, at), cycle_name(at), at)
        broker = workspace.broker_on(workspace.transport)
        with workspace.witnessed(workspace.journal):
            taken, left = adopt(workspace.desk(stamp, "adopt", broker), typed_text(wanted), why)
    terms = f"{taken.code} {taken.subject}: {taken.theirs}"
    remaining = ", ".join(f"{each.code} {each.subject}" for each in left)
    lines = [
        f"{'DRY RUN ' if workspace.mode == 'dry-run' else ''}adopted {terms}",
        f"left: {remaining}" if left else "nothing is left: the next quantcli reconcile is clean",
    ]
    value = {
        "adopted": taken.as_json(),
        "left": [each.as_json() for each in left],
        "reason": why,
    }
    emit(value, "\n".join(lines), as_json, quiet)
    return 0
