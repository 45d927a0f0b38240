"""The one place where the wall clock is read."""

from __future__ import annotations

import datetime as dt
import time


class WallClock:
    """Real time and real waiting."""

    def now(self) -> dt.datetime:
        """Return the instant, aware, UTC."""
        return dt.datetime.now(dt.UTC)

    def sleep(self, seconds: float) -> None:
        """Wait."""
        time.sleep(seconds)
