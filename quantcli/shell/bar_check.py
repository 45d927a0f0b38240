"""Checks the whole store: digests, gaps, faults, spikes, stale symbols.

What is wrong with a single bar puts it on the quarantine list, which is derived anew here from
the partitions; bars are never edited. A file that is not what was imported cannot be judged:
that alone makes the check fail.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from quantcli.contracts.envelope import InputRef
from quantcli.contracts.errors import BarsMissing, MarketDataError
from quantcli.core.sessions import sessions_between
from quantcli.shell.bar_faults import row_faults
from quantcli.shell.bar_findings import (
    SEVERITIES,
    BarFinding,
    daily_findings,
    gaps,
    index_findings,
    minute_findings,
    spikes,
)
from quantcli.shell.bar_import import in_force
from quantcli.shell.catalog import (
    ACTIONS_SHELF,
    Catalog,
    Partition,
    QuarantineEntry,
    Shelf,
    actions_name,
    load_catalog,
    load_quarantine,
    partition_name,
    publish_quarantine,
    read_frame,
    read_verified,
    save_catalog,
)
from quantcli.shell.fetch.record import load_record
from quantcli.shell.lock import FileLock

if TYPE_CHECKING:
    import polars as pl


class CheckReport(NamedTuple):
    """The findings, gravest first, and what the check did about them."""

    findings: tuple[BarFinding, ...]
    files: int
    bars: int
    quarantined_added: int
    quarantined_released: int

    @property
    def exit_code(self) -> int:
        """4 when a file of the store cannot be believed; quarantined bars are dealt with."""
        return 4 if any(item.severity == "damaged" for item in self.findings) else 0


class _Judged(NamedTuple):
    """One shelf: what was found, how much was read, its list before and after."""

    findings: list[BarFinding]
    files: int
    bars: int
    before: set[QuarantineEntry]
    after: set[QuarantineEntry]


def check_store(data: Path, *, is_dry_run: bool = False) -> CheckReport:
    """Check everything that was imported, and put the quarantine lists in force.

    Args:
        data: The desk's data folder.
        is_dry_run: Find, but write nothing.

    Raises:
        BarsMissing: nothing was ever imported.
        MarketDataError: the catalog cannot be read.
        LockHeld: an import is running.
        StorageError: the disk refused.
    """
    if not (data / "catalog.json").exists():
        raise BarsMissing(
            "the store holds nothing to check", value=data, hint="quantcli data import FILE"
        )
    lock = nullcontext() if is_dry_run else FileLock(data / "catalog.lock").hold()
    with lock:
        catalog = load_catalog(data)
        renewed = catalog
        judged = []
        for shelf in sorted({item.key.shelf for item in catalog.partitions}):
            result = _judge(data, catalog, shelf)
            judged.append(result)
            if result.after != result.before and not is_dry_run:
                renewed = in_force(
                    renewed, (), shelf, publish_quarantine(data, shelf, result.after)
                )
        if renewed != catalog:
            save_catalog(data, renewed)
    findings = [item for result in judged for item in result.findings]
    findings.extend(_undelivered(data))
    findings.extend(_action_list_damage(data, catalog))
    return CheckReport(
        tuple(sorted(findings, key=_gravity)),
        sum(result.files for result in judged),
        sum(result.bars for result in judged),
        sum(len(result.after - result.before) for result in judged),
        sum(len(result.before - result.after) for result in judged),
    )


def _undelivered(data: Path) -> Iterator[BarFinding]:
    """Yield what the newest fetch asked for and did not get."""
    try:
        failed = load_record(data).failed()
    except MarketDataError as error:
        yield _damage(Shelf("1Day", "", ""), "fetch.json", error)
        return
    for entry in failed:
        sessions = len(sessions_between(entry.first, entry.last))
        detail = f"to {entry.last}: {entry.code}: {entry.detail}"
        yield BarFinding(
            "warning", "fetch-failed", entry.shelf, entry.symbol, entry.first, sessions, detail
        )


def _judge(data: Path, catalog: Catalog, shelf: Shelf) -> _Judged:
    """Read one shelf and find everything there is to say about it."""
    findings: list[BarFinding] = []
    held_ref = catalog.quarantine_ref(shelf)
    try:
        before = set(load_quarantine(data, held_ref))
    except MarketDataError as error:
        findings.append(_damage(shelf, held_ref.name if held_ref else "", error))
        before = set()
    partitions = catalog.of(shelf)
    frames = []
    for partition in partitions:
        findings.extend(_superseded_damage(data, partition))
        try:
            frames.append(_rows(data, partition))
        except MarketDataError as error:
            findings.append(_damage(shelf, partition.ref.name, error))
    if not frames:
        return _Judged(findings, len(partitions), 0, before, before)
    is_whole = len(frames) == len(partitions)
    found, told, bars = _judge_rows(frames, shelf)
    # What cannot be read cannot be released.
    after = found if is_whole else found | before
    findings.extend(told)
    findings.extend(
        BarFinding("quarantined", entry.code, shelf, entry.symbol, entry.session, 1, entry.observed)
        for entry in after
    )
    return _Judged(findings, len(partitions), bars, before, after)


def _judge_rows(
    frames: list[pl.DataFrame], shelf: Shelf
) -> tuple[set[QuarantineEntry], list[BarFinding], int]:
    import polars as pl

    rows = pl.concat(frames)
    found = row_faults(rows, shelf.series)
    sound = _without(rows, found)
    if shelf.series == "1Day":
        spiky = spikes(sound, shelf.adjustment)
        told = daily_findings(_without(sound, spiky), shelf)
        return found | spiky, [*gaps(rows, shelf), *told], rows.height
    told = (minute_findings if shelf.series == "1Min" else index_findings)(sound, shelf)
    return found, [*gaps(rows, shelf), *told], rows.height


def _without(rows: pl.DataFrame, entries: set[QuarantineEntry]) -> pl.DataFrame:
    """Return the rows that no entry speaks of."""
    import polars as pl

    wrong = pl.DataFrame(
        sorted({(entry.symbol, entry.session) for entry in entries}),
        schema={"symbol": pl.String, "session": pl.Date},
        orient="row",
    )
    return rows.join(wrong, on=["symbol", "session"], how="anti")


def _rows(data: Path, partition: Partition) -> pl.DataFrame:
    rows = read_frame(data, partition.ref)
    sessions = rows["session"].unique().sort().to_list()
    symbols = tuple(rows["symbol"].unique().sort())
    told = (partition.rows, partition.first, partition.last, partition.symbols)
    if told != (rows.height, sessions[0], sessions[-1], symbols):
        raise MarketDataError(
            "the catalog says something else about a partition than the partition itself",
            value=partition.ref.name,
        )
    return rows


def _superseded_damage(data: Path, partition: Partition) -> Iterator[BarFinding]:
    """Yield the older partitions, needed to prove past days, that are missing or changed."""
    for sha256 in partition.superseded:
        ref = InputRef(name=partition_name(partition.key, sha256), sha256=sha256)
        try:
            read_verified(data, ref)
        except MarketDataError as error:
            yield _damage(partition.key.shelf, ref.name, error)


def _action_list_damage(data: Path, catalog: Catalog) -> Iterator[BarFinding]:
    """Yield the lists of corporate actions, older ones too, that are missing or changed."""
    held = catalog.actions
    for sha256 in () if held is None else (*held.superseded, held.sha256):
        ref = InputRef(name=actions_name(sha256), sha256=sha256)
        try:
            read_verified(data, ref)
        except MarketDataError as error:
            yield _damage(ACTIONS_SHELF, ref.name, error)


def _damage(shelf: Shelf, name: str, error: MarketDataError) -> BarFinding:
    return BarFinding("damaged", error.code, shelf, name, None, 1, error.message)


def _gravity(finding: BarFinding) -> tuple[int, Shelf, str, str, str]:
    place = SEVERITIES.index(finding.severity)
    return place, finding.shelf, finding.code, finding.subject, str(finding.session)
