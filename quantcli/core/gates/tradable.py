"""Gate: the broker takes orders in the symbol now.

Whether it can be sold short is no question: the desk buys, and sells what it holds.
"""

from __future__ import annotations

from quantcli.core.gates.facts import Facts, Proposal, Tally
from quantcli.core.gates.rulings import Ruling, SignalGate, allow, block


def tradable(facts: Facts, proposal: Proposal, tally: Tally) -> Ruling:
    """Block a symbol that the broker does not know, or that is not active and tradable there."""
    reading = facts.assets.get(proposal.symbol)
    if reading is None or (reading.value is None and reading.fault == "broker-unavailable"):
        return block("broker-unavailable", "unreadable", "active, tradable")
    if reading.value is None:
        return block("asset-not-tradable", "no such asset", "active, tradable")
    asset = reading.value
    seen = f"{asset.status}, {'' if asset.is_tradable else 'not '}tradable"
    if not asset.takes_orders:
        return block("asset-not-tradable", seen, "active, tradable")
    return allow(seen, "active, tradable")


GATE = SignalGate(
    "tradable",
    ("asset-not-tradable", "broker-unavailable"),
    "Does the broker take orders in the symbol: is it active and tradable there?",
    tradable,
)
