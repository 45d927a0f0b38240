"""Waiting without the lock: other commands may work meanwhile, and whoever waited looks again.

What was read before the wait stays true only if nothing was journaled or published in the
session since. The embedded exchange is the exception: its book belongs to the process that has
the lock, and it answers at once, so there is nothing to wait for.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from quantcli.contracts.envelope import Stamp
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
    """
    if not workspace.url:
        workspace.sleep(seconds)
        return
    before = _standing(workspace, stamp)
    workspace.lock.step_aside(partial(workspace.sleep, seconds), wait_seconds=_WAIT_SECONDS)
    if _standing(workspace, stamp) != before:
        raise Overtaken


def _standing(workspace: Workspace, stamp: Stamp) -> tuple[Head, frozenset[tuple[str, int]]]:
    """Return the journal's head, and the session's files with their sizes: tapes among them."""
    folder = workspace.store.root / stamp.session.isoformat()
    with storage(folder):
        files = [path for path in folder.rglob("*") if path.is_file()]
        sizes = frozenset((str(path), path.stat().st_size) for path in files)
    return workspace.journal.head(), sizes
