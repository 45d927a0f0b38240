"""Identities: every id is a pure function of the book's seed and of what it names.

Two exchanges with the same seed and the same requests give the same ids, so that a day can be
compared byte for byte; to the customer they look as random as the broker's.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import uuid
from functools import lru_cache

from quantcli.contracts.session_table import new_york


def derived_uuid(seed: int, kind: str, name: int | str) -> str:
    """Return the version-4-shaped UUID of the `name`-th thing of a kind."""
    digest = hashlib.sha256(f"{seed}:{kind}:{name}".encode()).digest()
    return str(uuid.UUID(bytes=digest[:16], version=4))


@lru_cache(maxsize=4096)
def asset_id(seed: int, symbol: str) -> str:
    """Return the id of the asset with a symbol."""
    return derived_uuid(seed, "asset", symbol)


def account_number(seed: int) -> str:
    """Return the account number: `PA` and ten characters, as paper accounts have."""
    return "PA" + hashlib.sha256(f"{seed}:account-number".encode()).hexdigest()[:10].upper()


def activity_id(seed: int, sequence: int, at: dt.datetime) -> str:
    """Return an activity's id: New York wall time to the millisecond, `::`, a UUID."""
    local = new_york(at)
    stamp = local.strftime("%Y%m%d%H%M%S") + f"{local.microsecond // 1000:03d}"
    return f"{stamp}::{derived_uuid(seed, 'activity', sequence)}"


def canonical_uuid(text: str) -> str | None:
    """Return an id in its dashed lower-case form (32 hex digits are taken too), or None."""
    plain = text.lower().replace("-", "")
    if len(plain) != 32 or len(text) not in {32, 36}:
        return None
    try:
        return str(uuid.UUID(plain))
    except ValueError:
        return None
