"""`restore`: the journal rebuilt, proven, put in its place, and the desk left halted."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from quantcli.cli.wiring import Workspace
from quantcli.contracts.errors import ArtifactMissing, StorageError, UsageError
from quantcli.contracts.journal_rows import FlagRow
from quantcli.core.sessions import cycle_name
from quantcli.lab.rebuild import Rebuilt, rebuild
from quantcli.ports.halts import HaltReading
from quantcli.ports.journal import Head, Place
from quantcli.shell.files import storage, sync_directory
from quantcli.shell.journal import SqliteJournal
from quantcli.shell.recorded_heads import GivenUp, recorded_heads

REASON = "state-restored"
#: The log first: one left beside a new journal would be played into it.
_SIDES = ("-wal", "-shm", "")


def restore(
    workspace: Workspace, at: dt.datetime, session: dt.date, copy: Iterable[tuple[Any, ...]]
) -> Rebuilt:
    """Rebuild the journal, put it in its place and halt entries.

    What lay there is kept beside it. The new journal's last row halts entries, and so does the
    halt record: both end with `resume`.

    Args:
        workspace: The desk, its lock being held.
        at: Now.
        session: The session that learns of it.
        copy: Rows of a backup, if there is one.

    Raises:
        UsageError: the journal is whole: there is nothing to restore.
        ArtifactMissing: nothing tells of a journal.
        JournalCorrupt: what was rebuilt does not hold together; nothing was changed.
    """
    found = _found(workspace)
    rebuilt = rebuild(workspace, [*copy, *found])
    head = rebuilt.journal.head()
    if head.seq == 0:
        raise ArtifactMissing(
            "no file tells of a row of the journal: there is nothing to rebuild it from",
            value=workspace.store.root,
            hint="bring back artifacts/ or a backup; see runbook/restore.md",
        )
    workspace.halts.write(HaltReading(True, workspace.halts.read().all, REASON))
    halt = FlagRow(name="halt-entries", is_set=True, reasons=(REASON,), by="operator")
    with workspace.witnessed(rebuilt.journal):
        rebuilt.journal.append(Place(session, cycle_name(at), "restore"), [halt])
    GivenUp(workspace.home).add(frozenset(each.head for each in rebuilt.lost))
    _put_in_place(rebuilt.journal, workspace.journal_path)
    return rebuilt


def compare(workspace: Workspace) -> tuple[Rebuilt, Head, int]:
    """Rebuild the journal beside the one in use, and hold the two against each other.

    Returns:
        What was rebuilt, the head of the journal in use, and how many of its first rows are
        equal, row for row.

    Raises:
        StorageError: the journal in use cannot be read.
    """
    rebuilt = rebuild(workspace)
    mine, other = workspace.journal.raw_rows(), rebuilt.journal.raw_rows()
    equal = 0
    for ours, theirs in zip(mine, other, strict=False):
        if ours != theirs:
            break
        equal += 1
    return rebuilt, workspace.journal.head(), equal


def _found(workspace: Workspace) -> list[tuple[Any, ...]]:
    """Return the rows of the journal that lies there, an older copy; none if it is damaged.

    Raises:
        UsageError: it is whole and holds every head that was recorded.
    """
    try:
        journal = SqliteJournal.open(workspace.journal_path, read_only=True)
    except StorageError:
        return []
    try:
        journal.verify()
        journal.verify_tables()
        rows = journal.raw_rows()
    except StorageError:
        return []
    finally:
        journal.close()
    held = {Head(row[0], row[7]) for row in rows} | GivenUp(workspace.home).read()
    told = [each.head for each in recorded_heads(workspace.store) if each.head.seq > 0]
    if rows and held.issuperset(told):
        raise UsageError(
            "the journal is whole: it holds every head that was recorded",
            value=workspace.journal_path,
            hint="nothing was changed; quantcli restore --check compares it with its records",
        )
    return rows


def _put_in_place(journal: SqliteJournal, path: Path) -> None:
    """Write a journal to a file, verify it there, and give it its name; the old one is kept."""
    fresh = path.with_name(f"{path.name}.new")
    with storage(path):
        for side in _SIDES:
            fresh.with_name(fresh.name + side).unlink(missing_ok=True)
    journal.save_to(fresh, "WAL")
    written = SqliteJournal.open(fresh)
    try:
        written.verify()
        written.verify_tables()
    finally:
        written.close()
    number = 1
    while (kept := path.with_name(f"replaced-{number}.sqlite3")).exists():
        number += 1
    with storage(path):
        for side in _SIDES:
            old = path.with_name(path.name + side)
            if old.exists():
                old.rename(kept.with_name(kept.name + side))
        fresh.rename(path)
        sync_directory(path.parent)
