"""Copies of the desk's state: made whole, checked by opening them, sealed by a list of digests.

A backup holds the journal, the halt record, the run records and desk.toml. Artifacts, bars and
keys are not in it: artifacts and bars never change once written and are copied as files.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import orjson

from quantcli.contracts.canonical import canonical_bytes, sha256_hex
from quantcli.contracts.errors import (
    ArtifactCorrupt,
    ArtifactMissing,
    ArtifactTampered,
    SchemaUnknown,
)
from quantcli.ports.journal import Head
from quantcli.shell.files import publish_once, storage
from quantcli.shell.journal import SqliteJournal

#: The list that makes a folder a backup: written last.
LIST_FILE = "backup.json"
JOURNAL_FILE = "state/desk.sqlite3"
_VERSION = 1


class Backup(NamedTuple):
    """What a backup holds."""

    head: Head
    files: int


def make_backup(root: Path, home: Path, journal: SqliteJournal, into: Path) -> Backup:
    """Write a backup into a new folder, and open what was written.

    Args:
        root: The desk's folder, which holds desk.toml.
        home: The folder its state lies under.
        journal: The journal, open.
        into: Where to; it must not hold a backup.

    Raises:
        StorageError: a file is there already, or the disk refused.
        JournalCorrupt: the copy does not hold together: neither does the journal.
    """
    journal.save_to(into / JOURNAL_FILE, "DELETE")
    copies = [(path, f"state/{path.relative_to(home / 'state')}") for path in _others(home)]
    for path, name in [*copies, (root / "desk.toml", "desk.toml")]:
        with storage(path):
            data = path.read_bytes()
        publish_once(into / name, data)
    head = _checked(into / JOURNAL_FILE)
    names = sorted([JOURNAL_FILE, "desk.toml", *(name for _, name in copies)])
    value = {
        "schema": {"name": "backup", "version": _VERSION},
        "journal": {"seq": head.seq, "sha256": head.sha256},
        "files": [{"path": name, "sha256": _digest(into / name)} for name in names],
    }
    publish_once(into / LIST_FILE, canonical_bytes(value))
    return Backup(head, len(names))


def check_backup(folder: Path) -> Backup:
    """Hold every file of a backup to its digest, and open its journal.

    Raises:
        ArtifactMissing: the folder is none, or a file is gone.
        ArtifactTampered: a file is not what was written.
        ArtifactCorrupt: the list cannot be read.
        SchemaUnknown: it is of another program.
        JournalCorrupt: the journal does not hold together.
    """
    path = folder / LIST_FILE
    if not path.is_file():
        raise ArtifactMissing(f"no {LIST_FILE} there: not a whole backup", value=folder)
    with storage(path):
        data = path.read_bytes()
    head, digests = _read_list(data)
    for name, digest in digests.items():
        if not (folder / name).is_file():
            raise ArtifactMissing(f"{name} of the backup is gone", value=folder)
        if _digest(folder / name) != digest:
            raise ArtifactTampered(f"{name} is not what was backed up", value=folder)
    if JOURNAL_FILE not in digests or _checked(folder / JOURNAL_FILE) != head:
        raise ArtifactTampered("the backup's journal is not the one it names", value=folder)
    return Backup(head, len(digests))


def rows_of(folder: Path) -> list[tuple[Any, ...]]:
    """Return the journal's rows of a backup, as stored."""
    journal = SqliteJournal.open(folder / JOURNAL_FILE, read_only=True)
    try:
        return journal.raw_rows()
    finally:
        journal.close()


def bring_back_records(folder: Path, home: Path) -> int:
    """Copy run records of a backup that the desk has lost, and return how many files."""
    lost = [
        path
        for path in sorted((folder / "state" / "runs").glob("*.jsonl"))
        if not (home / "state" / "runs" / path.name).exists()
    ]
    for path in lost:
        with storage(path):
            data = path.read_bytes()
        publish_once(home / "state" / "runs" / path.name, data)
    return len(lost)


def _others(home: Path) -> Iterator[Path]:
    """Yield the files of the state besides the journal."""
    state = home / "state"
    for name in ("halt.json", "given-up.json"):
        if (state / name).is_file():
            yield state / name
    yield from sorted((state / "runs").glob("*.jsonl"))


def _checked(path: Path) -> Head:
    """Return the head of a journal after verifying rows and tables."""
    journal = SqliteJournal.open(path, read_only=True)
    try:
        journal.verify()
        journal.verify_tables()
        return journal.head()
    finally:
        journal.close()


def _digest(path: Path) -> str:
    with storage(path):
        return sha256_hex(path.read_bytes())


def _read_list(data: bytes) -> tuple[Head, dict[str, str]]:
    try:
        value = orjson.loads(data)
        version = value["schema"]["version"]
        head = Head(int(value["journal"]["seq"]), str(value["journal"]["sha256"]))
        files = {str(each["path"]): str(each["sha256"]) for each in value["files"]}
    except (ValueError, KeyError, TypeError) as error:
        raise ArtifactCorrupt(f"{LIST_FILE} cannot be read: {error}") from error
    if version != _VERSION:
        raise SchemaUnknown("a backup of another version of this program", value=version)
    return head, files
