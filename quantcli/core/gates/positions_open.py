"""Gate: the number of positions after the trade stays within its limit."""

from __future__ import annotations

from quantcli.core.gates.facts import Facts, Proposal, Tally
from quantcli.core.gates.rulings import Ruling, SignalGate, count_within


def positions_open(facts: Facts, proposal: Proposal, tally: Tally) -> Ruling:
    """Block when held symbols, symbols with an open entry and this one are too many."""
    after = len(tally.symbols | {proposal.symbol})
    return count_within("limit-positions", after, facts.limits.positions_max)


GATE = SignalGate(
    "positions-open",
    ("limit-positions",),
    "Does the number of positions, open entries counted, stay within its limit?",
    positions_open,
)
