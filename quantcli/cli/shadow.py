"""A dry run's own desk: state, artifacts and exchange book under `dry-run/`.

The same chain runs on it; the desk's state, its broker and its artifacts are not touched.
"""

from __future__ import annotations

import datetime as dt

from quantcli.cli.init_desk import make_state
from quantcli.cli.wiring import Workspace
from quantcli.contracts.errors import UsageError
from quantcli.contracts.scalars import instant_text
from quantcli.core.sessions import session_of
from quantcli.lab.replay import GENESIS_LEAD, begin, move_clock


def prepare_shadow(workspace: Workspace, at: dt.datetime) -> None:
    """Make the shadow desk if there is none, and move its exchange to the command's instant.

    Raises:
        UsageError: the shadow book's clock is past that instant.
    """
    session = session_of(at)
    if not (workspace.home / "state" / "desk.sqlite3").exists():
        make_state(workspace.home)
    if workspace.journal.genesis() is None:
        begin(workspace, session, at - GENESIS_LEAD)
    if workspace.exchange_time() > at:
        shown = instant_text(workspace.exchange_time())
        raise UsageError(
            "the shadow book's clock is past that instant",
            value=instant_text(at),
            hint=f"it shows {shown}; delete dry-run/ to start again",
        )
    move_clock(workspace, at)
