"""Order ids as pure functions of what an order is for.

Owns the intent key and the two names derived from it. Nothing else goes in: not the quantity,
not a price, not the instant. A command that was killed and runs again therefore asks the broker
for the same id, and the broker refuses the second order (INV-11).
"""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
from typing import NamedTuple

from quantcli.contracts.orders import Purpose

PREFIX = "q1-"
CLIENT_ORDER_ID_CHARS_MAX = 48

_LETTERS: dict[Purpose, str] = {"entry": "e", "stop": "s", "exit": "x"}
_SEPARATOR = "|"


class IntentKey(NamedTuple):
    """What makes an intent the one it is.

    Attributes:
        account: The broker's account id, as the journal's first row holds it.
        strategy: Name of the strategy whose position it opens, protects or closes.
        session: Session in which the intent is formed.
        symbol: The stock.
        purpose: entry, stop or exit.
        sequence: Counts the intents that agree in everything else, from 1.
    """

    account: str
    strategy: str
    session: dt.date
    symbol: str
    purpose: Purpose
    sequence: int


def intent_id(key: IntentKey) -> str:
    """Return the intent's id: hex SHA-256 of `account|strategy|session|symbol|purpose|sequence`.

    Raises:
        ValueError: a part is empty or holds the separator, or the sequence is below 1.

    Examples:
        >>> key = IntentKey("a1", "avwap", dt.date(2024, 8, 1), "AAPL", "entry", 1)
        >>> intent_id(key)[:16]
        '23ad66ee6200f978'
    """
    return _digest(key).hex()


def client_order_id(key: IntentKey) -> str:
    """Return the id that the broker is told: `q1-<yyyymmdd>-<e|s|x>-<sequence>-<16 base32>`.

    The last part is the base32 spelling, in lower case, of the first 80 bits of the intent id.
    Date, purpose and sequence are there for the reader of the broker's own pages.

    Raises:
        ValueError: as `intent_id`, or the sequence makes the id longer than 48 characters.

    Examples:
        >>> key = IntentKey("a1", "avwap", dt.date(2024, 8, 1), "AAPL", "entry", 1)
        >>> client_order_id(key)
        'q1-20240801-e-1-eowwn3tcad4xqm6b'
    """
    tail = base64.b32encode(_digest(key)[:10]).decode("ascii").lower()
    name = f"{PREFIX}{key.session:%Y%m%d}-{_LETTERS[key.purpose]}-{key.sequence}-{tail}"
    if len(name) > CLIENT_ORDER_ID_CHARS_MAX:
        raise ValueError(f"sequence {key.sequence} makes the client order id too long: {name}")
    return name


def _digest(key: IntentKey) -> bytes:
    if key.sequence < 1:
        raise ValueError(f"sequences count from 1, not from {key.sequence}")
    parts = (
        key.account,
        key.strategy,
        key.session.isoformat(),
        key.symbol,
        key.purpose,
        str(key.sequence),
    )
    # With the separator inside a part, two different keys could spell the same text.
    if any(not part or _SEPARATOR in part for part in parts):
        raise ValueError(f"a part of an intent key is empty or holds {_SEPARATOR!r}: {parts}")
    return hashlib.sha256(_SEPARATOR.join(parts).encode("utf-8")).digest()
