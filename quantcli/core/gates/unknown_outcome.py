"""Gate: no order in the symbol has an unknown outcome (INV-13)."""

from __future__ import annotations

from quantcli.core.gates.facts import Facts, Proposal, Tally
from quantcli.core.gates.rulings import Ruling, SignalGate, allow, block

_NONE = "no unknown outcome"


def unknown_outcome(facts: Facts, proposal: Proposal, tally: Tally) -> Ruling:
    """Block a symbol in which an order may or may not exist, whatever its purpose."""
    for order in facts.orders:
        if order.intent.symbol == proposal.symbol and order.state == "UNKNOWN":
            return block("outcome-unknown", order.intent.client_order_id, _NONE)
    return allow(_NONE, _NONE)


GATE = SignalGate(
    "unknown-outcome",
    ("outcome-unknown",),
    "Is the outcome of every order in the symbol known?",
    unknown_outcome,
)
