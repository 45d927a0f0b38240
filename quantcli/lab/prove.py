"""Proof: a past session derived again from its recorded inputs, byte for byte.

For every artifact, and for every tape of an attempt that died, the step runs again on the
journal as it was, with the recorded answers, bars, config and input artifacts, whose digests
must be those recorded. Its journal rows and its bytes, and a report's pages, must equal the
recorded ones. No broker is contacted.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterator, Mapping
from itertools import zip_longest
from pathlib import Path
from typing import NamedTuple, Protocol

import orjson

from quantcli.contracts.canonical import sha256_hex
from quantcli.contracts.envelope import STEPS, Artifact, CodeId, InputRef, Stamp
from quantcli.contracts.errors import (
    ArtifactError,
    ArtifactTampered,
    QuantcliError,
)
from quantcli.contracts.registry import parse_artifact, schema_model
from quantcli.contracts.report import Report
from quantcli.core.json_diff import differences
from quantcli.lab.pinned_store import PinnedStore
from quantcli.lab.proof_inputs import InputFiles, config_of
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
from quantcli.steps.run import BROKER_STEPS, StepFunction, step_function


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


_NOTHING = Head(0, "0" * 64)


class Finding(NamedTuple):
    """A difference, or a named change of the program."""

    path: str
    pointer: str
    recorded: str
    derived: str


class Proof(NamedTuple):
    """What proving one session came to."""

    session: dt.date
    artifacts: int
    attempts: int
    findings: tuple[Finding, ...]
    other_code: tuple[str, ...]

    @property
    def holds(self) -> bool:
        """True if every byte was derived again."""
        return not self.findings


class _Attempt(NamedTuple):
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


def prove(archive: Archive, sessions: tuple[dt.date, ...], code: CodeId) -> Iterator[Proof]:
    """Prove sessions, oldest first, one `Proof` each.

    Args:
        archive: The desk's files.
        sessions: Which sessions, in order.
        code: This program's identity; artifacts of another are named in the proof.
    """
    past = _Past(archive.journal)
    files = InputFiles(archive.store.root)
    for session in sessions:
        findings: list[Finding] = []
        other: set[str] = set()
        rows_derived: Counter[str] = Counter()
        attempts = list(_attempts(archive, session, findings))
        for attempt in attempts:
            if attempt.artifact.code != code:
                other.add(f"{attempt.artifact.code.version} {attempt.artifact.code.digest[:12]}")
            count_rows, found = _prove_attempt(archive, past, attempt)
            rows_derived[_place_of(*attempt.located[:3])] += count_rows
            findings.extend(found)
            if attempt.is_last:
                findings.extend(
                    Finding(attempt.located.path, f" input {name}", recorded, now)
                    for name, recorded, now in files.changed(attempt.artifact)
                )
        findings.extend(_unproven_rows(archive.journal, session, rows_derived))
        count = sum(attempt.is_last for attempt in attempts)
        yield Proof(session, count, len(attempts), tuple(findings), tuple(sorted(other)))


class _Past:
    """The journal as it was: recorded rows copied forward, one prefix after the other."""

    def __init__(self, recorded: SqliteJournal) -> None:
        self._recorded = recorded
        self._nothing = SqliteJournal.in_memory()
        self._rebuilt = SqliteJournal.in_memory()

    def at(self, head: Head) -> SqliteJournal:
        """Return the rebuilt journal whose newest row is `head`.

        Raises:
            ArtifactError: the journal does not hold that row.
        """
        if head == _NOTHING:
            return self._nothing
        if self._rebuilt.head().seq > head.seq:
            self._rebuilt.close()
            self._rebuilt = SqliteJournal.in_memory()
        for row in self._recorded.raw_rows(after=self._rebuilt.head().seq, through=head.seq):
            self._rebuilt.copy_row(row)
        if self._rebuilt.head() != head:
            raise ArtifactError("the journal does not hold the recorded head", value=head.seq)
        return self._rebuilt

    def recorded_after(self, head: Head, count: int) -> list[tuple[object, ...]]:
        return self._recorded.raw_rows(after=head.seq, through=head.seq + count)

    def recorded_by(self, attempt: _Attempt) -> list[tuple[object, ...]]:
        """Return what an attempt that died had written: its step's rows before the next one."""
        assert attempt.next_head is not None
        rows = self._recorded.raw_rows(after=attempt.head.seq, through=attempt.next_head.seq)
        located = attempt.located
        place = (located.session.isoformat(), located.cycle, located.step)
        return [row for row in rows if row[1:4] == place]


def _attempts(archive: Archive, session: dt.date, findings: list[Finding]) -> Iterator[_Attempt]:
    found: list[_Attempt] = []
    for located in archive.store.list(session):
        try:
            found.extend(_attempts_at(archive, located))
        except QuantcliError as error:
            findings.append(Finding(located.path, "", error.code, error.message))
    finished = {attempt.located.path for attempt in found}
    for located in unfinished(archive.store, session):
        if located.path not in finished:
            try:
                found.extend(_attempts_of_the_dead(archive, located))
            except QuantcliError as error:
                findings.append(Finding(located.path, "", error.code, error.message))
    yield from sorted(found, key=lambda attempt: attempt.head.seq)


def _attempts_of_the_dead(archive: Archive, located: Located) -> Iterator[_Attempt]:
    """Yield the attempts of a step that died in each of them and was never finished.

    What such a step had read is nowhere listed: it is taken to be all that was there.
    """
    prefix = located.path.removesuffix(".json")
    tapes = begun_tapes(archive.store.root, prefix)
    players = [TapePlayer(tape.read_bytes(), tape.name) for tape in tapes]
    heads = [*(player.head for player in players), archive.journal.head()]
    inputs = visible_to(archive.store, located)
    for tape, player, head, following in zip(tapes, players, heads, heads[1:], strict=False):
        artifact = Artifact.model_construct(**dict(player.stamp), inputs=inputs)
        yield _Attempt(located, artifact, tape, head, None, following, is_listed=False)


def _attempts_at(archive: Archive, located: Located) -> Iterator[_Attempt]:
    """Yield the attempts behind one artifact, oldest first."""
    artifact, doubt = _recorded(archive.store, located)
    prefix = located.path.removesuffix(".json")
    is_taped = located.step in BROKER_STEPS
    tapes = begun_tapes(archive.store.root, prefix) if is_taped else []
    if not tapes:
        yield _Attempt(located, artifact, None, _head_of(archive.journal, artifact), doubt)
    heads = [TapePlayer(tape.read_bytes(), tape.name).head for tape in tapes]
    for tape, head, following in zip_longest(tapes, heads, heads[1:]):
        yield _Attempt(located, artifact, tape, head, doubt, following)


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
        return _NOTHING
    seq = int(noted[0].removeprefix("journal/"))
    if getattr(artifact, "is_genesis", False):
        seq -= 1
    rows = journal.raw_rows(after=seq - 1, through=seq)
    return Head(seq, str(rows[0][7])) if rows else _NOTHING


def _unproven_rows(
    journal: SqliteJournal, session: dt.date, derived: Mapping[str, int]
) -> list[Finding]:
    """Name the steps whose journal rows no recorded attempt accounts for.

    One that died and was never run again has a tape and no artifact to say what it had read.
    """
    places = (row.place for row in journal.rows(session=session) if row.place.step in STEPS)
    recorded = Counter(_place_of(*place) for place in places)
    return [
        Finding(place, "", f"{recorded[place]} rows", f"{derived.get(place, 0)} rows")
        for place in sorted({*recorded, *derived})
        if recorded[place] != derived.get(place, 0)
    ]


def _place_of(session: dt.date, cycle: str, step: str) -> str:
    return f"journal/{session}/{cycle}/{step}"


def _prove_attempt(archive: Archive, past: _Past, attempt: _Attempt) -> tuple[int, list[Finding]]:
    """Return how many journal rows were derived, and the differences."""
    path = attempt.located.path
    try:
        with past.at(attempt.head).copy() as journal:
            derived, problem = _derive(archive, journal, attempt)
            rows, recorded = _rows_of(past, attempt, journal.raw_rows(after=attempt.head.seq))
    except QuantcliError as error:
        return 0, [Finding(path, "", "an artifact", error.line())]
    findings = [
        Finding(f"journal/{theirs[0]}", "", str(theirs[5]), str(ours[5]))
        for ours, theirs in zip(rows, recorded, strict=False)
        if ours != theirs
    ]
    if len(recorded) != len(rows):
        findings.append(Finding(path, "", f"{len(recorded)} rows", f"{len(rows)} rows"))
    if problem:
        findings.append(Finding(path, "", "an artifact", problem))
    if derived is not None and attempt.is_last:
        findings.extend(_compare(path, attempt.artifact, derived))
        findings.extend(_compare_pages(archive, path, derived))
    if attempt.doubt is not None and not any(item.path == path for item in findings):
        findings.append(attempt.doubt)
    return len(rows), findings


def _rows_of(
    past: _Past, attempt: _Attempt, derived: list[tuple[object, ...]]
) -> tuple[list[tuple[object, ...]], list[tuple[object, ...]]]:
    """Return the rows derived and the rows recorded that must be equal.

    An attempt may die between an answer and the rows that follow from it: what it would have
    written next is not to be found.
    """
    if attempt.is_last:
        return derived, past.recorded_after(attempt.head, len(derived))
    recorded = past.recorded_by(attempt)
    return derived[: len(recorded)], recorded


def _derive(
    archive: Archive, journal: SqliteJournal, attempt: _Attempt
) -> tuple[Artifact | None, str]:
    """Run the step again; a recorded attempt that died ends where its tape ends."""
    artifact, tape = attempt.artifact, attempt.tape
    player = TapePlayer(tape.read_bytes(), tape.name) if tape else None
    desk = Desk(
        config=config_of(archive.store.root, artifact.config_sha256),
        stamp=_stamp(artifact),
        step=attempt.located.step,
        store=PinnedStore(archive.store, artifact),
        journal=journal,
        market=archive.pinned_market(artifact.inputs) if attempt.is_listed else archive.market,
        halts=player or _NoHalts(),
        sleep=_do_not_wait,
        broker_or_none=archive.broker_on(player) if player else None,
        tape_refs=lambda: [ref for ref in artifact.inputs if ".tape-" in ref.name],
    )
    try:
        derived = _function(attempt)(desk)
    except TapeEnded:
        return None, "" if not attempt.is_last else "the step asks more than was recorded"
    except TapeDiffers as error:
        return None, str(error)
    if player is not None and not player.is_at_end:
        return derived, "the step asks less than was recorded"
    return derived, ""


def _function(attempt: _Attempt) -> StepFunction:
    artifact = attempt.artifact
    if getattr(artifact, "is_genesis", False):
        from quantcli.steps.snapshot import genesis_snapshot

        return genesis_snapshot
    if getattr(artifact, "is_read_only", False):
        from functools import partial

        from quantcli.steps.reconcile import reconcile

        return partial(reconcile, read_only=True)
    return step_function(attempt.located.step)  # type: ignore[arg-type]


def _compare(path: str, recorded: Artifact, derived: Artifact) -> list[Finding]:
    if recorded.to_bytes() == derived.to_bytes():
        return []
    found = differences(orjson.loads(recorded.to_bytes()), orjson.loads(derived.to_bytes()))
    return [Finding(path, pointer, str(ours), str(theirs)) for pointer, ours, theirs in found[:1]]


def _compare_pages(archive: Archive, path: str, derived: Artifact) -> Iterator[Finding]:
    if not isinstance(derived, Report):
        return
    folder = path.rsplit("/", 1)[0]
    for name, data in sorted(archive.pages(derived).items()):
        file = archive.store.root / folder / name
        found = sha256_hex(file.read_bytes()) if file.is_file() else "no file"
        if found != sha256_hex(data):
            yield Finding(f"{folder}/{name}", "", found, sha256_hex(data))


def _stamp(artifact: Artifact) -> Stamp:
    return Stamp(**{name: getattr(artifact, name) for name in Stamp.model_fields})


def _do_not_wait(seconds: float) -> None:
    """Pass over a wait: the recorded answers are there already."""


class _NoHalts:
    """Steps without a tape do not read the halt record."""

    def read(self) -> HaltReading:
        """Refuse."""
        raise TapeDiffers("a step without a tape reads the halt record")
