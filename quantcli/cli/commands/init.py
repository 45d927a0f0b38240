"""`quantcli init`."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated

import typer

from quantcli.cli.console import emit
from quantcli.cli.init_desk import make_desk
from quantcli.cli.options import JsonOption, QuietOption


def command(
    folder: Annotated[Path, typer.Argument(help="The new desk's folder.", metavar="DIR")],
    no_git: Annotated[bool, typer.Option("--no-git", help="Make no git repository.")] = False,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> int:
    """Make a new desk: desk.toml with comments, state, the local exchange's keys, a git repository.

    It trades on its own local exchange as it stands, once bars are imported.
    """
    root = folder.resolve()
    make_desk(root, name=_name(root.name), git=not no_git)
    text = (
        f"desk made in {folder}\n"
        f"next: quantcli data import FILE --timeframe 1Day --desk {folder}\n"
        f"      quantcli replay --from DATE --to DATE --desk {folder}"
    )
    emit({"desk": str(folder)}, text, as_json, quiet)
    return 0


def _name(folder: str) -> str:
    name = re.sub(r"[^a-z0-9-]+", "-", folder.lower()).strip("-")[:31]
    return name or "desk"
