"""Dated directories of canonical files, written once and checked on every read."""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import TypeVar

import orjson

from quantcli.contracts.canonical import sha256_hex
from quantcli.contracts.envelope import STEPS, Artifact, InputRef, Stamp
from quantcli.contracts.errors import (
    ArtifactConflict,
    ArtifactError,
    ArtifactForeign,
    ArtifactMissing,
    ArtifactTampered,
)
from quantcli.contracts.manifest import Damage, PreviousSeal, SealedFile
from quantcli.contracts.registry import parse_artifact, parse_manifest, schema_model
from quantcli.contracts.scalars import session_date
from quantcli.contracts.stored_config import config_path
from quantcli.ports.artifact_store import Located
from quantcli.shell.files import (
    publish_once,
    replace_file,
    storage,
    sync_directory,
    sync_path,
)
from quantcli.shell.run_records import RunRecords

ArtifactT = TypeVar("ArtifactT", bound=Artifact)
_HINT = "see runbook/damaged-artifact.md"
_PLACE_IN_CHAIN: dict[str, int] = {step: place for place, step in enumerate(STEPS)}


class FileStore:
    """Artifacts under `<desk>/artifacts`, held against the run records."""

    def __init__(self, root: Path, records: RunRecords) -> None:
        """Name the artifacts folder and the run records."""
        self.root = root
        self.records = records
        self._base = str(root)

    def find(self, session: dt.date, step: str, *, not_after: str) -> Located | None:
        """Return the newest artifact of a step with cycle <= not_after, even if damaged."""
        found = [item for item in self.list(session) if item.step == step]
        return next((item for item in reversed(found) if item.cycle <= not_after), None)

    def names_before(self, session: dt.date) -> tuple[str, ...]:
        """Return what a step of a session may read: the session so far, and the one before.

        Of the session before also its seal, if it is there.
        """
        earlier = [day for day in self.sessions() if day < session][-1:]
        found = [each.path for day in (*earlier, session) for each in self.list(day)]
        found += [f"{day.isoformat()}/manifest.json" for day in earlier if self.is_sealed(day)]
        return tuple(found)

    def list(self, session: dt.date) -> tuple[Located, ...]:
        """Return all artifacts, on disk or known from run records, by cycle and step order."""
        paths = {path for path in self.records.published(session) if path.endswith(".json")}
        day = session.isoformat()
        for cycle in _entries(f"{self._base}/{day}"):
            names = [entry.name for entry in _entries(cycle.path)]
            paths.update(f"{day}/{cycle.name}/{name}" for name in names if name.endswith(".json"))
        located = (_located(session, path) for path in paths)
        return tuple(
            sorted(
                (item for item in located if item is not None),
                key=lambda item: (item.cycle, _PLACE_IN_CHAIN[item.step]),
            )
        )

    def load(self, located: Located, model: type[ArtifactT]) -> tuple[ArtifactT, InputRef]:
        """Return an artifact and its reference; every doubt is an ArtifactError."""
        data = self._read(located)
        digest = sha256_hex(data)
        try:
            artifact = _read_once(data, model, located.path)
            _check_place(artifact, located)
            self._check_digest(located, digest)
        except ArtifactError as error:
            error.found_sha256 = digest
            raise
        return artifact, InputRef(name=located.path, sha256=digest)

    def published(self, stamp: Stamp, model: type[ArtifactT]) -> ArtifactT | None:
        """Return this cycle's artifact if it exists, verified."""
        path = artifact_path(stamp.session, stamp.cycle, model.STEP)
        if not _exists(f"{self._base}/{path}"):
            return None
        located = Located(stamp.session, stamp.cycle, model.STEP, path)
        return self.load(located, model)[0]

    def publish(self, artifact: Artifact) -> InputRef:
        """Write the artifact durably, once."""
        path = artifact_path(artifact.session, artifact.cycle, artifact.STEP)
        data = artifact.to_bytes()
        digest = sha256_hex(data)
        self._require_as_recorded(path, digest)
        publish_once(self.root / path, data)
        return InputRef(name=path, sha256=digest)

    def sessions(self) -> tuple[dt.date, ...]:
        """Return sessions that have a directory, oldest first."""
        found = [_session_of(entry.name) for entry in _entries(self._base) if entry.is_dir()]
        return tuple(sorted(day for day in found if day is not None))

    def is_sealed(self, session: dt.date) -> bool:
        """Return whether the session has a manifest."""
        return _exists(f"{self._base}/{_manifest_path(session)}")

    def seal_published(self, session: dt.date) -> str | None:
        """Return the digest of the session's manifest that a run record names."""
        return self.records.published(session).get(_manifest_path(session))

    def last_seal(self, before: dt.date) -> PreviousSeal | None:
        """Return the newest manifest of an earlier session: its session and digest."""
        for session in reversed(self.sessions()):
            if session < before and self.is_sealed(session):
                path = self.root / _manifest_path(session)
                with storage(path):
                    return PreviousSeal(session=session, sha256=sha256_hex(path.read_bytes()))
        return None

    def previous_seal(self, before: dt.date) -> PreviousSeal | None:
        """Return the newest earlier seal: as published, whatever stands there now."""
        for session in reversed(self.sessions()):
            if session < before:
                published = self.seal_published(session)
                if published is not None:
                    return PreviousSeal(session=session, sha256=published)
                if self.is_sealed(session):
                    return self.last_seal(before)
        return None

    def seal_damage(self, session: dt.date) -> Damage | None:
        """Return how a session's manifest is not what was published; None: it is."""
        path, published = _manifest_path(session), self.seal_published(session)
        if not self.is_sealed(session):
            detail = "was published and is gone"
            return Damage(path=path, code=ArtifactMissing.code, detail=detail)
        with storage(self.root / path):
            data = (self.root / path).read_bytes()
        if sha256_hex(data) == published:
            return None  # what was published needs no second look
        return _seal_damage(data, path, session, is_known=published is not None)

    def config_digest(self, sha256: str) -> str | None:
        """Return the digest of the bytes stored under a config's name; None: no such file."""
        path = self.root / config_path(sha256)
        with storage(path):
            return sha256_hex(path.read_bytes()) if path.exists() else None

    def publish_file(self, path: str, data: bytes, *, is_final: bool = True) -> InputRef:
        """Write another file of a session durably, once; before its commit mark, replace it."""
        digest = sha256_hex(data)
        if is_final:
            self._require_as_recorded(path, digest)
            publish_once(self.root / path, data)
        else:
            replace_file(self.root / path, data)
        return InputRef(name=path, sha256=digest)

    def settle(self, session: dt.date) -> None:
        """Flush tapes and folders of a session: an attempt that died may not have."""
        folder = self.root / session.isoformat()
        for tape in sorted(folder.glob("*/*.jsonl")):
            if not tape.is_symlink():
                sync_path(tape)
        for cycle in sorted(path for path in folder.glob("*") if path.is_dir()):
            with storage(cycle):
                sync_directory(cycle)

    def files(self, session: dt.date) -> tuple[SealedFile, ...]:
        """Return every file of a session except its manifest, with digests, by path."""
        folder = self.root / session.isoformat()
        names = (
            path.relative_to(self.root).as_posix()
            for path in folder.rglob("*")
            if path.is_file() and path.name != "manifest.json" and not path.name.endswith(".part")
        )
        return tuple(self._sealed(name) for name in sorted(names))

    def configs(self, session: dt.date) -> tuple[SealedFile, ...]:
        """Return the stored decision configs that the session's artifacts name, by path."""
        names = set()
        for located in self.list(session):
            path = self.root / located.path
            with storage(path):
                value = _loose(path.read_bytes()) if path.exists() else {}
            digest = str(value.get("config_sha256", ""))
            if (self.root / "config" / f"{digest}.json").is_file():
                names.add(f"config/{digest}.json")
        return tuple(self._sealed(name) for name in sorted(names))

    def damage(self, session: dt.date) -> Sequence[Damage]:
        """Return files of the session that are not what was published."""
        found = []
        for located in self.list(session):
            try:
                self.load(located, schema_model(located.step))  # type: ignore[type-var]
            except ArtifactError as error:
                found.append(Damage(path=located.path, code=error.code, detail=error.message))
        return found

    def _require_as_recorded(self, path: str, digest: str) -> None:
        """Refuse to publish in another form what was published before and is gone."""
        session = _session_of(path.split("/", maxsplit=1)[0])
        known = None if session is None else self.records.published(session).get(path)
        if known not in {None, digest}:
            raise ArtifactConflict(
                f"{path} was published with other bytes and is gone or changed",
                value=digest,
                hint=_HINT,
            )

    def _sealed(self, name: str) -> SealedFile:
        path = self.root / name
        with storage(path):
            data = path.read_bytes()
        return SealedFile(path=name, sha256=sha256_hex(data), bytes=len(data))

    def _read(self, located: Located) -> bytes:
        path = self.root / located.path
        if not path.exists():
            raise ArtifactMissing(f"{located.path} was published and is gone", hint=_HINT)
        with storage(path):
            return path.read_bytes()

    def _check_digest(self, located: Located, digest: str) -> None:
        expected = self.records.published(located.session).get(located.path)
        if expected is not None and expected != digest:
            raise ArtifactTampered(
                f"{located.path} differs from what was published", value=digest, hint=_HINT
            )


@lru_cache(maxsize=64)
def _read_once(data: bytes, model: type[ArtifactT], path: str) -> ArtifactT:
    """Return the artifact that these bytes are: the steps of a cycle read the same ones."""
    return parse_artifact(data, model, what=path)


def _entries(folder: str) -> list[os.DirEntry[str]]:
    """Return what lies in a folder; nothing if it is not there."""
    with storage(Path(folder)):
        try:
            with os.scandir(folder) as found:
                return list(found)
        except (FileNotFoundError, NotADirectoryError):
            return []


def _exists(path: str) -> bool:
    """Return whether a file is there; a folder that may not be read is no answer."""
    with storage(Path(path)):
        try:
            os.stat(path)  # noqa: PTH116 - asked for every session of the desk's life
        except (FileNotFoundError, NotADirectoryError):
            return False
        return True


def artifact_path(session: dt.date, cycle: str, step: str) -> str:
    """Return the path of an artifact relative to the artifacts folder."""
    return f"{session.isoformat()}/{cycle}/{step}.json"


def _manifest_path(session: dt.date) -> str:
    return f"{session.isoformat()}/manifest.json"


def _seal_damage(data: bytes, path: str, session: dt.date, *, is_known: bool) -> Damage | None:
    """Return what is wrong with a manifest that is not known to be the published one.

    Args:
        data: Its bytes.
        path: Its name.
        session: The session whose folder it lies in.
        is_known: A run record names another digest.
    """
    try:
        manifest = parse_manifest(data, what=path)
    except ArtifactError as error:
        return Damage(path=path, code=error.code, detail=error.message)
    if manifest.session != session:
        detail = f"belongs to session {manifest.session}"
        return Damage(path=path, code=ArtifactForeign.code, detail=detail)
    if is_known:
        detail = "differs from what was published"
        return Damage(path=path, code=ArtifactTampered.code, detail=detail)
    return None


def _session_of(name: str) -> dt.date | None:
    """Return the session a folder is named after; None for a folder that is not a session's."""
    try:
        return session_date(name)
    except ValueError:
        return None


def _loose(data: bytes) -> dict[str, object]:
    """Return a JSON object without judging it; empty if it is none."""
    try:
        value = orjson.loads(data)
    except orjson.JSONDecodeError:
        return {}
    return value if isinstance(value, dict) else {}


def _located(session: dt.date, path: str) -> Located | None:
    parts = path.split("/")
    if len(parts) != 3 or parts[0] != session.isoformat():
        return None
    step = parts[2].removesuffix(".json")
    return Located(session, parts[1], step, path) if step in STEPS else None


def _check_place(artifact: Artifact, located: Located) -> None:
    place = (artifact.session, artifact.cycle)
    if place != (located.session, located.cycle):
        raise ArtifactForeign(
            f"{located.path} belongs to session {artifact.session} cycle {artifact.cycle}",
            hint=_HINT,
        )
