"""Gate: the session's entries are not used up."""

from __future__ import annotations

from quantcli.core.gates.facts import Facts, Proposal, Tally
from quantcli.core.gates.rulings import Ruling, SignalGate, count_within


def entries_per_session(facts: Facts, proposal: Proposal, tally: Tally) -> Ruling:
    """Block when the intents formed in this session, with this one, are too many.

    An intent counts whatever became of it: the limit bounds tries, not fills.
    """
    limit = facts.limits.entries_per_session_max
    return count_within("limit-entries", tally.entries + 1, limit)


GATE = SignalGate(
    "entries-per-session",
    ("limit-entries",),
    "Is there an entry left in this session?",
    entries_per_session,
)
