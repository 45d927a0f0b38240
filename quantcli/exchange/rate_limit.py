"""So many requests a minute: of the simulated clock, the one source of time.

Trading and market data are counted apart, as the broker's two hosts do.
"""

from __future__ import annotations

import json
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
    """Counts the requests of the running minute.

    Attributes:
        limit: Requests a minute, of trading and of market data each; None: any number.
    """

    def __init__(self, limit: int | None) -> None:
        """Begin with nothing counted."""
        self.limit = limit
        self._minute = -1
        self._taken = {True: 0, False: 0}

    def set_limit(self, body: bytes) -> bool:
        """Take another limit from a request's body and count anew; False: it holds none."""
        try:
            value = json.loads(body)
        except (ValueError, RecursionError):
            return False
        if not isinstance(value, dict) or "requests_per_minute" not in value:
            return False
        limit = value["requests_per_minute"]
        if limit is not None and (type(limit) is not int or limit < 1):
            return False
        self.limit, self._minute = limit, -1
        return True

    def take(self, path: str, clock: Micros) -> Allowance:
        """Count one request; there must be a limit."""
        assert self.limit is not None
        minute = clock // MINUTE
        if minute != self._minute:
            self._minute, self._taken = minute, {True: 0, False: 0}
        is_data = path.startswith(("/v2/stocks", "/v1"))
        self._taken[is_data] += 1
        left = self.limit - self._taken[is_data]
        headers = [
            ("X-Ratelimit-Limit", str(self.limit)),
            ("X-Ratelimit-Remaining", str(max(left, 0))),
            ("X-Ratelimit-Reset", str((minute + 1) * 60)),
        ]
        return Allowance(left < 0, headers, _DATA_REFUSAL if is_data else _TRADING_REFUSAL)
