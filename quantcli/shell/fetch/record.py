"""The fetch record: what became of the newest fetch of each symbol.

`<data>/fetch.json` is canonical JSON and replaced whole; each version is kept beside it, named by
its digest, so that a past scan can be proven with what was known then.
"""

import datetime as dt
import re
from collections.abc import Iterable
from pathlib import Path

from pydantic import Field, ValidationError

from quantcli.contracts.bars import FetchFaults
from quantcli.contracts.canonical import canonical_bytes, parse_canonical, sha256_hex
from quantcli.contracts.envelope import Frozen, InputRef, SchemaId
from quantcli.contracts.errors import ArtifactCorrupt, MarketDataError
from quantcli.contracts.scalars import Instant, SessionDate
from quantcli.shell.catalog import Series, Shelf
from quantcli.shell.files import publish_once, replace_file, storage

_SCHEMA = SchemaId(name="fetch-record", version=1)
_NAME = re.compile(r"fetches/(?P<sha256>[0-9a-f]{64})\.json")


class FetchEntry(Frozen):
    """The newest fetch of one symbol on one shelf."""

    series: Series
    feed: str
    adjustment: str
    symbol: str
    source: str
    as_of: Instant
    first: SessionDate = Field(description="first date asked for")
    last: SessionDate = Field(description="last date asked for")
    through: Instant = Field(description="what begins before this instant was asked for")
    code: str = Field(default="", description="why bars did not arrive; empty: all did")
    detail: str = ""

    @property
    def shelf(self) -> Shelf:
        """The shelf it is about."""
        return Shelf(self.series, self.feed, self.adjustment)

    @property
    def key(self) -> tuple[Shelf, str]:
        """Shelf and symbol."""
        return self.shelf, self.symbol

    def told(self) -> str:
        """Return symbol, range and cause in one line."""
        dates = f"{self.first} to {self.last}" if self.first != self.last else f"{self.first}"
        return f"{self.symbol} {dates} {self.code}: {self.detail}"


class FetchRecord(Frozen):
    """One entry for each symbol and shelf that was ever fetched."""

    schema_id: SchemaId = Field(alias="schema", default=_SCHEMA)
    entries: tuple[FetchEntry, ...] = ()

    def of(self, shelf: Shelf) -> dict[str, FetchEntry]:
        """Return symbol -> entry of a shelf."""
        return {entry.symbol: entry for entry in self.entries if entry.shelf == shelf}

    def failed(self) -> tuple[FetchEntry, ...]:
        """Return the entries of what did not arrive."""
        return tuple(entry for entry in self.entries if entry.code)

    def updated(
        self, entries: Iterable[FetchEntry], cleared: Iterable[FetchEntry]
    ) -> "FetchRecord":
        """Return the record with new entries, and without those that are settled."""
        known = {entry.key: entry for entry in self.entries}
        for entry in cleared:
            known.pop(entry.key, None)
        known |= {entry.key: entry for entry in entries}
        return FetchRecord(entries=tuple(known[key] for key in sorted(known)))


def load_record(data: Path) -> FetchRecord:
    """Return the record; an empty one if nothing was ever fetched.

    Raises:
        MarketDataError: the file is not a record of this program.
    """
    found = read_record(data)
    return FetchRecord() if found is None else found[0]


def read_record(data: Path) -> tuple[FetchRecord, InputRef] | None:
    """Return the record and the reference of its kept version; None if there is none.

    Raises:
        MarketDataError: the file is not a record of this program, or was not written by it.
    """
    path = data / "fetch.json"
    if not path.exists():
        return None
    with storage(path):
        content = path.read_bytes()
    sha256 = sha256_hex(content)
    ref = InputRef(name=f"fetches/{sha256}.json", sha256=sha256)
    if not (data / ref.name).is_file():
        raise _broken(path)
    return _parsed(content, path), ref


def pinned_record(data: Path, pins: Iterable[InputRef]) -> tuple[FetchRecord, InputRef] | None:
    """Return the record that an artifact names; None if it names none.

    Raises:
        MarketDataError: the kept version is missing or changed.
    """
    for ref in pins:
        match = _NAME.fullmatch(ref.name)
        if match is None:
            continue
        path = data / ref.name
        content = path.read_bytes() if path.is_file() else b""
        if match["sha256"] != ref.sha256 or sha256_hex(content) != ref.sha256:
            raise _broken(path)
        return _parsed(content, path), ref
    return None


def save_record(data: Path, record: FetchRecord) -> None:
    """Put a record in force: first its kept version, then the one that is read.

    Raises:
        StorageError: the disk refused; the old record stands.
    """
    content = canonical_bytes(record.as_json())
    publish_once(data / f"fetches/{sha256_hex(content)}.json", content)
    replace_file(data / "fetch.json", content)


def faults_of(
    found: tuple[FetchRecord, InputRef] | None, feed: str, adjustment: str, session: dt.date
) -> FetchFaults:
    """Return what did not arrive of a session: symbol -> cause, of one feed and adjustment."""
    if found is None:
        return FetchFaults({}, {}, ())
    record, ref = found
    daily: dict[str, str] = {}
    indices: dict[str, str] = {}
    for entry in record.failed():
        if entry.feed != feed or not entry.first <= session <= entry.last:
            continue
        if entry.series == "index":
            indices[entry.symbol] = f"{entry.code}: {entry.detail}"
        elif entry.series == "1Day" and entry.adjustment == adjustment:
            daily[entry.symbol] = f"{entry.code}: {entry.detail}"
    return FetchFaults(daily, indices, (ref,))


def _parsed(content: bytes, path: Path) -> FetchRecord:
    try:
        record = FetchRecord.model_validate(parse_canonical(content, what=path.name))
    except (ArtifactCorrupt, ValidationError) as error:
        raise _broken(path) from error
    if record.schema_id != _SCHEMA:
        raise _broken(path)
    return record


def _broken(path: Path) -> MarketDataError:
    return MarketDataError(
        "the fetch record cannot be believed",
        value=path,
        hint="delete data/fetch.json, then quantcli data fetch",
    )
