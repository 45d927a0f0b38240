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
from typing import NamedTuple

import orjson

from quantcli.contracts.canonical import sha256_hex
from quantcli.contracts.envelope import STEPS, Artifact, CodeId
from quantcli.contracts.errors import ArtifactError, QuantcliError
from quantcli.contracts.report import Report
from quantcli.core.json_diff import differences
from quantcli.lab.attempts import NOTHING, Archive, Attempt, Finding, attempts_of, derive
from quantcli.lab.proof_inputs import InputFiles
from quantcli.ports.journal import Head
from quantcli.shell.journal import SqliteJournal


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
        attempts = list(attempts_of(archive.store, archive.journal, session, findings))
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
        if head == NOTHING:
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

    def recorded_by(self, attempt: Attempt) -> list[tuple[object, ...]]:
        """Return what an attempt that died had written: its step's rows before the next one."""
        assert attempt.next_head is not None
        rows = self._recorded.raw_rows(after=attempt.head.seq, through=attempt.next_head.seq)
        located = attempt.located
        place = (located.session.isoformat(), located.cycle, located.step)
        return [row for row in rows if row[1:4] == place]


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


def _prove_attempt(archive: Archive, past: _Past, attempt: Attempt) -> tuple[int, list[Finding]]:
    """Return how many journal rows were derived, and the differences."""
    path = attempt.located.path
    try:
        with past.at(attempt.head).copy() as journal:
            derived, problem = derive(archive, journal, attempt)
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
    past: _Past, attempt: Attempt, derived: list[tuple[object, ...]]
) -> tuple[list[tuple[object, ...]], list[tuple[object, ...]]]:
    """Return the rows derived and the rows recorded that must be equal.

    An attempt may die between an answer and the rows that follow from it: what it would have
    written next is not to be found.
    """
    if attempt.is_last:
        return derived, past.recorded_after(attempt.head, len(derived))
    recorded = past.recorded_by(attempt)
    return derived[: len(recorded)], recorded


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
