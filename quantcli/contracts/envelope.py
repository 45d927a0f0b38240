"""The envelope that every artifact has, and the frozen base of all models.

The envelope says which session, cycle and instant the artifact belongs to, which code and
decision config produced it, and the digest of everything that was read.

Modules of models do without `from __future__ import annotations`: pydantic would compile some
hundred strings anew in every command.
"""

from typing import Any, ClassVar, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field

from quantcli.contracts.canonical import dump
from quantcli.contracts.scalars import CycleName, Digest, Instant, SessionDate

Mode = Literal["dry-run", "local", "paper", "live"]
StepName = Literal[
    "scan", "decide", "enforce", "execute", "exits", "reconcile", "snapshot", "report"
]
STEPS: tuple[StepName, ...] = get_args(StepName)


class Frozen(BaseModel):
    """Base of every model we write: immutable, strict about unknown fields."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True, defer_build=True)

    def as_json(self) -> dict[str, Any]:
        """Return the JSON value of the model, decimals and instants as strings."""
        return self.model_dump(mode="json", by_alias=True)


class SchemaId(Frozen):
    """Name and version of an artifact's schema."""

    name: str
    version: int = Field(ge=1)


class CodeId(Frozen):
    """What program wrote the artifact: version, and digest of the installed source."""

    version: str
    digest: Digest


class InputRef(Frozen):
    """One thing that was read: its name, and the SHA-256 of its bytes."""

    name: str
    sha256: Digest


class Finding(Frozen):
    """A reason with what was observed and the limit it was held against."""

    code: str
    observed: str | None = None
    limit: str | None = None


class CallCount(Frozen):
    """How often the attempt that made an artifact asked the broker for one kind of thing."""

    endpoint: str = Field(
        description="What was asked for: positions, open-orders, order-look-up..."
    )
    calls: int = Field(ge=1, description="Questions; one may take several pages")
    requests: int = Field(ge=0, description="Requests that they took, every page counted")


class Stamp(Frozen):
    """Where and when a step runs: shared by all artifacts of a cycle."""

    session: SessionDate
    cycle: CycleName
    as_of: Instant
    mode: Mode
    code: CodeId
    config_sha256: Digest


class Artifact(Frozen):
    """Envelope of an artifact; each step's model adds its own fields."""

    SCHEMA: ClassVar[str]
    VERSION: ClassVar[int] = 1
    STEP: ClassVar[StepName]

    schema_id: SchemaId = Field(alias="schema")
    session: SessionDate
    cycle: CycleName
    as_of: Instant
    mode: Mode
    code: CodeId
    config_sha256: Digest
    inputs: tuple[InputRef, ...]
    exit_code: int = Field(ge=0, le=10)

    @classmethod
    def header(cls, stamp: Stamp, inputs: tuple[InputRef, ...], exit_code: int) -> dict[str, Any]:
        """Return the envelope fields of a new artifact of this class."""
        return {
            "schema_id": SchemaId(name=cls.SCHEMA, version=cls.VERSION),
            "session": stamp.session,
            "cycle": stamp.cycle,
            "as_of": stamp.as_of,
            "mode": stamp.mode,
            "code": stamp.code,
            "config_sha256": stamp.config_sha256,
            "inputs": tuple(sorted(set(inputs), key=lambda ref: (ref.name, ref.sha256))),
            "exit_code": exit_code,
        }

    def to_bytes(self) -> bytes:
        """Return the artifact's canonical bytes."""
        return dump(self.as_json())


class BrokerArtifact(Artifact):
    """An artifact of a step that reads the broker's answers.

    `drift` is absent from the bytes when there is none: an answer that is as agreed leaves no
    trace. `calls` is of the attempt that published: one that resumes asks less or more.
    """

    calls: tuple[CallCount, ...] = Field(
        default=(),
        exclude_if=lambda found: not found,
        description="What the broker was asked, by endpoint; absent from artifacts of older "
        "programs",
    )

    drift: tuple[Finding, ...] = Field(
        default=(),
        exclude_if=lambda found: not found,
        description="Where the broker's answers differ from the contract; absent if nowhere",
    )
