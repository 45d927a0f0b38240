"""Gate: the limit price is near the price that the signal was judged at."""

from __future__ import annotations

from quantcli.core.gates.facts import Facts, Proposal, Tally
from quantcli.core.gates.rulings import Ruling, SignalGate, allow, block, fraction


def price_collar(facts: Facts, proposal: Proposal, tally: Tally) -> Ruling:
    """Block when |limit / reference - 1| exceeds the collar; the edge itself is inside."""
    price, reference = proposal.terms.limit_price, proposal.terms.reference_price
    collar = facts.limits.price_collar_fraction_max
    if reference <= 0 or price <= 0:
        return block("price-outside-collar", f"{price} against {reference}", fraction(collar))
    seen = fraction(price / reference - 1)
    # Multiplied out, so that no rounded quotient decides at the edge.
    if abs(price - reference) > collar * reference:
        return block("price-outside-collar", seen, fraction(collar))
    return allow(seen, fraction(collar))


GATE = SignalGate(
    "price-collar",
    ("price-outside-collar",),
    "Does the limit price lie within the collar around the reference price?",
    price_collar,
)
