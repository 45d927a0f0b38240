"""The wall clock, read in one place."""

from __future__ import annotations

import datetime as dt
from typing import Protocol


class Clock(Protocol):
    """Wall time and waiting. Nothing that reaches an artifact comes from here."""

    def now(self) -> dt.datetime:
        """Return the instant, aware, UTC."""
        ...

    def sleep(self, seconds: float) -> None:
        """Wait."""
        ...
