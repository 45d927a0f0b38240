"""The identity of a signal: the same setup seen again in a later cycle has the same id."""

from __future__ import annotations

import datetime as dt
import hashlib


def signal_id(
    session: dt.date, strategy: str, symbol: str, side: str, triggering_bar: dt.date
) -> str:
    """Return the SHA-256, in hex, of `session|strategy|symbol|side|triggering_bar`.

    Examples:
        >>> signal_id(dt.date(2024, 8, 2), "avwap", "MSFT", "buy", dt.date(2024, 8, 1))[:8]
        'bd7ad172'
    """
    parts = (session.isoformat(), strategy, symbol, side, triggering_bar.isoformat())
    assert not any("|" in part for part in parts)
    return hashlib.sha256("|".join(parts).encode()).hexdigest()
