"""Where artifacts are written once and read back."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import NamedTuple, Protocol, TypeVar

from quantcli.contracts.envelope import Artifact, InputRef, Stamp
from quantcli.contracts.manifest import Damage, PreviousSeal, SealedFile

ArtifactT = TypeVar("ArtifactT", bound=Artifact)


class Located(NamedTuple):
    """Where an artifact of a session lies."""

    session: dt.date
    cycle: str
    step: str
    path: str


class ArtifactStore(Protocol):
    """Dated directories of canonical files; a published path never changes bytes."""

    def find(self, session: dt.date, step: str, *, not_after: str) -> Located | None:
        """Return the newest artifact of a step in a session with cycle <= not_after.

        An artifact that run records name but the disk does not hold counts: reading it raises.
        """
        ...

    def list(self, session: dt.date) -> tuple[Located, ...]:
        """Return all artifacts of a session, published or on disk, by cycle and step order."""
        ...

    def load(self, located: Located, model: type[ArtifactT]) -> tuple[ArtifactT, InputRef]:
        """Return an artifact and its reference.

        Raises:
            ArtifactMissing, ArtifactCorrupt, ArtifactTampered, ArtifactForeign, SchemaUnknown.
        """
        ...

    def published(self, stamp: Stamp, model: type[ArtifactT]) -> ArtifactT | None:
        """Return this cycle's artifact of the step if it is already published."""
        ...

    def publish(self, artifact: Artifact) -> InputRef:
        """Write the artifact durably, once.

        Raises:
            ArtifactConflict: other bytes are published there.
            StorageError: the disk refused.
        """
        ...

    def sessions(self) -> tuple[dt.date, ...]:
        """Return sessions that have a directory, oldest first."""
        ...

    def is_sealed(self, session: dt.date) -> bool:
        """Return whether the session has a manifest."""
        ...

    def seal_published(self, session: dt.date) -> str | None:
        """Return the digest of the session's manifest that a run record names.

        A seal that was published and is gone is not made anew: the chain keeps its digest.
        """
        ...

    def last_seal(self, before: dt.date) -> PreviousSeal | None:
        """Return the newest manifest of a session before `before`: its session and digest."""
        ...

    def previous_seal(self, before: dt.date) -> PreviousSeal | None:
        """Return the seal that the chain goes on from: as published, whatever stands there now."""
        ...

    def seal_damage(self, session: dt.date) -> Damage | None:
        """Return how a session's manifest is not what was published; None: it is.

        Where no run record names its digest, it must parse and belong to the session.
        """
        ...

    def config_digest(self, sha256: str) -> str | None:
        """Return the digest of the bytes stored under a config's name; None: no such file."""
        ...

    def publish_file(self, path: str, data: bytes, *, is_final: bool = True) -> InputRef:
        """Write another file of a session durably, once; `path` is relative to artifacts/.

        Args:
            path: Where, relative to artifacts/.
            data: Its bytes.
            is_final: False for a file whose commit mark is still to be written: what an
                attempt that died has left there is replaced.

        Raises:
            ArtifactConflict: other bytes are published there, finally.
        """
        ...

    def settle(self, session: dt.date) -> None:
        """Make durable what attempts that died have left of a session: a seal rests on it.

        Raises:
            StorageError: the disk refused.
        """
        ...

    def files(self, session: dt.date) -> tuple[SealedFile, ...]:
        """Return every file of a session except its manifest, with digests."""
        ...

    def configs(self, session: dt.date) -> tuple[SealedFile, ...]:
        """Return the stored decision configs that the session's artifacts name, by path."""
        ...

    def damage(self, session: dt.date) -> Sequence[Damage]:
        """Return files that are not what was published."""
        ...
