"""Sections for a terminal, as rich renderables: markup off, only our own words have style.

rich is imported here, and this module only where something is printed.
"""

from __future__ import annotations

from collections.abc import Iterable

from rich.console import Group, RenderableType
from rich.table import Table as RichTable
from rich.text import Text

from quantcli.shell.render.figures import visible
from quantcli.shell.render.sections import Section, Table

_TONES = {
    "ok": "green", "GO": "green", "clean": "green", "sealed": "green", "EXECUTED": "green",
    "ALLOW": "green", "NO-GO": "bold red", "BLOCK": "yellow", "missing": "red",
    "corrupt": "bold red", "tampered": "bold red", "foreign": "bold red", "damaged": "bold red",
    "attention": "yellow", "UNCOVERED": "bold red", "UNKNOWN": "bold red", "SET": "bold red",
}  # fmt: skip


def render_terminal(sections: Iterable[Section]) -> RenderableType:
    """Return sections one below the other."""
    parts: list[RenderableType] = []
    for section in sections:
        parts.append(Text(visible(section.title), style="bold"))
        parts.extend(Text(f"  {visible(line)}") for line in section.lines)
        parts.extend(_table(table) for table in section.tables)
        parts.append(Text(""))
    return Group(*parts[:-1])


def _table(table: Table) -> RenderableType:
    if not table.rows:
        return Text(f"  {visible(table.empty)}", style="dim")
    grid = RichTable(box=None, pad_edge=True, show_edge=False, header_style="dim")
    for column in table.columns:
        grid.add_column(
            Text(visible(column.title)), justify="right" if column.is_number else "left"
        )
    for row in table.rows:
        grid.add_row(*(Text(visible(cell), style=_TONES.get(cell, "")) for cell in row))
    return grid
