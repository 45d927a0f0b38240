"""What faults make of an answer: other bytes, other words, or a gateway's page instead.

Everything here is a function of the answer and the fault's settings; the book is not asked.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import orjson

from quantcli.exchange.activities_api import PAGE_MAX
from quantcli.exchange.calls import encoded
from quantcli.exchange.faults import Fault
from quantcli.exchange.wire_answers import JSON_TYPE, Headers, WireAnswer

_RATE_LIMIT = 200


def rate_limited(fault: Fault, now_seconds: int) -> WireAnswer:
    """Return the refusal of one request too many; `now_seconds` is the exchange's clock."""
    headers: Headers = [("Content-Type", JSON_TYPE)]
    if fault.settings["headers"]:
        headers += [
            ("Retry-After", fault.settings["retry_after"]),
            ("X-Ratelimit-Limit", str(_RATE_LIMIT)),
            ("X-Ratelimit-Remaining", "0"),
            ("X-Ratelimit-Reset", str(now_seconds + 60)),
        ]
    return 429, headers, encoded({"code": 42910000, "message": "rate limit exceeded"})


def changed(fault: Fault, answer: WireAnswer) -> WireAnswer:
    """Return a successful answer as the fault leaves it; other answers stay as they are."""
    status, headers, body = answer
    if not 200 <= status < 300 or not body:
        return answer
    if fault.kind in _BYTES:
        return status, headers, _BYTES[fault.kind](body)
    if fault.kind in _ROWS:
        try:
            value = orjson.loads(body)
        except orjson.JSONDecodeError:
            return answer  # another fault has spoilt it already
        changed_value = _ROWS[fault.kind](fault, value)
        return status, headers, encoded(changed_value)
    return answer


def _cut(body: bytes) -> bytes:
    """Return the first half: the rest was lost on the way, and the length fits what is left."""
    return body[: len(body) // 2]


def _garbled(body: bytes) -> bytes:
    """Return bytes of about the right look that no JSON parser takes."""
    return body[:-1] + b",NaN:" + body[-1:]


_BYTES: dict[str, Callable[[bytes], bytes]] = {"truncated-json": _cut, "malformed-json": _garbled}


def _each_object(value: Any, change: Callable[[dict[str, Any]], None]) -> Any:
    """Apply a change to an object, or to every object of a list, and to the legs within."""
    for row in value if isinstance(value, list) else [value]:
        if isinstance(row, dict):
            change(row)
            _each_object(row.get("legs") or [], change)
    return value


def _unknown_status(fault: Fault, value: Any) -> Any:
    def change(row: dict[str, Any]) -> None:
        for name in row.keys() & {"status", "order_status"}:
            row[name] = fault.settings["value"]

    return _each_object(value, change)


def _missing_field(fault: Fault, value: Any) -> Any:
    return _each_object(value, lambda row: row.pop(fault.settings["field"], None))


def _number_for_string(fault: Fault, value: Any) -> Any:
    """Spell a numeric string as a number, digit for digit."""

    def change(row: dict[str, Any]) -> None:
        text = row.get(fault.settings["field"])
        if isinstance(text, str) and _is_number(text):
            row[fault.settings["field"]] = orjson.Fragment(text)

    return _each_object(value, change)


def _is_number(text: str) -> bool:
    try:
        return isinstance(orjson.loads(text), (int, float))
    except orjson.JSONDecodeError:
        return False


def _extra_fields(fault: Fault, value: Any) -> Any:
    """Add fields that nobody has heard of, of every JSON type."""
    kinds: tuple[Any, ...] = ("new", 1, "1.50", None, True, {"inner": "0.1"}, ["a", "b"], -2.5)
    extras = {
        f"novelty_{number:02d}": kinds[(number - 1) % len(kinds)]
        for number in range(1, fault.settings["count"] + 1)
    }
    return _each_object(value, lambda row: row.update(extras))


def _twice(fault: Fault, value: Any) -> Any:
    """Show every row twice in a row, with the same id."""
    return [row for row in value for _ in range(2)] if isinstance(value, list) else value


def _reversed(fault: Fault, value: Any) -> Any:
    """Show the rows backwards; of a full page the last stays last, for readers page on with it."""
    if not isinstance(value, list):
        return value
    return [*value[-2::-1], value[-1]] if len(value) >= PAGE_MAX else value[::-1]


_ROWS: dict[str, Callable[[Fault, Any], Any]] = {
    "unknown-status": _unknown_status,
    "missing-field": _missing_field,
    "number-for-string": _number_for_string,
    "extra-fields": _extra_fields,
    "duplicate-activities": _twice,
    "reordered-activities": _reversed,
}
