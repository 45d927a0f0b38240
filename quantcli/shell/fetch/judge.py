"""Whether an answer is an answer to the question: symbols, times, order. Prices are not judged.

What is wrong with one symbol leaves out that symbol; bars of a symbol nobody asked for make the
whole answer doubtful. Prices that cannot be are judged where all bars are, at the import.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import NamedTuple

from quantcli.contracts.errors import SessionError
from quantcli.contracts.scalars import instant_text
from quantcli.contracts.session_table import new_york
from quantcli.shell.catalog import Series
from quantcli.shell.fetch.answers import Ask, Bar, Fault, Page, SourceFailed, midnight


class Judged(NamedTuple):
    """What of an answer can be used.

    `dropped` counts bars of the asked symbols that are not complete yet.
    """

    bars: dict[str, list[Bar]]
    faults: dict[str, Fault]
    drift: tuple[str, ...]
    dropped: int


def judged(ask: Ask, pages: Sequence[Page]) -> Judged:
    """Return the bars of all pages of a question, and what is wrong with which symbol.

    Raises:
        SourceFailed: bars of something that was not asked for.
    """
    foreign = sorted({symbol for page in pages for symbol in page.bars} - set(ask.symbols))
    if foreign:
        raise SourceFailed("answer-foreign", f"bars of {', '.join(foreign[:5])}")
    faults: dict[str, Fault] = {}
    for page in pages:
        faults.update(page.faults)
    bars: dict[str, list[Bar]] = {}
    dropped = 0
    for symbol in ask.symbols:
        came = [bar for page in pages for bar in page.bars.get(symbol, ())]
        complete = [bar for bar in came if bar.at <= ask.last]
        dropped += len(came) - len(complete)
        fault = _times(complete, ask)
        if fault is not None:
            faults.setdefault(symbol, fault)
        bars[symbol] = [] if symbol in faults else complete
    drift = sorted({name for page in pages for name in page.drift})
    return Judged(bars, faults, tuple(drift), dropped)


def _times(bars: list[Bar], ask: Ask) -> Fault | None:
    """Return what is wrong with the times of a symbol's bars."""
    seen: set[dt.datetime] = set()
    newest: dt.datetime | None = None
    for bar in bars:
        shown = instant_text(bar.at)
        if bar.at in seen:
            return Fault("answer-duplicate", f"two bars at {shown}")
        if newest is not None and bar.at < newest:
            return Fault("answer-unsorted", f"{shown} after {instant_text(newest)}")
        if bar.at < ask.first:
            return Fault("answer-outside-range", f"{shown} before {instant_text(ask.first)}")
        if not _is_begin(bar.at, ask.series):
            return Fault("answer-malformed", f"{shown} is no time at which such a bar begins")
        seen.add(bar.at)
        newest = bar.at
    return None


def _is_begin(at: dt.datetime, series: Series) -> bool:
    if series == "1Min":
        return (at.second, at.microsecond) == (0, 0)
    try:
        return midnight(new_york(at).date()) == at
    except SessionError:
        return False
