"""Gate: books and broker agreed, and recently (INV-22)."""

from __future__ import annotations

import datetime as dt

from quantcli.core.gates.facts import Facts
from quantcli.core.gates.rulings import DeskGate, Ruling, allow, block


def reconciled(facts: Facts) -> Ruling:
    """Block unless this session's newest reconciliation is readable, young enough and clean.

    The age is that of the newest one: an older clean one does not stand in for it.
    """
    found = facts.reconcile.value
    limit = facts.limits.reconcile_age_minutes_max
    if found is None:
        return block(facts.reconcile.fault or "reconcile-absent", "none", f"{limit} min")
    age = facts.as_of - found.as_of
    seen = f"{age // dt.timedelta(minutes=1)} min"
    if age < dt.timedelta(0) or found.session != facts.session:
        return block("reconcile-invalid", f"{found.session} {found.cycle}", str(facts.session))
    if age > dt.timedelta(minutes=limit):
        return block("reconcile-stale", seen, f"{limit} min")
    if found.breaks:
        return block("reconcile-break", f"{len(found.breaks)} breaks", "0 breaks")
    return allow(f"{seen}, 0 breaks", f"{limit} min, 0 breaks")


GATE = DeskGate(
    "reconciled",
    ("reconcile-absent", "reconcile-invalid", "reconcile-stale", "reconcile-break"),
    "Did this session's newest reconciliation find no break, and is it young enough?",
    reconciled,
)
