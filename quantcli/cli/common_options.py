"""The options that every command takes, for those that have no use for one of them.

A line of cron or a wrapper may give the same options to every command. Where an option changes
nothing its help says so; where it would promise what is not kept, it is refused.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from quantcli.contracts.errors import UsageError

_IDLE = "Taken by every command; nothing here depends on it."
#: Commands that make or drive a local exchange, which is not real to begin with.
_WITHOUT_DRY_RUN = frozenset(
    {("", "init"), ("", "demo"), ("", "replay"), ("exchange", "serve"), ("exchange", "advance")}
)
#: Commands that name their folder in another way.
_WITHOUT_DESK = frozenset({("", "init"), ("", "demo")})


def complete(command: Any, group: str, name: str) -> None:
    """Give a built command the common options that it does not have by itself."""
    taken = {word for each in command.params for word in each.opts}
    if {"--desk", "--as-of", "--dry-run"} <= taken:
        return
    template = _refusing if (group, name) in _WITHOUT_DRY_RUN else _idle
    application = typer.Typer(add_completion=False, rich_markup_mode=None)
    application.command()(template)
    missing = [
        each
        for each in typer.main.get_command(application).params
        if not taken.intersection(each.opts)
        and not ("--desk" in each.opts and (group, name) in _WITHOUT_DESK)
    ]
    place = next(i for i, each in enumerate(command.params) if "--json" in each.opts)
    command.params[place:place] = missing


def _instant(text: str | None) -> None:
    from quantcli.cli.instants import typed_instant

    if text is not None:
        typed_instant(text, "--as-of")


def _refuse(is_asked: bool) -> None:
    if is_asked:
        raise UsageError(
            "there is no dry run of this: it works on a local exchange, where nothing is real",
            value="--dry-run",
            hint="see runbook/dry-run.md",
        )


_Desk = Annotated[
    Path | None, typer.Option("--desk", "-C", metavar="DIR", help=_IDLE, expose_value=False)
]
_AsOf = Annotated[
    str | None,
    typer.Option("--as-of", metavar="INSTANT", help=_IDLE, callback=_instant, expose_value=False),
]


def _idle(
    desk: _Desk = None,
    as_of: _AsOf = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help=_IDLE, expose_value=False)] = False,
) -> None:
    """Take them."""


def _refusing(
    desk: _Desk = None,
    as_of: _AsOf = None,
    dry_run: Annotated[
        bool,
        typer.Option(
            "--dry-run",
            help="Refused: it works on a local exchange only.",
            callback=_refuse,
            expose_value=False,
        ),
    ] = False,
) -> None:
    """Take all but one."""
