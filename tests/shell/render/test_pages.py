"""The report's pages: golden files, determinism, and hostile text in every sink."""

import re
from html.parser import HTMLParser

import pytest
from syrupy.extensions.single_file import SingleFileSnapshotExtension

from quantcli.shell.render.html import render_html
from quantcli.shell.render.markdown import escape_markdown, render_markdown
from quantcli.shell.render.pages import report_pages
from quantcli.shell.render.sections import sections_of
from tests.shell.render.made_report import (
    HOSTILE,
    bad_day,
    hostile_day,
    quiet_day,
    trading_day,
)

DAYS = {"trading_day": trading_day, "quiet_day": quiet_day, "bad_day": bad_day}
VOID = {"meta", "img", "br", "link", "input"}


class Pages(SingleFileSnapshotExtension):
    """Keeps each page as a file of its own that a person can open."""

    file_extension = "html"


class Texts(Pages):
    file_extension = "md"


class Reader(HTMLParser):
    """Reads a page back: elements, attributes, and the text outside of the style sheet."""

    def __init__(self, page):
        super().__init__()
        self.elements, self.attributes, self.text, self.open = [], [], [], []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.elements.append(tag)
        self.attributes += attrs
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if "style" not in self.open:
            self.text.append(data)


@pytest.mark.parametrize("day", DAYS)
def test_golden_html(day, snapshot):
    assert render_html(DAYS[day]()).encode() == snapshot(extension_class=Pages)


@pytest.mark.parametrize("day", DAYS)
def test_golden_markdown(day, snapshot):
    assert render_markdown(DAYS[day]()).encode() == snapshot(extension_class=Texts)


def test_pages_are_a_function_of_the_report():
    assert report_pages(trading_day()) == report_pages(trading_day())
    assert set(report_pages(quiet_day())) == {"report.html", "report.md"}


def test_page_is_well_formed_and_loads_nothing():
    reader = Reader(render_html(hostile_day()))

    assert reader.open == []
    allowed = {
        "html", "head", "meta", "title", "style", "body", "h1", "h2", "div", "span", "b", "p",
        "section", "table", "thead", "tbody", "tr", "th", "td", "svg", "g", "line", "text",
        "polyline", "circle",
    }  # fmt: skip
    assert set(reader.elements) <= allowed
    names = {name for name, _ in reader.attributes}
    assert not {name for name in names if name.startswith("on")}
    assert not names & {"src", "href", "style", "action"}


def test_policy_allows_only_the_pages_own_style_sheet():
    import base64
    import hashlib

    page = render_html(trading_day())
    style = re.search(r"<style>(.*)</style>", page, re.DOTALL)[1]
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    policy = dict.fromkeys(
        value for name, value in Reader(page).attributes if value and "default-src" in value
    )
    assert list(policy) == [
        f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    ]


def test_hostile_text_is_text_in_html():
    page = render_html(hostile_day())

    assert "<img" not in page
    assert "onerror=alert(1)&gt;" in page
    text = "".join(Reader(page).text)
    assert "<img src=x onerror=alert(1)>" in text
    assert r"\x1b[31m\x0d\x0a\u202egnp.exe\u2028" in text


def test_hostile_text_is_text_in_markdown():
    page = render_markdown(hostile_day())

    assert "<img" not in page.replace("\\<img", "")
    assert not re.search(r"(?<!\\)\[a(?<!\\)\]\(", page)
    assert "https\\://" in page
    assert "www\\.evil" in page
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f\u202e\u2028]", page)
    for block in re.findall(r"(?:^\|.*\n)+", page, re.MULTILINE):
        pipes = {len(re.findall(r"(?<!\\)\|", row)) for row in block.splitlines()}
        assert len(pipes) == 1


@pytest.mark.parametrize("special", list("\\`*_[]<>|~#&!@$"))
def test_every_special_character_is_escaped(special):
    assert escape_markdown(f"a{special}b") == f"a\\{special}b"


def test_ordinary_text_stays_readable():
    assert escape_markdown("12:30 to 16.05 (-3 %)") == "12:30 to 16.05 (-3 %)"


def test_every_cell_is_visible():
    unseen = re.compile(r"[\x00-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069]")
    for section in sections_of(hostile_day()):
        for table in section.tables:
            for row in table.rows:
                assert len(row) == len(table.columns)
                assert not any(unseen.search(cell) for cell in row)
        assert not any(unseen.search(line) for line in section.lines)


def test_hostile_words_reach_the_page_at_all():
    assert "HYPERLINK" in HOSTILE
    assert "HYPERLINK" in render_html(hostile_day())


def test_shadow_mode_is_said_first():
    shadow = trading_day().model_copy(update={"is_enforced": False})

    assert "SHADOW MODE" in render_html(shadow)
    assert "SHADOW MODE" not in render_html(trading_day())
