"""`quantcli data import`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

from quantcli.cli.console import emit, is_terminal, warn
from quantcli.cli.desk_file import load_config
from quantcli.cli.options import DeskOption, JsonOption, QuietOption, WriteNothingOption
from quantcli.cli.wiring import find_desk
from quantcli.shell.bar_import import ImportSummary, Progress, import_to, shelf_of

Files = Annotated[list[Path], typer.Argument(metavar="FILE...", help="Parquet or CSV files.")]
Timeframe = Annotated[str, typer.Option("--timeframe", help="1Day or 1Min.")]
Adjustment = Annotated[
    str | None,
    typer.Option("--adjustment", help="raw, split or all; else the one in desk.toml."),
]
Feed = Annotated[
    str | None, typer.Option("--feed", metavar="NAME", help="The source; else desk.toml's.")
]
Kind = Annotated[
    str, typer.Option("--kind", help="bars, index for values such as VIX, or corporate-actions.")
]
OnlySymbol = Annotated[
    str | None,
    typer.Option("--symbol", metavar="NAME", help="For files without a symbol column."),
]


def command(
    files: Files,
    *,
    timeframe: Timeframe = "1Day",
    adjustment: Adjustment = None,
    feed: Feed = None,
    kind: Kind = "bars",
    symbol: OnlySymbol = None,
    desk: DeskOption = None,
    dry_run: WriteNothingOption = False,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> int:
    """Import bars, index values or corporate actions from files.

    A bar of a file takes the place of the stored one; what it replaced is kept. Bars that cannot
    be believed are kept too, but quarantined: nothing decides on them. Minute bars are stamped
    with their start and need a time zone; those outside regular hours are dropped. Corporate
    actions have the columns symbol, ex_date, type (split, dividend, rename or none) and ratio,
    amount or new_symbol; a row takes the place of the one with the same symbol, day and type.
    """
    root = find_desk(desk)
    if kind == "corporate-actions":
        return _corporate_actions(root / "data", files, dry_run, as_json, quiet)
    data = load_config(root).data
    shelf = shelf_of(kind, timeframe, adjustment or data.adjustment, feed or data.feed)
    summaries = []
    for path in files:
        with _progress(path.name, is_shown=not (quiet or as_json)) as progress:
            summary = import_to(
                root / "data", path, shelf, symbol=symbol, progress=progress, is_dry_run=dry_run
            )
        summaries.append(summary)
        if not as_json:
            emit({}, _line(summary, is_dry_run=dry_run), as_json=False, quiet=quiet)
        for entry in summary.quarantined:
            warn(f"quarantined: {entry.symbol} {entry.session}: {entry.code}: {entry.observed}")
    if as_json:
        value = {"imports": [_object(item) for item in summaries], "is_dry_run": dry_run}
        emit(value, "", as_json=True)
    return 0


def _corporate_actions(
    data: Path, files: list[Path], is_dry_run: bool, as_json: bool, quiet: bool
) -> int:
    from quantcli.shell.action_list import import_actions

    imported = [import_actions(data, path, is_dry_run=is_dry_run) for path in files]
    for each in () if as_json else imported:
        change = f"{each.added} added, {each.changed} changed, {each.actions} in all"
        told = "all already held, nothing changed" if each.is_unchanged else change
        head = f"{'DRY RUN ' if is_dry_run else ''}{each.file}: corporate actions: "
        emit({}, f"{head}{each.rows} rows: {told}", as_json=False, quiet=quiet)
    if as_json:
        emit({"imports": [each._asdict() for each in imported], "is_dry_run": is_dry_run}, "",
             as_json=True)  # fmt: skip
    return 0


@contextmanager
def _progress(name: str, *, is_shown: bool) -> Iterator[Progress]:
    """Show a bar over the partitions written, on a terminal only."""
    if not (is_shown and is_terminal()):
        yield lambda _done, _total: None
        return
    from rich.console import Console
    from rich.progress import Progress as RichProgress

    with RichProgress(console=Console(stderr=True), transient=True) as shown:
        task = shown.add_task(name, total=None)
        yield lambda done, total: shown.update(task, completed=done, total=total)


def _line(summary: ImportSummary, *, is_dry_run: bool) -> str:
    shelf = summary.shelf
    where = f"{shelf.series}, feed {shelf.feed}, adjustment {shelf.adjustment}"
    head = f"{'DRY RUN ' if is_dry_run else ''}{summary.file}: {where}: "
    if not summary.symbols:
        return head + f"none of {summary.rows_read} rows can be used{_dropped(summary)}"
    span = f"{len(summary.symbols)} symbols, {summary.first} to {summary.last}"
    if summary.is_unchanged:
        return head + f"{span}: all {summary.bars_unchanged} bars already held, nothing changed"
    counts = (
        f"{summary.bars_added} bars added, {summary.bars_changed} changed, "
        f"{summary.bars_unchanged} already held"
    )
    quarantined = f", {len(summary.quarantined)} quarantined" if summary.quarantined else ""
    return head + f"{span}: {counts}{quarantined}{_dropped(summary)}"


def _dropped(summary: ImportSummary) -> str:
    reasons = (
        (summary.rows_outside_hours, "outside regular hours"),
        (summary.rows_outside_table, "outside the session table"),
        (summary.rows_repeated, "repeating another row"),
    )
    told = ", ".join(f"{count} rows {why}" for count, why in reasons if count)
    return f"; dropped {told}" if told else ""


def _object(summary: ImportSummary) -> dict[str, Any]:
    return {
        "file": summary.file,
        "sha256": summary.sha256,
        "series": summary.shelf.series,
        "feed": summary.shelf.feed,
        "adjustment": summary.shelf.adjustment,
        "symbols": list(summary.symbols),
        "first": summary.first.isoformat() if summary.first else None,
        "last": summary.last.isoformat() if summary.last else None,
        "rows_read": summary.rows_read,
        "rows_outside_hours": summary.rows_outside_hours,
        "rows_outside_table": summary.rows_outside_table,
        "rows_repeated": summary.rows_repeated,
        "bars_added": summary.bars_added,
        "bars_changed": summary.bars_changed,
        "bars_unchanged": summary.bars_unchanged,
        "is_unchanged": summary.is_unchanged,
        "partitions": list(summary.partitions),
        "quarantined": [entry.as_json() for entry in summary.quarantined],
    }
