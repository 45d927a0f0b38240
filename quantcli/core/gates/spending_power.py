"""Gate: the order can be paid for with settled money of our own."""

from __future__ import annotations

from quantcli.core.gates.facts import Facts, Proposal, Tally
from quantcli.core.gates.rulings import Ruling, SignalGate, block, within


def spending_power(facts: Facts, proposal: Proposal, tally: Tally) -> Ruling:
    """Block when the order costs more than may be spent after the approvals before it."""
    if tally.spending_power is None:
        return block(facts.account.fault or "broker-unavailable", "unreadable")
    return within("spending-power", proposal.notional, tally.spending_power)


GATE = SignalGate(
    "spending-power",
    ("broker-unavailable", "spending-power"),
    "Can the order be paid for without borrowing and without unsettled proceeds?",
    spending_power,
)
