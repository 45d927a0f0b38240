"""A session without a fill: why nothing was traded, and the proof that nothing changed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal

from quantcli.contracts.journal_rows import CashRow
from quantcli.contracts.report import SignalOutcome, ZeroTradeProof, ZeroTradeReason
from quantcli.contracts.scalars import ZERO
from quantcli.contracts.scan import Scan
from quantcli.contracts.snapshot import PositionHeld, Snapshot
from quantcli.core.fees import FEE_ACTIVITIES

#: Reasons of a desk that reconciliation has stopped.
_PAUSED = frozenset({"paused", "reconcile-break"})
#: States of signals whose orders were placed and found no seller.
_PLACED = frozenset({"EXPIRED_UNFILLED", None})


def zero_trade_proof(
    outcomes: tuple[SignalOutcome, ...],
    movements: Iterable[CashRow],
    before: Snapshot | None,
    after: Snapshot | None,
    *,
    fills: int,
    scan: Scan | None,
) -> ZeroTradeProof | None:
    """Return the proof, or None if anything was filled in the session.

    Without both snapshots nothing is proven: positions then count as changed, and the change
    in cash as zero, but `is_proven` is False.

    Args:
        outcomes: Where the session's signals ended.
        movements: Cash movements booked in the session.
        before: The snapshot that closed the session before.
        after: This session's newest snapshot.
        fills: Executions booked in the session.
        scan: The session's newest readable scan.
    """
    if fills > 0:
        return None
    fees = sum((row.net_amount for row in movements if row.activity_type in FEE_ACTIVITIES), ZERO)
    unchanged, change = False, ZERO
    if before is not None and after is not None:
        unchanged = _quantities(before.positions) == _quantities(after.positions)
        change = after.cash - before.cash
    return ZeroTradeProof(
        reason=_reason(outcomes, scan),
        scan_codes=scan.doubts() if scan else (),
        is_proven=unchanged and change == 0 and fees == 0,
        positions_unchanged=unchanged,
        fills=fills,
        fees=fees,
        cash_change=change,
    )


def _reason(outcomes: tuple[SignalOutcome, ...], scan: Scan | None) -> ZeroTradeReason:
    if not outcomes:
        return _without_signals(scan)
    if any(outcome.state in _PLACED for outcome in outcomes):
        return "none-filled"
    codes = {outcome.primary.code for outcome in outcomes}
    if codes == {"halted"}:
        return "halted"
    if codes == {"scan-blocked"}:
        return "scan-blocked"
    return "paused" if codes <= _PAUSED else "all-rejected"


def _without_signals(scan: Scan | None) -> ZeroTradeReason:
    """Return why nothing was found: a scan that could not judge found nothing out."""
    if scan is None:
        return "scan-missing"
    return "scan-blocked" if scan.doubts() else "no-signals"


def _quantities(positions: Iterable[PositionHeld]) -> Mapping[str, Decimal]:
    return {position.symbol: position.quantity for position in positions}
