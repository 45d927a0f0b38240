"""What was recorded of a step's attempts, and running one of them again.

Each tape is an attempt; its first line says where the journal stood. An attempt is run again on
the journal as it was then, with the recorded answers, bars, config and input artifacts. No
broker is contacted and nothing is written but the rows, into the journal that is handed in.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from functools import partial
from itertools import zip_longest
from pathlib import Path
from typing import NamedTuple, Protocol

from quantcli.contracts.envelope import Artifact, InputRef, Stamp
from quantcli.contracts.errors import ArtifactTampered, QuantcliError
from quantcli.contracts.registry import parse_artifact, schema_model
from quantcli.contracts.report import Report
from quantcli.lab.pinned_store import PinnedStore
from quantcli.lab.proof_inputs import config_of
from quantcli.lab.unfinished import unfinished, visible_to
from quantcli.ports.artifact_store import Located
from quantcli.ports.broker import Broker, Transport
from quantcli.ports.halts import HaltReading
from quantcli.ports.journal import Head
from quantcli.ports.market_data import MarketData
from quantcli.shell.artifact_store import FileStore
from quantcli.shell.journal import SqliteJournal
from quantcli.shell.tape import TapeDiffers, TapeEnded, TapePlayer, begun_tapes
from quantcli.steps.desk import Desk
from quantcli.steps.reconcile import reconcile
from quantcli.steps.run import BROKER_STEPS, StepFunction, step_function
from quantcli.steps.snapshot import genesis_snapshot

#: The head of a journal without rows.
NOTHING = Head(0, "0" * 64)


class Archive(Protocol):
    """What a proof reads: the desk's files, nothing of its present state."""

    store: FileStore

    @property
    def journal(self) -> SqliteJournal:
        """The journal; only its rows are read."""
        ...

    @property
    def market(self) -> MarketData:
        """The bars as they are today."""
        ...

    def pinned_market(self, refs: tuple[InputRef, ...]) -> MarketData:
        """Return a market of exactly these partitions."""
        ...

    def broker_on(self, transport: Transport) -> Broker:
        """Return a broker over a tape."""
        ...

    def pages(self, report: Report) -> Mapping[str, bytes]:
        """Return a report's pages: file name -> bytes."""
        ...


class Finding(NamedTuple):
    """A difference, or a named change of the program."""

    path: str
    pointer: str
    recorded: str
    derived: str


class Attempt(NamedTuple):
    """One attempt of a step, as recorded.

    Attributes:
        located: Where the step's artifact belongs, whether it is there or not.
        artifact: The artifact; of a step that was never finished its stamp and inputs only.
        tape: The attempt's tape; None for a step that talks to no broker.
        head: Where the journal stood when it began.
        doubt: Why the artifact is not to be relied on; None: it is.
        next_head: Where the journal stood when the next attempt began; None: there was none.
        is_listed: The artifact lists what was read; else it is taken to be all that was there.
    """

    located: Located
    artifact: Artifact
    tape: Path | None
    head: Head
    doubt: Finding | None
    next_head: Head | None = None
    is_listed: bool = True

    @property
    def is_last(self) -> bool:
        """True for the attempt that published; one before it died."""
        return self.next_head is None


def attempts_of(
    store: FileStore, journal: SqliteJournal, session: dt.date, findings: list[Finding]
) -> Iterator[Attempt]:
    """Yield what was recorded of a session's attempts, in the order of the heads they found.

    Args:
        store: The desk's artifacts.
        journal: The journal that they wrote to, as far as it is known.
        session: Which session.
        findings: Takes what cannot be read.
    """
    found: list[Attempt] = []
    for located in store.list(session):
        try:
            found.extend(_attempts_at(store, journal, located))
        except QuantcliError as error:
            findings.append(Finding(located.path, "", error.code, error.message))
    finished = {attempt.located.path for attempt in found}
    for located in unfinished(store, session):
        if located.path not in finished:
            try:
                found.extend(_attempts_of_the_dead(store, journal, located))
            except QuantcliError as error:
                findings.append(Finding(located.path, "", error.code, error.message))
    yield from sorted(found, key=lambda attempt: attempt.head.seq)


def _attempts_of_the_dead(
    store: FileStore, journal: SqliteJournal, located: Located
) -> Iterator[Attempt]:
    """Yield the attempts of a step that died in each of them and was never finished.

    No artifact lists what such a step had read: it is taken to be all that its tape saw there.
    """
    prefix = located.path.removesuffix(".json")
    tapes = begun_tapes(store.root, prefix)
    players = [TapePlayer(tape.read_bytes(), tape.name) for tape in tapes]
    heads = [*(player.head for player in players), journal.head()]
    for tape, player, head, following in zip(tapes, players, heads, heads[1:], strict=False):
        inputs = visible_to(store, located, player.seen)
        artifact = Artifact.model_construct(**dict(player.stamp), inputs=inputs)
        yield Attempt(located, artifact, tape, head, None, following, is_listed=False)


def _attempts_at(store: FileStore, journal: SqliteJournal, located: Located) -> Iterator[Attempt]:
    """Yield the attempts behind one artifact, oldest first."""
    artifact, doubt = _recorded(store, located)
    prefix = located.path.removesuffix(".json")
    is_taped = located.step in BROKER_STEPS
    tapes = begun_tapes(store.root, prefix) if is_taped else []
    if not tapes:
        yield Attempt(located, artifact, None, _head_of(journal, artifact), doubt)
    heads = [TapePlayer(tape.read_bytes(), tape.name).head for tape in tapes]
    for tape, head, following in zip_longest(tapes, heads, heads[1:]):
        yield Attempt(located, artifact, tape, head, doubt, following)


def _recorded(store: FileStore, located: Located) -> tuple[Artifact, Finding | None]:
    """Return an artifact; one that was altered comes with that finding, to be told where."""
    model = schema_model(located.step)
    assert issubclass(model, Artifact)
    try:
        return store.load(located, model)[0], None
    except ArtifactTampered as error:
        data = (store.root / located.path).read_bytes()
        doubt = Finding(located.path, "", error.code, error.message)
        return parse_artifact(data, model, what=located.path), doubt


def _head_of(journal: SqliteJournal, artifact: Artifact) -> Head:
    """Return the journal's head as the step found it; genesis found it one row shorter."""
    noted = [ref.name for ref in artifact.inputs if ref.name.startswith("journal/")]
    if not noted:
        return NOTHING
    seq = int(noted[0].removeprefix("journal/"))
    if getattr(artifact, "is_genesis", False):
        seq -= 1
    rows = journal.raw_rows(after=seq - 1, through=seq)
    return Head(seq, str(rows[0][7])) if rows else NOTHING


def derive(
    archive: Archive, journal: SqliteJournal, attempt: Attempt
) -> tuple[Artifact | None, str]:
    """Run the step again and return its artifact, and what is wrong with it; "": nothing.

    A recorded attempt that published nothing ends where its tape ends if it died, and fails again
    where it failed. Its rows stand in `journal` in any case.

    Raises:
        QuantcliError: a step that had published its artifact fails.
    """
    artifact, tape = attempt.artifact, attempt.tape
    player = TapePlayer(tape.read_bytes(), tape.name) if tape else None
    desk = Desk(
        config=config_of(archive.store.root, artifact.config_sha256),
        stamp=_stamp(artifact),
        step=attempt.located.step,
        store=PinnedStore(archive.store, artifact),
        journal=journal,
        market=_market_of(archive, attempt),
        halts=player or _NoHalts(),
        sleep=_do_not_wait,
        broker_or_none=archive.broker_on(player) if player else None,
        tape_refs=lambda: [ref for ref in artifact.inputs if ".tape-" in ref.name],
    )
    try:
        derived: Artifact | None = _function(attempt)(desk)
    except TapeEnded:
        return None, "" if not attempt.is_last else "the step asks more than was recorded"
    except TapeDiffers as error:
        return None, str(error)
    except QuantcliError:
        if attempt.is_last:
            raise
        derived = None
    if player is not None and not player.is_at_end:
        return derived, "the step asks less than was recorded"
    return derived, ""


def _market_of(archive: Archive, attempt: Attempt) -> MarketData:
    """Return the bars that an attempt read: those that its artifact lists.

    The attempt that published may have needed none where the one before it, which died, did.
    """
    inputs = attempt.artifact.inputs
    has_bars = any(ref.name.startswith("bars/") for ref in inputs)
    is_told = attempt.is_listed and (attempt.is_last or has_bars)
    return archive.pinned_market(inputs) if is_told else archive.market


def _function(attempt: Attempt) -> StepFunction:
    artifact = attempt.artifact
    if getattr(artifact, "is_genesis", False):
        return genesis_snapshot
    if getattr(artifact, "is_read_only", False):
        return partial(reconcile, read_only=True)
    return step_function(attempt.located.step)  # type: ignore[arg-type]


def _stamp(artifact: Artifact) -> Stamp:
    return Stamp(**{name: getattr(artifact, name) for name in Stamp.model_fields})


def _do_not_wait(seconds: float) -> None:
    """Pass over a wait: the recorded answers are there already."""


class _NoHalts:
    """Steps without a tape do not read the halt record."""

    def read(self) -> HaltReading:
        """Refuse."""
        raise TapeDiffers("a step without a tape reads the halt record")
