"""`quantcli diff`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from quantcli.cli.console import emit
from quantcli.cli.investigation import read_json
from quantcli.cli.options import DeskOption, JsonOption, QuietOption, ShadowOption
from quantcli.cli.wiring import Workspace, find_desk
from quantcli.contracts.errors import ArtifactMissing, ConfigError, UsageError
from quantcli.core.json_diff import ABSENT, DIFFERENCES_MAX, differences


def command(
    a: Annotated[str, typer.Argument(metavar="A", help="A session date, or a JSON file.")],
    b: Annotated[str, typer.Argument(metavar="B", help="The other one.")],
    limit: Annotated[
        int, typer.Option("--limit", min=1, max=10_000, help="Differences shown for a pair.")
    ] = DIFFERENCES_MAX,
    desk: DeskOption = None,
    dry_run: ShadowOption = False,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> int:
    """Compare two artifacts, or all artifacts of two sessions, by JSON pointer.

    A and B are both session dates, or both files: a path, or the path that `quantcli ls`
    prints. Files are read as they are, damaged or not.
    """
    root = _artifacts(desk, dry_run)
    pairs = _pairs(root, a, b)
    rows = [row for pair in pairs for row in _compared(*pair, limit=limit)]
    value = {"a": a, "b": b, "is_equal": not rows, "differences": rows}
    emit(value, _text(rows), as_json, quiet)
    return 0


def _artifacts(desk: Path | None, dry_run: bool) -> Path | None:
    """Return the desk's artifacts folder; None outside a desk, where paths still work."""
    try:
        root = find_desk(desk)
    except ConfigError:
        if desk is not None:
            raise
        return None
    with Workspace(root, dry_run=dry_run, read_only=True) as workspace:
        return workspace.store.root


def _pairs(root: Path | None, a: str, b: str) -> list[tuple[str, Path | None, Path | None]]:
    """Return what to compare: a name, and a file on each side, None where one is absent."""
    left, right = _located(root, a), _located(root, b)
    for text, path in ((a, left), (b, right)):
        if not path.exists():
            raise ArtifactMissing(
                "no such session, file or folder", value=text, hint="quantcli ls lists sessions"
            )
    if left.is_dir() != right.is_dir():
        raise UsageError(
            "compare two sessions, or two files", value=f"{a} {b}", hint="quantcli ls lists both"
        )
    if not left.is_dir():
        return [("", left, right)]
    names = sorted(
        {
            path.relative_to(side).as_posix()
            for side in (left, right)
            for path in side.rglob("*.json")
        }
    )
    return [(name, _file(left / name), _file(right / name)) for name in names]


def _located(root: Path | None, text: str) -> Path:
    inside = root / text if root is not None else None
    return inside if inside is not None and inside.exists() else Path(text)


def _file(path: Path) -> Path | None:
    return path if path.is_file() else None


def _compared(name: str, a: Path | None, b: Path | None, *, limit: int) -> list[dict[str, Any]]:
    if a is None or b is None:
        row = {"file": name, "pointer": "", "a": _presence(a), "b": _presence(b)}
        return [row]
    return [
        {"file": name, "pointer": found.pointer, "a": found.a, "b": found.b}
        for found in differences(read_json(a), read_json(b), limit)
    ]


def _presence(path: Path | None) -> str:
    return ABSENT if path is None else "(present)"


def _text(rows: list[dict[str, Any]]) -> str:
    import orjson

    from quantcli.shell.render.figures import visible

    if not rows:
        return "equal"
    lines = []
    for row in rows:
        prefix = f"{row['file']}#" if row["file"] else "#"
        sides = (visible(orjson.dumps(row[side]).decode()) for side in ("a", "b"))
        lines.append(f"{visible(prefix + row['pointer'])}: {' -> '.join(sides)}")
    return "\n".join(lines)
