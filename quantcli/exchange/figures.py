"""Numbers as the wire spells them: decimals without exponent and without trailing zeros."""

from __future__ import annotations

from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_EVEN, Context, Decimal, InvalidOperation

CENT = Decimal("0.01")
ZERO = Decimal(0)
BASIS_POINTS = Decimal(10_000)

#: All arithmetic of the exchange, whatever the thread's own context may be.
EXACT = Context(prec=34, rounding=ROUND_HALF_EVEN)

_SIZE_MAX = Decimal("1e15")
_RATIO_QUANTUM = Decimal("1e-16")


def to_cents(amount: Decimal) -> Decimal:
    """Return an amount in USD rounded half-even to the cent."""
    return amount.quantize(CENT, ROUND_HALF_EVEN)


def cents_up(amount: Decimal) -> Decimal:
    """Return an amount in USD rounded up to the cent."""
    return amount.quantize(CENT, ROUND_CEILING)


def cents_down(amount: Decimal) -> Decimal:
    """Return an amount in USD rounded down to the cent."""
    return amount.quantize(CENT, ROUND_FLOOR)


def print_price(value: float) -> Decimal:
    """Return a bar's price in USD as a print: its shortest spelling, half-even to cents."""
    return Decimal(repr(value)).quantize(CENT, ROUND_HALF_EVEN)


def spelled(number: Decimal) -> str:
    """Return the wire's spelling: fixed point, trailing zeros trimmed, no negative zero."""
    text = format(number, "f")
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text in {"-0", ""} else text


def spelled_or_none(number: Decimal | None) -> str | None:
    """Return the wire's spelling, or None for an absent number."""
    return None if number is None else spelled(number)


def ratio(part: Decimal, whole: Decimal) -> Decimal:
    """Return part / whole to 16 places; zero when there is no whole."""
    if whole == 0:
        return ZERO
    return EXACT.divide(part, whole).quantize(_RATIO_QUANTUM, ROUND_HALF_EVEN)


def number_of(value: object) -> Decimal | None:
    """Return a JSON number or numeric string as a Decimal; None if it is neither.

    Infinite, NaN and absurdly large values are no numbers; neither are booleans.
    """
    if isinstance(value, bool) or not isinstance(value, (int, str, Decimal)):
        return None
    try:
        number = Decimal(value)
    except InvalidOperation:
        return None
    return number if number.is_finite() and abs(number) <= _SIZE_MAX else None


def decimal_places(number: Decimal) -> int:
    """Return how many decimal places a finite number needs: 0 for 5.00, 2 for 1.25."""
    exponent = number.normalize(EXACT).as_tuple().exponent
    return max(0, -exponent) if isinstance(exponent, int) else 0
