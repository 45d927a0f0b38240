"""Gate: entries may be sent at this instant."""

from __future__ import annotations

from quantcli.contracts.scalars import instant_text
from quantcli.core.gates.facts import Facts
from quantcli.core.gates.rulings import DeskGate, Ruling, allow, block


def order_window(facts: Facts) -> Ruling:
    """Block outside [entries_from, entries_until) of this session's own hours."""
    seen = instant_text(facts.as_of)
    window = f"[{instant_text(facts.window.start)}, {instant_text(facts.window.end)})"
    if facts.window.holds(facts.as_of):
        return allow(seen, window)
    return block("outside-order-window", seen, window)


GATE = DeskGate(
    "order-window",
    ("outside-order-window",),
    "Does the instant lie in the order window, half days respected?",
    order_window,
)
