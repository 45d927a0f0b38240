"""`quantcli status`."""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer

from quantcli.cli.console import emit, write_out
from quantcli.cli.investigation import evidence_of
from quantcli.cli.options import DeskOption, JsonOption, QuietOption, ShadowOption
from quantcli.cli.wiring import Workspace, find_desk
from quantcli.contracts.errors import MarketDataError, StorageError
from quantcli.contracts.orders import OrderRecord
from quantcli.contracts.scalars import plain
from quantcli.core.coverage import coverage
from quantcli.core.evidence import Evidence
from quantcli.core.halts import journal_halt
from quantcli.shell.clock import WallClock
from quantcli.shell.fetch.record import load_record

_WATCH_SECONDS = 5.0
#: Clears a terminal and puts the cursor into its first line.
_CLEAR = "\x1b[2J\x1b[H"


def command(
    desk: DeskOption = None,
    watch: Annotated[
        bool, typer.Option("--watch", help="Show it again every five seconds, until interrupted.")
    ] = False,
    dry_run: ShadowOption = False,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> int:
    """Show whether the desk may trade, its newest session's steps, and what it holds.

    Reads the desk's own state only: no broker, no network, nothing is written. Missing state
    counts as halted and paused; then the exit code is 10.
    """
    root = find_desk(desk)
    while True:
        value, exit_code = _read(root, dry_run)
        if watch and not as_json and sys.stdout.isatty():
            write_out(_CLEAR)
        emit(value, partial(_shown, value), as_json, quiet)
        if not watch:
            return exit_code
        try:
            WallClock().sleep(_WATCH_SECONDS)
        except KeyboardInterrupt:
            return exit_code


def _read(root: Path, dry_run: bool) -> tuple[dict[str, Any], int]:
    """Return what there is to show, and the exit code that it means."""
    with Workspace(root, dry_run=dry_run, read_only=True) as workspace:
        value = _standing(workspace)
        try:
            value |= _book(workspace)
            value |= _newest_session(workspace)
            value |= _undelivered(workspace)
        except StorageError as error:
            return {**value, "state_error": error.as_object(), "may_enter": False}, error.exit_code
    stopped = (value["halt"]["entries"], value["violations"], value["paused"]["is_set"])
    value["may_enter"] = not any(stopped)
    return value, 0


def _standing(workspace: Workspace) -> dict[str, Any]:
    halt = workspace.halts.read()
    return {
        "desk": workspace.config.desk.name,
        "mode": workspace.mode,
        "halt": {"entries": halt.entries, "all": halt.all, "reason": halt.reason},
    }


def _book(workspace: Workspace) -> dict[str, Any]:
    journal = workspace.journal
    flags = journal.flags()
    flag = flags.get("paused")
    live, stops = journal.orders(live_only=True), journal.stops()
    positions = []
    for record in journal.positions():
        own = [order for order in live if order.intent.symbol == record.symbol]
        cover = coverage(record.quantity, own)
        stop = stops.get(record.symbol)
        positions.append(
            {
                "symbol": record.symbol,
                "quantity": plain(record.quantity),
                "average_price": plain(round(record.average_price, 4)),
                "stop_price": plain(stop.stop_price) if stop else None,
                "covered_by": list(cover.covered_by),
                "uncovered": plain(cover.uncovered),
            }
        )
    return {
        "violations": list(journal_halt(flags) or ()),
        "paused": {
            "is_set": flag is not None and flag.is_set,
            "reasons": list(flag.reasons) if flag is not None and flag.is_set else [],
        },
        "cash": plain(journal.cash()),
        "positions": positions,
        "unknown_orders": [_order(order) for order in live if order.state == "UNKNOWN"],
        "live_orders": [_order(order) for order in live],
    }


def _order(order: OrderRecord) -> dict[str, Any]:
    intent = order.intent
    return {
        "client_order_id": intent.client_order_id,
        "symbol": intent.symbol,
        "purpose": intent.purpose,
        "side": intent.side,
        "quantity": plain(intent.quantity),
        "state": order.state,
        "session": intent.session.isoformat(),
    }


def _newest_session(workspace: Workspace) -> dict[str, Any]:
    sessions = workspace.store.sessions()
    if not sessions:
        return {"session": None, "is_sealed": False, "steps": []}
    evidence = evidence_of(workspace, sessions[-1])
    return {
        "session": sessions[-1].isoformat(),
        "is_sealed": workspace.store.is_sealed(sessions[-1]),
        "steps": _steps(evidence),
    }


def _undelivered(workspace: Workspace) -> dict[str, Any]:
    """Return what the newest fetch of bars asked for and did not get."""
    try:
        failed = load_record(workspace.root / "data").failed()
    except MarketDataError as error:
        return {"undelivered": [error.line()]}
    return {"undelivered": [f"{entry.series}: {entry.told()}" for entry in failed]}


def _steps(evidence: Evidence) -> list[dict[str, Any]]:
    """Return each step's state up to the newest cycle that has run at all."""
    newest = max((seen.cycle for seen in evidence.seen), default="")
    return [
        {
            "cycle": health.cycle,
            "step": health.step,
            "status": health.status,
            "exit_code": health.exit_code,
        }
        for health in evidence.health()
        if health.cycle <= newest
    ]


def _shown(value: dict[str, Any]) -> Any:
    from quantcli.cli.status_page import sections
    from quantcli.shell.render.terminal import render_terminal

    return render_terminal(sections(value))
