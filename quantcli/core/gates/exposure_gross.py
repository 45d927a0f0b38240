"""Gate: gross exposure after the trade stays within its limits (INV-08)."""

from __future__ import annotations

from quantcli.core.exposure import exposure_gross_limit
from quantcli.core.gates.facts import Facts, Proposal, Tally
from quantcli.core.gates.rulings import Ruling, SignalGate, block, within


def exposure_gross(facts: Facts, proposal: Proposal, tally: Tally) -> Ruling:
    """Block when positions, open entries, earlier approvals and this one exceed the limit.

    The limit is the smaller of the dollar limit and the fraction of equity. A position without
    a mark could be worth anything.
    """
    if facts.account.value is None:
        return block(facts.account.fault or "broker-unavailable", "equity unreadable")
    if tally.exposure_gross is None:
        return block("mark-missing", "a position has no mark", "all marked")
    limit = exposure_gross_limit(facts.limits, facts.account.value.equity)
    return within("limit-gross-exposure", tally.exposure_gross + proposal.notional, limit)


GATE = SignalGate(
    "exposure-gross",
    ("broker-unavailable", "mark-missing", "limit-gross-exposure"),
    "Does gross exposure after the trade stay within the dollar and the percent limit?",
    exposure_gross,
)
