"""Where each signal ended: exactly one state, one primary reason, all further ones (INV-21).

The last word wins: an order over a gate, a gate over a decision, a decision over the scan. A
step that never ran is itself a reason. Nothing is dropped: a signal that only a later artifact
names, because the scan is damaged, ends like any other.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import NamedTuple

from quantcli.contracts.decide import Decide, SignalVerdict
from quantcli.contracts.enforce import Enforce, EnforceVerdict
from quantcli.contracts.envelope import Finding
from quantcli.contracts.execution import Execute
from quantcli.contracts.orders import TERMINAL_ORDER_STATES, OrderRecord, OrderState
from quantcli.contracts.reasons import REASONS, TERMINAL_STATES, terminal_state_of
from quantcli.contracts.report import SignalOutcome
from quantcli.contracts.scalars import ZERO, plain
from quantcli.contracts.scan import Scan, Signal

#: The reason of an order that ended without a fill and says no better one itself.
_UNFILLED: Mapping[OrderState, str] = {
    "CANCELLED": "order-unfilled",
    "EXPIRED": "order-unfilled",
    "REPLACED": "order-unfilled",
    "FILLED": "order-unfilled",
    "REJECTED": "order-refused",
}


class Trail(NamedTuple):
    """Everything that was said about one signal, each None if nobody said it.

    Attributes:
        signal_id: The signal.
        signal: As scanned.
        decided: The newest decision.
        enforced: The newest judgment of the gates.
        orders: Its entry orders, oldest first.
        withheld: Why its orders were held back when they could have been sent, oldest first.
    """

    signal_id: str
    signal: Signal | None
    decided: SignalVerdict | None
    enforced: EnforceVerdict | None
    orders: tuple[OrderRecord, ...]
    withheld: tuple[str, ...] = ()


class Ending(NamedTuple):
    """Why a signal ended: the primary reason first. `is_open`: it has not."""

    findings: tuple[Finding, ...]
    is_open: bool = False


def trails(
    scans: Iterable[Scan],
    decisions: Iterable[Decide],
    enforcements: Iterable[Enforce],
    orders: Iterable[OrderRecord],
    executions: Iterable[Execute] = (),
) -> tuple[Trail, ...]:
    """Return one trail for each signal of a session, by rank, then symbol.

    Args:
        scans: Of one session, oldest cycle first; a later cycle that repeats a signal refers
            to it.
        decisions: The same; the newest word on a signal counts.
        enforcements: The same.
        orders: The session's orders; only entries count.
        executions: Passes of `execute`, oldest first.
    """
    signals: dict[str, Signal] = {}
    for scan in scans:
        for each in scan.signals:
            signals.setdefault(each.signal_id, each)
    decided = {v.signal_id: v for decide in decisions for v in decide.verdicts}
    enforced = {v.signal_id: v for enforce in enforcements for v in enforce.verdicts}
    entries: dict[str, list[OrderRecord]] = {}
    for order in orders:
        if order.intent.purpose == "entry" and order.intent.signal_id is not None:
            entries.setdefault(order.intent.signal_id, []).append(order)
    held_back = [finding for each in executions for finding in each.withheld]
    found = (
        Trail(
            signal_id, signals.get(signal_id), decided.get(signal_id), enforced.get(signal_id),
            tuple(entries.get(signal_id, ())),
            _held_back(entries.get(signal_id, ()), held_back),
        )
        for signal_id in dict.fromkeys([*signals, *decided, *enforced, *entries])
    )  # fmt: skip
    return tuple(sorted(found, key=lambda trail: (*_identity(trail), trail.signal_id)))


def _held_back(orders: Iterable[OrderRecord], findings: Iterable[Finding]) -> tuple[str, ...]:
    """Return the reasons for which `execute` did not send these orders, oldest first."""
    names = {order.intent.client_order_id for order in orders}
    return tuple(finding.code for finding in findings if finding.observed in names)


def outcome_of(trail: Trail) -> SignalOutcome:
    """Return the one state a signal ended in, or None as state while its order may be filled."""
    rank, symbol, strategy = _identity(trail)
    ending = ending_of(trail)
    primary, *further = ending.findings
    filled = sum((order.cumulative_quantity for order in trail.orders), ZERO)
    return SignalOutcome(
        signal_id=trail.signal_id,
        rank=rank,
        strategy=strategy,
        symbol=symbol,
        state=None if ending.is_open else terminal_state_of(primary.code),
        primary=primary,
        further=tuple(further),
        quantity_ordered=sum((order.intent.quantity for order in trail.orders), ZERO),
        quantity_filled=filled,
        average_price=_average_price(trail.orders, filled),
    )


def counts_of(outcomes: Iterable[SignalOutcome]) -> dict[str, int]:
    """Return terminal state -> signals, states without any left out, in the vocabulary's order."""
    states = [outcome.state for outcome in outcomes]
    return {state: states.count(state) for state in TERMINAL_STATES if state in states}


def ending_of(trail: Trail) -> Ending:
    """Return why a signal ended: by order, by a gate, by decision, or by a missing step."""
    if trail.orders:
        return _order_ending(trail.orders, trail.withheld)
    enforced, decided = trail.enforced, trail.decided
    if enforced is not None and enforced.decision == "BLOCK":
        return Ending(_distinct([*_gate_findings(enforced, decided), *_blocking(decided)]))
    if enforced is not None:
        return Ending((_missing("execute"),))
    if decided is not None and decided.decision == "BLOCK":
        return Ending(_distinct([*_blocking(decided), _missing("enforce")]))
    return Ending((_missing("decide" if decided is None else "enforce"),))


def _order_ending(orders: tuple[OrderRecord, ...], withheld: tuple[str, ...]) -> Ending:
    newest = orders[-1]
    filled = sum((order.cumulative_quantity for order in orders), ZERO)
    ordered = sum((order.intent.quantity for order in orders), ZERO)
    if filled >= ordered:
        return Ending((_bought("filled", filled, ordered),))
    if filled > 0:
        short = [order for order in orders if order.cumulative_quantity < order.intent.quantity]
        return Ending((_bought("filled-partly", filled, ordered), _rest(short[-1])))
    if newest.state not in TERMINAL_ORDER_STATES:
        code = "outcome-unknown" if newest.state == "UNKNOWN" else "order-open"
        return Ending((Finding(code=code, observed=newest.state),), is_open=True)
    return Ending(_distinct([*_never_sent(newest, withheld), *_unfilled(newest)]))


def _bought(code: str, filled: Decimal, ordered: Decimal) -> Finding:
    return Finding(code=code, observed=plain(filled), limit=plain(ordered))


def _rest(order: OrderRecord) -> Finding:
    """Return what became of the shares that were not bought."""
    is_over = order.state in TERMINAL_ORDER_STATES
    code = order.code or _UNFILLED[order.state] if is_over else "order-open"
    return Finding(code=code, observed=order.state)


def _never_sent(order: OrderRecord, withheld: tuple[str, ...]) -> tuple[Finding, ...]:
    """Return what held an order back until its time was over, the newest reason first.

    That its time was over is then the lesser truth: a halt or PAUSED stopped it.
    """
    if order.code != "intent-expired":
        return ()
    known = (REASONS.get(code) for code in reversed(withheld))
    return _distinct(
        Finding(code=reason.code, observed="withheld")
        for reason in known
        if reason is not None and reason.terminal_state is not None
    )


def _unfilled(order: OrderRecord) -> tuple[Finding, ...]:
    """Return the reasons of an order that ended empty.

    The order's own code counts if it can end a signal without a fill; a refusal is always the
    broker's doing, whatever else is known about it.
    """
    default = _UNFILLED[order.state]
    own = REASONS.get(order.code or "")
    ends = own is not None and own.terminal_state not in (None, "EXECUTED")
    code = own.code if own is not None and ends and order.state != "REJECTED" else default
    findings = [Finding(code=code, observed=order.message or order.state)]
    if order.code is not None and order.code != code:
        findings.append(Finding(code=order.code, observed=order.state))
    return tuple(findings)


def _gate_findings(enforced: EnforceVerdict, decided: SignalVerdict | None) -> list[Finding]:
    """Return the blocking gates' reasons, the primary first.

    The gate that repeats decide's verdict adds nothing to it: decide's own finding, with what
    it observed and its limit, takes the gate's place.
    """
    gates = [
        Finding(code=gate.code or "gate-raised", observed=gate.observed, limit=gate.limit)
        for gate in enforced.gates
        if gate.verdict == "BLOCK"
    ]
    found = [*([enforced.primary] if enforced.primary else []), *gates]
    found = found or [Finding(code="gate-raised", observed="no gate named a reason")]
    reasons = _blocking(decided)
    if not reasons:
        return found
    repeated = {"decision-block", reasons[0].code}
    return [reasons[0] if each.code in repeated else each for each in found]


def _blocking(decided: SignalVerdict | None) -> list[Finding]:
    if decided is None or decided.decision == "ALLOW":
        return []
    stated = [finding for finding in decided.findings if finding.code == decided.reason]
    return [*(stated or [Finding(code=decided.reason)]), *decided.findings]


def _missing(step: str) -> Finding:
    return Finding(code="step-missing", observed=step)


def _distinct(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    return tuple(dict.fromkeys(findings))


def _identity(trail: Trail) -> tuple[int, str, str]:
    """Return rank, symbol and strategy from whoever names them; rank 0 if only an order does."""
    for said in (trail.signal, trail.decided, trail.enforced):
        if said is not None:
            return said.rank, said.symbol, said.strategy
    intent = trail.orders[0].intent
    return 0, intent.symbol, intent.strategy


def _average_price(orders: Iterable[OrderRecord], filled: Decimal) -> Decimal | None:
    if filled == 0:
        return None
    paid = sum((o.cumulative_quantity * (o.average_price or ZERO) for o in orders), ZERO)
    return paid / filled if paid > 0 else None
