"""Halts that stand in the journal: an invariant was violated, or differences are beyond limits.

Unlike PAUSED, which a clean reconciliation ends, such a halt ends only when an operator types
`resume --reason`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from typing import Literal

from quantcli.contracts.envelope import Finding
from quantcli.contracts.journal_rows import FlagRow

#: Codes of what can only come from a fault of ours or of the broker's, whoever finds it.
VIOLATIONS: frozenset[str] = frozenset(
    {
        "order-differs",
        "order-forgotten",
        "order-overfilled",
        "order-state-contradicts",
        "position-oversold",
    }
)
_FLAGS = ("halt-entries", "halt-all")


def journal_halt(flags: Mapping[str, FlagRow]) -> tuple[str, ...] | None:
    """Return the reasons of the halts that the journal holds; None if it holds none.

    Args:
        flags: Every flag's newest row, by name.
    """
    standing = [flags[name] for name in _FLAGS if name in flags and flags[name].is_set]
    if not standing:
        return None
    return tuple(dict.fromkeys(reason for flag in standing for reason in flag.reasons))


def halt_rows(flags: Mapping[str, FlagRow], codes: tuple[str, ...]) -> list[FlagRow]:
    """Return the row that halts entries for violations among some codes; none if none is new.

    Args:
        flags: Every flag's newest row, by name.
        codes: What broke; codes other than violations pause, and halt nothing.
    """
    return _halting(flags, VIOLATIONS & set(codes), "invariant")


def limit_rows(flags: Mapping[str, FlagRow], exceeded: Iterable[Finding]) -> list[FlagRow]:
    """Return the row that halts entries for limits exceeded; none if none is new.

    Args:
        flags: Every flag's newest row, by name.
        exceeded: As `drift.exceeded` returns them.
    """
    return _halting(flags, {each.code for each in exceeded}, "reconcile")


def _halting(
    flags: Mapping[str, FlagRow], found: AbstractSet[str], by: Literal["invariant", "reconcile"]
) -> list[FlagRow]:
    flag = flags.get("halt-entries")
    before = set(flag.reasons) if flag is not None and flag.is_set else set()
    if found <= before:
        return []
    together = tuple(sorted(before | found))
    return [FlagRow(name="halt-entries", is_set=True, reasons=together, by=by)]
