"""Canonical bytes: one value, one spelling.

UTF-8, keys sorted at every depth, compact separators, one trailing newline, no floats, no NaN.
A document is accepted only if writing it again gives the same bytes; that also refuses
duplicate keys, which every JSON parser at hand silently merges.
"""

from __future__ import annotations

import hashlib
from typing import Any

import orjson

from quantcli.contracts.errors import ArtifactCorrupt

DOCUMENT_BYTES_MAX = 64 * 1024 * 1024

#: Instants and data classes are spelled by our models, never by the JSON library.
_OPTIONS = (
    orjson.OPT_SORT_KEYS
    | orjson.OPT_APPEND_NEWLINE
    | orjson.OPT_PASSTHROUGH_DATETIME
    | orjson.OPT_PASSTHROUGH_DATACLASS
)


def canonical_bytes(value: Any) -> bytes:
    """Return the canonical document of a JSON value (dict, list, str, int, bool, None).

    Raises:
        ArtifactCorrupt: the value holds a float or something that is not JSON.
    """
    try:
        _refuse_floats(value)
    except RecursionError as error:
        raise ArtifactCorrupt("not a JSON value: nested too deeply") from error
    return dump(value)


def dump(value: Any) -> bytes:
    """Return the canonical document of a value that is known to hold no floats.

    Our own models cannot: their numbers are integers or decimal strings. Searching for floats
    costs several times what writing does.

    Raises:
        ArtifactCorrupt: the value holds something that is not JSON.
    """
    try:
        return orjson.dumps(value, option=_OPTIONS)
    except TypeError as error:
        raise ArtifactCorrupt(f"not a JSON value: {error}") from error


def canonical_line(value: Any) -> bytes:
    """Return one JSON Lines record, newline included, of a value without floats."""
    return dump(value)


def parse_canonical(data: bytes, *, what: str) -> Any:
    """Return the value of a canonical document.

    Args:
        data: The whole document, trailing newline included.
        what: Name of the document, for the error line.

    Raises:
        ArtifactCorrupt: too large, not JSON, or not canonical. A float is refused by the model
            that reads the value: it would write a string.
    """
    if len(data) > DOCUMENT_BYTES_MAX:
        raise ArtifactCorrupt(f"{what} is larger than {DOCUMENT_BYTES_MAX} bytes", value=len(data))
    try:
        value = orjson.loads(data)
    except orjson.JSONDecodeError as error:
        raise ArtifactCorrupt(
            f"{what} is not JSON: {error}",
            hint="restore it from a backup; the chain names its digest",
        ) from error
    if dump(value) != data:
        raise ArtifactCorrupt(
            f"{what} is not in canonical form (duplicate or unsorted keys, or other spelling)",
            hint="artifacts are written by quantcli only; restore it from a backup",
        )
    return value


def sha256_hex(data: bytes) -> str:
    """Return the lower-case hex SHA-256 digest of `data`."""
    return hashlib.sha256(data).hexdigest()


def _refuse_floats(value: Any) -> None:
    if isinstance(value, float):
        raise ArtifactCorrupt("a float has no place in canonical bytes", value=value)
    if isinstance(value, dict):
        for item in value.values():
            _refuse_floats(item)
    elif isinstance(value, (list, tuple)):
        for item in value:
            _refuse_floats(item)
