"""`quantcli audit verify`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from quantcli.cli.console import emit, warn
from quantcli.cli.options import DeskOption, JsonOption, QuietOption, ShadowOption
from quantcli.cli.wiring import Workspace, find_desk
from quantcli.contracts.errors import StorageError
from quantcli.shell.audit import verify

if TYPE_CHECKING:
    from quantcli.shell.journal import SqliteJournal


def command(
    desk: DeskOption = None,
    dry_run: ShadowOption = False,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> int:
    """Check every sealed file, the chain of seals, the journal and the run records.

    Exit 4 if anything differs, naming each file. The head printed at the end is worth keeping
    elsewhere: a chain whose head nobody remembers can be made again from the start.
    """
    with Workspace(find_desk(desk), dry_run=dry_run, read_only=True) as workspace:
        audit = verify(workspace.store, _journal(workspace))
    for fault in audit.faults:
        warn(f"{fault.code}: {fault.path}: {fault.detail}")
    head = f"{audit.head.session} {audit.head.sha256}" if audit.head else "nothing is sealed yet"
    value = {
        "sessions": audit.sessions,
        "files": audit.files,
        "head": audit.head.as_json() if audit.head else None,
        "faults": [fault._asdict() for fault in audit.faults],
    }
    state = "the chain holds" if not audit.faults else f"{len(audit.faults)} faults"
    text = f"{audit.sessions} sessions, {audit.files} files: {state}\nhead: {head}"
    emit(value, text, as_json, quiet)
    return 4 if audit.faults else 0


def _journal(workspace: Workspace) -> SqliteJournal | StorageError:
    """Return the journal, or why it cannot be opened: gone, damaged or not ours to read."""
    try:
        return workspace.journal
    except StorageError as error:
        warn(error.line())
        return error
