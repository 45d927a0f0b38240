"""Gate: the signal has no intent yet: one signal, one entry (INV-11)."""

from __future__ import annotations

from quantcli.core.gates.facts import Facts, Proposal, Tally
from quantcli.core.gates.rulings import Ruling, SignalGate, allow, block


def signal_unused(facts: Facts, proposal: Proposal, tally: Tally) -> Ruling:
    """Block a signal that a cycle of this session already turned into an intent.

    The first intent decides how the signal ends; a later cycle only refers to it.
    """
    intent_id = facts.intents.get(proposal.terms.signal_id)
    if intent_id is not None:
        return block("signal-consumed", intent_id, "no intent")
    return allow("no intent", "no intent")


GATE = SignalGate(
    "signal-unused",
    ("signal-consumed",),
    "Is this the first time in this session that the signal would become an intent?",
    signal_unused,
)
