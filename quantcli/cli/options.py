"""Options that every command has."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

DeskOption = Annotated[
    Path | None,
    typer.Option(
        "--desk", "-C", envvar="QUANTCLI_DESK", metavar="DIR", show_envvar=True,
        help="The desk's folder; else the nearest parent that holds desk.toml.",
    ),
]  # fmt: skip
AsOfOption = Annotated[
    str | None,
    typer.Option(
        "--as-of", metavar="INSTANT",
        help="Act as of this instant, e.g. 2024-08-01T12:30:00Z; else the exchange's or the "
        "machine's clock.",
    ),
]  # fmt: skip
DryRunOption = Annotated[
    bool, typer.Option("--dry-run", help="Work on the shadow desk under dry-run/; send nothing.")
]
ShadowOption = Annotated[
    bool, typer.Option("--dry-run", help="Look at the shadow desk under dry-run/.")
]
WriteNothingOption = Annotated[
    bool, typer.Option("--dry-run", help="Say what would be done; write nothing.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object on stdout.")]
QuietOption = Annotated[bool, typer.Option("--quiet", "-q", help="Print nothing but errors.")]


def typed_text(text: str) -> str:
    """Return a text as it was meant, whatever the locale made of its bytes; blanks cut off."""
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace").strip()
