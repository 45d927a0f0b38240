"""What a step may touch, and the record of everything it read.

A step is a function `Desk -> Artifact`. It reads through the desk, so that every input lands
in the artifact's envelope; `steps.run` does the rest (resume, tape, publish).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

from quantcli.contracts.canonical import canonical_bytes, sha256_hex
from quantcli.contracts.envelope import Artifact, BrokerArtifact, Frozen, InputRef, Stamp
from quantcli.contracts.errors import ArtifactError, ArtifactMissing, BrokerUnreachable
from quantcli.contracts.manifest import Damage
from quantcli.contracts.stored_config import check_config, config_path
from quantcli.ports.journal import Place

if TYPE_CHECKING:
    from quantcli.contracts.config import DeskConfig
    from quantcli.contracts.manifest import PreviousSeal
    from quantcli.ports.artifact_store import ArtifactStore, Located
    from quantcli.ports.broker import Broker
    from quantcli.ports.halts import Halts
    from quantcli.ports.journal import Journal, JournalRow
    from quantcli.ports.market_data import MarketData

ArtifactT = TypeVar("ArtifactT", bound=Artifact)


def unheard(line: str) -> None:
    """Take an alarm that nobody waits for."""


#: Stands for the digest of an input that was not there.
ABSENT = "0" * 64


@dataclass(slots=True)
class Desk:
    """Everything one step of one cycle works with.

    Attributes:
        config: desk.toml, resolved.
        stamp: Session, cycle, instant, mode, code and config identity.
        step: The running step's name.
        store: Artifacts.
        journal: Promises, orders, fills.
        market: Bars and index values.
        halts: The halt record; taped in steps that talk to the broker.
        sleep: Waits real seconds between look-ups; does nothing when a day is proven again.
        alarm: Takes one line on an invariant that was violated; silent when a day is proven.
        broker_or_none: None in steps that do not talk to a broker.
        tape_refs: Returns the digests of this step's tapes, all attempts.
    """

    config: DeskConfig
    stamp: Stamp
    step: str
    store: ArtifactStore
    journal: Journal
    market: MarketData
    halts: Halts
    sleep: Callable[[float], None]
    alarm: Callable[[str], None] = unheard
    broker_or_none: Broker | None = None
    tape_refs: Callable[[], Sequence[InputRef]] = tuple
    inputs: set[InputRef] = field(default_factory=set)

    @property
    def place(self) -> Place:
        """Where this step's journal rows belong."""
        return Place(self.stamp.session, self.stamp.cycle, self.step)

    @property
    def broker(self) -> Broker:
        """The broker, recorded on tape."""
        if self.broker_or_none is None:
            raise BrokerUnreachable(f"{self.step} has no broker")
        return self.broker_or_none

    def note(self, refs: Sequence[InputRef]) -> None:
        """Record what was read."""
        self.inputs.update(refs)

    def note_journal(self) -> None:
        """Record the journal's head as an input: for steps that read it and have no tape."""
        head = self.journal.head()
        self.inputs.add(InputRef(name=f"journal/{head.seq}", sha256=head.sha256))

    def find(self, step: str) -> Located | None:
        """Return the newest artifact of `step` in this session, not after this cycle."""
        return self.store.find(self.stamp.session, step, not_after=self.stamp.cycle)

    def last_seal(self) -> PreviousSeal | None:
        """Return the newest seal of an earlier session, and note it.

        A seal that is not among the inputs was not there, now and when the day is proven again.
        """
        seal = self.store.last_seal(self.stamp.session)
        if seal is not None:
            name = f"{seal.session.isoformat()}/manifest.json"
            self.inputs.add(InputRef(name=name, sha256=seal.sha256))
        return seal

    def seal_damage(self) -> Damage | None:
        """Return how the newest earlier seal is not what was published, and note it.

        One that is there `last_seal` notes, with the digest found.
        """
        self.last_seal()
        seal = self.store.previous_seal(self.stamp.session)
        damage = None if seal is None else self.store.seal_damage(seal.session)
        if damage is not None and damage.code == ArtifactMissing.code:
            self.inputs.add(InputRef(name=damage.path, sha256=ABSENT))
        return damage

    def config_damage(self, sha256: str) -> Damage | None:
        """Return how a stored decision config is not what its name says, and note that."""
        try:
            check_config(sha256, self.store.config_digest(sha256))
        except ArtifactError as error:
            path = config_path(sha256)
            self.inputs.add(InputRef(name=path, sha256=error.found_sha256 or ABSENT))
            return Damage(path=path, code=error.code, detail=error.message)
        return None

    def read(self, model: type[ArtifactT], located: Located) -> tuple[ArtifactT, InputRef]:
        """Return an artifact and note it as an input, even if it turns out to be damaged.

        Raises:
            ArtifactError: it is missing, corrupt, tampered with or foreign.
        """
        try:
            artifact, ref = self.store.load(located, model)
        except ArtifactError as error:
            found = getattr(error, "found_sha256", None) or ABSENT
            self.inputs.add(InputRef(name=located.path, sha256=found))
            raise
        self.inputs.add(ref)
        return artifact, ref

    def write(self, rows: Sequence[Frozen]) -> None:
        """Append journal rows of this step in one durable transaction."""
        if rows:
            self.journal.append(self.place, rows)

    def my_rows(self) -> tuple[JournalRow, ...]:
        """Return the rows that this step of this cycle has written, in all attempts."""
        place = self.place
        return self.journal.rows(session=place.session, cycle=place.cycle, step=place.step)

    def header(self, model: type[Artifact], exit_code: int = 0) -> dict[str, Any]:
        """Return the envelope of the artifact: call it last, when everything has been read."""
        sha256 = self.stamp.config_sha256
        config = InputRef(name=config_path(sha256), sha256=sha256)
        refs = {*self.inputs, *self.tape_refs()}
        if config.name not in {ref.name for ref in refs}:
            refs.add(config)  # else it is noted as it was found: damaged
        header = model.header(self.stamp, tuple(refs), exit_code)
        if issubclass(model, BrokerArtifact) and self.broker_or_none is not None:
            header["drift"] = self.broker_or_none.drift()
            header["calls"] = self.broker_or_none.calls()
        return header


def config_ref(config: DeskConfig) -> InputRef:
    """Return the reference of the resolved decision config, stored content-addressed."""
    sha256 = sha256_hex(canonical_bytes(config.decision_view()))
    return InputRef(name=config_path(sha256), sha256=sha256)
