"""What `quantcli status` says to people, from the same object that `--json` prints."""

from __future__ import annotations

from typing import Any

from quantcli.shell.render.figures import cycle_text, text_or_none
from quantcli.shell.render.sections import Section, table_of, tables_of

#: So many symbols without their bars are named.
_NAMED_MAX = 3


def sections(value: dict[str, Any]) -> tuple[Section, ...]:
    """Return the page: may it trade, what it holds, what has run."""
    if "state_error" in value:
        return (_desk(value),)
    return (_desk(value), _positions(value), _orders(value), _steps(value))


def _desk(value: dict[str, Any]) -> Section:
    lines = [f"Entries: {'possible' if value['may_enter'] else 'BLOCKED'}"]
    halt = value["halt"]
    if halt["entries"]:
        scope = "everything, exits included" if halt["all"] else "entries"
        lines.append(f"HALTED ({scope}): {halt['reason'] or 'no reason given'}")
    if "state_error" in value:
        error = value["state_error"]
        lines.append(f"STATE: {error['error']}: {error['message']}")
        lines.append(f"What to do: {error['hint']}")
        return Section(_title(value), tuple(lines))
    if value["violations"]:
        lines.append(f"HALTED (entries), in the journal: {', '.join(value['violations'])}")
    if value["paused"]["is_set"]:
        lines.append(f"PAUSED: {', '.join(value['paused']['reasons']) or 'no reason given'}")
    lines.append(f"Cash {value['cash']} USD")
    session = value["session"]
    state = "sealed" if value["is_sealed"] else "not sealed"
    lines.append(f"Newest session {session}, {state}" if session else "No session yet")
    missing = value["undelivered"]
    lines.extend(f"Did not arrive: {told}" for told in missing[:_NAMED_MAX])
    if len(missing) > _NAMED_MAX:
        lines.append(f"and {len(missing) - _NAMED_MAX} more: quantcli data ls")
    return Section(_title(value), tuple(lines))


def _title(value: dict[str, Any]) -> str:
    dry = " (DRY RUN)" if value["mode"] == "dry-run" else ""
    return f"Desk {value['desk']}, mode {value['mode']}{dry}"


def _positions(value: dict[str, Any]) -> Section:
    rows = tuple(
        (
            held["symbol"], held["quantity"], held["average_price"],
            text_or_none(held["stop_price"]), ", ".join(held["covered_by"]) or "-",
            "covered" if held["uncovered"] == "0" else "UNCOVERED", held["uncovered"],
        )
        for held in value["positions"]
    )  # fmt: skip
    titles = "Symbol|Shares#|Average#|Stop#|Covered by|State|Uncovered#"
    return tables_of("Positions", table_of(titles, rows, "No positions."))


def _orders(value: dict[str, Any]) -> Section:
    rows = tuple(
        (
            order["symbol"], order["purpose"], order["side"], order["quantity"], order["state"],
            order["session"], order["client_order_id"],
        )
        for order in value["live_orders"]
    )  # fmt: skip
    unknown = value["unknown_orders"]
    lines = (f"{len(unknown)} orders of unknown outcome: run quantcli execute",) if unknown else ()
    titles = "Symbol|Purpose|Side|Shares#|State|Session|Client order id"
    return Section("Live orders", lines, (table_of(titles, rows, "No live orders."),))


def _steps(value: dict[str, Any]) -> Section:
    rows = tuple(
        (
            cycle_text(step["cycle"]), step["step"], step["status"],
            "-" if step["exit_code"] is None else str(step["exit_code"]),
        )
        for step in value["steps"]
    )  # fmt: skip
    return tables_of("Steps", table_of("Cycle|Step|Status|Exit code#", rows, "Nothing has run."))
