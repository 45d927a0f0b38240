"""The sieve: for each symbol, the first check that it failed.

A symbol that is not kept by a check falls out with that check's reason; what later checks say
about it is not recorded. A comparison with NaN is false, and a check names what passes: so the
unknown falls out.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from quantcli.contracts.envelope import Finding
from quantcli.contracts.scalars import plain, ratio
from quantcli.core.indicators import Column, Mask


class Sieve:
    """Collects the first finding of each symbol, in the order in which checks are asked."""

    def __init__(self, symbols: Sequence[str]) -> None:
        """Begin with every symbol still in."""
        self._symbols = tuple(symbols)
        self._findings: dict[str, Finding] = {}

    @property
    def findings(self) -> dict[str, Finding]:
        """The first finding of each symbol that fell out."""
        return dict(self._findings)

    def left(self) -> tuple[str, ...]:
        """Return the symbols that no check has dropped, in their first order."""
        return tuple(symbol for symbol in self._symbols if symbol not in self._findings)

    def drop(self, symbol: str, finding: Finding) -> None:
        """Drop one symbol; it stays with its first finding if it had one."""
        self._findings.setdefault(symbol, finding)

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
            seen = observed(at) if callable(observed) else shown(observed[at])
            bound = limit if isinstance(limit, str) else shown(limit[at])
            self.drop(symbols[at], Finding(code=code, observed=seen, limit=bound))


def shown(number: object) -> str:
    """Return a number as a reader wants it: 6 decimal places at most, no trailing zeros.

    Examples:
        >>> shown(3.10), shown(float("nan")), shown(400_000)
        ('3.1', 'unknown', '400000')
    """
    value = float(str(number))
    if not np.isfinite(value):
        return "unknown"
    text = plain(ratio(value))
    return text.rstrip("0").rstrip(".") if "." in text else text
