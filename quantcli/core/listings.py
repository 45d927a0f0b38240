"""Lists that an operator keeps beside the bars: earnings dates and sectors of symbols.

A list is a table of texts whose first row names its columns. What cannot be read is an error, and
a symbol that a list does not speak of is not free of what the list is about: it is blocked.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence

from quantcli.contracts.errors import MarketDataError
from quantcli.contracts.scalars import session_date
from quantcli.core.sieve import Drop, Sieve

Table = Sequence[Sequence[str]]


def earnings_of(table: Table) -> dict[str, tuple[dt.date, ...]]:
    """Return each symbol's earnings dates, sorted, of a table with columns symbol and date.

    Raises:
        MarketDataError: other columns, or a date that is not of the form YYYY-MM-DD.
    """
    dates: dict[str, set[dt.date]] = {}
    for number, (symbol, text) in _records(table, "earnings", "date"):
        try:
            dates.setdefault(symbol, set()).add(session_date(text))
        except ValueError as error:
            raise _unreadable("earnings", number, f"{symbol},{text}") from error
    return {symbol: tuple(sorted(found)) for symbol, found in dates.items()}


def sectors_of(table: Table) -> dict[str, str]:
    """Return each symbol's sector, of a table with columns symbol and sector.

    Raises:
        MarketDataError: other columns, an empty sector, or two sectors for one symbol.
    """
    sectors: dict[str, str] = {}
    for number, (symbol, sector) in _records(table, "sector", "sector"):
        if not sector or sectors.setdefault(symbol, sector) != sector:
            raise _unreadable("sector", number, f"{symbol},{sector}")
    return sectors


def screen_earnings(
    sieve: Sieve, dates: Mapping[str, Sequence[dt.date]], session: dt.date, blackout_days: int
) -> None:
    """Drop symbols that report soon, and symbols whose next report is not known.

    Args:
        sieve: Receives the drops.
        dates: Earnings dates of each symbol, sorted.
        session: The session in which an entry would be made.
        blackout_days: Calendar days, that session's included as day zero, without entries.
    """
    for symbol in sieve.left():
        coming = next((date for date in dates.get(symbol, ()) if date >= session), None)
        if coming is None:
            sieve.drop(symbol, Drop("earnings-missing", limit=f"a date from {session} on"))
        elif (coming - session).days <= blackout_days:
            limit = f"more than {blackout_days} days after {session}"
            sieve.drop(symbol, Drop("earnings-near", observed=coming.isoformat(), limit=limit))


def _records(table: Table, what: str, column: str) -> list[tuple[int, tuple[str, str]]]:
    """Return the rows below the heading with their line numbers, the symbol upper-cased."""
    columns = ["symbol", column]
    rows = [(number, [cell.strip() for cell in row]) for number, row in enumerate(table, 1)]
    rows = [(number, row) for number, row in rows if any(row)]
    if not rows or [cell.lower() for cell in rows[0][1]] != columns:
        raise MarketDataError(
            f"a list must begin with the heading {','.join(columns)}",
            value=",".join(rows[0][1]) if rows else "nothing",
        )
    for number, row in rows[1:]:
        if len(row) != 2 or not row[0]:
            raise _unreadable(what, number, ",".join(row))
    return [(number, (row[0].upper(), row[1])) for number, row in rows[1:]]


def _unreadable(what: str, number: int, text: str) -> MarketDataError:
    return MarketDataError(
        f"line {number} of the {what} list cannot be read",
        value=text,
        hint="every line must be readable: a skipped one could hide what it warns of",
    )
