"""Gate: the broker would take orders, for the account that the journal belongs to (INV-10)."""

from __future__ import annotations

from quantcli.core.gates.facts import Facts
from quantcli.core.gates.rulings import DeskGate, Ruling, allow, block


def account(facts: Facts) -> Ruling:
    """Block unless the journal has begun, and for this account, and the account is tradable."""
    if facts.account_id is None:
        return block("genesis-missing", "none", "the journal's first row")
    seen = facts.account.value
    if seen is None:
        return block(facts.account.fault or "broker-unavailable", "unreadable", "ACTIVE")
    if seen.account_id != facts.account_id:
        return block("account-foreign", seen.account_id, facts.account_id)
    if not seen.is_tradable:
        return block("account-not-tradable", _flaw(seen.status, is_blocked=seen.is_blocked),
                     "ACTIVE")  # fmt: skip
    return allow(seen.status, "ACTIVE")


def _flaw(status: str, *, is_blocked: bool) -> str:
    return f"{status}, blocked" if is_blocked else status


GATE = DeskGate(
    "account",
    ("genesis-missing", "broker-unavailable", "account-foreign", "account-not-tradable"),
    "Is the broker's account the journal's own, active and not blocked?",
    account,
)
