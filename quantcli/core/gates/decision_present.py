"""Gate: there is a decision, of this session, made from the scan that is in force."""

from __future__ import annotations

from quantcli.core.gates.facts import Facts
from quantcli.core.gates.rulings import DeskGate, Ruling, allow, block


def decision_present(facts: Facts) -> Ruling:
    """Block unless decide.json is readable, of this session, and names the scan read here.

    A decision on an older scan, or on none, says nothing about the signals now in hand.
    """
    decision = facts.decision.value
    if decision is None:
        return block(facts.decision.fault or "decision-missing", "none", str(facts.session))
    if decision.session != facts.session:
        return block("decision-mismatch", str(decision.session), str(facts.session))
    wanted = "none" if facts.scan.ref is None else facts.scan.ref.sha256
    judged = "none" if decision.scan is None else decision.scan.sha256
    if decision.scan is None or decision.scan != facts.scan.ref:
        return block("decision-mismatch", f"scan {judged}", f"scan {wanted}")
    return allow(str(decision.session), str(facts.session))


GATE = DeskGate(
    "decision-present",
    ("decision-missing", "decision-invalid", "decision-mismatch"),
    "Is there a readable decision of this session, made from the newest scan?",
    decision_present,
)
