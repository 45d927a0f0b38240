"""Gate: the desk is not PAUSED (INV-22)."""

from __future__ import annotations

from quantcli.core.gates.facts import Facts
from quantcli.core.gates.rulings import DeskGate, Ruling, allow, block


def paused(facts: Facts) -> Ruling:
    """Block while the journal's flag or the newest reconciliation says PAUSED."""
    reported = facts.reconcile.value
    if facts.paused is not None:
        return block("paused", ", ".join(facts.paused) or "paused", "not paused")
    if reported is not None and reported.paused.is_set:
        return block("paused", ", ".join(reported.paused.reasons) or "paused", "not paused")
    return allow("not paused", "not paused")


GATE = DeskGate("paused", ("paused",), "Is the desk free of PAUSED?", paused)
