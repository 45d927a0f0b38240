"""Gate: the scan believed bars of the session before, and blocked nothing itself."""

from __future__ import annotations

from quantcli.core.gates.facts import Facts
from quantcli.core.gates.rulings import DeskGate, Ruling, allow, block


def data_fresh(facts: Facts) -> Ruling:
    """Block unless the scan is readable, blocks nothing, and its bars reach the session before."""
    scan = facts.scan.value
    wanted = str(facts.previous_session)
    if scan is None:
        return block(facts.scan.fault or "scan-missing", "none", str(facts.session))
    if scan.session != facts.session:
        return block("scan-invalid", str(scan.session), str(facts.session))
    if scan.codes:
        return block("scan-blocked", ", ".join(scan.codes), "no codes")
    newest = scan.bars.newest_session
    if newest is None or newest < facts.previous_session:
        return block("bars-stale", str(newest or "none"), wanted)
    if scan.bars.data_session != facts.previous_session:
        return block("bars-stale", str(scan.bars.data_session), wanted)
    return allow(str(scan.bars.data_session), wanted)


GATE = DeskGate(
    "data-fresh",
    ("scan-missing", "scan-invalid", "scan-blocked", "bars-stale"),
    "Do the scan's bars reach the session before this one, and did the scan itself not block?",
    data_fresh,
)
