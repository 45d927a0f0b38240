"""`reconcile --read-only`: compare, write one artifact, change nothing else.

The artifact goes to `checks/<as_of>/`, outside the sealed folders: it must not stand where the
reconciliation of the same instant will be written, the one that sets and clears PAUSED. Inside
an unsealed session the lock is held, so that no step is caught half-way.
"""

from __future__ import annotations

import datetime as dt
from contextlib import nullcontext
from pathlib import Path

from quantcli.cli.chain import announce
from quantcli.cli.wiring import Workspace, find_desk
from quantcli.contracts.envelope import Artifact
from quantcli.contracts.errors import ArtifactConflict
from quantcli.core.sessions import cycle_name, is_session, new_york, previous_session
from quantcli.shell.files import publish_once
from quantcli.steps.reconcile import reconcile


def run_read_only(
    desk: Path | None, as_of: str | None, *, dry_run: bool, as_json: bool, quiet: bool
) -> int:
    """Run the read-only reconciliation and return 0 or 8."""
    with Workspace(find_desk(desk), dry_run=dry_run, read_only=True) as workspace:
        at = workspace.now(as_of)
        session = new_york(at).date()
        is_running = is_session(session) and not workspace.store.is_sealed(session)
        needs_lock = is_running or workspace.mode == "dry-run"
        with workspace.lock.hold() if needs_lock else nullcontext():
            workspace.prepare(at)
            return _check(workspace, at, as_json=as_json, quiet=quiet)


def _check(workspace: Workspace, at: dt.datetime, *, as_json: bool, quiet: bool) -> int:
    day = new_york(at).date()
    session = day if is_session(day) else previous_session(day)
    stamp = workspace.stamp(session, cycle_name(at), at)
    broker = workspace.broker_on(workspace.transport)
    artifact = reconcile(workspace.desk(stamp, "reconcile", broker), read_only=True)
    path = _write(workspace, artifact, at)
    announce(artifact, as_json=as_json, quiet=quiet, path=path)
    return artifact.exit_code


def _write(workspace: Workspace, artifact: Artifact, at: dt.datetime) -> str:
    """Return where the artifact was written; another look at the same instant gets a number."""
    name = at.strftime("%Y%m%dT%H%M%SZ")
    number = 1
    while True:
        folder = name if number == 1 else f"{name}-{number}"
        path = f"checks/{folder}/reconcile.json"
        try:
            publish_once(workspace.home / path, artifact.to_bytes())
        except ArtifactConflict:
            number += 1
        else:
            return path
