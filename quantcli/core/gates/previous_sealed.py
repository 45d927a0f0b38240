"""Gate: the session before is sealed, if the desk kept one."""

from __future__ import annotations

from quantcli.core.gates.facts import Facts
from quantcli.core.gates.rulings import DeskGate, Ruling, allow, block


def previous_sealed(facts: Facts) -> Ruling:
    """Block while the newest earlier session of this desk has no manifest, or another one."""
    if facts.unsealed_session is not None:
        return block("session-unsealed", f"{facts.unsealed_session} is not sealed", "sealed")
    if facts.seal_damage is not None:
        path, code = facts.seal_damage.path, facts.seal_damage.code
        return block("seal-invalid", f"{path}: {code}", "as published")
    return allow("sealed", "sealed")


GATE = DeskGate(
    "previous-sealed",
    ("session-unsealed", "seal-invalid"),
    "Is the newest earlier session of this desk sealed, by the seal that was published? "
    "(The first day has none.)",
    previous_sealed,
)
