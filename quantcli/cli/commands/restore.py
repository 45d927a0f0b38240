"""`quantcli restore`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from quantcli.cli.console import emit, warn
from quantcli.cli.instants import operators_session
from quantcli.cli.options import AsOfOption, DeskOption, DryRunOption, JsonOption, QuietOption
from quantcli.cli.wiring import Workspace, find_desk
from quantcli.contracts.errors import ArtifactError, UsageError
from quantcli.lab.rebuild import Rebuilt
from quantcli.ports.journal import Head

_SOURCES = {
    "log": "from transaction logs",
    "copy": "from a copy of the journal",
    "operator": "from run records",
    "tape": "derived from tapes",
    "unconfirmed": "from the tape of an attempt that died last",
}


def command(
    desk: DeskOption = None,
    backup: Annotated[
        Path | None, typer.Option("--from", metavar="BACKUP", help="A backup to begin with.")
    ] = None,
    check: Annotated[
        bool,
        typer.Option("--check", help="Rebuild beside the journal and compare; change nothing."),
    ] = False,
    as_of: AsOfOption = None,
    dry_run: DryRunOption = False,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> int:
    """Rebuild a lost, damaged or outdated journal from the desk's files, and prove it.

    Rows come from transaction logs, tapes and run records; each continues the chain, and the
    result is held against every head that was recorded. Entries are halted until resume. Exit 4
    names what could not be rebuilt.
    """
    if check and backup is not None:
        raise UsageError("--check compares the journal in use", hint="type one of the two")
    with (
        Workspace(find_desk(desk), dry_run=dry_run, read_only=check) as workspace,
        workspace.lock.hold(wait_seconds=5),
    ):
        if check:
            return _check(workspace, as_json=as_json, quiet=quiet)
        from quantcli.cli.restoring import restore
        from quantcli.shell.backup import bring_back_records, check_backup, rows_of

        at = workspace.now(as_of)
        copy = []
        if backup is not None:
            check_backup(backup)
            copy = rows_of(backup)
            bring_back_records(backup, workspace.home)
        rebuilt = restore(workspace, at, operators_session(workspace, at), copy)
        dry = "DRY RUN " if workspace.mode == "dry-run" else ""
    value = _value(rebuilt)
    head = value["journal"]
    lines = [
        f"{dry}restored {_counts(rebuilt)}",
        f"row {head['seq']} {head['sha256']} halts entries until quantcli resume",
        _held(rebuilt),
        "next: quantcli exits, quantcli reconcile, then quantcli resume --reason TEXT",
    ]
    _name(rebuilt)
    emit(value, "\n".join(lines), as_json, quiet)
    return ArtifactError.exit_code if rebuilt.lost else 0


def _check(workspace: Workspace, *, as_json: bool, quiet: bool) -> int:
    from quantcli.cli.restoring import compare

    rebuilt, head, equal = compare(workspace)
    is_equal = equal == head.seq and rebuilt.journal.head() == head
    value = {**_value(rebuilt), "in_use": _head(head), "rows_equal": equal, "is_equal": is_equal}
    said = "equal row for row" if is_equal else f"the first {equal} of {head.seq} rows are equal"
    _name(rebuilt)
    emit(value, f"{_counts(rebuilt)}\n{_held(rebuilt)}\n{said}", as_json, quiet)
    return 0 if is_equal else ArtifactError.exit_code


def _name(rebuilt: Rebuilt) -> None:
    """Say on stderr what could not be rebuilt, and what could not be read."""
    for each in rebuilt.lost:
        warn(f"cannot be rebuilt: the rows up to {each.head.seq}, of which {each.where} tells")
    for finding in dict.fromkeys(rebuilt.findings if rebuilt.lost else ()):
        warn(f"{finding.path}{finding.pointer}: {finding.derived}")


def _counts(rebuilt: Rebuilt) -> str:
    told = (f"{rebuilt.sources[key]} {text}" for key, text in _SOURCES.items()  # type: ignore[index]
            if rebuilt.sources[key])  # type: ignore[index]  # fmt: skip
    return f"{sum(rebuilt.sources.values())} rows: {', '.join(told)}"


def _held(rebuilt: Rebuilt) -> str:
    held = rebuilt.recorded - len(rebuilt.lost)
    return f"{held} of {rebuilt.recorded} recorded heads hold"


def _head(head: Head) -> dict[str, Any]:
    return {"seq": head.seq, "sha256": head.sha256}


def _value(rebuilt: Rebuilt) -> dict[str, Any]:
    return {
        "rows": dict(sorted(rebuilt.sources.items())),
        "journal": _head(rebuilt.journal.head()),
        "heads_recorded": rebuilt.recorded,
        "lost": [{**_head(each.head), "where": each.where} for each in rebuilt.lost],
    }
