"""Gate: the mode allows entries."""

from __future__ import annotations

from quantcli.core.gates.facts import Facts
from quantcli.core.gates.rulings import DeskGate, Ruling, allow, block

#: Live is armed, not configured: until there is a way to arm it, no entry may be formed in it.
MODES_ALLOWED = ("dry-run", "local", "paper")


def mode(facts: Facts) -> Ruling:
    """Block entries in a mode that is not on the list."""
    wanted = ", ".join(MODES_ALLOWED)
    if facts.mode in MODES_ALLOWED:
        return allow(facts.mode, wanted)
    return block("mode-forbids", facts.mode, wanted)


GATE = DeskGate("mode", ("mode-forbids",), "May the desk's mode form entries at all?", mode)
