"""Refusals: the definite noes of the wire, with the status, code and text that clients match.

Clients decide by status and text; the numeric code is there because they expect one.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

MALFORMED = 40010001
UNPROCESSABLE = 42210000
FORBIDDEN = 40310000
NOT_FOUND = 40410000


class Refusal(Exception):
    """A request that was understood and changes nothing.

    Attributes:
        status: HTTP status.
        body: The JSON object of the answer.
    """

    def __init__(
        self, status: int, code: int | None, message: str, extras: Mapping[str, Any] | None = None
    ) -> None:
        """Keep the answer; extras are fields beside code and message."""
        super().__init__(message)
        self.status = status
        self.body: dict[str, Any] = {} if code is None else {"code": code}
        self.body |= {"message": message, **(extras or {})}


def malformed(message: str) -> Refusal:
    """Return the refusal of a request whose fields do not fit together."""
    return Refusal(422, MALFORMED, message)


def unprocessable(message: str) -> Refusal:
    """Return the refusal of a well-formed request that the rules do not allow."""
    return Refusal(422, UNPROCESSABLE, message)


def forbidden(message: str, **extras: Any) -> Refusal:
    """Return the refusal of a request that the account's state does not allow."""
    return Refusal(403, FORBIDDEN, message, extras)


def not_found(message: str) -> Refusal:
    """Return the refusal of a request for something that does not exist."""
    return Refusal(404, NOT_FOUND, message)
