"""Which exit code a pass of `execute` or `exits` ends with, given the codes it collected."""

from __future__ import annotations

from collections.abc import Iterable

from quantcli.contracts.errors import ERRORS, gravest

#: Reason code -> exit code. Error codes have their own; any other code only explains.
_EXIT_CODE_OF = {
    "outcome-unknown": 7,
    "cancel-unconfirmed": 7,
    "paused": 8,
    "account-differs": 8,
    "intent-invalid": 8,
    "position-missing": 8,
    "position-foreign": 8,
    "position-quantity": 8,
    "position-oversold": 8,
    "limit-positions-missing": 8,
    "limit-quantity-drift": 8,
    "share-uncovered": 8,
    "halted": 9,
    "enforce-missing": 4,
    "enforce-invalid": 4,
    "enforce-outdated": 4,
    "outside-order-window": 5,
}


def exit_code_of(codes: Iterable[str]) -> int:
    """Return the gravest exit code among the codes; 0 if none of them has one."""
    found = []
    for code in codes:
        error = ERRORS.get(code)
        found.append(_EXIT_CODE_OF.get(code, 0 if error is None else error.exit_code))
    return gravest(found)
