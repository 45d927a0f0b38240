"""manifest.json: the seal of a session."""

from typing import ClassVar

from pydantic import Field

from quantcli.contracts.envelope import Frozen, SchemaId
from quantcli.contracts.scalars import Digest, SessionDate

#: Below a session's folder: the journal's rows of the session, one JSON line each.
TRANSACTIONS_FILE = "transactions.jsonl"


class Damage(Frozen):
    """A file of the session that is not what was published."""

    path: str
    code: str
    detail: str


class SealedFile(Frozen):
    """A file of a sealed session."""

    path: str = Field(description="Relative to artifacts/, forward slashes")
    sha256: Digest
    bytes: int = Field(ge=0)


class PreviousSeal(Frozen):
    """The manifest before this one."""

    session: SessionDate
    sha256: Digest


class Manifest(Frozen):
    """manifest.json: every file of the session, chained to the session before."""

    SCHEMA: ClassVar[str] = "manifest"
    VERSION: ClassVar[int] = 1

    schema_id: SchemaId = Field(alias="schema")
    session: SessionDate
    previous: PreviousSeal | None
    gap: tuple[SessionDate, ...] = Field(description="Exchange sessions between, not traded")
    files: tuple[SealedFile, ...]
    damage: tuple[Damage, ...]
    journal_seq: int
    journal_sha256: Digest
