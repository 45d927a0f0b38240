"""`quantcli data fetch`."""

from __future__ import annotations

import re
from typing import Annotated

import typer

from quantcli.cli.console import emit, warn
from quantcli.cli.instants import typed_date
from quantcli.cli.options import (
    AsOfOption,
    DeskOption,
    JsonOption,
    QuietOption,
    WriteNothingOption,
)
from quantcli.cli.wiring import Workspace, find_desk
from quantcli.contracts.errors import UsageError
from quantcli.shell.catalog import Series

_TIMEFRAMES: dict[str, tuple[Series, ...]] = {"1Day": ("1Day",), "1Min": ("1Min",)}
_SYMBOL = r"[A-Z]{1,6}(\.[A-Z]{1,2})?|[A-Z0-9]{1,10}"

OnlySymbols = Annotated[
    list[str] | None,
    typer.Option(
        "--symbol", metavar="NAME", help="Of this only; may be repeated. Else the universe, the "
        "benchmark, what is held, and the volatility index.",
    ),
]  # fmt: skip
From = Annotated[
    str | None,
    typer.Option("--from", metavar="DATE", help="Begin here; else after each symbol's newest bar."),
]
Timeframe = Annotated[
    str | None, typer.Option("--timeframe", help="1Day or 1Min; else those in desk.toml.")
]
SourceName = Annotated[
    str | None,
    typer.Option("--source", help="alpaca, polygon or vix; else what the feed in desk.toml names, "
                 "and vix."),
]  # fmt: skip


def command(
    *,
    symbol: OnlySymbols = None,
    first: From = None,
    timeframe: Timeframe = None,
    source: SourceName = None,
    desk: DeskOption = None,
    as_of: AsOfOption = None,
    dry_run: WriteNothingOption = False,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> int:
    """Fetch bars and index values from their source, up to an instant.

    Complete bars only: of sessions that are closed, of minutes that are over. What is held is not
    asked for again. What did not arrive is recorded, named with its cause, and asked for by the
    next fetch; scan skips it. Exit 6 when a source does not answer or refuses, 4 when an answer
    cannot be believed.
    """
    from quantcli.cli.fetching import Wanted, run_fetch

    wanted = Wanted(
        _symbols(symbol or []),
        _timeframes(timeframe),
        _source(source),
        None if first is None else typed_date(first, "--from"),
    )
    with Workspace(find_desk(desk), read_only=True) as workspace:
        at = workspace.now(as_of)
        fetched = run_fetch(workspace, at, wanted, dry_run=dry_run, shows=not (quiet or as_json))
    for line in fetched.warnings:
        warn(line)
    emit(fetched.value, "\n".join(fetched.lines), as_json, quiet)
    return fetched.exit_code


def _symbols(typed: list[str]) -> tuple[str, ...]:
    for name in typed:
        if re.fullmatch(_SYMBOL, name) is None:
            raise UsageError("not a symbol such as AAPL or BRK.B", value=name)
    return tuple(dict.fromkeys(typed))


def _timeframes(typed: str | None) -> tuple[Series, ...]:
    if typed is None:
        return ()
    if typed not in _TIMEFRAMES:
        raise UsageError("--timeframe is 1Day or 1Min", value=typed)
    return _TIMEFRAMES[typed]


def _source(typed: str | None) -> str | None:
    if typed not in {None, "alpaca", "polygon", "vix"}:
        raise UsageError("--source is alpaca, polygon or vix", value=typed)
    return typed
