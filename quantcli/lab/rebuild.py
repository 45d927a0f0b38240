"""The journal rebuilt from everything that is not the journal.

Sealed sessions left their rows in `transactions.jsonl`; of the others each attempt is run again
on the rows so far, with the answers on its tape; what an operator did stands in the run records.
A row enters only if its link continues the chain, and what an attempt derives only if it ends at
a head that was recorded. Nothing is invented: where the chain cannot be continued, the heads
that were recorded beyond it are named.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Literal, NamedTuple

import orjson

from quantcli.contracts.envelope import STEPS
from quantcli.contracts.errors import QuantcliError
from quantcli.contracts.manifest import TRANSACTIONS_FILE
from quantcli.lab.attempts import Archive, Attempt, Finding, attempts_of, derive
from quantcli.ports.journal import Head
from quantcli.shell.files import storage
from quantcli.shell.journal import SqliteJournal
from quantcli.shell.journal_text import stored_row
from quantcli.shell.recorded_heads import Recorded, recorded_heads

StoredRow = tuple[Any, ...]
Source = Literal["log", "copy", "operator", "tape", "unconfirmed"]


class Rebuilt(NamedTuple):
    """What rebuilding came to.

    Attributes:
        journal: The rows, in memory, with their tables.
        sources: How many rows came from where: transaction logs, a copy of the journal, run
            records of operators' acts, tapes; `unconfirmed`: from the tape of an attempt that
            died last, of which no file tells how many of its rows were written.
        recorded: How many heads the desk's files tell of.
        lost: Those whose rows could not be rebuilt.
        findings: What could not be read.
    """

    journal: SqliteJournal
    sources: Counter[Source]
    recorded: int
    lost: tuple[Recorded, ...]
    findings: tuple[Finding, ...]


def rebuild(archive: Archive, copy: Iterable[StoredRow] = ()) -> Rebuilt:
    """Return the journal that the desk's files tell of.

    Args:
        archive: The desk's files; its own journal is not asked.
        copy: Rows of a backup, or of the journal that was found; whole files go before them.
    """
    work = _Work(archive, copy)
    while work.goes_on():
        pass
    rows = {Head(row[0], row[7]) for row in work.journal.raw_rows()}
    lost = (each for each in work.recorded if each.head.seq > 0 and each.head not in rows)
    return Rebuilt(
        work.journal, work.sources, len(work.recorded), tuple(lost), tuple(work.findings)
    )


class _Work:
    """The journal so far, and where its next rows may come from."""

    def __init__(self, archive: Archive, copy: Iterable[StoredRow]) -> None:
        self.journal = SqliteJournal.in_memory()
        self.sources: Counter[Source] = Counter()
        self.findings: list[Finding] = []
        self._archive = archive
        self._known: dict[Head, tuple[Source, StoredRow]] = {}
        complete = set()
        for session in archive.store.sessions():
            if self._read_log(session.isoformat()) and archive.store.is_sealed(session):
                complete.add(session)
        for row in copy:
            self._known.setdefault(Head(row[0] - 1, row[6]), ("copy", row))
        self._acts = {_found_by(rows): rows for rows in self._operators_acts()}
        told = {Recorded(head, "state/runs") for head in self._acts}
        self.recorded = tuple(sorted({*recorded_heads(archive.store), *told}))
        self._attempts = defaultdict[int, list[Attempt]](list)
        for session in archive.store.sessions():
            if session not in complete:
                for attempt in attempts_of(archive.store, self.journal, session, self.findings):
                    self._attempts[_seq_found_by(attempt)].append(attempt)

    def goes_on(self) -> bool:
        """Append the rows that come next; False if none can be had."""
        head = self.journal.head()
        if head in self._known:
            source, row = self._known[head]
            return self._append(source, [row])
        told = [each.head for each in self.recorded if each.head.seq > head.seq]
        if not told:
            return self._append_last(head)
        nearest = {each for each in told if each.seq == told[0].seq}
        for source, rows in self._candidates(head):
            wanted = rows[: told[0].seq - head.seq]
            if wanted and Head(wanted[-1][0], wanted[-1][7]) in nearest:
                return self._append(source, wanted)
        return False

    def _append(self, source: Source, rows: Sequence[StoredRow]) -> bool:
        for row in rows:
            self.journal.copy_row(row)
        self.sources[source] += len(rows)
        return bool(rows)

    def _append_last(self, head: Head) -> bool:
        """Append what the newest act or attempt wrote, of which no later record tells.

        Of those that found the same head all but the last wrote nothing, or its head would be
        another one. How far an attempt that died came is not known: all that follows from its
        answers is taken. An order that it was about to send then counts as of unknown outcome.
        """
        attempts = sorted(self._attempts[head.seq], key=_order)
        newest = {each.located: each for each in attempts}.values()
        derived = [(each, self._derived(head, each)) for each in newest if _found(each, head)]
        wrote = [(each, rows) for each, rows in derived if rows]
        for attempt, rows in wrote:
            if attempt.is_last and attempt.is_listed:
                return self._append("tape", rows)
        if head in self._acts:
            return self._append("operator", self._acts[head])
        return bool(wrote) and self._append("unconfirmed", wrote[-1][1])

    def _candidates(self, head: Head) -> Iterator[tuple[Source, list[StoredRow]]]:
        """Yield the rows of each act and attempt that found this head, in their order."""
        if head in self._acts:
            yield "operator", self._acts[head]
        for attempt in sorted(self._attempts[head.seq], key=_order):
            if _found(attempt, head):
                yield "tape", self._derived(head, attempt)

    def _derived(self, head: Head, attempt: Attempt) -> list[StoredRow]:
        with self.journal.copy() as trial:
            try:
                derive(self._archive, trial, attempt)
            except QuantcliError as error:
                # It failed then as well, or it cannot be run again: the chain will tell.
                found = Finding(attempt.located.path, "", "an artifact", error.line())
                self.findings.append(found)
            return trial.raw_rows(after=head.seq)

    def _read_log(self, day: str) -> bool:
        """Take in a session's transaction log; False if it is not there or not whole."""
        path = self._archive.store.root / day / TRANSACTIONS_FILE
        if not path.is_file():
            return False
        with storage(path):
            lines = path.read_bytes().splitlines()
        rows = [stored_row(_value(line)) for line in lines]
        for number, row in enumerate(rows, start=1):
            if row is None:
                name = f"{day}/{TRANSACTIONS_FILE}"
                self.findings.append(Finding(name, f" line {number}", "a row", "does not hold"))
            else:
                self._known[Head(row[0] - 1, row[6])] = ("log", row)
        return None not in rows

    def _operators_acts(self) -> Iterator[list[StoredRow]]:
        """Yield the rows of each operator's act, as its run record tells them."""
        records = self._archive.store.records
        for session in records.sessions():
            try:
                found = records.all(session)
            except QuantcliError as error:
                path = f"state/runs/{session}.jsonl"
                self.findings.append(Finding(path, "", "run records", error.line()))
                continue
            for record in found:
                rows = [stored_row(value) for value in record.get("rows", ())]
                whole = [row for row in rows if row is not None]
                if whole and len(whole) == len(rows):
                    yield whole


def _found_by(rows: Sequence[StoredRow]) -> Head:
    """Return the head that an act found when it wrote these rows."""
    return Head(rows[0][0] - 1, rows[0][6])


def _seq_found_by(attempt: Attempt) -> int:
    """Return the number of the newest row that an attempt found; -1: it writes none."""
    if attempt.tape is not None:
        return attempt.head.seq
    if not getattr(attempt.artifact, "is_genesis", False):
        return -1
    noted = [ref.name for ref in attempt.artifact.inputs if ref.name.startswith("journal/")]
    return int(noted[0].removeprefix("journal/")) - 1


def _found(attempt: Attempt, head: Head) -> bool:
    return attempt.tape is None or attempt.head == head


def _order(attempt: Attempt) -> tuple[Any, ...]:
    located = attempt.located
    step = STEPS.index(located.step)
    return located.session, located.cycle, step, not attempt.is_last, str(attempt.tape)


def _value(line: bytes) -> Any:
    try:
        return orjson.loads(line)
    except orjson.JSONDecodeError:
        return None
