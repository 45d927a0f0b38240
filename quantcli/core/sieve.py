"""The sieve: for each symbol, the first check that it failed.

A symbol that is not kept by a check falls out with that check's reason; what later checks say
about it is not recorded. A comparison with NaN is false, and a check names what passes: so the
unknown falls out.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import NamedTuple

import numpy as np

from quantcli.core.indicators import Column, Mask


class Drop(NamedTuple):
    """Why a symbol fell out: a registered code, what was seen, what it was held against."""

    code: str
    observed: str | None = None
    limit: str | None = None


class Sieve:
    """Collects the first drop of each symbol, in the order in which checks are asked."""

    def __init__(self, symbols: Sequence[str]) -> None:
        """Begin with every symbol still in."""
        self._symbols = tuple(symbols)
        self._drops: dict[str, Drop] = {}

    @property
    def drops(self) -> dict[str, Drop]:
        """Why each symbol that fell out did so first."""
        return dict(self._drops)

    def left(self) -> tuple[str, ...]:
        """Return the symbols that no check has dropped, in their first order."""
        return tuple(symbol for symbol in self._symbols if symbol not in self._drops)

    def drop(self, symbol: str, reason: Drop) -> None:
        """Drop one symbol; one that fell out before keeps its first reason."""
        self._drops.setdefault(symbol, reason)

    def keep(
        self,
        symbols: Sequence[str],
        passes: Mask,
        code: str,
        observed: Column | Callable[[int], str],
        limit: Column | str,
    ) -> None:
        """Drop the symbols whose `passes` is false.

        Args:
            symbols: Names of the columns.
            passes: One truth per column.
            code: Registered reason code.
            observed: What was seen: a number per column, or a text from a column's place.
            limit: What it was held against: one text, or a number per column.
        """
        for place in np.flatnonzero(~passes):
            at = int(place)
            if symbols[at] in self._drops:
                continue
            seen = observed(at) if callable(observed) else shown(observed[at])
            bound = limit if isinstance(limit, str) else shown(limit[at])
            self._drops[symbols[at]] = Drop(code, seen, bound)


def shown(number: float | Decimal) -> str:
    """Return a number as a reader wants it: 6 decimal places at most, no trailing zeros.

    Examples:
        >>> shown(3.10), shown(float("nan")), shown(400_000)
        ('3.1', 'unknown', '400000')
    """
    if math.isnan(number):
        return "unknown"
    text = f"{number:.6f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text
