"""The equity curve as inline SVG: exact arithmetic, so that the same history draws the same."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import ROUND_HALF_EVEN, Decimal

from quantcli.shell.render.figures import dollars
from quantcli.shell.render.markup import Markup, tag

WIDTH, HEIGHT = 720, 180
_LEFT, _RIGHT, _TOP, _BOTTOM = 8, 8, 22, 22
_TENTH = Decimal("0.1")


def equity_curve(history: Sequence[Decimal]) -> Markup:
    """Return the curve of closing equities in USD, oldest first; a note below two values."""
    if len(history) < 2:
        return tag("p", "The equity curve begins with the second session.", class_="note")
    low, high = min(history), max(history)
    points = " ".join(
        f"{_x(index, len(history))},{_y(value, low, high)}" for index, value in enumerate(history)
    )
    last = history[-1]
    label = (
        f"Closing equity of {len(history)} sessions, from {dollars(history[0])} "
        f"to {dollars(last)} USD, lowest {dollars(low)}, highest {dollars(high)}"
    )
    return tag(
        "svg",
        tag("title", label),
        _level(high, low, high),
        *([_level(low, low, high)] if low != high else []),
        tag("polyline", points=points),
        tag("circle", cx=_x(len(history) - 1, len(history)), cy=_y(last, low, high), r="3.5"),
        viewBox=f"0 0 {WIDTH} {HEIGHT}",
        role="img",
        class_="curve",
    )


def _level(value: Decimal, low: Decimal, high: Decimal) -> Markup:
    y = _y(value, low, high)
    above = str(Decimal(y) - 5) if value == high else str(Decimal(y) + 15)
    return tag(
        "g",
        tag("line", x1=str(_LEFT), x2=str(WIDTH - _RIGHT), y1=y, y2=y),
        tag("text", f"{dollars(value)} USD", x=str(_LEFT), y=above),
    )


def _x(index: int, count: int) -> str:
    span = Decimal(WIDTH - _LEFT - _RIGHT)
    return _spelled(_LEFT + span * index / (count - 1))


def _y(value: Decimal, low: Decimal, high: Decimal) -> str:
    span = Decimal(HEIGHT - _TOP - _BOTTOM)
    share = (value - low) / (high - low) if high != low else Decimal("0.5")
    return _spelled(_TOP + span * (1 - share))


def _spelled(number: Decimal) -> str:
    return str(number.quantize(_TENTH, ROUND_HALF_EVEN))
