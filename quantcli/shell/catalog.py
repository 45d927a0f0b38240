"""The catalog of the bar store: which immutable partition is in force for each key.

`<data>/catalog.json` is canonical JSON and the only file of the store that is ever replaced;
partitions and quarantine lists are named by their digest and stay. A correction puts a new
digest in force and keeps the old one in `superseded`, so that a past day can be proven again.
"""

from __future__ import annotations

import io
import re
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple

from pydantic import Field, ValidationError

from quantcli.contracts.canonical import canonical_bytes, parse_canonical, sha256_hex
from quantcli.contracts.envelope import Frozen, InputRef, SchemaId
from quantcli.contracts.errors import ArtifactCorrupt, MarketDataError
from quantcli.contracts.scalars import Digest, SessionDate
from quantcli.shell.files import publish_once, replace_file, storage

if TYPE_CHECKING:
    import polars as pl

Series = Literal["1Day", "1Min", "index", "corporate-actions"]
#: Adjustment does not apply to an index.
NO_ADJUSTMENT = "none"

_SCHEMA = SchemaId(name="bar-catalog", version=1)
#: How a feed is named.
FEED_PATTERN = "[a-z0-9][a-z0-9_-]{0,30}"
_DIGEST = "(?P<sha256>[0-9a-f]{64})"
_FEED = rf"(?P<feed>{FEED_PATTERN})"
_ADJUSTMENT = "(?P<adjustment>raw|split|all)"
_MONTH = "(?P<period>[0-9]{4}-[0-9]{2})"
_YEAR = "(?P<period>[0-9]{4})"
_NAMES: dict[Series, re.Pattern[str]] = {
    "1Day": re.compile(rf"bars/1Day/{_FEED}/{_ADJUSTMENT}/{_YEAR}/{_DIGEST}\.parquet"),
    "1Min": re.compile(
        rf"bars/1Min/{_FEED}/{_ADJUSTMENT}/(?P<symbol>[A-Z.]{{1,9}})/{_MONTH}/{_DIGEST}\.parquet"
    ),
    "index": re.compile(rf"index/{_FEED}/(?P<symbol>[A-Z0-9]{{1,10}})/{_YEAR}/{_DIGEST}\.parquet"),
}
_LISTS: dict[Series, re.Pattern[str]] = {
    "1Day": re.compile(rf"quarantine/1Day/{_FEED}/{_ADJUSTMENT}/{_DIGEST}\.json"),
    "1Min": re.compile(rf"quarantine/1Min/{_FEED}/{_ADJUSTMENT}/{_DIGEST}\.json"),
    "index": re.compile(rf"quarantine/index/{_FEED}/(?P<adjustment>none)/{_DIGEST}\.json"),
}


class Shelf(NamedTuple):
    """Bars that belong together: one series of one feed in one adjustment."""

    series: Series
    feed: str
    adjustment: str


#: Where lists of corporate actions stand in what is told: no feed and no adjustment is theirs.
ACTIONS_SHELF = Shelf("corporate-actions", "any", NO_ADJUSTMENT)


class Key(NamedTuple):
    """What a partition holds: of a shelf, one period, and one symbol unless daily ("").

    The period is a year, or `YYYY-MM` for minute bars.
    """

    shelf: Shelf
    symbol: str
    period: str


class Partition(Frozen):
    """The partition in force for a key."""

    series: Series
    feed: str
    adjustment: str
    symbol: str = Field(description="empty for daily bars, which hold all symbols")
    period: str
    sha256: Digest
    rows: int
    first: SessionDate
    last: SessionDate
    symbols: tuple[str, ...]
    superseded: tuple[Digest, ...] = ()

    @property
    def key(self) -> Key:
        """The key this partition is in force for."""
        return Key(Shelf(self.series, self.feed, self.adjustment), self.symbol, self.period)

    @property
    def ref(self) -> InputRef:
        """The partition as an artifact names it."""
        return InputRef(name=partition_name(self.key, self.sha256), sha256=self.sha256)


class QuarantineEntry(Frozen):
    """One bar (for minutes: one session of a symbol) that is held to be wrong, and why."""

    symbol: str
    session: SessionDate
    code: str
    observed: str


class QuarantineList(Frozen):
    """Every quarantined bar of a shelf; immutable, so that an artifact can name it."""

    entries: tuple[QuarantineEntry, ...]


class QuarantineInForce(Frozen):
    """Which quarantine list holds for a shelf."""

    series: Series
    feed: str
    adjustment: str
    sha256: Digest

    @property
    def shelf(self) -> Shelf:
        """The shelf it holds for."""
        return Shelf(self.series, self.feed, self.adjustment)

    @property
    def ref(self) -> InputRef:
        """The list as an artifact names it."""
        return InputRef(name=quarantine_name(self.shelf, self.sha256), sha256=self.sha256)


class ActionsInForce(Frozen):
    """Which list of corporate actions holds, and which ones held before."""

    sha256: Digest
    superseded: tuple[Digest, ...] = ()


class ImportRecord(Frozen):
    """One file that changed the store."""

    series: Series
    feed: str
    adjustment: str
    file: str
    sha256: Digest
    rows: int


class Catalog(Frozen):
    """Everything the store holds."""

    schema_id: SchemaId = Field(alias="schema", default=_SCHEMA)
    partitions: tuple[Partition, ...] = ()
    quarantine: tuple[QuarantineInForce, ...] = ()
    imports: tuple[ImportRecord, ...] = ()
    actions: ActionsInForce | None = Field(default=None, exclude_if=lambda held: held is None)

    def of(self, shelf: Shelf) -> tuple[Partition, ...]:
        """Return the partitions in force on a shelf, by symbol and period."""
        return tuple(item for item in self.partitions if item.key.shelf == shelf)

    def quarantine_ref(self, shelf: Shelf) -> InputRef | None:
        """Return the quarantine list of a shelf; None if nothing was ever quarantined."""
        return next((item.ref for item in self.quarantine if item.shelf == shelf), None)

    @property
    def actions_ref(self) -> InputRef | None:
        """The list of corporate actions in force; None if none was ever imported."""
        if self.actions is None:
            return None
        return InputRef(name=actions_name(self.actions.sha256), sha256=self.actions.sha256)


class Name(NamedTuple):
    """A reference to the store, taken apart; `key` is None for a quarantine list."""

    shelf: Shelf
    key: Key | None
    sha256: str


def partition_name(key: Key, sha256: str) -> str:
    """Return the path of a partition below the data folder."""
    series, feed, adjustment = key.shelf
    if series == "index":
        return f"index/{feed}/{key.symbol}/{key.period}/{sha256}.parquet"
    folder = f"{key.symbol}/{key.period}" if key.symbol else key.period
    return f"bars/{series}/{feed}/{adjustment}/{folder}/{sha256}.parquet"


def quarantine_name(shelf: Shelf, sha256: str) -> str:
    """Return the path of a quarantine list below the data folder."""
    return f"quarantine/{shelf.series}/{shelf.feed}/{shelf.adjustment}/{sha256}.json"


def actions_name(sha256: str) -> str:
    """Return the path of a list of corporate actions below the data folder."""
    return f"corporate-actions/{sha256}.json"


def parse_name(name: str) -> Name | None:
    """Return what a path below the data folder stands for; None if it is not of the store."""
    for patterns in (_NAMES, _LISTS):
        for series, pattern in patterns.items():
            match = pattern.fullmatch(name)
            if match is not None:
                parts = match.groupdict()
                shelf = Shelf(series, parts["feed"], parts.get("adjustment", NO_ADJUSTMENT))
                key = Key(shelf, parts.get("symbol", ""), parts.get("period", ""))
                return Name(shelf, key if key.period else None, parts["sha256"])
    return None


def read_verified(data: Path, ref: InputRef) -> bytes:
    """Return the bytes of a file of the store.

    Raises:
        MarketDataError: the name is not of the store, or the file is missing or changed.
    """
    name = parse_name(ref.name)
    sha256 = None if name is None else name.sha256
    if sha256 != ref.sha256 and ref.name != actions_name(ref.sha256):
        raise MarketDataError("not the name of a file of the bar store", value=ref.name)
    path = data / ref.name
    if not path.is_file():
        raise MarketDataError(
            "a file of the bar store is missing", value=ref.name, hint="restore it from a backup"
        )
    with storage(path):
        content = path.read_bytes()
    found = sha256_hex(content)
    if found != ref.sha256:
        error = MarketDataError(
            "a file of the bar store is not what was imported",
            value=ref.name,
            hint="restore it from a backup; its name is its digest",
        )
        error.found_sha256 = found
        raise error
    return content


def read_frame(data: Path, ref: InputRef) -> pl.DataFrame:
    """Return all rows of a partition, its digest verified.

    Raises:
        MarketDataError: the file is missing, changed or not Parquet.
    """
    import polars as pl

    content = read_verified(data, ref)
    try:
        return pl.read_parquet(io.BytesIO(content))
    except pl.exceptions.PolarsError as error:
        raise MarketDataError(
            f"a file of the bar store is not Parquet: {error}", value=ref.name
        ) from error


def load_catalog(data: Path) -> Catalog:
    """Return the catalog; an empty one if nothing was ever imported.

    Raises:
        MarketDataError: the file is not a catalog of this program.
    """
    path = data / "catalog.json"
    if not path.exists():
        return Catalog()
    with storage(path):
        content = path.read_bytes()
    try:
        catalog = Catalog.model_validate(parse_canonical(content, what="data/catalog.json"))
    except (ArtifactCorrupt, ValidationError) as error:
        raise _catalog_broken(path) from error
    if catalog.schema_id != _SCHEMA:
        raise _catalog_broken(path)
    return catalog


def save_catalog(data: Path, catalog: Catalog) -> None:
    """Replace the catalog, atomically and durably.

    Raises:
        StorageError: the disk refused; the old catalog stands.
    """
    replace_file(data / "catalog.json", canonical_bytes(catalog.as_json()))


def load_quarantine(data: Path, ref: InputRef | None) -> tuple[QuarantineEntry, ...]:
    """Return the entries of a quarantine list; none without a list.

    Raises:
        MarketDataError: the list is missing or changed.
    """
    if ref is None:
        return ()
    value = parse_canonical(read_verified(data, ref), what=ref.name)
    return QuarantineList.model_validate(value).entries


def publish_quarantine(data: Path, shelf: Shelf, entries: set[QuarantineEntry]) -> InputRef:
    """Write a quarantine list and return its reference; the same entries give the same one.

    Raises:
        StorageError: the disk refused.
    """
    ordered = sorted(entries, key=lambda entry: (entry.symbol, entry.session, entry.code))
    content = canonical_bytes(QuarantineList(entries=tuple(ordered)).as_json())
    sha256 = sha256_hex(content)
    name = quarantine_name(shelf, sha256)
    publish_once(data / name, content)
    return InputRef(name=name, sha256=sha256)


def _catalog_broken(path: Path) -> MarketDataError:
    return MarketDataError(
        "the catalog of the bar store cannot be read",
        value=path,
        hint="restore it from a backup, or import everything again into an empty data folder",
    )
