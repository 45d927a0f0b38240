"""An artifact store that shows a past step exactly what it was shown then.

It opens only what the artifact's inputs list. Writing is refused.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import TypeVar

from quantcli.contracts.envelope import STEPS, Artifact, InputRef, Stamp
from quantcli.contracts.errors import ArtifactConflict, ArtifactMissing
from quantcli.contracts.manifest import Damage, PreviousSeal, SealedFile
from quantcli.contracts.stored_config import config_path
from quantcli.ports.artifact_store import ArtifactStore, Located
from quantcli.steps.desk import ABSENT

ArtifactT = TypeVar("ArtifactT", bound=Artifact)


class PinnedStore:
    """The inputs of one recorded artifact."""

    def __init__(self, store: ArtifactStore, artifact: Artifact) -> None:
        """Pin a store to what `artifact` lists."""
        self._store = store
        self._session = artifact.session
        self._names = {ref.name: ref.sha256 for ref in artifact.inputs}

    def find(self, session: dt.date, step: str, *, not_after: str) -> Located | None:
        """Return the newest listed artifact of a step."""
        found = [item for item in self.list(session) if item.step == step]
        return next((item for item in reversed(found) if item.cycle <= not_after), None)

    def list(self, session: dt.date) -> tuple[Located, ...]:
        """Return the listed artifacts of a session, by cycle and step order."""
        day = session.isoformat()
        parts = [name.split("/") for name in self._names if name.startswith(f"{day}/")]
        found = [
            Located(session, part[1], part[2].removesuffix(".json"), "/".join(part))
            for part in parts
            if len(part) == 3 and part[2].removesuffix(".json") in STEPS
        ]
        return tuple(sorted(found, key=_order))

    def load(self, located: Located, model: type[ArtifactT]) -> tuple[ArtifactT, InputRef]:
        """Return a listed artifact; damage shows as it did then.

        Raises:
            ArtifactMissing: it was not there then, whatever stands there now.
        """
        if self._names.get(located.path, ABSENT) == ABSENT:
            raise ArtifactMissing(f"{located.path} was published and is gone")
        return self._store.load(located, model)

    def published(self, stamp: Stamp, model: type[ArtifactT]) -> ArtifactT | None:
        """Return None: a proof derives everything anew."""
        return None

    def publish(self, artifact: Artifact) -> InputRef:
        """Refuse."""
        raise ArtifactConflict("a proof writes nothing")

    def publish_file(self, path: str, data: bytes, *, is_final: bool = True) -> InputRef:
        """Refuse."""
        raise ArtifactConflict("a proof writes nothing", value=path)

    def sessions(self) -> tuple[dt.date, ...]:
        """Return the sessions up to this one."""
        return tuple(day for day in self._store.sessions() if day <= self._session)

    def is_sealed(self, session: dt.date) -> bool:
        """Return whether the session's manifest is listed."""
        return self._names.get(_manifest_path(session), ABSENT) != ABSENT

    def seal_published(self, session: dt.date) -> str | None:
        """Return nothing: no step asks for it."""
        return None

    def last_seal(self, before: dt.date) -> PreviousSeal | None:
        """Return the newest listed manifest of an earlier session."""
        for session in reversed(self.sessions()):
            if session < before and self.is_sealed(session):
                return PreviousSeal(session=session, sha256=self._names[_manifest_path(session)])
        return None

    def previous_seal(self, before: dt.date) -> PreviousSeal | None:
        """Return the newest listed seal: as published, whatever was found there."""
        for session in reversed(self.sessions()):
            listed = self._names.get(_manifest_path(session))
            if session < before and listed is not None:
                sha256 = self._store.seal_published(session) or listed
                return PreviousSeal(session=session, sha256=sha256)
        return None

    def seal_damage(self, session: dt.date) -> Damage | None:
        """Return how a listed seal was not what was published.

        How its bytes were wrong can only be told while they are there.
        """
        path = _manifest_path(session)
        if not self.is_sealed(session):
            detail = "was published and is gone"
            return Damage(path=path, code=ArtifactMissing.code, detail=detail)
        if self._names[path] == self._store.seal_published(session):
            return None
        return self._store.seal_damage(session)

    def config_digest(self, sha256: str) -> str | None:
        """Return the digest listed for a stored config; one that is not listed was whole."""
        found = self._names.get(config_path(sha256), sha256)
        return None if found == ABSENT else found

    def settle(self, session: dt.date) -> None:
        """Do nothing: a proof seals nothing."""

    def files(self, session: dt.date) -> tuple[SealedFile, ...]:
        """Return nothing: no step lists files."""
        return ()

    def configs(self, session: dt.date) -> tuple[SealedFile, ...]:
        """Return nothing: no step lists configs."""
        return ()

    def damage(self, session: dt.date) -> Sequence[Damage]:
        """Return the damage among the listed artifacts of the session."""
        listed = {item.path for item in self.list(session)}
        return [item for item in self._store.damage(session) if item.path in listed]


def _manifest_path(session: dt.date) -> str:
    return f"{session.isoformat()}/manifest.json"


def _order(located: Located) -> tuple[str, int]:
    return located.cycle, [*STEPS].index(located.step)  # type: ignore[arg-type]
