"""Waiting without the lock: other commands may work meanwhile, and whoever waited looks again.

What was read before the wait stays true only if nothing was journaled or published in the
session since. The embedded exchange is the exception: its book belongs to the process that has
the lock, and it answers at once, so there is nothing to wait for.
"""

from __future__ import annotations

from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING

from quantcli.contracts.envelope import Stamp
from quantcli.contracts.errors import StateMissing
from quantcli.shell.files import storage
from quantcli.steps.run import Overtaken

if TYPE_CHECKING:
    from quantcli.cli.wiring import Workspace
    from quantcli.ports.journal import Head

#: How long another command may go on after the wait is over.
_WAIT_SECONDS = 60.0


def step_aside(workspace: Workspace, stamp: Stamp, seconds: float) -> None:
    """Wait, the lock given up meanwhile, and take it again.

    Raises:
        Overtaken: another command journaled or published something in the session.
        LockHeld: another command has the lock, and kept it.
        StateMissing: the journal in use is no longer the desk's: it was restored.
    """
    if not workspace.url:
        workspace.sleep(seconds)
        return
    before, file = _standing(workspace, stamp), _file(workspace)
    workspace.lock.step_aside(partial(workspace.sleep, seconds), wait_seconds=_WAIT_SECONDS)
    if _file(workspace) != file:
        # The exits of the same cycle go on, with what the next command will read.
        workspace.forget_journal()
        raise StateMissing(
            "the journal was replaced while this command waited; it wrote nothing into the new one",
            value=workspace.journal_path,
            hint="run it again",
        )
    if _standing(workspace, stamp) != before:
        raise Overtaken


def _file(workspace: Workspace) -> int | None:
    """Return which file the journal is; None: there is none."""
    with storage(workspace.journal_path), suppress(FileNotFoundError):
        return workspace.journal_path.stat().st_ino
    return None


def _standing(workspace: Workspace, stamp: Stamp) -> tuple[Head, frozenset[tuple[str, int]]]:
    """Return the journal's head, and the session's files with their sizes: tapes among them."""
    folder = workspace.store.root / stamp.session.isoformat()
    with storage(folder):
        files = [path for path in folder.rglob("*") if path.is_file()]
        sizes = frozenset((str(path), path.stat().st_size) for path in files)
    return workspace.journal.head(), sizes
