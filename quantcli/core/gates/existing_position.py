"""Gate: the symbol is not held."""

from __future__ import annotations

from quantcli.core.gates.facts import Facts, Proposal, Tally
from quantcli.core.gates.rulings import Ruling, SignalGate, allow, block


def existing_position(facts: Facts, proposal: Proposal, tally: Tally) -> Ruling:
    """Block a symbol of which the journal or the broker shows shares."""
    if proposal.symbol in facts.symbols_held:
        return block("position-exists", "held", "not held")
    return allow("not held", "not held")


GATE = SignalGate(
    "existing-position",
    ("position-exists",),
    "Is the symbol free of shares, in the journal and at the broker?",
    existing_position,
)
