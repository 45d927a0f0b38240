"""What neighbours say about a bar: gaps, spikes, jumps, stale symbols, missing minutes.

Pure functions over the rows of one shelf. Only a spike is held against the bar itself; the rest
is told, because a gap or a jump may well be the truth.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import TYPE_CHECKING, Literal, NamedTuple

from quantcli.contracts.session_table import FIRST, LAST, hours
from quantcli.core.sessions import sessions_apart, sessions_between
from quantcli.shell.bar_faults import SPIKE
from quantcli.shell.catalog import QuarantineEntry, Shelf

if TYPE_CHECKING:
    import polars as pl

Severity = Literal["damaged", "quarantined", "warning", "note"]
SEVERITIES: tuple[Severity, ...] = ("damaged", "quarantined", "warning", "note")

#: A close this far from the one before, as a fraction of it, needs an explanation: beyond any
#: session of a large listed company in ordinary times, and well within a lost decimal point, a
#: missed split (at least 1:2) or another company's price.
JUMP_FRACTION = 0.4
#: A jump is an error of the bar, a spike, when the next close is this near the one before it.
#: A true fall rarely comes back within one session, and hardly ever to the same place.
REVERT_FRACTION = 0.1
#: A symbol with more gaps than this gets one line for all of them.
GAPS_NAMED_MAX = 5


class BarFinding(NamedTuple):
    """One thing that the check has to say.

    `subject` is a symbol or a file; `session` the first it concerns; `occurrences` how many
    bars or sessions.
    """

    severity: Severity
    code: str
    shelf: Shelf
    subject: str
    session: dt.date | None
    occurrences: int
    detail: str


def spikes(rows: pl.DataFrame, adjustment: str) -> set[QuarantineEntry]:
    """Return the bars whose close jumps away and comes back with the next one.

    Args:
        rows: Sound daily bars, one per symbol and session.
        adjustment: On raw bars the ratio of a split explains its move.
    """
    import polars as pl

    is_back = (pl.col("after") / pl.col("before") - 1).abs() <= REVERT_FRACTION
    return {
        QuarantineEntry(
            symbol=row["symbol"],
            session=row["session"],
            code=SPIKE,
            observed=f"closes {row['before']:g}, {row['close']:g}, {row['after']:g}",
        )
        for row in _jumps(rows, adjustment).filter(is_back).iter_rows(named=True)
    }


def gaps(rows: pl.DataFrame, shelf: Shelf) -> Iterator[BarFinding]:
    """Yield, per symbol, the gaps of sessions without a bar between its first and its last.

    Args:
        rows: All rows of the shelf: a bar in quarantine is told of as such, it is not absent.
        shelf: Where they belong.
    """
    import polars as pl

    every = pl.Series(sessions_between(FIRST, LAST), dtype=pl.Date)
    held = (
        rows.select("symbol", "session").unique().filter(pl.col("session").is_in(every.implode()))
    )
    spans = held.group_by("symbol").agg(
        pl.col("session").min().alias("first"),
        pl.col("session").max().alias("last"),
        pl.len().alias("bars"),
    )
    for symbol, first, last, bars in spans.sort("symbol").iter_rows():
        if len(sessions_between(first, last)) == bars:
            continue
        days = set(held.filter(pl.col("symbol") == symbol)["session"])
        runs = _runs_without(days, sessions_between(first, last))
        for absent, detail in _named_gaps(runs):
            yield BarFinding("warning", "gap", shelf, symbol, absent[0], len(absent), detail)


def _runs_without(days: set[dt.date], sessions: Iterable[dt.date]) -> list[list[dt.date]]:
    """Return the sessions that are not among `days`, those that follow each other together."""
    found = groupby(sessions, key=days.__contains__)
    return [list(run) for is_held, run in found if not is_held]


def _named_gaps(runs: list[list[dt.date]]) -> Iterator[tuple[list[dt.date], str]]:
    """Yield each gap with its words; of many, all their sessions with the words for all."""
    if len(runs) > GAPS_NAMED_MAX:
        absent = [day for run in runs for day in run]
        detail = (
            f"{len(absent)} sessions in {len(runs)} gaps without bars, "
            f"the first {absent[0]}, the last {absent[-1]}"
        )
        yield absent, detail
        return
    for run in runs:
        several = f"no bars in the {len(run)} sessions from {run[0]} to {run[-1]}"
        yield run, several if len(run) > 1 else "no bar"


def daily_findings(rows: pl.DataFrame, shelf: Shelf) -> Iterator[BarFinding]:
    """Yield what sound daily bars, spikes left out, make one doubt."""
    import polars as pl

    yield from _stale(rows, shelf)
    for row in _jumps(rows, shelf.adjustment).iter_rows(named=True):
        has_split = row["split_ratio"] not in {0.0, 1.0}
        split = f"at a split of {row['split_ratio']:g}" if has_split else "no split recorded"
        detail = f"close {row['before']:g} then {row['close']:g}, {split}"
        yield BarFinding("warning", "jump", shelf, row["symbol"], row["session"], 1, detail)
    body_high, body_low = pl.max_horizontal("open", "close"), pl.min_horizontal("open", "close")
    is_wick = (pl.col("high") > body_high * (1 + JUMP_FRACTION)) | (
        pl.col("low") < body_low * (1 - JUMP_FRACTION)
    )
    yield from _counted(rows.filter(is_wick), shelf, "warning", "long-wick",
                        "high or low far outside open and close")  # fmt: skip
    yield from _counted(rows.filter(pl.col("volume") == 0), shelf, "note", "no-volume",
                        "bars without volume")  # fmt: skip


def minute_findings(rows: pl.DataFrame, shelf: Shelf) -> Iterator[BarFinding]:
    """Yield what sound minute bars make one doubt: jumps, absent minutes, no volume."""
    import polars as pl

    yield from _minute_jumps(rows, shelf)
    counts = rows.group_by("symbol", "session").len().sort("symbol", "session")
    lengths = pl.DataFrame(
        [(day, _minutes_of(day)) for day in counts["session"].unique().sort()],
        schema={"session": pl.Date, "minutes": pl.UInt32},
        orient="row",
    )
    short = counts.join(lengths, on="session").filter(pl.col("len") < pl.col("minutes"))
    yield from _counted(short.sort("symbol", "session"), shelf, "note", "minutes-missing",
                        "sessions with fewer bars than minutes")  # fmt: skip
    yield from _counted(rows.filter(pl.col("volume") == 0), shelf, "note", "no-volume",
                        "bars without volume")  # fmt: skip


def index_findings(rows: pl.DataFrame, shelf: Shelf) -> Iterator[BarFinding]:
    """Yield what index values make one doubt; values on dates without session are normal."""
    import polars as pl

    dates = rows["session"].unique().sort().to_list()
    sessions = sessions_between(dates[0], dates[-1]) if dates else ()
    is_session = pl.col("session").is_in(list(sessions))
    yield from _counted(rows.filter(~is_session), shelf, "note", "not-a-session",
                        "values on dates without session, never used")  # fmt: skip


def _jumps(rows: pl.DataFrame, adjustment: str) -> pl.DataFrame:
    """Return bars that close far from the close before, with `before` and `after` comparable."""
    import polars as pl

    ratio = pl.col("split_ratio") if adjustment == "raw" else pl.lit(1.0)
    after_ratio = pl.col("split_ratio").shift(-1) if adjustment == "raw" else pl.lit(1.0)
    placed = rows.sort("symbol", "session").with_columns(
        (pl.col("close").shift(1) / ratio).over("symbol").alias("before"),
        (pl.col("close").shift(-1) * after_ratio).over("symbol").alias("after"),
    )
    return placed.filter((pl.col("close") / pl.col("before") - 1).abs() > JUMP_FRACTION)


def _minute_jumps(rows: pl.DataFrame, shelf: Shelf) -> Iterator[BarFinding]:
    """Yield the sessions with closes far from the minute before, be it of the session before.

    The rule of daily bars, without their splits: minute bars carry none.
    """
    import polars as pl

    placed = rows.sort("symbol", "start").with_columns(
        pl.col("close").shift(1).over("symbol").alias("before"),
        pl.col("session").shift(1).over("symbol").alias("since"),
    )
    far = placed.filter((pl.col("close") / pl.col("before") - 1).abs() > JUMP_FRACTION)
    firsts = far.group_by("symbol", "session", maintain_order=True).agg(
        pl.len(), pl.col("before", "since", "close").first()
    )
    cause = "a split may explain raw bars" if shelf.adjustment == "raw" else "no split explains it"
    for symbol, session, count, before, since, close in firsts.iter_rows():
        detail = f"close {before:g} of {since} then {close:g}, {cause}"
        yield BarFinding("warning", "jump", shelf, symbol, session, count, detail)


def _stale(rows: pl.DataFrame, shelf: Shelf) -> Iterator[BarFinding]:
    """Yield the symbols whose bars end before the newest session of the shelf."""
    import polars as pl

    ends = rows.group_by("symbol").agg(pl.col("session").max().alias("last")).sort("symbol")
    newest = max(ends["last"], default=None)
    for symbol, last in ends.iter_rows():
        if newest is not None and last < newest:
            behind = sessions_apart(last, newest)
            detail = f"ends {last}, others go to {newest}"
            yield BarFinding("warning", "stale", shelf, symbol, last, behind, detail)


def _counted(
    rows: pl.DataFrame, shelf: Shelf, severity: Severity, code: str, detail: str
) -> Iterator[BarFinding]:
    """Yield one finding per symbol: how many rows, and the first of their sessions."""
    import polars as pl

    groups = rows.group_by("symbol").agg(pl.col("session").min(), pl.len()).sort("symbol")
    for symbol, session, count in groups.iter_rows():
        yield BarFinding(severity, code, shelf, symbol, session, count, detail)


def _minutes_of(session: dt.date) -> int:
    opens_at, closes_at = hours(session)
    return (closes_at - opens_at) // dt.timedelta(minutes=1)
