"""Gate: there is a size, in whole shares."""

from __future__ import annotations

from quantcli.contracts.scalars import plain
from quantcli.core.allocation import DECIDE_REASONS
from quantcli.core.gates.facts import Facts, Proposal, Tally, decide_reason
from quantcli.core.gates.rulings import Ruling, SignalGate, allow, block


def size(facts: Facts, proposal: Proposal, tally: Tally) -> Ruling:
    """Block without at least one share, or with a part of one.

    Where decide left no size because it blocked, its reason is the true one.
    """
    seen = plain(proposal.quantity)
    if proposal.quantity < 1:
        verdict = proposal.verdict
        was_blocked = verdict is not None and verdict.decision == "BLOCK"
        code = decide_reason(verdict).code if verdict is not None and was_blocked else "size-zero"
        return block(code, seen, "1")
    if proposal.quantity != proposal.quantity.to_integral_value():
        return block("quantity-not-whole", seen, "whole shares")
    return allow(seen, "1")


GATE = SignalGate(
    "size",
    ("quantity-not-whole", "decision-block", *DECIDE_REASONS),
    "Is the size at least one share, and whole? (Without a size, decide's reason is passed on.)",
    size,
)
