"""`quantcli report`."""

from __future__ import annotations

from quantcli.cli.chain import EXITS_LOCK_SECONDS, announce
from quantcli.cli.console import warn
from quantcli.cli.options import AsOfOption, DeskOption, DryRunOption, JsonOption, QuietOption
from quantcli.cli.wiring import Workspace, find_desk
from quantcli.core.sessions import session_of
from quantcli.steps.closing import close_report
from quantcli.steps.cycles import cycle_at


def command(
    desk: DeskOption = None,
    as_of: AsOfOption = None,
    dry_run: DryRunOption = False,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> int:
    """Write the session's report; after the schedule's last cycle it seals the session."""
    with Workspace(find_desk(desk), dry_run=dry_run) as workspace:
        with workspace.lock.hold(wait_seconds=EXITS_LOCK_SECONDS):
            at = workspace.now(as_of)
            workspace.prepare(at)
            session = session_of(at)
            stamp = workspace.stamp(session, cycle_at(workspace.config, session, at), at)
            closing = close_report(workspace, stamp)
        announce(closing.report, as_json=as_json, quiet=quiet, exit_code=closing.exit_code)
        if not quiet and not as_json:
            warn(f"report: {workspace.store.root / closing.page}")
    return closing.exit_code
