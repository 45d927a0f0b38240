"""How values are spelled for people: one spelling for every page and terminal.

Text from outside (symbols, broker messages, reasons) passes `visible` first: characters that
would move the cursor, end a line or turn the reading direction become their escapes.
"""

from __future__ import annotations

import datetime as dt
import re
import unicodedata
from decimal import ROUND_HALF_EVEN, Decimal

from quantcli.contracts.scalars import instant_text, plain

TEXT_CHARACTERS_MAX = 300
NONE = "-"

#: What prints nothing by itself: controls, formats (bidi among them), separators, odd spaces.
_UNSEEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp", "Zs"})
_PLAIN = re.compile(r"[ -~]*")


def visible(text: str) -> str:
    r"""Return text in which every character can be seen, at most TEXT_CHARACTERS_MAX long.

    Examples:
        >>> visible("A\nB")
        'A\\x0aB'
    """
    if len(text) > TEXT_CHARACTERS_MAX:
        text = text[: TEXT_CHARACTERS_MAX - 3] + "..."
    if _PLAIN.fullmatch(text):
        return text
    return "".join(_escape(character) if _is_unseen(character) else character for character in text)


def dollars(value: Decimal | None) -> str:
    """Return an amount in USD with thousands and cents, e.g. `12,345.60`."""
    return NONE if value is None else f"{value:,.2f}"


def signed_dollars(value: Decimal | None) -> str:
    """Return an amount in USD with its sign, e.g. `+12.00`; zero has none."""
    if value is None or value == 0:
        return dollars(value)
    return f"{value:+,.2f}"


def price_text(value: Decimal | None) -> str:
    """Return a price with at least two and at most four decimals, e.g. `12.50`."""
    if value is None:
        return NONE
    return f"{value:,.4f}".removesuffix("00")


def seconds(value: Decimal | None) -> str:
    """Return seconds with thousands and milliseconds, e.g. `3,600.000`."""
    return NONE if value is None else f"{value:,.3f}"


def shares(value: Decimal | None) -> str:
    """Return a number of shares without trailing zeros."""
    return NONE if value is None else plain(value)


def percent(value: Decimal | None) -> str:
    """Return a ratio as percent with two decimals, e.g. `1.25 %`."""
    if value is None:
        return NONE
    hundredth = (value * 100).quantize(Decimal("0.01"), ROUND_HALF_EVEN)
    return f"{abs(hundredth) if hundredth == 0 else hundredth} %"


def text_or_none(value: object) -> str:
    """Return text made visible, or the sign for nothing."""
    return NONE if value is None or value == "" else visible(str(value))


def visible_line(text: str) -> str:
    """Return a sentence of ours with everything in it made visible, however long."""
    parts = (text[at : at + TEXT_CHARACTERS_MAX] for at in range(0, len(text), TEXT_CHARACTERS_MAX))
    return "".join(visible(part) for part in parts)


def instant_or_none(value: dt.datetime | None) -> str:
    """Return an instant in UTC, or the sign for nothing."""
    return NONE if value is None else instant_text(value)


def short(digest: str | None) -> str:
    """Return the first twelve characters of a digest."""
    return NONE if digest is None else digest[:12]


def cycle_text(cycle: str) -> str:
    """Return a cycle's New York time, e.g. `08:30:00`."""
    return f"{cycle[:2]}:{cycle[2:4]}:{cycle[4:]}"


def _is_unseen(character: str) -> bool:
    return character != " " and unicodedata.category(character) in _UNSEEN


def _escape(character: str) -> str:
    code = ord(character)
    return f"\\x{code:02x}" if code < 256 else f"\\u{code:04x}"
