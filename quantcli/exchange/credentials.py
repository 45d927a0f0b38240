"""Which keys a request carries, in either of the ways in which the official clients send them."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping

_BASIC = "basic "


def sent_keys(headers: Mapping[str, str]) -> tuple[str, str] | None:
    """Return key id and secret of a request; None if it does not carry both.

    Args:
        headers: Any case. The two headers of the broker's own count before a basic
            authorization, which some clients add on their own account.
    """
    sent = {name.lower(): value for name, value in headers.items()}
    key_id, secret = sent.get("apca-api-key-id", ""), sent.get("apca-api-secret-key", "")
    if not key_id and not secret:
        key_id, secret = _basic(sent.get("authorization", ""))
    return (key_id, secret) if key_id and secret else None


def _basic(text: str) -> tuple[str, str]:
    if not text.lower().startswith(_BASIC):
        return "", ""
    try:
        words = base64.b64decode(text[len(_BASIC) :], validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return "", ""
    key_id, _, secret = words.partition(":")
    return key_id, secret
