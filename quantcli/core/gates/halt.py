"""Gate: nobody halted the desk (INV-09)."""

from __future__ import annotations

from quantcli.core.gates.facts import Facts
from quantcli.core.gates.rulings import DeskGate, Ruling, allow, block


def halt(facts: Facts) -> Ruling:
    """Block while a halt of entries, or of everything, is in force."""
    if facts.halt is not None:
        return block("halted", facts.halt or "halted", "no halt")
    return allow("no halt", "no halt")


GATE = DeskGate("halt", ("halted",), "Is the halt record readable and free of a halt?", halt)
