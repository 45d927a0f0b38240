"""So many requests a minute, as the broker's gateway counts them.

A minute is one of the simulated clock. It ends after a minute of the machine's own time as well:
a clock that stands still would lock a customer out for ever, who has only asked too fast.
Trading and market data are counted apart, as the broker's two hosts do.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any, NamedTuple

from quantcli.exchange.trading_hours import Micros

MINUTE: Micros = 60_000_000
MINUTE_SECONDS = 60

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
        limit: Requests a minute, of trading; None: any number.
        data_limit: The same of market data.
    """

    def __init__(
        self,
        limit: int | None,
        data_limit: int | None,
        seconds: Callable[[], float] = time.monotonic,
    ) -> None:
        """Begin with nothing counted; `seconds` is the machine's own time."""
        self.limit, self.data_limit = limit, data_limit
        self._seconds = seconds
        self._began = seconds()
        self._minute = -1
        self._taken = {True: 0, False: 0}

    def set_limit(self, body: bytes) -> bool:
        """Take another limit for both from a request's body, count anew; False: it holds none."""
        try:
            value = json.loads(body)
        except (ValueError, RecursionError):
            return False
        if not isinstance(value, dict) or "requests_per_minute" not in value:
            return False
        limit = value["requests_per_minute"]
        if limit is not None and (type(limit) is not int or limit < 1):
            return False
        self.limit = self.data_limit = limit
        self._minute = -1
        return True

    def take(self, path: str, clock: Micros) -> Allowance | None:
        """Count one request; None: there is no limit on what it asks for."""
        is_data = path.startswith(("/v2/stocks", "/v1"))
        limit = self.data_limit if is_data else self.limit
        if limit is None:
            return None
        self._turn(clock // MINUTE)
        self._taken[is_data] += 1
        left = limit - self._taken[is_data]
        headers = [
            ("X-Ratelimit-Limit", str(limit)),
            ("X-Ratelimit-Remaining", str(max(left, 0))),
            ("X-Ratelimit-Reset", str((self._minute + 1) * 60)),
        ]
        return Allowance(left < 0, headers, _DATA_REFUSAL if is_data else _TRADING_REFUSAL)

    def _turn(self, minute: int) -> None:
        """Begin to count anew if the minute is over, by either clock."""
        now = self._seconds()
        if minute != self._minute or now - self._began >= MINUTE_SECONDS:
            self._minute, self._began = minute, now
            self._taken = {True: 0, False: 0}
