"""Run records: who ran what, when, and the digest of what was published.

They carry wall-clock time and host, so they stand outside the artifacts, one chained JSONL file
per session in `state/runs/`. Readers compare digests with them: an edit is seen before the
session is sealed, and an artifact that vanished is known to have existed. Each names the
journal's head as well, and what an operator wrote into it: a journal that lacks it was rolled
back, and can be rebuilt.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from quantcli.contracts.canonical import canonical_bytes, sha256_hex
from quantcli.contracts.errors import StorageError
from quantcli.ports.journal import Head
from quantcli.shell.files import append_durably, storage

_FIRST_LINK = "0" * 64


@dataclass(slots=True)
class _Session:
    size: int
    head: str
    published: dict[str, str]
    heads: list[Head]
    is_torn: bool


class RunRecords:
    """Appends and reads the run records of a desk."""

    def __init__(self, folder: Path) -> None:
        """Name the folder, `<desk>/state/runs`."""
        self._folder = folder
        self._known: dict[dt.date, _Session] = {}
        self._paths: dict[dt.date, Path] = {}

    def append(self, session: dt.date, record: dict[str, Any]) -> None:
        """Append one record to the session's chain."""
        known = self._read(session)
        if known.is_torn:
            # The torn line would swallow the next one: end it, so that it stays as damage.
            append_durably(self._path(session), b"\n")
            known = self._read(session)
        line = canonical_bytes({**record, "previous": known.head})
        append_durably(self._path(session), line)
        known.size += len(line)
        known.head = sha256_hex(line)
        known.published.update(_published(record))
        known.heads.extend(_heads(record))

    def sessions(self) -> tuple[dt.date, ...]:
        """Return sessions that have records, oldest first."""
        if not self._folder.is_dir():
            return ()
        with storage(self._folder):
            found = {_session_of(path) for path in self._folder.glob("*.jsonl")}
        return tuple(sorted(session for session in found if session is not None))

    def published(self, session: dt.date) -> dict[str, str]:
        """Return path -> SHA-256 of everything that runs of the session have published."""
        return self._read(session).published

    def heads(self, session: dt.date) -> tuple[Head, ...]:
        """Return where the journal stood at the end of each run of the session, oldest first."""
        return tuple(self._read(session).heads)

    def all(self, session: dt.date) -> list[dict[str, Any]]:
        """Return the session's records, oldest first.

        Raises:
            StorageError: the chain does not hold.
        """
        path = self._path(session)
        if not path.exists():
            return []
        head, records = _FIRST_LINK, []
        with storage(path):
            lines = path.read_bytes().splitlines(keepends=True)
        for number, line in enumerate(lines, start=1):
            record = _parse(line)
            if record is None:
                # Torn by a crash. It stays a link of the chain, so an edit is still seen.
                head = sha256_hex(line)
                continue
            if record.get("previous") != head:
                raise StorageError(
                    f"run record {number} of {session} does not continue the chain",
                    value=path,
                    hint="restore the file from a backup; quantcli audit verify names the damage",
                )
            head = sha256_hex(line)
            records.append(record)
        return records

    def _read(self, session: dt.date) -> _Session:
        path = self._path(session)
        with storage(path):
            size = _size(path)
            known = self._known.get(session)
            if known is not None and known.size == size:
                return known
            data = path.read_bytes() if size else b""
        head, published, heads = _FIRST_LINK, dict[str, str](), list[Head]()
        for line in data.splitlines(keepends=True):
            record = _parse(line) or {}
            published.update(_published(record))
            heads.extend(_heads(record))
            head = sha256_hex(line)
        is_torn = bool(data) and not data.endswith(b"\n")
        self._known[session] = _Session(len(data), head, published, heads, is_torn)
        return self._known[session]

    def _path(self, session: dt.date) -> Path:
        # Asked many times in each step; to put a path together costs more than to stat it.
        found = self._paths.get(session)
        if found is None:
            found = self._paths[session] = self._folder / f"{session.isoformat()}.jsonl"
        return found


def _size(path: Path) -> int:
    """Return the file's size in bytes; 0 if there is none."""
    try:
        return path.stat().st_size
    except (FileNotFoundError, NotADirectoryError):
        return 0


def _session_of(path: Path) -> dt.date | None:
    """Return the session a file of records is named by; None for any other file."""
    try:
        session = dt.date.fromisoformat(path.stem)
    except ValueError:
        return None
    return session if session.isoformat() == path.stem else None


def _parse(line: bytes) -> dict[str, Any] | None:
    try:
        record = orjson.loads(line)
    except orjson.JSONDecodeError:
        return None
    return record if isinstance(record, dict) else None


def _published(record: dict[str, Any]) -> dict[str, str]:
    """Return what a record says was published; nothing if it says so in no readable way."""
    found = record.get("published")
    if not isinstance(found, dict):
        return {}
    return {path: digest for path, digest in found.items() if isinstance(digest, str)}


def _heads(record: dict[str, Any]) -> list[Head]:
    """Return the journal's head that a record names; none if it names none readably."""
    match record.get("journal"):
        case {"seq": int(seq), "sha256": str(sha256)}:
            return [Head(seq, sha256)]
        case _:
            return []
