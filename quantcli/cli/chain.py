"""What all commands of the chain do: open the desk, lock it, run one step, say what came out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

from quantcli.cli.console import emit, warn
from quantcli.cli.options import AsOfOption, DeskOption, DryRunOption, JsonOption, QuietOption
from quantcli.cli.wiring import Workspace, find_desk
from quantcli.contracts.envelope import Artifact, StepName
from quantcli.contracts.errors import (
    JournalCorrupt,
    OutcomeUnknown,
    QuantcliError,
    StateMissing,
    StateRolledBack,
    StorageError,
)
from quantcli.core.sessions import session_of
from quantcli.steps.cycles import cycle_at
from quantcli.steps.run import StepFunction, run_step

if TYPE_CHECKING:
    import datetime as dt

    from quantcli.steps.day import StepOutcome

#: `exits` waits for the lock; the other steps give way at once.
EXITS_LOCK_SECONDS = 60.0

#: Errors that leave a desk without a journal to write into.
_WITHOUT_JOURNAL = frozenset({StateMissing.code, JournalCorrupt.code, StateRolledBack.code})


def step_command(step: StepName, description: str) -> Callable[..., int]:
    """Return the command of a step that has no options of its own."""

    def command(
        desk: DeskOption = None,
        as_of: AsOfOption = None,
        dry_run: DryRunOption = False,
        as_json: JsonOption = False,
        quiet: QuietOption = False,
    ) -> int:
        return run_command(step, desk, as_of, dry_run=dry_run, as_json=as_json, quiet=quiet)

    command.__doc__ = description
    return command


def run_command(
    step: StepName,
    desk: Path | None,
    as_of: str | None,
    *,
    dry_run: bool,
    as_json: bool,
    quiet: bool,
    function: StepFunction | None = None,
) -> int:
    """Run one step as a command and return its exit code."""
    with Workspace(find_desk(desk), dry_run=dry_run) as workspace:
        wait = EXITS_LOCK_SECONDS if step == "exits" else 0.0
        with workspace.lock.hold(wait_seconds=wait):
            at = workspace.now(as_of)
            workspace.prepare(at)
            try:
                artifact = run_at(workspace, step, at, function)
            except StorageError as error:
                if step == "exits":
                    name_shares(workspace, error)
                raise
        announce(artifact, as_json=as_json, quiet=quiet)
    return artifact.exit_code


def run_at(
    workspace: Workspace, step: StepName, at: dt.datetime, function: StepFunction | None = None
) -> Artifact:
    """Run one step at an instant, the lock being held."""
    session = session_of(at)
    stamp = workspace.stamp(session, cycle_at(workspace.config, session, at), at)
    return run_step(workspace, step, stamp, function)


def name_shares(workspace: Workspace, error: QuantcliError) -> None:
    """Name every share by the broker's word, where there is no journal to protect them with.

    Nothing is sent: a promise that cannot be kept in a journal could be made twice.
    """
    if error.code not in _WITHOUT_JOURNAL:
        return
    from quantcli.core.coverage import held_at_broker

    try:
        broker = workspace.broker_on(workspace.transport)
        held = held_at_broker(broker.positions(), broker.open_orders())
    except QuantcliError as problem:
        warn(f"exits: nothing was sent, and the broker does not tell of shares: {problem.line()}")
        return
    warn(f"exits: nothing was sent; the broker shows {len(held)} positions")
    for each in held:
        warn(f"exits: {each.line()}")


def announce(
    artifact: Artifact,
    *,
    as_json: bool,
    quiet: bool,
    path: str | None = None,
    exit_code: int | None = None,
) -> None:
    """Print one line about an artifact, and on stderr why the step did not end with 0.

    Args:
        artifact: What a step made.
        as_json: Print a JSON object instead.
        quiet: Print nothing on stdout.
        path: Where the artifact is, below the desk, if not among the artifacts.
        exit_code: How the step ended, if not as its artifact says.
    """
    line = headline(artifact)
    ended = artifact.exit_code if exit_code is None else exit_code
    if ended:
        warn(bad_end(artifact, ended))
    value = summary_object(artifact)
    if path is not None:
        value["artifact"] = path
        line = f"{line}\nwritten to {path}"
    emit(value, line, as_json, quiet)


def problem(outcome: StepOutcome) -> str:
    """Return one line on a step of a cycle that did not end with 0."""
    if outcome.artifact is not None:
        return bad_end(outcome.artifact, outcome.exit_code)
    return f"{outcome.step}: {outcome.error.line() if outcome.error else 'no artifact'}"


def bad_end(artifact: Artifact, exit_code: int) -> str:
    """Return one line on why a step that wrote its artifact did not end with 0.

    Args:
        artifact: What the step made.
        exit_code: How it ended: a report that finds a seal gone ends worse than its artifact.
    """
    return f"{artifact.STEP}: exit {exit_code}: {_why(artifact, exit_code)}"


def _why(artifact: Artifact, exit_code: int) -> str:
    """Return the codes behind an exit code, with what they are about."""
    if artifact.exit_code != exit_code:
        return "an earlier seal is gone or changed: quantcli audit verify names it"
    return ", ".join(_reasons(artifact)) or "see the artifact"


def _reasons(artifact: Any) -> Iterator[str]:
    if artifact.STEP == "reconcile":
        yield from (f"{item.code} {item.subject}" for item in artifact.breaks)
    elif artifact.STEP == "report":
        yield from (f"{item.code} {item.path}" for item in artifact.damage)
        if artifact.exit_code == OutcomeUnknown.exit_code:
            yield f"{OutcomeUnknown.code}, not sealed"
    else:
        yield from artifact.codes
        yield from (f"uncovered {symbol}" for symbol in _uncovered(artifact))


def _uncovered(artifact: Any) -> list[str]:
    """Return symbols with shares that no stop of ours covers, ours first."""
    own = [row.symbol for row in _certificate(artifact) if row.uncovered]
    covered = {row.symbol: row.quantity - row.uncovered for row in _certificate(artifact)}
    others = [
        item.subject
        for item in getattr(artifact, "differences", ())
        if Decimal(item.theirs or 0) > max(Decimal(item.ours or 0), covered.get(item.subject, 0))
    ]
    return list(dict.fromkeys([*own, *others]))


def _certificate(artifact: Any) -> Iterable[Any]:
    return getattr(artifact, "certificate", ())


def summary_object(artifact: Artifact) -> dict[str, Any]:
    """Return the JSON object that stands for an artifact on stdout."""
    return {
        "step": artifact.STEP,
        "session": artifact.session.isoformat(),
        "cycle": artifact.cycle,
        "mode": artifact.mode,
        "exit_code": artifact.exit_code,
        "artifact": f"{artifact.session.isoformat()}/{artifact.cycle}/{artifact.STEP}.json",
        "codes": list(getattr(artifact, "codes", ())),
        "summary": headline(artifact),
    }


def headline(artifact: Artifact) -> str:
    """Return one line: what the step found or did."""
    prefix = f"{artifact.session} {artifact.cycle} {artifact.STEP}: "
    dry = "DRY RUN " if artifact.mode == "dry-run" else ""
    return dry + prefix + _HEADLINES[artifact.STEP](artifact)


def _counted(items: Any, key: str, wanted: str) -> int:
    return sum(1 for item in items if getattr(item, key) == wanted)


def _scan(a: Any) -> str:
    return f"{len(a.signals)} signals, {len(a.skipped)} symbols skipped"


def _decide(a: Any) -> str:
    allowed = _counted(a.verdicts, "decision", "ALLOW")
    return f"{allowed} ALLOW, {len(a.verdicts) - allowed} BLOCK"


def _enforce(a: Any) -> str:
    allowed = _counted(a.verdicts, "decision", "ALLOW")
    shadow = "" if a.is_enforced else " (shadow mode)"
    return f"{allowed} ALLOW, {len(a.verdicts) - allowed} BLOCK, {len(a.intents)} intents{shadow}"


def _orders(a: Any) -> str:
    done = ", ".join(
        f"{count} {action}"
        for action in ("sent", "replaced", "cancelled", "expired", "refused", "unknown")
        if (count := _counted(a.orders, "action", action))
    )
    return f"{done or 'nothing sent'}, {len(a.fills)} fills"


def _exits(a: Any) -> str:
    uncovered = _uncovered(a)
    # Without the broker's word nobody knows of every share.
    known = "every share covered" if a.exit_code == 0 else "every share known of covered"
    tail = f", UNCOVERED {' '.join(uncovered)}" if uncovered else f", {known}"
    return f"{len(a.reviews)} positions, {_orders(a)}{tail}"


def _reconcile(a: Any) -> str:
    found = "clean" if not a.breaks else f"{len(a.breaks)} breaks: " + "; ".join(
        f"{item.code} {item.subject}: ours {item.ours or 'nothing'}, "
        f"theirs {item.theirs or 'nothing'}"
        for item in a.breaks
    )  # fmt: skip
    return found + (", PAUSED" if a.paused.is_set else "")


def _snapshot(a: Any) -> str:
    return (
        f"equity {a.equity}, cash {a.cash}, {len(a.positions)} positions, "
        f"drawdown {a.drawdown * 100:.2f} %"
    )


def _report(a: Any) -> str:
    return f"{a.verdict}, {a.go_no_go}, {a.signals_scanned} signals" + (
        ", sealed" if a.seals else ""
    )


_HEADLINES = {
    "scan": _scan,
    "decide": _decide,
    "enforce": _enforce,
    "execute": _orders,
    "exits": _exits,
    "reconcile": _reconcile,
    "snapshot": _snapshot,
    "report": _report,
}
