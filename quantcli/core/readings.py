"""A value that was read, or the reason code that stands for why it could not be.

Steps read; pure functions judge. Between them an absent, damaged or foreign input is an ordinary
value with a reason code, so that no judge can mistake "no answer" for "nothing there" (INV-02).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, TypeVar

from quantcli.contracts.envelope import InputRef

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Reading(Generic[T]):
    """What came of reading one input: a value with its reference, or a fault.

    Attributes:
        value: What was read; None exactly if there is a fault.
        ref: Name and digest of a readable input.
        fault: Reason code.
    """

    value: T | None = None
    ref: InputRef | None = None
    fault: str | None = None

    def __post_init__(self) -> None:
        """Refuse a reading that is both or neither."""
        if (self.value is None) == (self.fault is None):
            raise ValueError("a reading has either a value or a fault")
