"""Where the journal stood, as files other than the journal tell it.

Each tape begins with the head that its attempt found, each seal names the head that it closed,
each run record the head that the run left. A journal that ends before the newest of them was
rolled back: an older copy lies in its place. What a `restore` had to give up is not asked for
again.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import orjson

from quantcli.contracts.canonical import canonical_bytes, sha256_hex
from quantcli.contracts.errors import ArtifactError, StateRolledBack
from quantcli.ports.journal import Head
from quantcli.shell.artifact_store import FileStore
from quantcli.shell.files import replace_file, storage
from quantcli.shell.journal import SqliteJournal
from quantcli.shell.run_records import RunRecords
from quantcli.shell.tape import TAPE_NAME, head_of_tape

#: Run records that are read for the newest head: the newest may hold a refusal alone.
_RECORDS_READ = 3


class Recorded(NamedTuple):
    """A head, and the file that tells of it, relative to the desk's home."""

    head: Head
    where: str


def recorded_heads(store: FileStore) -> tuple[Recorded, ...]:
    """Return every head that tapes, seals and run records tell of, by number."""
    found = [*_of_records(store.records, store.records.sessions())]
    for session in store.sessions():
        found.extend(_of_seal(store, session))
        found.extend(_of_tapes(store, (store.root / session.isoformat()).glob("*/*.jsonl")))
    return tuple(sorted(found))


def require_newest(store: FileStore, journal: SqliteJournal, given_up: frozenset[Head]) -> None:
    """Refuse a journal that ends before rows that were recorded.

    Only the newest records are read: this is asked by every command.

    Raises:
        StateRolledBack: it does; nothing may be written into it.
    """
    known = [each for each in _newest(store) if each.head not in given_up]
    newest = max(known, default=None)
    head = journal.head()
    if newest is not None and newest.head.seq > head.seq:
        raise StateRolledBack(
            f"the journal ends at row {head.seq}; {newest.where} tells of row {newest.head.seq}",
            value="state/desk.sqlite3",
            hint="the desk counts as halted and paused; quantcli restore, see runbook/restore.md",
        )


class GivenUp:
    """The heads whose rows no `restore` could bring back: `<home>/state/given-up.json`."""

    def __init__(self, home: Path) -> None:
        """Name the file."""
        self._path = home / "state" / "given-up.json"

    def read(self) -> frozenset[Head]:
        """Return them; none if the file is not there or says nothing readable."""
        try:
            value = orjson.loads(self._path.read_bytes())
            return frozenset(Head(int(seq), str(sha256)) for seq, sha256 in value)
        except (OSError, ValueError, TypeError):
            return frozenset()

    def add(self, heads: frozenset[Head]) -> None:
        """Add heads durably."""
        if not heads <= self.read():
            together = sorted(heads | self.read())
            replace_file(self._path, canonical_bytes([list(head) for head in together]))


def _newest(store: FileStore) -> Iterator[Recorded]:
    yield from _of_records(store.records, store.records.sessions()[-_RECORDS_READ:])
    sessions = store.sessions()
    for session in reversed(sessions):
        if store.is_sealed(session):
            yield from _of_seal(store, session)
            break
    for session in reversed(sessions):
        cycles = sorted((store.root / session.isoformat()).glob("*/"), reverse=True)
        for cycle in cycles:
            found = list(_of_tapes(store, cycle.glob("*.jsonl")))
            yield from found
            if found:
                return


def _of_records(records: RunRecords, sessions: tuple[dt.date, ...]) -> Iterator[Recorded]:
    for session in sessions:
        for head in records.heads(session):
            yield Recorded(head, f"state/runs/{session.isoformat()}.jsonl")


def _of_seal(store: FileStore, session: dt.date) -> Iterator[Recorded]:
    path = store.root / session.isoformat() / "manifest.json"
    try:
        data = path.read_bytes()
        if store.seal_published(session) not in {None, sha256_hex(data)}:
            return
        value = orjson.loads(data)
        head = Head(int(value["journal_seq"]), str(value["journal_sha256"]))
    except (OSError, ValueError, KeyError, TypeError):
        return  # gone or damaged: `audit verify` says so
    yield Recorded(head, f"artifacts/{session.isoformat()}/{path.name}")


def _of_tapes(store: FileStore, paths: Iterator[Path]) -> Iterator[Recorded]:
    for path in paths:
        if not TAPE_NAME.search(path.name):
            continue
        with storage(path):
            head = _head_of(path)
        if head is not None:
            yield Recorded(head, f"artifacts/{path.relative_to(store.root).as_posix()}")


def _head_of(path: Path) -> Head | None:
    try:
        return head_of_tape(path)
    except ArtifactError:
        return None  # damaged: a proof names it
