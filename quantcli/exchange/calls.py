"""One request as the endpoints see it, and the answers that they give."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, NamedTuple

import orjson

from quantcli.exchange.advance import Market
from quantcli.exchange.book import Book
from quantcli.exchange.faults import FaultBoard
from quantcli.exchange.refusals import Refusal, malformed
from quantcli.exchange.settings import ExchangeSettings
from quantcli.exchange.trading_hours import Micros, instant_of, micros, midnight

_TRUE = frozenset({"1", "t", "T", "true", "True", "TRUE"})
_FALSE = frozenset({"0", "f", "F", "false", "False", "FALSE"})


class Answer(NamedTuple):
    """Status and JSON value; `body` None: an empty body."""

    status: int
    body: Any


@dataclass(frozen=True, slots=True)
class Call:
    """One request, authorised and routed.

    Attributes:
        book: Within a transaction that fits the route.
        clock: The simulated clock at the request.
        seed: Of all ids.
        segments: What stood in the path's places, decoded.
        query: Parameters; of a repeated one the last value.
        body: Raw bytes.
        faults: Those that are set.
    """

    book: Book
    market: Market
    settings: ExchangeSettings
    clock: Micros
    seed: int
    segments: tuple[str, ...]
    query: dict[str, str]
    body: bytes
    faults: FaultBoard

    def json_body(self) -> dict[str, Any]:
        """Return the body as a JSON object, numbers exact; an empty body is an empty object.

        Raises:
            Refusal: the body is no JSON object, or holds NaN or an infinite number.
        """
        if not self.body.strip():
            return {}
        try:
            value = json.loads(self.body, parse_float=Decimal, parse_constant=_no_constant)
        except (ValueError, ArithmeticError, RecursionError) as error:
            raise Refusal(400, 40010000, "request body format is invalid") from error
        if not isinstance(value, dict):
            raise Refusal(400, 40010000, "request body format is invalid")
        return value

    def flag(self, name: str, *, default: bool) -> bool:
        """Return a boolean parameter in any of the spellings that clients use."""
        text = self.query.get(name, "")
        if text == "":
            return default
        if text not in _TRUE | _FALSE:
            raise malformed(f"invalid {name}: {text}")
        return text in _TRUE

    def choice(self, name: str, allowed: tuple[str, ...]) -> str:
        """Return one of the allowed values of a parameter; the first is the default."""
        text = self.query.get(name) or allowed[0]
        if text not in allowed:
            raise malformed(f"invalid {name}: {text}")
        return text

    def limit(self, name: str, *, default: int, maximum: int) -> int:
        """Return a count, clamped to the maximum."""
        text = self.query.get(name) or str(default)
        if not text.isascii() or not text.isdigit() or int(text) < 1:
            raise malformed(f"invalid {name}: {text}")
        return min(int(text), maximum)

    def date(self, name: str) -> dt.date | None:
        """Return a date parameter (the date part of an instant is taken too), or None."""
        text = self.query.get(name)
        if not text:
            return None
        try:
            return dt.date.fromisoformat(text[:10])
        except ValueError as error:
            raise malformed(f"invalid {name}: {text}") from error

    def instant(self, name: str) -> Micros | None:
        """Return an instant parameter in microseconds; a bare date is its New York midnight."""
        text = self.query.get(name)
        if not text:
            return None
        try:
            return micros(instant_parameter(text))
        except ValueError as error:
            raise malformed(f"invalid {name}: {text}") from error


Handler = Callable[[Call], Answer]


def encoded(value: Any) -> bytes:
    """Return a JSON value as bytes, keys in alphabetical order."""
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)


def instant_parameter(text: str) -> dt.datetime:
    """Return the instant that a parameter spells; naive ones are UTC, dates New York midnight.

    Raises:
        ValueError: neither a date nor an instant.
    """
    if len(text) == 10:
        return instant_of(midnight(dt.date.fromisoformat(text)))
    instant = dt.datetime.fromisoformat(text.replace(" ", "+"))
    return instant.replace(tzinfo=dt.UTC) if instant.tzinfo is None else instant


def _no_constant(name: str) -> Any:
    raise ValueError(f"not a JSON number: {name}")
