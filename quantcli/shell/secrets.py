"""Broker keys: from the environment or from a file that only its owner can read.

Nothing else reads them, and nothing prints them.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple, TypeVar

import orjson

from quantcli.contracts.errors import CredentialMissing

T = TypeVar("T")
_NAMES = (
    ("APCA_API_KEY_ID", "APCA_API_SECRET_KEY"),
    ("ALPACA_API_KEY", "ALPACA_SECRET_KEY"),
    ("ALPACA_API_KEY", "ALPACA_API_SECRET"),
    ("ALPACA_API_KEY_ID", "ALPACA_API_SECRET_KEY"),
)


class Keys(NamedTuple):
    """A key id and its secret; neither shows in repr."""

    key_id: str
    secret: str

    def __repr__(self) -> str:
        """Hide both."""
        return "Keys(hidden)"

    def __str__(self) -> str:
        """Hide both."""
        return repr(self)


def broker_keys(keys_file: str, environ: Mapping[str, str] | None = None) -> Keys:
    """Return the broker's keys: the file if one is named, else the environment.

    Args:
        keys_file: Path of a JSON file {"key_id", "secret"} with mode 0600; empty: none.
        environ: The environment; None: the process's.

    Raises:
        CredentialMissing: no keys, or a file that others may read.
    """
    if keys_file:
        return _from_file(Path(keys_file).expanduser(), _pair)
    variables = os.environ if environ is None else environ
    for key_name, secret_name in _NAMES:
        key_id, secret = variables.get(key_name, ""), variables.get(secret_name, "")
        if key_id and secret:
            return Keys(key_id, secret)
    raise CredentialMissing(
        "no broker keys",
        hint="set APCA_API_KEY_ID and APCA_API_SECRET_KEY, or broker.keys_file (mode 0600)",
    )


def polygon_key(keys_file: str, environ: Mapping[str, str] | None = None) -> str:
    """Return Polygon's key: `polygon_key` of the file if one is named, else POLYGON_API_KEY.

    Args:
        keys_file: Path of the broker's key file, mode 0600; empty: none.
        environ: The environment; None: the process's.

    Raises:
        CredentialMissing: no key, or a file that others may read.
    """
    if keys_file:
        return _from_file(Path(keys_file).expanduser(), _polygon)
    found = (os.environ if environ is None else environ).get("POLYGON_API_KEY", "")
    if not found:
        raise CredentialMissing(
            "no key of Polygon", hint="set POLYGON_API_KEY, or polygon_key in broker.keys_file"
        )
    return found


def _pair(value: object) -> Keys:
    return Keys(_word(value, "key_id"), _word(value, "secret"))


def _polygon(value: object) -> str:
    return _word(value, "polygon_key")


def _from_file(path: Path, read: Callable[[object], T]) -> T:
    try:
        status = path.stat()
        data = path.read_bytes()
    except OSError as error:
        raise CredentialMissing(f"the key file cannot be read: {error.strerror}", value=path,
                                hint="see broker.keys_file in desk.toml") from error  # fmt: skip
    if status.st_mode & (stat.S_IRWXG | stat.S_IRWXO) or status.st_uid != os.getuid():
        raise CredentialMissing(
            "the key file is readable by others, or not yours", value=path,
            hint=f"chmod 600 {path.name}",
        )  # fmt: skip
    try:
        return read(orjson.loads(data))
    except (ValueError, KeyError, TypeError) as error:
        wanted = '"polygon_key": "..."' if read is _polygon else '"key_id": "...", "secret": "..."'
        raise CredentialMissing(f"the key file is not {{{wanted}}}", value=path) from error


def _word(value: object, name: str) -> str:
    found = value[name] if isinstance(value, dict) else None
    if not isinstance(found, str) or not found:
        raise TypeError(name)
    return found
