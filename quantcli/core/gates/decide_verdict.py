"""Gate: decide allowed the signal. In shadow mode its verdict is recorded and stops nothing."""

from __future__ import annotations

from quantcli.core.allocation import DECIDE_REASONS
from quantcli.core.gates.facts import Facts, Proposal, Tally, decide_reason
from quantcli.core.gates.rulings import Ruling, SignalGate, allow, block

_WANTED = "ALLOW"
_SHADOW = "recorded, not enforced"


def decide_verdict(facts: Facts, proposal: Proposal, tally: Tally) -> Ruling:
    """Block what decide blocked, with decide's own primary reason, unless in shadow mode.

    No verdict is no ALLOW, in shadow mode too: there is nothing to record.
    """
    verdict = proposal.verdict
    if verdict is None:
        return block("decision-mismatch", "no verdict", _WANTED)
    if verdict.decision == "ALLOW":
        return allow("ALLOW", _WANTED if facts.is_enforced else _SHADOW)
    reason = decide_reason(verdict)
    if not facts.is_enforced:
        return allow(f"BLOCK: {reason.code}", _SHADOW)
    return block(reason.code, reason.observed or "BLOCK", reason.limit or _WANTED)


GATE = SignalGate(
    "decide-verdict",
    ("decision-mismatch", "decision-block", *DECIDE_REASONS),
    "Did decide allow the signal? (Shadow mode records the answer and goes on.)",
    decide_verdict,
)
