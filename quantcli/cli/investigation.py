"""What the investigate commands share: a session picked, its evidence read, files read loosely."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Annotated, Any

import typer

from quantcli.cli.instants import typed_date
from quantcli.cli.wiring import Workspace
from quantcli.contracts.errors import ArtifactCorrupt, ArtifactMissing
from quantcli.core.evidence import Evidence
from quantcli.core.sessions import hours
from quantcli.shell.files import storage
from quantcli.steps.report import gather

#: Later than every cycle of a session.
END_OF_DAY = "235959"

SessionOption = Annotated[
    str | None,
    typer.Option("--session", metavar="DATE", help="YYYY-MM-DD; else the newest session."),
]


def chosen_session(workspace: Workspace, text: str | None) -> dt.date:
    """Return the session asked for, else the newest one.

    Raises:
        UsageError: not a date.
        ArtifactMissing: the desk has no such session, or none at all.
    """
    sessions = workspace.store.sessions()
    if text is None:
        if not sessions:
            raise ArtifactMissing("the desk has no session yet", hint="quantcli day runs one")
        return sessions[-1]
    session = typed_date(text, "the session")
    if session not in sessions:
        raise ArtifactMissing(
            "the desk has no such session", value=text, hint="quantcli ls lists them"
        )
    return session


def evidence_of(workspace: Workspace, session: dt.date) -> Evidence:
    """Return what a session left behind, whole: nothing is written, no broker is asked."""
    at = hours(session).closes_at + dt.timedelta(hours=6)
    return gather(workspace.desk(workspace.stamp(session, END_OF_DAY, at), "why"))


def read_json(path: Path) -> Any:
    """Return the JSON value of a file as it is, canonical or not.

    Raises:
        ArtifactMissing: there is no such file.
        ArtifactCorrupt: it is not JSON.
    """
    import orjson

    if not path.is_file():
        raise ArtifactMissing("no such file", value=path, hint="quantcli ls lists them")
    with storage(path):
        data = path.read_bytes()
    try:
        return orjson.loads(data)
    except orjson.JSONDecodeError as error:
        raise ArtifactCorrupt(f"{path.name} is not JSON: {error}", value=path) from error
