"""Gate: our instant and the broker's clock agree."""

from __future__ import annotations

import datetime as dt

from quantcli.core.gates.facts import Facts
from quantcli.core.gates.rulings import DeskGate, Ruling, allow, block
from quantcli.core.sessions import SKEW_MAX


def clock_skew(facts: Facts) -> Ruling:
    """Block when the broker's clock is unreadable or over 30 seconds away, either way."""
    limit = f"{SKEW_MAX // dt.timedelta(seconds=1)} s"
    if facts.clock.value is None:
        return block(facts.clock.fault or "broker-unavailable", "unreadable", limit)
    skew = abs(facts.clock.value.timestamp - facts.as_of)
    # Whole seconds rounded up: the limit itself is allowed, a microsecond more is not.
    seen = f"{-(-skew // dt.timedelta(seconds=1))} s"
    if skew > SKEW_MAX:
        return block("clock-skew", seen, limit)
    return allow(seen, limit)


GATE = DeskGate(
    "clock-skew",
    ("broker-unavailable", "clock-skew"),
    "Is the broker's clock within 30 seconds of the cycle's instant?",
    clock_skew,
)
