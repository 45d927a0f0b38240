"""So many requests a minute: of the simulated clock, the one source of time.

Trading and market data are counted apart, as the broker's two hosts do.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from quantcli.exchange.trading_hours import Micros

MINUTE: Micros = 60_000_000

_TRADING_REFUSAL = {"code": 42910000, "message": "rate limit exceeded"}
_DATA_REFUSAL: dict[str, Any] = {"message": "too many requests."}


class Allowance(NamedTuple):
    """What is left of a minute after one more request.

    Attributes:
        is_exceeded: The request is one too many.
        headers: Limit, what remains, and when the next minute begins (seconds since 1970).
        refusal: Body of the answer to a request too many.
    """

    is_exceeded: bool
    headers: list[tuple[str, str]]
    refusal: dict[str, Any]


class RateLimiter:
    """Counts the requests of the running minute."""

    def __init__(self, per_minute: int) -> None:
        """Take the limit: requests a minute, of trading and of market data each."""
        self._limit = per_minute
        self._minute = -1
        self._taken = {True: 0, False: 0}

    def take(self, path: str, clock: Micros) -> Allowance:
        """Count one request."""
        minute = clock // MINUTE
        if minute != self._minute:
            self._minute, self._taken = minute, {True: 0, False: 0}
        is_data = path.startswith(("/v2/stocks", "/v1"))
        self._taken[is_data] += 1
        left = self._limit - self._taken[is_data]
        headers = [
            ("X-Ratelimit-Limit", str(self._limit)),
            ("X-Ratelimit-Remaining", str(max(left, 0))),
            ("X-Ratelimit-Reset", str((minute + 1) * 60)),
        ]
        return Allowance(left < 0, headers, _DATA_REFUSAL if is_data else _TRADING_REFUSAL)
