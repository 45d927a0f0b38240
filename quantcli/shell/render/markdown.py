"""The report as Markdown: every cell escaped, no raw HTML, no link that we did not make."""

from __future__ import annotations

import re
from collections.abc import Iterator

from quantcli.contracts.report import Report
from quantcli.shell.render.sections import Section, Table, sections_of, title_of

#: Everything that means something inside a line or a table cell.
_SPECIAL = re.compile(r"[\\`*_\[\]<>|~#&!@$]")
#: What some readers turn into a link by themselves.
_AUTOLINK = re.compile(r":(?=//)|(?i:(?<=www))\.")


def render_markdown(report: Report) -> str:
    """Return report.md: the same report gives the same bytes."""
    return "\n".join(_lines(report)) + "\n"


def escape_markdown(text: str) -> str:
    r"""Return text that Markdown shows as it is.

    Examples:
        >>> escape_markdown("a|b *c*")
        'a\\|b \\*c\\*'
    """
    return _AUTOLINK.sub(lambda match: "\\" + match[0], _SPECIAL.sub(r"\\\g<0>", text))


def _lines(report: Report) -> Iterator[str]:
    yield f"# {escape_markdown(title_of(report))}"
    if report.label:
        yield ""
        yield f"**{escape_markdown(report.label)}**"
    for section in sections_of(report):
        yield from _section(section)


def _section(section: Section) -> Iterator[str]:
    yield ""
    yield f"## {escape_markdown(section.title)}"
    if section.lines:
        yield ""
        yield from (f"- {escape_markdown(line)}" for line in section.lines)
    for table in section.tables:
        yield ""
        yield from _table(table)


def _table(table: Table) -> Iterator[str]:
    if not table.rows:
        yield escape_markdown(table.empty)
        return
    yield _row(column.title for column in table.columns)
    yield (
        "|" + "|".join(" ---: " if column.is_number else " --- " for column in table.columns) + "|"
    )
    yield from (_row(iter(row)) for row in table.rows)


def _row(cells: Iterator[str]) -> str:
    return "| " + " | ".join(escape_markdown(cell) for cell in cells) + " |"
