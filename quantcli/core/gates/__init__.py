"""The gates between a decision and an order, in documented order.

Every gate is asked about every signal and every answer is recorded, also after the first BLOCK;
a signal is allowed only if all of them say so. A gate that raises has not judged: that blocks.
Only `enforce` asks them. Exits never do: nothing here can hold one up (INV-04).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from quantcli.contracts.enforce import GateResult
from quantcli.contracts.envelope import Finding
from quantcli.core.gates import (
    account,
    allowlist,
    broker_calendar,
    clock_skew,
    data_fresh,
    decide_verdict,
    decision_covers,
    decision_present,
    entries_per_session,
    existing_order,
    existing_position,
    exposure_gross,
    halt,
    mode,
    order_window,
    paused,
    positions_open,
    previous_sealed,
    price_collar,
    reconciled,
    risk_per_trade,
    signal_unused,
    size,
    spending_power,
    tradable,
    unknown_outcome,
)
from quantcli.core.gates.facts import Facts, Proposal, Tally
from quantcli.core.gates.rulings import DeskGate, Gate, Ruling, SignalGate, block, result_of

#: The order decides which of several blocking gates is the primary reason: first what was
#: decided, then what stops the whole desk, then the symbol, then the size of the order.
GATES: tuple[Gate, ...] = (
    decision_present.GATE,
    decision_covers.GATE,
    decide_verdict.GATE,
    mode.GATE,
    halt.GATE,
    paused.GATE,
    reconciled.GATE,
    data_fresh.GATE,
    previous_sealed.GATE,
    order_window.GATE,
    clock_skew.GATE,
    broker_calendar.GATE,
    account.GATE,
    allowlist.GATE,
    tradable.GATE,
    signal_unused.GATE,
    existing_position.GATE,
    existing_order.GATE,
    unknown_outcome.GATE,
    price_collar.GATE,
    size.GATE,
    risk_per_trade.GATE,
    exposure_gross.GATE,
    positions_open.GATE,
    entries_per_session.GATE,
    spending_power.GATE,
)


class Judgment(NamedTuple):
    """What all gates said of one proposal, in their order."""

    proposal: Proposal
    results: tuple[GateResult, ...]

    @property
    def is_allowed(self) -> bool:
        """True only if there are gates and every one of them said ALLOW."""
        return bool(self.results) and all(each.verdict == "ALLOW" for each in self.results)

    @property
    def primary(self) -> Finding | None:
        """Return the first blocking gate's reason; None on ALLOW."""
        for each in self.results:
            if each.verdict != "ALLOW":
                return Finding(
                    code=each.code or "gate-raised", observed=each.observed, limit=each.limit
                )
        return None


def judge(
    facts: Facts, proposals: Iterable[Proposal], tally: Tally, gates: Sequence[Gate] = GATES
) -> tuple[Judgment, ...]:
    """Return the judgments in the order of the proposals; each approval adds to the tally.

    Args:
        facts: What is true for all of them.
        proposals: By rank.
        tally: The desk before the first of them.
        gates: All gates unless a test plants its own.
    """
    same_for_all = {
        gate.name: _asked_of_desk(gate, facts) for gate in gates if isinstance(gate, DeskGate)
    }
    judgments = []
    for proposal in proposals:
        results = tuple(
            same_for_all[gate.name]
            if isinstance(gate, DeskGate)
            else _asked_of_signal(gate, facts, proposal, tally)
            for gate in gates
        )
        judgment = Judgment(proposal, results)
        if judgment.is_allowed:
            tally = tally.after(proposal)
        judgments.append(judgment)
    return tuple(judgments)


def desk_codes(facts: Facts, gates: Sequence[Gate] = GATES) -> tuple[str, ...]:
    """Return the reasons that block every signal of the run, in documented order, each once."""
    desk_gates = [gate for gate in gates if isinstance(gate, DeskGate)]
    codes = (_asked_of_desk(gate, facts).code for gate in desk_gates)
    return tuple(dict.fromkeys(code for code in codes if code is not None))


def _asked_of_desk(gate: DeskGate, facts: Facts) -> GateResult:
    try:
        ruling = gate.function(facts)
    except Exception as error:  # noqa: BLE001 - whatever went wrong, no judgment is a BLOCK
        ruling = _raised(error)
    return result_of(gate, ruling)


def _asked_of_signal(
    gate: SignalGate, facts: Facts, proposal: Proposal, tally: Tally
) -> GateResult:
    try:
        ruling = gate.function(facts, proposal, tally)
    except Exception as error:  # noqa: BLE001 - whatever went wrong, no judgment is a BLOCK
        ruling = _raised(error)
    return result_of(gate, ruling)


def _raised(error: Exception) -> Ruling:
    # The name alone: a message may hold an address or a machine's path, and bytes must not.
    return block("gate-raised", type(error).__name__, "a judgment")
