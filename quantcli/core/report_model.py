"""From what a session left behind to the fields of its report: pure, and never fails on damage.

Signals in equal terminal states out (INV-21): every signal that any artifact or order names is
followed to its end; if the scan names one that cannot be followed, that is an incident.
"""

from __future__ import annotations

from typing import Any

from quantcli.contracts.decide import Decide
from quantcli.contracts.enforce import Enforce
from quantcli.contracts.envelope import Mode
from quantcli.contracts.errors import gravest
from quantcli.contracts.execution import Execute, Exits, OrderReport
from quantcli.contracts.journal_rows import CashRow, FillRow
from quantcli.contracts.orders import TERMINAL_ORDER_STATES, OrderRecord
from quantcli.contracts.reconciliation import Reconcile
from quantcli.contracts.report import RiskReport, SignalOutcome, StopChange
from quantcli.contracts.scan import Scan
from quantcli.contracts.snapshot import Snapshot
from quantcli.core.day_story import day_story
from quantcli.core.evidence import Evidence
from quantcli.core.exposure import exposure_gross_limit
from quantcli.core.incidents import (
    circuit_breaker,
    damage_of,
    incidents_of,
    no_go_reasons,
    uncovered_symbols,
)
from quantcli.core.latency import fill_latency
from quantcli.core.left_to_do import left_to_do
from quantcli.core.order_reports import order_report
from quantcli.core.terminal_states import counts_of, outcome_of, trails
from quantcli.core.zero_trade import zero_trade_proof

#: What a position's review did; `keep` and `wait` changed nothing.
_STOP_ACTIONS = frozenset({"place", "raise", "resize", "exit"})


def label_of(mode: Mode, feed: str) -> str:
    """Return what the reader must know before any number: a made-up market, a dry run."""
    labels = (
        "SYNTHETIC MARKET" if feed == "synthetic" else "",
        "DRY RUN" if mode == "dry-run" else "",
    )
    return " / ".join(label for label in labels if label)


def outcomes_of(evidence: Evidence) -> tuple[SignalOutcome, ...]:
    """Return where each of the session's signals ended, by rank."""
    own = [order for order in evidence.orders if order.intent.session == evidence.session]
    found = trails(
        evidence.all(Scan),
        evidence.all(Decide),
        evidence.all(Enforce),
        own,
        evidence.all(Execute),
    )
    return tuple(outcome_of(trail) for trail in found)


def late_outcomes_of(evidence: Evidence) -> tuple[SignalOutcome, ...]:
    """Return where signals of earlier sessions ended, if this session learned it.

    Only an order of unknown outcome outlives its session; its signal had no state when the
    session was reported.
    """
    late = [
        order
        for order in evidence.orders
        if order.intent.session < evidence.session
        and order.intent.purpose == "entry"
        and order.state in TERMINAL_ORDER_STATES
        and order.intent.signal_id not in evidence.told
    ]
    return tuple(outcome_of(trail) for trail in trails([], [], [], late))


def report_exit_code(evidence: Evidence) -> int:
    """Return 4 if a file is damaged, 7 if the last cycle leaves an outcome open, else 0."""
    codes = [0]
    if damage_of(evidence):
        codes.append(4)
    if evidence.is_last and evidence.unresolved():
        codes.append(7)
    return gravest(codes)


def report_fields(evidence: Evidence, mode: Mode) -> dict[str, Any]:
    """Return every field of the report except its envelope and the previous seal."""
    outcomes = outcomes_of(evidence)
    damage = damage_of(evidence)
    incidents = incidents_of(evidence)
    no_go = no_go_reasons(evidence)
    snapshot = evidence.newest(Snapshot)
    reconcile = evidence.newest(Reconcile)
    scan = evidence.newest(Scan)
    enforce = evidence.newest(Enforce)
    fills = tuple(row.fill for row in evidence.booked(FillRow))
    return {
        "label": label_of(mode, evidence.config.data.feed),
        "verdict": "damaged" if damage else "attention" if incidents or no_go else "clean",
        "go_no_go": "NO-GO" if no_go else "GO",
        "no_go_reasons": no_go,
        "regime": scan.regime if scan else None,
        "bars": scan.bars if scan else None,
        "checks_off": scan.checks_off if scan else (),
        "is_enforced": enforce.is_enforced if enforce else None,
        "signals": outcomes,
        "signals_late": late_outcomes_of(evidence),
        "counts": counts_of(outcomes),
        "signals_scanned": len({s.signal_id for each in evidence.all(Scan) for s in each.signals}),
        "symbols_skipped": _skipped(evidence),
        "orders": _orders(evidence),
        "fills": fills,
        "fill_latency": fill_latency(evidence.orders, fills),
        "stops": _stops(evidence),
        "story": day_story(evidence),
        "left_to_do": left_to_do(evidence),
        "trades_closed": snapshot.trades_closed if snapshot else (),
        "positions": snapshot.positions if snapshot else (),
        "pnl": snapshot.pnl if snapshot else None,
        "risk": _risk(evidence, snapshot),
        "equity_history": snapshot.equity_history if snapshot else (),
        "breaks": reconcile.breaks if reconcile else (),
        "uncovered": uncovered_symbols(evidence),
        "health": evidence.health(),
        "damage": damage,
        "incidents": incidents,
        "zero_trade": zero_trade_proof(
            outcomes,
            evidence.booked(CashRow),
            evidence.before,
            snapshot,
            fills=len(fills),
            scan=scan,
        ),
        "seals": evidence.is_last and not evidence.unresolved(),
    }


def _skipped(evidence: Evidence) -> dict[str, int]:
    """Return reason code -> symbols without a signal, in the newest scan."""
    scan = evidence.newest(Scan)
    codes = [skipped.code for skipped in scan.skipped] if scan else []
    return {code: codes.count(code) for code in sorted(set(codes))}


def _orders(evidence: Evidence) -> tuple[OrderReport, ...]:
    """Return the last word on each order: of the artifacts, else of the journal."""
    found: dict[str, OrderReport] = {}
    for each in evidence.seen:
        if isinstance(each.artifact, Execute | Exits):
            for order in each.artifact.orders:
                found.pop(order.client_order_id, None)
                found[order.client_order_id] = order
    for record in evidence.orders:
        if record.intent.session == evidence.session:
            found.setdefault(record.intent.client_order_id, _reported(record))
    return tuple(found.values())


def _reported(record: OrderRecord) -> OrderReport:
    """Return an order that no readable artifact speaks of, as the journal holds it."""
    return order_report(record, "unknown" if record.state == "UNKNOWN" else "updated", record.code)


def _stops(evidence: Evidence) -> tuple[StopChange, ...]:
    return tuple(
        StopChange.model_validate(
            {
                "cycle": exits.cycle,
                **review.model_dump(
                    include={
                        "symbol", "quantity", "action", "code", "stop_before", "stop_after",
                        "basis",
                    }
                ),
            }
        )
        for exits in evidence.all(Exits)
        for review in exits.reviews
        if review.action in _STOP_ACTIONS
    )  # fmt: skip


def _risk(evidence: Evidence, snapshot: Snapshot | None) -> RiskReport:
    limits, before = evidence.config.limits, evidence.before
    gross_max = limits.exposure_gross_usd_max
    change = snapshot.equity - before.equity if snapshot and before else None
    return RiskReport(
        capital_starting=snapshot.capital_starting if snapshot else None,
        cash=snapshot.cash if snapshot else None,
        equity=snapshot.equity if snapshot else None,
        exposure_net=snapshot.exposure_net if snapshot else None,
        exposure_gross=snapshot.exposure_gross if snapshot else None,
        exposure_gross_max=exposure_gross_limit(limits, snapshot.equity) if snapshot else gross_max,
        heat=snapshot.heat if snapshot else None,
        drawdown=snapshot.drawdown if snapshot else None,
        drawdown_max=limits.drawdown_fraction_max,
        drawdown_worst=snapshot.drawdown_max if snapshot else None,
        pnl_session=change,
        return_session=snapshot.return_session if snapshot else None,
        volatility_5=snapshot.volatility_5 if snapshot else None,
        circuit_breaker=circuit_breaker(evidence),
    )
