"""`quantcli ls`."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Annotated, Any

import typer

from quantcli.cli.console import emit
from quantcli.cli.investigation import chosen_session
from quantcli.cli.options import DeskOption, JsonOption, QuietOption, ShadowOption
from quantcli.cli.wiring import Workspace, find_desk
from quantcli.contracts.envelope import Artifact
from quantcli.contracts.errors import ArtifactError
from quantcli.contracts.registry import schema_model

if TYPE_CHECKING:
    from quantcli.ports.artifact_store import Located


def command(
    session: Annotated[
        str | None, typer.Argument(metavar="[SESSION]", help="YYYY-MM-DD; else all sessions.")
    ] = None,
    desk: DeskOption = None,
    dry_run: ShadowOption = False,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> int:
    """List the desk's sessions, or one session's files with their digests and exit codes."""
    with Workspace(find_desk(desk), dry_run=dry_run, read_only=True) as workspace:
        if session is None:
            rows = [_session(workspace, each) for each in workspace.store.sessions()]
            emit({"sessions": rows}, lambda: _sessions_table(rows), as_json, quiet)
            return 0
        date = chosen_session(workspace, session)
        files = _files(workspace, date)
        sealed = workspace.store.is_sealed(date)
    value = {"session": date.isoformat(), "is_sealed": sealed, "files": files}
    emit(value, lambda: _files_table(value), as_json, quiet)
    return 4 if any(file["status"] not in {"ok", "-"} for file in files) else 0


def _session(workspace: Workspace, session: dt.date) -> dict[str, Any]:
    located = workspace.store.list(session)
    return {
        "session": session.isoformat(),
        "is_sealed": workspace.store.is_sealed(session),
        "cycles": len({each.cycle for each in located}),
        "artifacts": len(located),
    }


def _files(workspace: Workspace, session: dt.date) -> list[dict[str, Any]]:
    """Return every file on disk or known to have been published, by path."""
    located = {each.path: each for each in workspace.store.list(session)}
    found = {each.path: (each.sha256, each.bytes) for each in workspace.store.files(session)}
    rows = []
    for path in sorted({*located, *found}):
        digest, size = found.get(path, (None, 0))
        place = located.get(path)
        status, exit_code = _judged(workspace, place) if place else ("-", None)
        rows.append(
            {
                "path": path,
                "cycle": place.cycle if place else None,
                "step": place.step if place else None,
                "status": status,
                "exit_code": exit_code,
                "sha256": digest,
                "bytes": size,
            }
        )
    return rows


def _judged(workspace: Workspace, located: Located) -> tuple[str, int | None]:
    model = schema_model(located.step)
    assert issubclass(model, Artifact)
    try:
        artifact, _ = workspace.store.load(located, model)
    except ArtifactError as error:
        return error.code, None
    return "ok", artifact.exit_code


def _sessions_table(rows: list[dict[str, Any]]) -> Any:
    from quantcli.shell.render.sections import table_of, tables_of
    from quantcli.shell.render.terminal import render_terminal

    cells = tuple(
        (row["session"], "sealed" if row["is_sealed"] else "open", str(row["cycles"]),
         str(row["artifacts"]))
        for row in rows
    )  # fmt: skip
    table = table_of("Session|State|Cycles#|Artifacts#", cells, "No session yet.")
    return render_terminal([tables_of("Sessions", table)])


def _files_table(value: dict[str, Any]) -> Any:
    from quantcli.shell.render.sections import table_of, tables_of
    from quantcli.shell.render.terminal import render_terminal

    cells = tuple(
        (
            file["path"], file["status"],
            "-" if file["exit_code"] is None else str(file["exit_code"]),
            (file["sha256"] or "-")[:12], str(file["bytes"]),
        )
        for file in value["files"]
    )  # fmt: skip
    state = "sealed" if value["is_sealed"] else "not sealed"
    table = table_of("File|Status|Exit code#|SHA-256|Bytes#", cells, "No files.")
    return render_terminal([tables_of(f"Session {value['session']}, {state}", table)])
