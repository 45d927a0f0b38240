"""What a source of bars is asked and what it answers: values, and the words for what went wrong."""

from __future__ import annotations

import datetime as dt
from typing import NamedTuple, Protocol

from quantcli.contracts.session_table import new_york
from quantcli.shell.catalog import Series

#: Cause -> exit code and meaning. A failed symbol carries one of these.
CAUSES: dict[str, tuple[int, str]] = {
    "source-unreachable": (6, "no whole answer, after several tries"),
    "source-failing": (6, "the source's own error (5xx), after several tries"),
    "source-refused": (6, "keys or subscription do not allow it, or it redirects elsewhere"),
    "source-rate-limited": (6, "too many requests, and it asks to wait longer than we do"),
    "source-too-slow": (6, "the time of the whole fetch was up"),
    "question-refused": (6, "the source does not accept the question, e.g. an unknown symbol"),
    "answer-malformed": (4, "not what was agreed: cut short, HTML, a field missing or no number"),
    "answer-foreign": (4, "bars of something that was not asked for: nothing of it is stored"),
    "answer-duplicate": (4, "two bars of the same time"),
    "answer-unsorted": (4, "bars not in the order of time, on which paging relies"),
    "answer-outside-range": (4, "a bar of a time that was not asked for"),
    "answer-partial": (4, "prices were adjusted anew, and not all bars we hold came again"),
    "bars-absent": (4, "no bar for the newest complete session"),
    "bars-quarantined": (4, "bars that cannot be believed: stored, and nothing decides on them"),
}
#: After these the source is not asked for anything more in this run.
HOPELESS = frozenset(
    {"source-unreachable", "source-failing", "source-refused", "source-rate-limited",
     "source-too-slow"}
)  # fmt: skip

#: Open, high, low, close and volume, as both vendors of bars call them.
BAR_NUMBERS = ("o", "h", "l", "c", "v")


class Fault(NamedTuple):
    """Why bars did not arrive: a key of CAUSES, and what was seen."""

    code: str
    detail: str


class SourceFailed(Exception):
    """A question got no usable answer as a whole."""

    def __init__(self, code: str, detail: str) -> None:
        """Keep the fault."""
        super().__init__(f"{code}: {detail}")
        self.fault = Fault(code, detail)


class Bar(NamedTuple):
    """One bar or index value.

    `at` is the instant a bar begins: of a session, its midnight in New York. Prices are USD per
    share, volume is in shares; what an index does not have is None.
    """

    at: dt.datetime
    open: float | None
    high: float | None
    low: float | None
    close: float
    volume: float | None


class Ask(NamedTuple):
    """One question: bars of some symbols that begin in [first, last]."""

    series: Series
    symbols: tuple[str, ...]
    first: dt.datetime
    last: dt.datetime


class Page(NamedTuple):
    """One answer: bars by symbol, in its order; what is wrong with some; how to go on.

    `token` is empty after the last page; `drift` names fields that nobody told us of.
    """

    bars: dict[str, list[Bar]]
    faults: dict[str, Fault]
    token: str
    drift: tuple[str, ...]


class Source(Protocol):
    """A vendor's API, or a file.

    Attributes:
        name: As typed after `--source`.
        place: Host or file, for people; never with a key.
        symbols_max: How many symbols one question may name.
    """

    name: str
    place: str
    symbols_max: int

    def fetch(self, ask: Ask, token: str) -> bytes:
        """Return the bytes of one page; an empty token is the first.

        Raises:
            SourceFailed: there is none.
        """
        ...

    def read(self, ask: Ask, body: bytes) -> Page:
        """Return what a page says.

        Raises:
            SourceFailed: it says nothing that was asked.
        """
        ...


def midnight(session: dt.date) -> dt.datetime:
    """Return when a session's date begins in New York, in UTC."""
    noon = dt.datetime.combine(session, dt.time(12), dt.UTC)
    # Clocks change on Sundays only, after midnight: noon has the offset of midnight.
    return dt.datetime.combine(session, dt.time(), new_york(noon).tzinfo).astimezone(dt.UTC)


def bar_fields(row: object) -> tuple[object, tuple[float, ...]]:
    """Return a bar's time as it is spelled, and open, high, low, close and volume.

    Raises:
        ValueError: not an object, a field missing, or a number that is none.
    """
    if not isinstance(row, dict):
        raise ValueError(f"not a bar: {row!r}")
    absent = [name for name in ("t", *BAR_NUMBERS) if row.get(name) is None]
    if absent:
        raise ValueError(f"field missing: {', '.join(absent)}")
    return row["t"], tuple(number_of(row[name]) for name in BAR_NUMBERS)


def number_of(value: object) -> float:
    """Return a JSON number.

    Raises:
        ValueError: text, a truth value, or nothing.
    """
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(f"not a number: {value!r}")
    return float(value)
