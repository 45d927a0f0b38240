"""The halt record: one small file that needs neither network nor journal.

Missing, unreadable or malformed means that entries are halted: doubt stops new risk. It stops
exits only when it says so in so many words.
"""

from __future__ import annotations

from pathlib import Path

import orjson

from quantcli.contracts.canonical import canonical_bytes
from quantcli.ports.halts import HaltReading
from quantcli.shell.files import replace_file


class HaltFile:
    """Reads and writes `<desk>/state/halt.json`."""

    def __init__(self, path: Path) -> None:
        """Name the file."""
        self._path = path

    def read(self) -> HaltReading:
        """Return the halt in force; a missing or unreadable record halts entries."""
        try:
            value = orjson.loads(self._path.read_bytes())
        except FileNotFoundError:
            return _in_doubt("the halt record is missing")
        except (OSError, orjson.JSONDecodeError):
            return _in_doubt("the halt record cannot be read")
        return _reading(value) or _in_doubt("the halt record cannot be read")

    def write(self, reading: HaltReading) -> None:
        """Replace the record durably."""
        replace_file(
            self._path,
            canonical_bytes(
                {"entries": reading.entries, "all": reading.all, "reason": reading.reason}
            ),
        )


def _reading(value: object) -> HaltReading | None:
    """Return what a record says; None if it says it in no form that we write."""
    if not isinstance(value, dict) or value.keys() != {"entries", "all", "reason"}:
        return None
    entries, everything, reason = value["entries"], value["all"], value["reason"]
    flags_are_clear = isinstance(entries, bool) and isinstance(everything, bool)
    if not flags_are_clear or not isinstance(reason, str):
        return None
    return HaltReading(entries=entries or everything, all=everything, reason=reason)


def _in_doubt(reason: str) -> HaltReading:
    return HaltReading(entries=True, all=False, reason=reason)
