"""`audit verify`: every sealed byte against its manifest, and every manifest against the next."""

from __future__ import annotations

import datetime as dt
from typing import NamedTuple

import orjson
from pydantic import ValidationError

from quantcli.contracts.canonical import parse_canonical, sha256_hex
from quantcli.contracts.errors import ArtifactError, QuantcliError
from quantcli.contracts.manifest import Manifest, PreviousSeal
from quantcli.shell.artifact_store import FileStore
from quantcli.shell.journal import SqliteJournal


class Fault(NamedTuple):
    """A file that is not what was sealed."""

    path: str
    code: str
    detail: str


class Audit(NamedTuple):
    """What verifying came to."""

    sessions: int
    files: int
    head: PreviousSeal | None
    faults: tuple[Fault, ...]


def verify(store: FileStore, journal: SqliteJournal | None) -> Audit:
    """Verify every sealed session, oldest first, and the journal they name.

    Args:
        store: The desk's artifacts.
        journal: The journal; None: it could not be opened, which is a fault of its own.
    """
    faults: list[Fault] = []
    previous: PreviousSeal | None = None
    sealed = [session for session in store.sessions() if store.is_sealed(session)]
    rows = _journal_heads(journal, faults)
    files = 0
    for session in sealed:
        path = f"{session.isoformat()}/manifest.json"
        data = (store.root / path).read_bytes()
        manifest = _manifest(data, path, session, faults)
        if manifest is not None:
            files += len(manifest.files)
            _check_link(manifest, previous, path, faults)
            _check_files(store, manifest, faults)
            _check_journal(manifest, rows, path, faults)
        previous = PreviousSeal(session=session, sha256=sha256_hex(data))
    _check_records(store, sealed, faults)
    return Audit(len(sealed), files, previous, tuple(faults))


def _manifest(data: bytes, path: str, session: dt.date, faults: list[Fault]) -> Manifest | None:
    try:
        manifest = Manifest.model_validate(parse_canonical(data, what=path))
    except (ArtifactError, ValidationError) as error:
        faults.append(Fault(path, "artifact-corrupt", " ".join(str(error).split())[:200]))
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


def _check_files(store: FileStore, manifest: Manifest, faults: list[Fault]) -> None:
    sealed = {item.path: item for item in manifest.files}
    for path, item in sealed.items():
        file = store.root / path
        if not file.is_file():
            faults.append(Fault(path, "artifact-missing", "sealed and gone"))
        elif sha256_hex(file.read_bytes()) != item.sha256:
            faults.append(Fault(path, "artifact-tampered", "differs from what was sealed"))
    for item in store.files(manifest.session):
        if item.path not in sealed:
            faults.append(Fault(item.path, "artifact-added", "not there when it was sealed"))


def _journal_heads(journal: SqliteJournal | None, faults: list[Fault]) -> dict[int, str]:
    if journal is None:
        faults.append(Fault("state/desk.sqlite3", "state-missing", "the journal is gone"))
        return {}
    try:
        journal.verify()
    except QuantcliError as error:
        faults.append(Fault("state/desk.sqlite3", error.code, error.message))
    return {int(row[0]): str(row[7]) for row in journal.raw_rows()}


def _check_journal(
    manifest: Manifest, rows: dict[int, str], path: str, faults: list[Fault]
) -> None:
    if rows and manifest.journal_seq and rows.get(manifest.journal_seq) != manifest.journal_sha256:
        detail = f"journal row {manifest.journal_seq} is not the one that was sealed"
        faults.append(Fault(path, "journal-corrupt", detail))


def _check_records(store: FileStore, sealed: list[dt.date], faults: list[Fault]) -> None:
    for session in sealed:
        try:
            records = store.records.all(session)
        except (QuantcliError, orjson.JSONDecodeError) as error:
            faults.append(Fault(f"state/runs/{session}.jsonl", "storage-failed", str(error)))
            continue
        if not records:
            detail = "no run record names what was published"
            faults.append(Fault(f"state/runs/{session}.jsonl", "artifact-missing", detail))
