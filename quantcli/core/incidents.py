"""What an operator should look at, and whether the desk may go on tomorrow.

Everything a step reported as a code becomes an incident; nothing is summarised away. The
go/no-go holds the few conditions under which new risk would be wrong.
"""

from __future__ import annotations

from collections.abc import Iterator

from quantcli.contracts.decide import Decide
from quantcli.contracts.enforce import Enforce
from quantcli.contracts.envelope import Artifact, Finding
from quantcli.contracts.errors import EXIT_CODES
from quantcli.contracts.execution import Execute, Exits, OrderReport
from quantcli.contracts.journal_rows import FillRow, FlagRow
from quantcli.contracts.manifest import Damage
from quantcli.contracts.reasons import REASONS
from quantcli.contracts.reconciliation import Halted, Reconcile
from quantcli.contracts.report import Incident, StepHealth
from quantcli.contracts.scalars import plain
from quantcli.contracts.scan import Scan
from quantcli.contracts.snapshot import Snapshot
from quantcli.core.evidence import Evidence, Seen

#: Codes of a snapshot under which sizing new entries on it would be wrong.
_UNFIT = ("snapshot-invalid", "snapshot-missing", "mark-missing", "equity-not-positive")
_WITH_CODES = (Scan, Decide, Enforce, Execute, Exits, Snapshot)


def damage_of(evidence: Evidence) -> tuple[Damage, ...]:
    """Return damaged files by path, each once: artifacts as read, then what else is known."""
    found = {
        each.path: Damage(path=each.path, code=each.error_code, detail=each.error_detail)
        for each in evidence.seen
        if each.artifact is None
    }
    for each in evidence.damage:
        found.setdefault(each.path, each)
    return tuple(found[path] for path in sorted(found))


def uncovered_symbols(evidence: Evidence) -> tuple[str, ...]:
    """Return symbols with shares that nothing protects, by the newest certificate."""
    exits = evidence.newest(Exits)
    rows = exits.certificate if exits else ()
    return tuple(sorted({row.symbol for row in rows if row.uncovered > 0}))


def incidents_of(evidence: Evidence) -> tuple[Incident, ...]:
    """Return every incident of the session, by cycle in the order of the steps."""
    found: list[Incident] = []
    for each in evidence.seen:
        found.extend(_seen_incidents(each))
    found.extend(_row_incidents(evidence))
    found.extend(
        _incident(health.cycle, health.step, "step-missing", f"no {health.path}")
        for health in _never_run(evidence)
    )
    distinct = dict.fromkeys(found)
    return tuple(sorted(distinct, key=lambda incident: incident.cycle))


def no_go_reasons(evidence: Evidence) -> tuple[str, ...]:
    """Return the reason codes against new risk; none: GO."""
    found = [
        *_reconcile_reasons(evidence),
        *_flag_reasons(evidence),
        *(["share-uncovered"] if uncovered_symbols(evidence) else []),
        *(damage.code for damage in damage_of(evidence)),
        *(["outcome-unknown"] if evidence.unresolved() else []),
        *(["step-missing"] if _never_run(evidence) else []),
        *_scan_reasons(evidence),
        *_snapshot_reasons(evidence),
    ]
    return tuple(dict.fromkeys(found))


def circuit_breaker(evidence: Evidence) -> str:
    """Return what stopped new risk in this session, or `not observed`.

    Flags come with their reasons; after them the codes of gates that say more than the flags.
    """
    tripped: dict[str, str] = {}
    for row in [*evidence.booked(FlagRow), *evidence.flags.values()]:
        if row.is_set:
            reasons = f" ({', '.join(row.reasons)})" if row.reasons else ""
            tripped[_flag_code(row.name)] = f"{_flag_code(row.name)}{reasons}"
    for reconcile in evidence.all(Reconcile):
        if reconcile.halt is not None:
            tripped["halted"] = f"halted ({_halt_text(reconcile.halt)})"
    gates = {
        gate.code
        for enforce in evidence.all(Enforce)
        for verdict in enforce.verdicts
        for gate in verdict.gates
        if gate.code is not None and _is_breaker(gate.code)
    }
    if _drawdown_at_limit(evidence):
        gates.add("limit-drawdown")
    return "; ".join([*tripped.values(), *sorted(gates - set(tripped))]) or "not observed"


def _seen_incidents(seen: Seen) -> Iterator[Incident]:
    artifact, place = seen.artifact, (seen.cycle, seen.step)
    if artifact is None:
        yield _incident(*place, seen.error_code, seen.error_detail)
        return
    if artifact.exit_code != 0:
        meaning = EXIT_CODES[artifact.exit_code]
        yield _incident(*place, "exit-code", f"{artifact.exit_code}: {meaning}")
    if isinstance(artifact, _WITH_CODES):
        for code in artifact.codes:
            yield _incident(*place, code, _summary(code))
    for code, detail in _details(artifact):
        yield _incident(*place, code, detail)


def _details(artifact: Artifact) -> Iterator[tuple[str, str]]:
    if isinstance(artifact, Execute | Exits):
        for finding in artifact.withheld:
            yield finding.code, f"withheld: {_finding_text(finding)}"
        for order in artifact.orders:
            if order.action in {"refused", "unknown"} or order.code == "stop-cancelled":
                yield order.code or "order-refused", _order_text(order)
    if isinstance(artifact, Exits):
        for row in artifact.certificate:
            if row.uncovered > 0:
                yield "share-uncovered", f"{row.symbol}: {plain(row.uncovered)} shares"
    if isinstance(artifact, Reconcile):
        for found in artifact.breaks:
            ours, theirs = found.ours or "nothing", found.theirs or "nothing"
            yield found.code, f"{found.subject}: ours {ours}, theirs {theirs}"
        if artifact.paused.is_set:
            yield "paused", ", ".join(artifact.paused.reasons)
        if artifact.halt is not None:
            yield "halted", _halt_text(artifact.halt)


def _row_incidents(evidence: Evidence) -> Iterator[Incident]:
    for cycle, step, row in evidence.rows:
        if isinstance(row, FillRow) and row.is_late:
            detail = f"{row.fill.symbol}: {plain(row.fill.last_quantity)} shares"
            yield _incident(cycle, step, "late-fill", detail)
        elif isinstance(row, FlagRow) and row.is_set:
            detail = f"{row.name} set by {row.by}: {', '.join(row.reasons)}"
            yield _incident(cycle, step, _flag_code(row.name), detail)


def _halt_text(halt: Halted) -> str:
    return f"{'everything' if halt.all else 'entries'}: {halt.reason}"


def _reconcile_reasons(evidence: Evidence) -> Iterator[str]:
    seen = [each for each in evidence.seen if each.step == "reconcile"]
    if not seen:
        yield "reconcile-absent"
    elif seen[-1].artifact is None:
        yield "reconcile-invalid"
    newest = evidence.newest(Reconcile)
    if newest is not None and newest.breaks:
        yield "reconcile-break"
    if newest is not None and newest.paused.is_set:
        yield "paused"
    if newest is not None and newest.halt is not None:
        yield "halted"


def _flag_reasons(evidence: Evidence) -> Iterator[str]:
    yield from (_flag_code(row.name) for row in evidence.flags.values() if row.is_set)
    execute = evidence.newest(Execute)
    if execute is not None and any(finding.code == "halted" for finding in execute.withheld):
        yield "halted"


def _scan_reasons(evidence: Evidence) -> tuple[str, ...]:
    """Return the inputs that the newest scan missed: tomorrow's will miss them too."""
    scan = evidence.newest(Scan)
    return scan.doubts() if scan is not None else ()


def _snapshot_reasons(evidence: Evidence) -> Iterator[str]:
    snapshot = evidence.newest(Snapshot)
    if snapshot is None:
        yield "snapshot-missing"
        return
    yield from (code for code in snapshot.codes if code in _UNFIT)
    if _drawdown_at_limit(evidence):
        yield "limit-drawdown"


def _drawdown_at_limit(evidence: Evidence) -> bool:
    snapshot = evidence.newest(Snapshot)
    limit = evidence.config.limits.drawdown_fraction_max
    return snapshot is not None and snapshot.drawdown >= limit


def _is_breaker(code: str) -> bool:
    reason = REASONS.get(code)
    return reason is not None and reason.terminal_state == "REJECTED_BY_CIRCUIT_BREAKER"


def _never_run(evidence: Evidence) -> tuple[StepHealth, ...]:
    """Return the scheduled steps that left nothing behind, not even a record."""
    seen = {(each.cycle, each.step) for each in evidence.seen}
    return tuple(each for each in evidence.health() if (each.cycle, each.step) not in seen)


def _flag_code(name: str) -> str:
    return "paused" if name == "paused" else "halted"


def _finding_text(finding: Finding) -> str:
    limit = f" (limit {finding.limit})" if finding.limit is not None else ""
    return f"{finding.observed or _summary(finding.code)}{limit}"


def _order_text(order: OrderReport) -> str:
    return f"{order.symbol} {order.purpose} {order.client_order_id}: {order.message or order.state}"


def _summary(code: str) -> str:
    reason = REASONS.get(code)
    return reason.summary if reason else "no further detail"


def _incident(cycle: str, step: str, code: str, detail: str) -> Incident:
    return Incident.model_validate({"cycle": cycle, "step": step, "code": code, "detail": detail})
