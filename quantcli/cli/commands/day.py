"""`quantcli day`."""

from __future__ import annotations

import datetime as dt

from quantcli.cli.chain import EXITS_LOCK_SECONDS, headline, name_shares, problem
from quantcli.cli.console import emit, warn
from quantcli.cli.options import AsOfOption, DeskOption, DryRunOption, JsonOption, QuietOption
from quantcli.cli.wiring import Workspace, find_desk
from quantcli.contracts.errors import OutsideWindow
from quantcli.contracts.scalars import instant_text
from quantcli.core.sessions import cycle_name, session_of
from quantcli.steps.cycles import Cycle, due_cycle, is_fetch_due, is_last_cycle
from quantcli.steps.day import StepOutcome, exit_code_of, run_cycle


def command(
    desk: DeskOption = None,
    as_of: AsOfOption = None,
    dry_run: DryRunOption = False,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> int:
    """Run the cycle that is due: the newest scheduled instant not after now, unless done.

    Every step of the cycle runs, whatever becomes of the others; the exit code is the gravest. In
    the modes paper and live the fetch of bars before the first cycle is due like one.
    """
    with Workspace(find_desk(desk), dry_run=dry_run) as workspace:
        at = workspace.now(as_of)
        session = session_of(at)
        cycle = due_cycle(workspace.config, session, at)
        if is_fetch_due(workspace.config, workspace.mode, session, at):
            return _fetch(workspace, session, at, as_json=as_json, quiet=quiet)
        if cycle is None:
            raise OutsideWindow(
                "no cycle is due yet", value=instant_text(at), hint="quantcli schedule lists them"
            )
        stamp = workspace.stamp(session, cycle.name, at)
        with workspace.lock.hold(wait_seconds=EXITS_LOCK_SECONDS):
            workspace.prepare(at)
            if _is_done(workspace, session, cycle):
                raise OutsideWindow(
                    f"cycle {cycle.name} of {session} is done",
                    value=instant_text(at),
                    hint="quantcli schedule lists them",
                )
            outcomes = run_cycle(workspace, cycle.steps, stamp)
            for outcome in outcomes:
                if outcome.step == "exits" and outcome.error is not None:
                    name_shares(workspace, outcome.error)
    for outcome in outcomes:
        if outcome.exit_code:
            warn(problem(outcome))
    code = exit_code_of(outcomes)
    value = {
        "session": session.isoformat(),
        "cycle": cycle.name,
        "exit_code": code,
        "steps": [{"step": item.step, "exit_code": item.exit_code} for item in outcomes],
    }
    emit(value, "\n".join(_line(outcome) for outcome in outcomes), as_json, quiet)
    return code


def _fetch(
    workspace: Workspace, session: dt.date, at: dt.datetime, *, as_json: bool, quiet: bool
) -> int:
    """Fetch bars: what is due before the first cycle; no step runs and no account is locked."""
    from quantcli.cli.fetching import Wanted, run_fetch

    shows = not (quiet or as_json)
    # The account is not locked: its journal is only looked at.
    with Workspace(workspace.root, read_only=True) as reader:
        fetched = run_fetch(reader, at, Wanted(), dry_run=False, shows=shows)
    for line in fetched.warnings:
        warn(line)
    value = {
        "session": session.isoformat(),
        "cycle": cycle_name(at),
        "exit_code": fetched.exit_code,
        "steps": [{"step": "data fetch", "exit_code": fetched.exit_code}],
        "fetch": fetched.value,
    }
    lines = [f"[{fetched.exit_code}] {line}" for line in fetched.lines]
    emit(value, "\n".join(lines), as_json, quiet)
    return fetched.exit_code


def _is_done(workspace: Workspace, session: dt.date, cycle: Cycle) -> bool:
    """Return whether every step has its artifact and, if that was to seal, the session its seal."""
    store, config = workspace.store, workspace.config
    done = {item.step for item in store.list(session) if item.cycle == cycle.name}
    may_seal = "report" in cycle.steps and is_last_cycle(config, session, cycle.at)
    return set(cycle.steps) <= done and (store.is_sealed(session) or not may_seal)


def _line(outcome: StepOutcome) -> str:
    if outcome.artifact is not None:
        return f"[{outcome.exit_code}] {headline(outcome.artifact)}"
    return f"[{outcome.exit_code}] {outcome.step}: no artifact"
