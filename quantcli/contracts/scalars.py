"""Scalars: the types that numbers, names and instants have in every artifact.

Numbers are Decimal in memory and fixed-point strings on disk, quantised on construction, so
that equal values always have equal bytes. Prices are rounded half-even to 4 places, money to
2, ratios to 6; quantities are never rounded, only stripped of trailing zeros.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from decimal import ROUND_HALF_EVEN, Decimal, InvalidOperation
from functools import lru_cache, wraps
from typing import Annotated, Any, TypeVar

from pydantic import StringConstraints
from pydantic_core import core_schema

PRICE_QUANTUM = Decimal("0.0001")
MONEY_QUANTUM = Decimal("0.01")
RATIO_QUANTUM = Decimal("0.000001")
CENT = Decimal("0.01")
_QUANTITY_QUANTUM = Decimal("0.000000001")
ZERO = Decimal(0)
_ONE = Decimal(1)

ScalarT = TypeVar("ScalarT")

_MAGNITUDE_MAX = Decimal("1e15")
_DECIMAL_SCHEMA = {"type": "string", "pattern": r"^-?[0-9]+(\.[0-9]+)?$"}


def decimal_of(value: Any) -> Decimal:
    """Return `value` as a finite Decimal; floats go through their shortest repr.

    Decimal itself also reads digits of other scripts, underscores and surrounding blanks; none
    of them is how anybody spells money to us.

    Raises:
        ValueError: not a number, NaN, infinite, or beyond 1e15.
    """
    number = value if type(value) is Decimal else _read(value)
    if not number.is_finite() or abs(number) > _MAGNITUDE_MAX:
        raise ValueError(f"not a finite number of sensible size: {value!r}")
    return number


def _read(value: Any) -> Decimal:
    if isinstance(value, str):
        if not value.isascii() or "_" in value or value != value.strip():
            raise ValueError(f"not a decimal number: {value!r}")
    elif isinstance(value, float):
        value = float.__repr__(value)
    elif isinstance(value, bool) or not isinstance(value, (Decimal, int)):
        raise ValueError(f"not a decimal number: {value!r}")
    try:
        return Decimal(value)
    except InvalidOperation as error:
        raise ValueError(f"not a decimal number: {value!r}") from error


def _remembering(read: Callable[[Any], ScalarT]) -> Callable[[Any], ScalarT]:
    """Return `read`, remembering what the spellings it met stand for.

    A day's artifacts repeat the same few thousand strings; reading each of them anew is a third
    of the cost of loading them.
    """
    remembered = lru_cache(maxsize=65_536)(read)

    @wraps(read)
    def reader(value: Any) -> ScalarT:
        return remembered(value) if type(value) is str else read(value)

    return reader


@_remembering
def price(value: Any) -> Decimal:
    """Return a price in USD per share, 4 decimal places, half-even."""
    return _plain(decimal_of(value).quantize(PRICE_QUANTUM, ROUND_HALF_EVEN))


@_remembering
def money(value: Any) -> Decimal:
    """Return an amount in USD, 2 decimal places, half-even."""
    return _plain(decimal_of(value).quantize(MONEY_QUANTUM, ROUND_HALF_EVEN))


@_remembering
def ratio(value: Any) -> Decimal:
    """Return a dimensionless number, 6 decimal places, half-even."""
    return _plain(decimal_of(value).quantize(RATIO_QUANTUM, ROUND_HALF_EVEN))


@_remembering
def quantity(value: Any) -> Decimal:
    """Return a number of shares without trailing zeros; at most 9 decimal places.

    Raises:
        ValueError: more than 9 decimal places.
    """
    number = decimal_of(value)
    whole = number.to_integral_value()
    if number == whole:
        return _plain(whole.quantize(_ONE))
    if number != number.quantize(_QUANTITY_QUANTUM, ROUND_HALF_EVEN):
        raise ValueError(f"more than 9 decimal places: {value!r}")
    return number.normalize()


def plain(number: Decimal) -> str:
    """Return the fixed-point spelling of a Decimal: no exponent, no negative zero."""
    return format(_plain(number), "f")


@_remembering
def instant(value: Any) -> dt.datetime:
    """Return an aware UTC datetime from a datetime or an RFC 3339 string.

    Raises:
        ValueError: naive, or not an instant.
    """
    if isinstance(value, str):
        value = dt.datetime.fromisoformat(value)
    if not isinstance(value, dt.datetime):
        raise ValueError(f"not an instant: {value!r}")
    if value.tzinfo is None:
        raise ValueError(f"an instant needs a time zone, e.g. 2024-08-01T12:30:00Z: {value!r}")
    try:
        return value.astimezone(dt.UTC)
    except OverflowError as error:
        raise ValueError(f"not an instant of the years 1 to 9999 in UTC: {value!r}") from error


def instant_text(value: dt.datetime) -> str:
    """Return the RFC 3339 spelling in UTC with `Z`; fractions only when there are any.

    Raises:
        ValueError: naive: it would be read as this machine's local time.
    """
    if value.tzinfo is None:
        raise ValueError(f"an instant needs a time zone: {value!r}")
    text = value.astimezone(dt.UTC).replace(tzinfo=None).isoformat()
    return (text.rstrip("0") if "." in text else text) + "Z"


@_remembering
def session_date(value: Any) -> dt.date:
    """Return a calendar date from a date or `YYYY-MM-DD`.

    Raises:
        ValueError: any other spelling, or a datetime.
    """
    if isinstance(value, dt.datetime):
        raise ValueError(f"a session is a date, not an instant: {value!r}")
    if isinstance(value, dt.date):
        return value
    # fromisoformat also reads week dates such as 2024-W31-4, which have the same length.
    if isinstance(value, str) and len(value) == 10 and value[4] == value[7] == "-":
        return dt.date.fromisoformat(value)
    raise ValueError(f"not a date of the form YYYY-MM-DD: {value!r}")


def _plain(number: Decimal) -> Decimal:
    return number or abs(number)


class _Scalar:
    """How one of our scalars is read, spelled and described, given to pydantic ready made.

    A chain of its own annotations for each of some hundred fields costs a command more than a
    tenth of its start-up, and every value read a second look.
    """

    def __init__(
        self, read: Callable[[Any], Any], spell: Callable[[Any], str], described: dict[str, str]
    ) -> None:
        self._read, self._described = read, described
        self._spelling = core_schema.plain_serializer_function_ser_schema(
            spell, return_schema=core_schema.str_schema(), when_used="json"
        )

    def __get_pydantic_core_schema__(self, source: Any, handler: Any) -> Any:
        inner = handler(source)
        if inner.keys() <= {"type", "microseconds_precision"}:
            return core_schema.no_info_plain_validator_function(
                self._read, serialization=self._spelling
            )
        # A field with limits of its own: they hold for what was read.
        return core_schema.no_info_before_validator_function(
            self._read, inner, serialization=self._spelling
        )

    def __get_pydantic_json_schema__(self, schema: Any, handler: Any) -> dict[str, str]:
        return dict(self._described)


Price = Annotated[Decimal, _Scalar(price, plain, _DECIMAL_SCHEMA)]
Money = Annotated[Decimal, _Scalar(money, plain, _DECIMAL_SCHEMA)]
Ratio = Annotated[Decimal, _Scalar(ratio, plain, _DECIMAL_SCHEMA)]
Quantity = Annotated[Decimal, _Scalar(quantity, plain, _DECIMAL_SCHEMA)]
Instant = Annotated[
    dt.datetime, _Scalar(instant, instant_text, {"type": "string", "format": "date-time"})
]
SessionDate = Annotated[
    dt.date, _Scalar(session_date, dt.date.isoformat, {"type": "string", "format": "date"})
]
Symbol = Annotated[str, StringConstraints(pattern=r"^[A-Z]{1,6}(\.[A-Z]{1,2})?$")]
#: What the broker calls something that may not be ours: an option, a coin, a name unheard of.
SymbolShown = Annotated[str, StringConstraints(min_length=1, max_length=64)]
Digest = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
CycleName = Annotated[str, StringConstraints(pattern=r"^([01][0-9]|2[0-3])[0-5][0-9][0-5][0-9]$")]
ClientOrderId = Annotated[str, StringConstraints(pattern=r"^[a-z0-9.-]{1,48}$")]
