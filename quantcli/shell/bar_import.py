"""Imports a file into the bar store: merge, judge, write what changed, then the catalog.

A bar of the file takes the place of the stored bar with the same symbol and time; the others
stay. Partitions are immutable: a change writes a new one and the catalog keeps the digest of
the old. An import that changes nothing writes nothing. The catalog is written last, so that a
crash leaves unnamed files at worst.
"""

from __future__ import annotations

import datetime as dt
import io
import re
from collections.abc import Callable, Iterable
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from quantcli.contracts.canonical import sha256_hex
from quantcli.contracts.envelope import InputRef
from quantcli.contracts.errors import UsageError
from quantcli.shell.bar_faults import keys_of, row_faults
from quantcli.shell.bar_merge import Merge, by_key, merge
from quantcli.shell.bar_rows import (
    in_regular_hours,
    require_adjustment,
    require_minute_spacing,
    within_table,
)
from quantcli.shell.bar_source import read_source
from quantcli.shell.catalog import (
    FEED_PATTERN,
    NO_ADJUSTMENT,
    Catalog,
    ImportRecord,
    Partition,
    QuarantineEntry,
    QuarantineInForce,
    Series,
    Shelf,
    load_catalog,
    load_quarantine,
    publish_quarantine,
    save_catalog,
)
from quantcli.shell.files import publish_once, storage
from quantcli.shell.lock import FileLock

if TYPE_CHECKING:
    import polars as pl

#: Called with the partitions done and the partitions in all.
Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class ImportSummary:
    """What one import did.

    Attributes:
        rows_outside_hours: Minute bars before the open or from the close on: dropped.
        rows_outside_table: Rows before or after the session table: dropped.
        rows_repeated: Rows that repeat another row of the file exactly: dropped.
        partitions: Paths, below the data folder, of the partitions written.
        quarantined: The faults found in the file's bars.
    """

    file: str
    sha256: str
    shelf: Shelf
    symbols: tuple[str, ...]
    first: dt.date | None
    last: dt.date | None
    rows_read: int
    rows_outside_hours: int
    rows_outside_table: int
    rows_repeated: int
    bars_added: int
    bars_changed: int
    bars_unchanged: int
    partitions: tuple[str, ...]
    quarantined: tuple[QuarantineEntry, ...]

    @property
    def is_unchanged(self) -> bool:
        """Whether the store already held all of this."""
        return not self.partitions


class Origin(NamedTuple):
    """Where bars come from: a file's name, or a source's, and the digest of what came."""

    name: str
    sha256: str


class _Rows(NamedTuple):
    """The file's rows that are kept, and how many were dropped for which reason."""

    kept: pl.DataFrame
    read: int
    outside_table: int
    outside_hours: int
    repeated: int


def shelf_of(kind: str, timeframe: str, adjustment: str, feed: str) -> Shelf:
    """Return where the bars belong.

    Raises:
        UsageError: not a kind, timeframe, adjustment or feed name that we know.
    """
    if kind not in {"bars", "index"}:
        raise UsageError("--kind is bars, index or corporate-actions", value=kind)
    if timeframe not in {"1Day", "1Min"}:
        raise UsageError("--timeframe is 1Day or 1Min", value=timeframe)
    if kind == "index" and timeframe != "1Day":
        raise UsageError("index values are daily", value=timeframe, hint="--timeframe 1Day")
    if adjustment not in {"raw", "split", "all"}:
        raise UsageError("--adjustment is raw, split or all", value=adjustment)
    if re.fullmatch(FEED_PATTERN, feed) is None:
        raise UsageError("a feed's name is lower case, e.g. iex or local", value=feed)
    if kind == "index":
        return Shelf("index", feed, NO_ADJUSTMENT)
    return Shelf("1Min" if timeframe == "1Min" else "1Day", feed, adjustment)


def import_file(
    data: Path,
    path: Path,
    *,
    kind: str = "bars",
    timeframe: str = "1Day",
    adjustment: str,
    feed: str,
    symbol: str | None = None,
) -> ImportSummary:
    """Import one file of bars or index values; see `import_to`, which this names the shelf for.

    Args:
        data: The desk's data folder; made if absent.
        path: The file, Parquet or CSV.
        kind: `bars`, or `index` for daily values such as VIX.
        timeframe: `1Day` or `1Min`.
        adjustment: What the prices are adjusted for: `raw`, `split` or `all`; no matter for an
            index.
        feed: Where the bars come from; feeds are never mixed.
        symbol: For files without a symbol column.

    Raises:
        UsageError, MarketDataError, LockHeld, StorageError: as `import_to`.
    """
    return import_to(data, path, shelf_of(kind, timeframe, adjustment, feed), symbol=symbol)


def import_to(
    data: Path,
    path: Path,
    shelf: Shelf,
    *,
    symbol: str | None = None,
    progress: Progress = lambda _done, _total: None,
    is_dry_run: bool = False,
) -> ImportSummary:
    """Import one file to a shelf.

    Args:
        data: The desk's data folder; made if absent.
        path: The file, Parquet or CSV.
        shelf: What the file is declared to be.
        symbol: For files without a symbol column.
        progress: Told after each partition.
        is_dry_run: Read, merge and judge, but write nothing.

    Raises:
        UsageError: an argument does not fit the file.
        MarketDataError: the file cannot be believed as what it is said to be, or the store is
            damaged; nothing was imported.
        LockHeld: another import is running.
        StorageError: the disk refused.
    """
    rows = _kept(read_source(path, shelf.series, symbol), shelf.series)
    if shelf.series == "1Min":
        require_minute_spacing(rows.kept, path.name)
    if shelf.series == "1Day":
        require_adjustment(rows.kept, shelf.adjustment, path.name)
    with storage(path):
        origin = Origin(path.name, sha256_hex(path.read_bytes()))
    return _take(data, rows, shelf, origin, progress, is_dry_run=is_dry_run)


def import_bars(
    data: Path,
    bars: pl.DataFrame,
    shelf: Shelf,
    origin: Origin,
    *,
    progress: Progress = lambda _done, _total: None,
) -> ImportSummary:
    """Import bars that are known to be of their series and adjustment: they were asked for so.

    Args:
        data: The desk's data folder; made if absent.
        bars: Columns as `read_source` returns them.
        shelf: Where they belong.
        origin: Where they come from.
        progress: Told after each partition.

    Raises:
        MarketDataError: the store is damaged; nothing was imported.
        LockHeld: another import is running.
        StorageError: the disk refused.
    """
    return _take(data, _kept(bars, shelf.series), shelf, origin, progress, is_dry_run=False)


def _take(
    data: Path,
    rows: _Rows,
    shelf: Shelf,
    origin: Origin,
    progress: Progress,
    *,
    is_dry_run: bool,
) -> ImportSummary:
    """Merge, judge, write and put in force, one at a time."""
    lock = nullcontext() if is_dry_run else FileLock(data / "catalog.lock").hold()
    with lock:
        catalog = load_catalog(data)
        merges = [merge(data, catalog, key, part) for key, part in by_key(shelf, rows.kept)]
        found = _faults(merges, rows.kept, shelf)
        built = [_built(catalog, item) for item in merges if item.changed]
        summary = _summary(origin, shelf, rows, merges, built, found)
        if not is_dry_run:
            for done, (partition, content) in enumerate(built, start=1):
                publish_once(data / partition.ref.name, content)
                progress(done, len(built))
            _put_in_force(data, catalog, summary, merges, [item for item, _ in built])
    return summary


def _put_in_force(
    data: Path,
    catalog: Catalog,
    summary: ImportSummary,
    merges: list[Merge],
    written: list[Partition],
) -> None:
    """Save the catalog if the import changes it: the commit mark of the import."""
    shelf = summary.shelf
    quarantine = _quarantine(data, catalog, shelf, merges, set(summary.quarantined))
    renewed = in_force(catalog, written, shelf, quarantine)
    if renewed == catalog:
        return
    record = ImportRecord(
        series=shelf.series,
        feed=shelf.feed,
        adjustment=shelf.adjustment,
        file=summary.file,
        sha256=summary.sha256,
        rows=summary.rows_read,
    )
    save_catalog(data, renewed.model_copy(update={"imports": (*catalog.imports, record)}))


def in_force(
    catalog: Catalog, written: Iterable[Partition], shelf: Shelf, quarantine: InputRef | None
) -> Catalog:
    """Return the catalog with new partitions and a shelf's quarantine list in force."""
    partitions = {item.key: item for item in catalog.partitions}
    partitions |= {item.key: item for item in written}
    lists = {item.shelf: item for item in catalog.quarantine}
    if quarantine is not None:
        lists[shelf] = QuarantineInForce(
            series=shelf.series,
            feed=shelf.feed,
            adjustment=shelf.adjustment,
            sha256=quarantine.sha256,
        )
    return catalog.model_copy(
        update={
            "partitions": tuple(partitions[key] for key in sorted(partitions)),
            "quarantine": tuple(lists[key] for key in sorted(lists)),
        }
    )


def _kept(raw: pl.DataFrame, series: Series) -> _Rows:
    inside = within_table(raw, series)
    regular = in_regular_hours(inside) if series == "1Min" else inside
    kept = regular.unique(maintain_order=True)
    return _Rows(
        kept,
        raw.height,
        raw.height - inside.height,
        inside.height - regular.height,
        regular.height - kept.height,
    )


def _built(catalog: Catalog, item: Merge) -> tuple[Partition, bytes]:
    """Return the catalog entry and the bytes of a new partition."""
    buffer = io.BytesIO()
    # Fixed order, compression and no statistics: the same rows give the same bytes.
    item.rows.write_parquet(buffer, compression="lz4", statistics=False)
    content = buffer.getvalue()
    sha256 = sha256_hex(content)
    held = next((entry for entry in catalog.partitions if entry.key == item.key), None)
    older = () if held is None else (*held.superseded, held.sha256)
    shelf, symbol, period = item.key
    sessions = item.rows["session"].unique().sort().to_list()
    partition = Partition(
        series=shelf.series,
        feed=shelf.feed,
        adjustment=shelf.adjustment,
        symbol=symbol,
        period=period,
        sha256=sha256,
        rows=item.rows.height,
        first=sessions[0],
        last=sessions[-1],
        symbols=tuple(item.rows["symbol"].unique().sort()),
        superseded=tuple(digest for digest in dict.fromkeys(older) if digest != sha256),
    )
    return partition, content


def _faults(merges: list[Merge], rows: pl.DataFrame, shelf: Shelf) -> set[QuarantineEntry]:
    """Return the row faults of every (symbol, session) that the file speaks of."""
    spoken = rows.select("symbol", "session").unique()
    found: set[QuarantineEntry] = set()
    for item in merges:
        judged = item.rows.join(spoken, on=["symbol", "session"], how="semi")
        found |= row_faults(judged, shelf.series)
    return found


def _quarantine(
    data: Path,
    catalog: Catalog,
    shelf: Shelf,
    merges: list[Merge],
    found: set[QuarantineEntry],
) -> InputRef | None:
    """Return the list in force after the import: changed bars are released, faulty ones added."""
    held_ref = catalog.quarantine_ref(shelf)
    held = set(load_quarantine(data, held_ref))
    changed = {place for item in merges for place in item.changed}
    kept = {entry for entry in held if (entry.symbol, entry.session) not in changed}
    if kept | found == held:
        return held_ref
    return publish_quarantine(data, shelf, kept | found)


def _summary(
    origin: Origin,
    shelf: Shelf,
    rows: _Rows,
    merges: list[Merge],
    built: list[tuple[Partition, bytes]],
    found: set[QuarantineEntry],
) -> ImportSummary:
    added = sum(item.added for item in merges)
    corrected = sum(item.corrected for item in merges)
    bars = rows.kept.select(keys_of(shelf.series)).n_unique()
    sessions = rows.kept["session"].unique().sort().to_list()
    return ImportSummary(
        file=origin.name,
        sha256=origin.sha256,
        shelf=shelf,
        symbols=tuple(rows.kept["symbol"].unique().sort()),
        first=sessions[0] if sessions else None,
        last=sessions[-1] if sessions else None,
        rows_read=rows.read,
        rows_outside_hours=rows.outside_hours,
        rows_outside_table=rows.outside_table,
        rows_repeated=rows.repeated,
        bars_added=added,
        bars_changed=corrected,
        bars_unchanged=bars - added - corrected,
        partitions=tuple(partition.ref.name for partition, _ in built),
        quarantined=tuple(sorted(found, key=lambda e: (e.symbol, e.session, e.code))),
    )
