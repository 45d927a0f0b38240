"""The halt record, read before each send."""

from __future__ import annotations

from typing import NamedTuple, Protocol


class HaltReading(NamedTuple):
    """What the halt record says; one that cannot be read halts entries."""

    entries: bool
    all: bool
    reason: str


class Halts(Protocol):
    """Reads the halt record. Needs no network and no journal."""

    def read(self) -> HaltReading:
        """Return the halt in force."""
        ...
