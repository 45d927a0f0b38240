"""`audit verify`: every sealed byte against its manifest, and every manifest against the next."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any, NamedTuple

import orjson

from quantcli.contracts.canonical import sha256_hex
from quantcli.contracts.envelope import STEPS
from quantcli.contracts.errors import ArtifactError, QuantcliError, StorageError
from quantcli.contracts.manifest import TRANSACTIONS_FILE, Manifest, PreviousSeal
from quantcli.contracts.registry import parse_manifest
from quantcli.contracts.stored_config import CONFIG_FOLDER, config_path
from quantcli.core.sessions import sessions_between
from quantcli.shell.artifact_store import FileStore
from quantcli.shell.files import storage
from quantcli.shell.journal import SqliteJournal
from quantcli.shell.journal_text import FIRST_LINK, stored_row


class Fault(NamedTuple):
    """A file that is not what was sealed."""

    path: str
    code: str
    detail: str


class _Row(NamedTuple):
    """Of a journal row: what seals and folders are held against."""

    session: str
    step: str
    sha256: str


class Audit(NamedTuple):
    """What verifying came to."""

    sessions: int
    files: int
    head: PreviousSeal | None
    faults: tuple[Fault, ...]


def verify(store: FileStore, journal: SqliteJournal | StorageError) -> Audit:
    """Verify every sealed session, oldest first, and the journal they name.

    Args:
        store: The desk's artifacts.
        journal: The journal, or why it cannot be opened, which is a fault of its own.
    """
    faults: list[Fault] = []
    previous: PreviousSeal | None = None
    sealed = [session for session in store.sessions() if store.is_sealed(session)]
    rows = _journal_rows(journal, faults)
    files = 0
    for session in sealed:
        path = f"{session.isoformat()}/manifest.json"
        with storage(store.root / path):
            data = (store.root / path).read_bytes()
        manifest = _manifest(data, path, session, faults)
        if manifest is not None:
            files += len(manifest.files)
            _check_link(manifest, previous, path, faults)
            _check_files(store, manifest, faults)
            _check_journal(manifest, rows, path, faults)
            _check_transactions(store, manifest, rows, faults)
        previous = PreviousSeal(session=session, sha256=sha256_hex(data))
    _check_folders(store, rows or {}, faults)
    _check_records(store, sealed, faults)
    return Audit(len(sealed), files, previous, tuple(faults))


def _manifest(data: bytes, path: str, session: dt.date, faults: list[Fault]) -> Manifest | None:
    try:
        manifest = parse_manifest(data, what=path)
    except ArtifactError as error:
        faults.append(Fault(path, error.code, error.message))
        return None
    if manifest.session != session:
        faults.append(Fault(path, "artifact-foreign", f"belongs to {manifest.session}"))
    return manifest


def _check_link(
    manifest: Manifest, previous: PreviousSeal | None, path: str, faults: list[Fault]
) -> None:
    if manifest.previous != previous:
        named = manifest.previous.sha256[:12] if manifest.previous else "none"
        found = previous.sha256[:12] if previous else "none"
        faults.append(
            Fault(path, "chain-broken", f"names the seal {named} before it, found {found}")
        )
    if manifest.gap != _gap(previous, manifest.session):
        faults.append(Fault(path, "chain-broken", "names other sessions as not traded"))


def _gap(previous: PreviousSeal | None, session: dt.date) -> tuple[dt.date, ...]:
    if previous is None:
        return ()
    return sessions_between(previous.session, session)[1:-1]


def _check_files(store: FileStore, manifest: Manifest, faults: list[Fault]) -> None:
    sealed = {item.path: item for item in manifest.files}
    for path, item in sealed.items():
        file = store.root / path
        if not file.is_file():
            faults.append(Fault(path, "artifact-missing", "sealed and gone"))
            continue
        with storage(file):
            data = file.read_bytes()
        found = sha256_hex(data)
        if path.startswith(f"{CONFIG_FOLDER}/"):
            # Its name says what it must hold, whatever was there when the session was sealed.
            if path != config_path(found):
                detail = f"not the config that {manifest.session} names"
                faults.append(Fault(path, "artifact-tampered", detail))
        elif (found, len(data)) != (item.sha256, item.bytes):
            faults.append(Fault(path, "artifact-tampered", "differs from what was sealed"))
    added = (item.path for item in store.files(manifest.session) if item.path not in sealed)
    faults.extend(Fault(path, "artifact-added", "not there when it was sealed") for path in added)


def _journal_rows(
    journal: SqliteJournal | StorageError, faults: list[Fault]
) -> dict[int, _Row] | None:
    """Return the rows by number; None if there are none to hold anything against."""
    try:
        if isinstance(journal, StorageError):
            raise journal
        journal.verify()
        journal.verify_tables()
        return {int(row[0]): _Row(row[1], row[3], row[7]) for row in journal.raw_rows()}
    except QuantcliError as error:
        faults.append(Fault("state/desk.sqlite3", error.code, error.message))
        return None


def _check_journal(
    manifest: Manifest, rows: Mapping[int, _Row] | None, path: str, faults: list[Fault]
) -> None:
    if rows is None or manifest.journal_seq == 0:
        return
    named = rows.get(manifest.journal_seq)
    if named is None or named.sha256 != manifest.journal_sha256:
        detail = f"journal row {manifest.journal_seq} is not the one that was sealed"
        faults.append(Fault(path, "journal-corrupt", detail))


def _check_transactions(
    store: FileStore, manifest: Manifest, rows: Mapping[int, _Row] | None, faults: list[Fault]
) -> None:
    """Hold a session's transaction log to its own chain and, if there is one, to the journal.

    Rows of a session that stand in the journal before its seal must all be in its log.
    """
    path = f"{manifest.session.isoformat()}/{TRANSACTIONS_FILE}"
    file = store.root / path
    if path not in {item.path for item in manifest.files} or not file.is_file():
        return  # sealed without one, or told already as gone
    with storage(file):
        lines = file.read_bytes().splitlines()
    found = {}
    previous = (0, FIRST_LINK)
    for number, line in enumerate(lines, start=1):
        row = stored_row(_json_of(line))
        if row is None or not _follows(row, previous) or row[1] != manifest.session.isoformat():
            detail = f"line {number} does not continue the chain"
            faults.append(Fault(path, "journal-corrupt", detail))
            return
        previous = (row[0], row[7])
        found[row[0]] = row[7]
    expected = {
        seq: row.sha256
        for seq, row in (rows or {}).items()
        if row.session == manifest.session.isoformat() and seq <= manifest.journal_seq
    }
    if rows is not None and found != expected:
        faults.append(Fault(path, "journal-corrupt", "its rows are not the journal's"))


def _follows(row: tuple[Any, ...], previous: tuple[int, str]) -> bool:
    """Return whether a row may stand next in a log; rows of other sessions may lie between."""
    is_adjacent = row[0] == previous[0] + 1
    return row[0] > previous[0] and (not is_adjacent or row[6] == previous[1])


def _json_of(line: bytes) -> object:
    try:
        return orjson.loads(line)
    except orjson.JSONDecodeError:
        return None


def _check_folders(store: FileStore, rows: Mapping[int, _Row], faults: list[Fault]) -> None:
    """Name the sessions that steps of the chain journaled and that left no file.

    A step journals only after a file of its session is on disk: its tape, or the artifact it
    read. So a session under way, even one whose every attempt died, has at least that file.
    """
    for session in sorted({row.session for row in rows.values() if row.step in STEPS}):
        folder = store.root / session
        with storage(folder):
            is_there = any(path.is_file() for path in folder.rglob("*"))
        if not is_there:
            detail = "the journal holds rows of this session, and its files are gone"
            faults.append(Fault(session, "artifact-missing", detail))


def _check_records(store: FileStore, sealed: list[dt.date], faults: list[Fault]) -> None:
    """Hold run records to their chain, and the seals to what the runs say they published.

    The newest seal has no successor that names it; the run record does, even when the whole
    session's folder is gone.
    """
    published: dict[str, str] = {}
    for session in sorted({*store.sessions(), *store.records.sessions()}):
        path = f"state/runs/{session}.jsonl"
        try:
            records = store.records.all(session)
        except QuantcliError as error:
            faults.append(Fault(path, error.code, error.message))
            continue
        if session in sealed and not records:
            detail = "no run record names what was published"
            faults.append(Fault(path, "artifact-missing", detail))
        published.update(store.records.published(session))
    for path, digest in sorted(published.items()):
        if path.endswith("/manifest.json"):
            _check_seal(store, path, digest, faults)


def _check_seal(store: FileStore, path: str, digest: str, faults: list[Fault]) -> None:
    file = store.root / path
    if not file.is_file():
        faults.append(Fault(path, "artifact-missing", "published and gone"))
        return
    with storage(file):
        found = sha256_hex(file.read_bytes())
    if found != digest:
        faults.append(Fault(path, "artifact-tampered", "differs from what was published"))
