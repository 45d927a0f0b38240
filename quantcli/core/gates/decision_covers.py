"""Gate: the decision speaks of this very signal, on the terms that the scan gave it."""

from __future__ import annotations

from quantcli.contracts.decide import SignalVerdict
from quantcli.contracts.scan import Signal
from quantcli.core.gates.facts import Facts, Proposal, Tally
from quantcli.core.gates.rulings import Ruling, SignalGate, allow, block


def decision_covers(facts: Facts, proposal: Proposal, tally: Tally) -> Ruling:
    """Block unless scan and decision both hold the signal and agree on its terms."""
    signal, verdict = proposal.signal, proposal.verdict
    if verdict is None:
        return block("decision-mismatch", "no verdict on the signal", "one")
    if signal is None:
        return block("decision-mismatch", "not a signal of the scan", "a signal of the scan")
    differing = _differing(signal, verdict)
    if differing:
        return block("decision-mismatch", f"differs in {', '.join(differing)}", "equal terms")
    return allow("equal terms", "equal terms")


def _differing(signal: Signal, verdict: SignalVerdict) -> list[str]:
    same = ("signal_id", "rank", "strategy", "symbol", "limit_price", "stop", "reference_price")
    found = [name for name in same if getattr(signal, name) != getattr(verdict, name)]
    return [*found, *(["target"] if signal.target_r2 != verdict.target else [])]


GATE = SignalGate(
    "decision-covers",
    ("decision-mismatch",),
    "Do scan and decision both hold the signal, with the same prices and names?",
    decision_covers,
)
