"""What `data fetch` and `day` have in common: from desk.toml to sources, from outcomes to words."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any, NamedTuple

from quantcli.cli.console import is_terminal, warn
from quantcli.cli.fetch_sources import Sources
from quantcli.cli.wiring import Workspace
from quantcli.contracts.config import DataSection
from quantcli.contracts.errors import ConfigError, StorageError, UsageError, gravest
from quantcli.contracts.scalars import instant_text
from quantcli.core.sessions import SKEW_MAX, new_york
from quantcli.shell.catalog import NO_ADJUSTMENT, Series, Shelf, load_catalog
from quantcli.shell.fetch.record import FetchEntry
from quantcli.shell.fetch.run import Job, Outcome, Progress, fetch, planned
from quantcli.shell.lock import FileLock

#: So many failed symbols are named in the one line; `data ls` has them all.
_NAMED_MAX = 3


class Wanted(NamedTuple):
    """What the command line asks for; empty or None: what desk.toml says.

    Attributes:
        symbols: Of these only.
        timeframes: `1Day`, `1Min`.
        source: `alpaca`, `polygon` or `vix`.
        first: Begin here, whatever is held.
    """

    symbols: tuple[str, ...] = ()
    timeframes: tuple[Series, ...] = ()
    source: str | None = None
    first: dt.date | None = None


class Fetched(NamedTuple):
    """What a fetch came to: its exit code, its words for people, its object for machines."""

    exit_code: int
    lines: tuple[str, ...]
    warnings: tuple[str, ...]
    value: dict[str, Any]


def run_fetch(
    workspace: Workspace, at: dt.datetime, wanted: Wanted, *, dry_run: bool, shows: bool
) -> Fetched:
    """Bring the store up to an instant, or say what would be asked.

    Args:
        workspace: The desk.
        at: Only bars that are complete then.
        wanted: What to fetch.
        dry_run: Ask nobody and write nothing.
        shows: Progress may be shown on a terminal.

    Raises:
        ConfigError: desk.toml names no source, or one that may not be.
        UsageError: what is asked for cannot be.
        LockHeld: another fetch, or an import, is running.
        MarketDataError: the store or the fetch record cannot be believed.
        SessionError: the instant lies outside the session table.
        StorageError: the disk refused.
    """
    data = workspace.root / "data"
    sources = Sources(workspace)
    jobs = _jobs(workspace, sources, wanted)
    if not sources.are_local and at > workspace.clock.now() + SKEW_MAX:
        raise UsageError("that instant has not come yet", value=instant_text(at))
    if dry_run:
        outcomes = [planned(data, job, at, wanted.first)[0] for job in jobs]
        return _told(outcomes, (), at, is_dry_run=True)
    outcomes = []
    with FileLock(data / "fetch.lock").hold():
        for job in jobs:
            with _progress(job, is_shown=shows) as progress:
                outcomes.append(fetch(data, job, at, first=wanted.first, progress=progress))
    return _told(outcomes, sources.told(), at, is_dry_run=False)


def _jobs(workspace: Workspace, sources: Sources, wanted: Wanted) -> list[Job]:
    """Return what to fetch: bars of each timeframe, then the volatility index."""
    config = workspace.config.data
    index = config.volatility_index
    is_index_named = not wanted.symbols or index in wanted.symbols
    stocks = tuple(symbol for symbol in wanted.symbols if symbol != index)
    jobs = []
    if wanted.source != "vix" and (stocks or not wanted.symbols):
        source = sources.bars(wanted.source)
        for series in wanted.timeframes or config.fetch_timeframes:
            shelf = Shelf(series, config.feed, config.adjustment)
            symbols = stocks or _universe(workspace, shelf)
            jobs.append(Job(source, shelf, symbols, _history(config, series)))
    if wanted.source in {None, "vix"} and index and is_index_named and "1Day" in (
        wanted.timeframes or ("1Day",)
    ):  # fmt: skip
        values = sources.index()
        if values is not None:
            shelf = Shelf("index", config.feed, NO_ADJUSTMENT)
            jobs.append(Job(values, shelf, (index,), config.fetch_history_sessions))
    if not jobs:
        raise ConfigError(
            "there is nothing to fetch", hint="see data.fetch_index_from in desk.toml, and --source"
        )
    return jobs


def _history(config: DataSection, series: Series) -> int:
    return config.fetch_minute_sessions if series == "1Min" else config.fetch_history_sessions


def _universe(workspace: Workspace, shelf: Shelf) -> tuple[str, ...]:
    """Return the universe, the benchmark, and what is held: its stops lean on bars too."""
    config = workspace.config
    daily = shelf._replace(series="1Day")
    if config.universe.symbols == "imported":
        held = load_catalog(workspace.root / "data").of(daily)
        names = {symbol for item in held for symbol in item.symbols}
        if not names:
            warn("the universe is what is imported, and nothing is: fetching the benchmark only "
                 "-> name symbols with --symbol, or in [universe] of desk.toml")  # fmt: skip
    else:
        names = set(config.universe.symbols)
    names -= set(config.universe.exclude)
    with suppress(StorageError):
        names |= {record.symbol for record in workspace.journal.positions()}
    return tuple(sorted(names | {config.data.benchmark}))


@contextmanager
def _progress(job: Job, *, is_shown: bool) -> Iterator[Progress]:
    """Show a bar over the questions asked, on a terminal only."""
    if not (is_shown and is_terminal()):
        yield lambda _done, _total: None
        return
    from rich.console import Console
    from rich.progress import Progress as RichProgress

    with RichProgress(console=Console(stderr=True), transient=True) as shown:
        task = shown.add_task(f"{job.source.name} {job.shelf.series}", total=None)
        yield lambda done, total: shown.update(task, completed=done, total=total)


def _told(
    outcomes: Sequence[Outcome], told: tuple[str, ...], at: dt.datetime, *, is_dry_run: bool
) -> Fetched:
    code = gravest([outcome.exit_code for outcome in outcomes])
    lines = tuple(_line(outcome, is_dry_run=is_dry_run) for outcome in outcomes)
    strange = [
        f"{each.job.source.name}: fields that nobody told us of, left unread: "
        f"{', '.join(sorted(each.drift))}"
        for each in outcomes
        if each.drift
    ]
    failed = [entry for outcome in outcomes for entry in outcome.failed]
    asked = sum(len(outcome.wants) for outcome in outcomes)
    bad = [f"data fetch: exit {code}: {failed_line(failed, asked)}"] if failed else []
    value = {
        "exit_code": code,
        "as_of": instant_text(at),
        "is_dry_run": is_dry_run,
        "fetches": [_object(outcome) for outcome in outcomes],
        "asked_again": list(told),
    }
    return Fetched(code, lines, (*told, *strange, *bad), value)


def failed_line(failed: Sequence[FetchEntry], asked: int) -> str:
    """Return what did not arrive: the first few by name, with range and cause."""
    named = "; ".join(entry.told() for entry in failed[:_NAMED_MAX])
    more = len(failed) - _NAMED_MAX
    rest = f"; and {more} more, see quantcli data ls" if more > 0 else ""
    return f"{len(failed)} of {asked} symbols did not arrive: {named}{rest}"


def _line(outcome: Outcome, *, is_dry_run: bool) -> str:
    shelf, target = outcome.job.shelf, outcome.target
    adjusted = "" if shelf.series == "index" else f", adjustment {shelf.adjustment}"
    head = f"{outcome.job.source.name} {shelf.series}, feed {shelf.feed}{adjusted}: "
    if not outcome.wants:
        idle = len(outcome.up_to_date)
        return head + f"nothing to fetch: {idle} symbols are complete to {_until(outcome)}"
    first = min(new_york(want.first).date() for want in outcome.wants)
    span = f"{len(outcome.wants)} symbols, {first} to {target.session}"
    if is_dry_run:
        return f"DRY RUN {head}would ask {outcome.job.source.place} for {span}"
    summary = outcome.summary
    counts = "no bar came" if summary is None else (
        f"{summary.bars_added} bars added, {summary.bars_changed} changed, "
        f"{summary.bars_unchanged} already held"
    )  # fmt: skip
    failed = f", {len(outcome.failed)} symbols did not arrive" if outcome.failed else ""
    dropped = f"; dropped {outcome.dropped} bars not complete yet" if outcome.dropped else ""
    return f"{head}{span}: {counts}{failed}{dropped}"


def _until(outcome: Outcome) -> str:
    target = outcome.target
    return (
        instant_text(target.through) if outcome.job.shelf.series == "1Min" else str(target.session)
    )


def _object(outcome: Outcome) -> dict[str, Any]:
    shelf, summary = outcome.job.shelf, outcome.summary
    return {
        "source": outcome.job.source.name,
        "place": outcome.job.source.place,
        "series": shelf.series,
        "feed": shelf.feed,
        "adjustment": shelf.adjustment,
        "through": instant_text(outcome.target.through),
        "asked": [want.symbol for want in outcome.wants],
        "up_to_date": list(outcome.up_to_date),
        "bars_added": summary.bars_added if summary else 0,
        "bars_changed": summary.bars_changed if summary else 0,
        "bars_unchanged": summary.bars_unchanged if summary else 0,
        "bars_not_complete": outcome.dropped,
        "partitions": list(summary.partitions) if summary else [],
        "drift": sorted(outcome.drift),
        "failed": [entry.as_json() for entry in outcome.failed],
    }
