"""The halt record: one small file that needs neither network nor journal.

Missing, unreadable or malformed means halted, entries and exits alike for entries' sake:
doubt stops new risk. It stops exits only when it says so in so many words.
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
            entries, everything = value["entries"], value["all"]
            if not isinstance(entries, bool) or not isinstance(everything, bool):
                raise TypeError
            return HaltReading(entries or everything, everything, str(value.get("reason", "")))
        except FileNotFoundError:
            return HaltReading(True, False, "the halt record is missing")
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return HaltReading(True, False, "the halt record cannot be read")

    def write(self, reading: HaltReading) -> None:
        """Replace the record durably."""
        replace_file(
            self._path,
            canonical_bytes(
                {"entries": reading.entries, "all": reading.all, "reason": reading.reason}
            ),
        )
