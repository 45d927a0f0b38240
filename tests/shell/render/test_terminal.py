"""Sections on a terminal: data has no markup."""

import io

from rich.console import Console

from quantcli.shell.render.sections import Column, Section, Table, sections_of
from quantcli.shell.render.terminal import render_terminal
from tests.shell.render.made_report import HOSTILE, hostile_day


def shown(sections, width=400):
    out = io.StringIO()
    # A console with markup on: only Text objects keep data from being read as style.
    Console(file=out, width=width, color_system=None, markup=True).print(render_terminal(sections))
    return out.getvalue()


def test_titles_lines_and_tables_stand_below_each_other():
    table = Table((Column("Name"), Column("Count", is_number=True)), (("a", "1"), ("b", "20")))
    empty = Table((Column("Name"),), (), "Nothing here.")
    text = shown([Section("First", ("a line",), (table,)), Section("Second", (), (empty,))])

    assert text.splitlines() == [
        "First", "  a line", " Name  Count ", " a         1 ", " b        20 ", "", "Second",
        "  Nothing here.",
    ]  # fmt: skip


def test_markup_and_escapes_in_data_are_shown_as_they_are():
    text = shown([Section(HOSTILE, (HOSTILE,), (Table((Column("x"),), ((HOSTILE,),)),))])

    assert text.count("[red]x[/red]") == 3
    assert "\x1b" not in text
    assert text.count(r"\x1b[31m") == 3


def test_whole_report_can_be_shown():
    assert "Capital and risk" in shown(sections_of(hostile_day()))
