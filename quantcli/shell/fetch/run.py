"""One fetch of one shelf: ask for what is missing, store what came, record what did not.

Bars are stored in one import at the end; until then their pages are kept, so that a fetch that
was killed goes on where it was. What failed is recorded with its cause, and asked again by the
next fetch.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from quantcli.contracts.canonical import sha256_hex
from quantcli.contracts.errors import gravest
from quantcli.core.sessions import new_york
from quantcli.shell.bar_import import ImportSummary, Origin, import_bars
from quantcli.shell.catalog import NO_ADJUSTMENT, Shelf
from quantcli.shell.fetch.answers import (
    CAUSES,
    HOPELESS,
    Ask,
    Bar,
    Fault,
    Source,
    SourceFailed,
    midnight,
)
from quantcli.shell.fetch.judge import Judged, judged
from quantcli.shell.fetch.pages import Pages
from quantcli.shell.fetch.plan import Target, Want, asks_of, target_of, wants_of
from quantcli.shell.fetch.record import FetchEntry, load_record, save_record
from quantcli.shell.fetch.stored import Held, Stored

if TYPE_CHECKING:
    import polars as pl

#: Called with the questions answered and the questions in all.
Progress = Callable[[int, int], None]
#: Closes that differ by less, as a fraction, are the same: adjusted prices are rounded.
_SAME_FRACTION = 1e-6


class Job(NamedTuple):
    """What to fetch: of which symbols, onto which shelf, and how far back if nothing is held."""

    source: Source
    shelf: Shelf
    symbols: tuple[str, ...]
    history_sessions: int


@dataclass(slots=True)
class Outcome:
    """What became of one job.

    Attributes:
        up_to_date: Symbols of which nothing was left to ask.
        failed: Entries of what did not arrive.
        summary: What the import did; None if there was nothing to import.
        drift: Fields of the answers that nobody told us of.
        dropped: Bars that came before they were complete: not stored.
    """

    job: Job
    target: Target
    wants: tuple[Want, ...] = ()
    up_to_date: tuple[str, ...] = ()
    failed: tuple[FetchEntry, ...] = ()
    summary: ImportSummary | None = None
    drift: set[str] = field(default_factory=set)
    dropped: int = 0

    @property
    def exit_code(self) -> int:
        """Return the gravest code of what did not arrive; 0 if everything did."""
        return gravest([CAUSES[entry.code][0] for entry in self.failed])


@dataclass(slots=True)
class _Answers:
    """What came so far: bars and faults by symbol, and the digest of each page.

    `broken_off` are the questions whose pages the next run goes on from.
    """

    bars: dict[str, list[Bar]] = field(default_factory=dict)
    faults: dict[str, Fault] = field(default_factory=dict)
    digests: list[str] = field(default_factory=list)
    broken_off: list[Ask] = field(default_factory=list)


def planned(
    data: Path, job: Job, as_of: dt.datetime, first: dt.date | None
) -> tuple[Outcome, dict[str, Held]]:
    """Return what would be asked, without asking, and what the store holds.

    Raises:
        MarketDataError: the store or the fetch record cannot be believed.
        SessionError: the session table does not reach so far.
    """
    held = Stored(data, job.shelf, job.symbols).held()
    wants = wants_of(
        job.shelf,
        job.symbols,
        held,
        load_record(data).of(job.shelf),
        as_of,
        history_sessions=job.history_sessions,
        first=first,
    )
    asked = {want.symbol for want in wants}
    idle = tuple(sorted(set(job.symbols) - asked))
    return Outcome(job, target_of(job.shelf, as_of), wants, idle), held


def fetch(
    data: Path,
    job: Job,
    as_of: dt.datetime,
    *,
    first: dt.date | None = None,
    progress: Progress = lambda _done, _total: None,
) -> Outcome:
    """Bring one shelf up to an instant; the fetch lock is held.

    Args:
        data: The desk's data folder; made if absent.
        job: What to fetch.
        as_of: Only bars that are complete then.
        first: Begin at this date, whatever is held.
        progress: Told before the first question and after each.

    Raises:
        MarketDataError: the store or the fetch record cannot be believed.
        SessionError: the session table does not reach so far.
        LockHeld: an import is running; what came is kept for the next fetch.
        StorageError: the disk refused.
    """
    outcome, held = planned(data, job, as_of, first)
    pages = Pages(data, job.source.name, job.source.place, job.shelf)
    asks = asks_of(job.shelf, outcome.wants, job.source.symbols_max)
    answers = _Answers()
    _ask_all(outcome, asks, pages, answers, progress)
    again = _adjusted_anew(data, outcome, held, answers)
    if again:
        more = asks_of(job.shelf, again, job.source.symbols_max)
        _ask_all(outcome, more, pages, answers, progress)
        _require_all_again(data, again, outcome, answers)
    _find_absent(outcome, held, answers)
    _store(data, outcome, answers)
    _record(data, outcome, answers, as_of)
    pages.keep_only(answers.broken_off)
    return outcome


def _ask_all(
    outcome: Outcome,
    asks: tuple[Ask, ...],
    pages: Pages,
    answers: _Answers,
    progress: Progress,
) -> None:
    """Ask every question, until the source shows that it will answer none."""
    hopeless: Fault | None = None
    progress(0, len(asks))
    for done, ask in enumerate(asks, start=1):
        if hopeless is None:
            hopeless = _ask(outcome, ask, pages, answers)
        else:
            _fail(answers, ask, hopeless._replace(detail=f"not asked; {hopeless.detail}"))
        progress(done, len(asks))


def _ask(outcome: Outcome, ask: Ask, pages: Pages, answers: _Answers) -> Fault | None:
    """Ask one question; return why no further one should be asked."""
    source = outcome.job.source
    try:
        answer = _answer(source, ask, pages, answers)
    except SourceFailed as error:
        fault = error.fault
        if fault.code in HOPELESS:
            answers.broken_off.append(ask)
            _fail(answers, ask, fault)
            return fault
        pages.drop(ask)
        if fault.code == "question-refused" and len(ask.symbols) > 1:
            # One unknown symbol makes some sources refuse all: find it by halves.
            half = len(ask.symbols) // 2
            parts = (ask.symbols[:half], ask.symbols[half:])
            found = [_ask(outcome, ask._replace(symbols=part), pages, answers) for part in parts]
            return next((each for each in found if each is not None), None)
        _fail(answers, ask, fault)
        return None
    answers.bars.update(answer.bars)
    for symbol in ask.symbols:
        answers.faults.pop(symbol, None)
    answers.faults.update(answer.faults)
    outcome.drift.update(answer.drift)
    outcome.dropped += answer.dropped
    return None


def _answer(source: Source, ask: Ask, pages: Pages, answers: _Answers) -> Judged:
    """Return the answer to a question, all its pages; those that came before are not asked for.

    Raises:
        SourceFailed: there is no whole answer.
    """
    bodies = pages.held(ask)
    try:
        read = [source.read(ask, body) for body in bodies]
    except SourceFailed:
        bodies, read = [], []
    is_resumed = bool(read)
    tokens = {""}
    while not read or read[-1].token:
        token = read[-1].token if read else ""
        if read and token in tokens:
            raise SourceFailed("answer-malformed", "the same page is announced twice")
        tokens.add(token)
        try:
            body = source.fetch(ask, token)
        except SourceFailed as error:
            if is_resumed and error.fault.code == "question-refused":
                # The token of an interrupted run may have expired.
                pages.drop(ask)
                return _answer(source, ask, pages, answers)
            raise
        read.append(source.read(ask, body))
        bodies.append(body)
        pages.keep(ask, len(bodies), body)
    answers.digests += [sha256_hex(body) for body in bodies]
    return judged(ask, read)


def _fail(answers: _Answers, ask: Ask, fault: Fault) -> None:
    for symbol in ask.symbols:
        answers.faults[symbol] = fault
        answers.bars.pop(symbol, None)


def _adjusted_anew(
    data: Path, outcome: Outcome, held: dict[str, Held], answers: _Answers
) -> tuple[Want, ...]:
    """Return the whole history of each symbol whose held bars came otherwise than they are held.

    A split or dividend since then has changed every adjusted price before it: what is older than
    the answer would no longer fit to it.
    """
    if outcome.job.shelf.adjustment in {"raw", NO_ADJUSTMENT}:
        return ()
    firsts = {
        want.symbol: new_york(want.first).date()
        for want in outcome.wants
        if want.symbol in held and answers.bars.get(want.symbol)
        and held[want.symbol].first < new_york(want.first).date()
    }  # fmt: skip
    closes = Stored(data, outcome.job.shelf, firsts).closes(firsts) if firsts else {}
    moved = {
        symbol
        for symbol, known in closes.items()
        for bar in answers.bars[symbol]
        if bar.at in known and abs(bar.close - known[bar.at]) > _SAME_FRACTION * known[bar.at]
    }
    return tuple(
        want._replace(first=midnight(held[want.symbol].first))
        for want in outcome.wants
        if want.symbol in moved
    )


def _require_all_again(
    data: Path, again: tuple[Want, ...], outcome: Outcome, answers: _Answers
) -> None:
    """Refuse a history that leaves out bars we hold: the old and the new do not fit together."""
    firsts = {want.symbol: new_york(want.first).date() for want in again}
    for symbol, known in Stored(data, outcome.job.shelf, firsts).closes(firsts).items():
        if symbol in answers.faults:
            continue
        gone = sorted(set(known) - {bar.at for bar in answers.bars[symbol]})
        if gone:
            day = new_york(gone[0]).date()
            answers.faults[symbol] = Fault(
                "answer-partial", f"{len(gone)} of {len(known)} held bars, the first of {day}"
            )
            del answers.bars[symbol]


def _find_absent(outcome: Outcome, held: dict[str, Held], answers: _Answers) -> None:
    """Note the symbols without a bar in the newest complete session."""
    target = outcome.target
    if not target.is_whole:
        return
    for want in outcome.wants:
        if want.symbol in answers.faults:
            continue
        came = answers.bars.get(want.symbol, [])
        known = held[want.symbol].newest if want.symbol in held else None
        times = [bar.at for bar in came[-1:]] + ([known] if known else [])
        newest = max((new_york(at).date() for at in times), default=None)
        if newest is None or newest < target.session:
            told = f"the newest is of {newest}" if newest else "none at all"
            answers.faults[want.symbol] = Fault("bars-absent", f"{told}, not {target.session}")


def _store(data: Path, outcome: Outcome, answers: _Answers) -> None:
    """Import what came, and note what of it cannot be believed."""
    bars = {symbol: rows for symbol, rows in answers.bars.items() if rows}
    if not bars:
        return
    job = outcome.job
    origin = Origin(
        f"{job.source.name} {job.shelf.series}", sha256_hex("".join(answers.digests).encode())
    )
    outcome.summary = import_bars(data, _frame(bars, job.shelf), job.shelf, origin)
    for entry in outcome.summary.quarantined:
        detail = f"{entry.code} {entry.session}: {entry.observed}"
        answers.faults.setdefault(entry.symbol, Fault("bars-quarantined", detail))


def _frame(bars: dict[str, list[Bar]], shelf: Shelf) -> pl.DataFrame:
    """Return bars as the importer wants them."""
    import polars as pl

    rows = [(symbol, bar) for symbol in sorted(bars) for bar in bars[symbol]]
    columns: dict[str, pl.Series] = {"symbol": pl.Series([s for s, _ in rows], dtype=pl.String)}
    if shelf.series == "1Min":
        columns["start"] = pl.Series([b.at for _, b in rows], dtype=pl.Datetime("us", "UTC"))
    else:
        dates: Iterable[dt.date] = [new_york(b.at).date() for _, b in rows]
        columns["session"] = pl.Series(dates, dtype=pl.Date)
    names = ["open", "high", "low", "close"]
    names += [] if shelf.series == "index" else ["volume"]
    for name in names:
        columns[name] = pl.Series([getattr(b, name) for _, b in rows], dtype=pl.Float64)
    if shelf.series == "1Day":
        for name in ("split_ratio", "dividend"):
            columns[name] = pl.Series([None] * len(rows), dtype=pl.Float64)
    return pl.DataFrame(columns)


def _record(data: Path, outcome: Outcome, answers: _Answers, as_of: dt.datetime) -> None:
    """Write down how each symbol ended; what was recorded as failed and is there now is settled."""
    record = load_record(data)
    shelf, source = outcome.job.shelf, outcome.job.source
    known = record.of(shelf)
    cleared = [known[symbol] for symbol in outcome.up_to_date if symbol in known]
    entries = [
        FetchEntry(
            series=shelf.series,
            feed=shelf.feed,
            adjustment=shelf.adjustment,
            symbol=want.symbol,
            source=source.name,
            as_of=as_of,
            first=new_york(want.first).date(),
            last=outcome.target.session,
            through=outcome.target.through,
            code=fault.code if fault else "",
            detail=fault.detail if fault else "",
        )
        for want in outcome.wants
        for fault in [answers.faults.get(want.symbol)]
    ]
    renewed = record.updated(entries, [entry for entry in cleared if entry.code])
    if renewed != record:
        save_record(data, renewed)
    outcome.failed = tuple(entry for entry in entries if entry.code)
