"""Gate: the symbol may be traded."""

from __future__ import annotations

from quantcli.core.gates.facts import Facts, Proposal, Tally
from quantcli.core.gates.rulings import Ruling, SignalGate, allow, block


def allowlist(facts: Facts, proposal: Proposal, tally: Tally) -> Ruling:
    """Block a symbol that is not listed; `universe` lists what the scan says it covered."""
    listed = facts.limits.allowlist
    name = "the allowlist"
    if listed == "universe":
        name = "the scan's universe"
        listed = () if facts.scan.value is None else facts.scan.value.universe
    seen = f"{name}, {len(listed)} symbols"
    if proposal.symbol in listed:
        return allow(proposal.symbol, seen)
    return block("not-on-allowlist", proposal.symbol, seen)


GATE = SignalGate("allowlist", ("not-on-allowlist",), "Is the symbol on the allowlist?", allowlist)
