"""`quantcli data ls`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from quantcli.cli.console import emit
from quantcli.cli.options import DeskOption, JsonOption, QuietOption
from quantcli.cli.wiring import find_desk
from quantcli.shell.action_list import load_actions
from quantcli.shell.catalog import (
    ACTIONS_SHELF,
    Catalog,
    Shelf,
    load_catalog,
    load_quarantine,
)
from quantcli.shell.fetch.record import FetchEntry, load_record

if TYPE_CHECKING:
    from rich.console import RenderableType


def command(
    desk: DeskOption = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> int:
    """List what the store holds: a line for each series, feed and adjustment, and for actions.

    Below it, what the newest fetch asked for and did not get.
    """
    data = find_desk(desk) / "data"
    catalog = load_catalog(data)
    shelves = sorted({item.key.shelf for item in catalog.partitions})
    rows = [_shelf(data, catalog, shelf) for shelf in shelves]
    rows += _actions(data, catalog)
    failed = load_record(data).failed()
    value = {"series": rows, "undelivered": [entry.as_json() for entry in failed]}
    emit(value, lambda: _page(rows, failed), as_json, quiet)
    return 0


def _shelf(data: Path, catalog: Catalog, shelf: Shelf) -> dict[str, Any]:
    held = catalog.of(shelf)
    entries = load_quarantine(data, catalog.quarantine_ref(shelf))
    return {
        "series": shelf.series,
        "feed": shelf.feed,
        "adjustment": shelf.adjustment,
        "symbols": sorted({symbol for item in held for symbol in item.symbols}),
        "first": min(item.first for item in held).isoformat(),
        "last": max(item.last for item in held).isoformat(),
        "bars": sum(item.rows for item in held),
        "files": len(held),
        "corrections": sum(len(item.superseded) for item in held),
        "quarantined": [entry.as_json() for entry in entries],
    }


def _page(rows: list[dict[str, Any]], failed: tuple[FetchEntry, ...]) -> RenderableType:
    from rich.console import Group
    from rich.text import Text

    told = [
        Text(f"did not arrive: {entry.series} {entry.feed} {entry.adjustment}: {entry.told()}")
        for entry in failed
    ]
    return Group(_table(rows), *told)


def _actions(data: Path, catalog: Catalog) -> list[dict[str, Any]]:
    """Return the line of the corporate actions, if any were imported."""
    if catalog.actions is None or catalog.actions_ref is None:
        return []
    told = load_actions(data, catalog.actions_ref)
    return [
        {
            "series": ACTIONS_SHELF.series,
            "feed": ACTIONS_SHELF.feed,
            "adjustment": ACTIONS_SHELF.adjustment,
            "symbols": sorted({each.symbol for each in told}),
            "first": told[0].ex_date.isoformat(),
            "last": told[-1].ex_date.isoformat(),
            "bars": len(told),
            "files": 1,
            "corrections": len(catalog.actions.superseded),
            "quarantined": [],
        }
    ]


def _table(rows: list[dict[str, Any]]) -> RenderableType:
    from rich.table import Table

    if not rows:
        return "nothing is held yet: quantcli data import FILE..., or quantcli data fetch"
    names = ("series", "feed", "adjustment", "symbols", "first", "last", "bars", "files",
             "corrections", "quarantined")  # fmt: skip
    table = Table(*names, box=None)
    for row in rows:
        cells = [row[name] for name in names]
        table.add_row(*(str(len(c) if isinstance(c, list) else c) for c in cells))
    return table
