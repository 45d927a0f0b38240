"""How values are spelled."""

import datetime as dt
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quantcli.shell.render import figures
from quantcli.shell.render.equity_curve import equity_curve
from quantcli.shell.render.markup import Markup, joined, tag


@pytest.mark.parametrize(
    ("spell", "value", "text"),
    [
        (figures.dollars, "1234567.5", "1,234,567.50"),
        (figures.dollars, None, "-"),
        (figures.signed_dollars, "12", "+12.00"),
        (figures.signed_dollars, "-1200.5", "-1,200.50"),
        (figures.signed_dollars, "0", "0.00"),
        (figures.signed_dollars, None, "-"),
        (figures.price_text, "12.5", "12.50"),
        (figures.price_text, "1012.3456", "1,012.3456"),
        (figures.price_text, "0.12", "0.12"),
        (figures.price_text, None, "-"),
        (figures.shares, "30", "30"),
        (figures.shares, "0.5", "0.5"),
        (figures.shares, None, "-"),
        (figures.percent, "0.01234", "1.23 %"),
        (figures.percent, "-0.00001", "0.00 %"),
        (figures.percent, "-0.2", "-20.00 %"),
        (figures.percent, None, "-"),
    ],
)
def test_numbers(spell, value, text):
    assert spell(None if value is None else Decimal(value)) == text


def test_other_values():
    at = dt.datetime(2024, 8, 1, 20, 5, tzinfo=dt.UTC)

    assert figures.instant_or_none(at) == "2024-08-01T20:05:00Z"
    assert figures.instant_or_none(None) == "-"
    assert figures.short("abcdef0123456789") == "abcdef012345"
    assert figures.short(None) == "-"
    assert figures.cycle_text("083000") == "08:30:00"
    assert figures.text_or_none("") == figures.text_or_none(None) == "-"
    assert figures.text_or_none(0) == "0"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain", "plain"),
        ("caf\u00e9 \u65e5\u672c", "caf\u00e9 \u65e5\u672c"),
        ("a\nb\tc", r"a\x0ab\x09c"),
        ("\x1b[31mred", r"\x1b[31mred"),
        ("abc\u202edef", r"abc\u202edef"),
        ("zero\u200bwidth", r"zero\u200bwidth"),
        ("line\u2028para\u2029", r"line\u2028para\u2029"),
    ],
)
def test_unseen_characters_become_visible(text, shown):
    assert figures.visible(text) == shown


def test_long_text_is_cut():
    assert figures.visible("x" * 301) == "x" * 297 + "..."
    assert figures.visible("x" * 300) == "x" * 300


@given(st.text())
def test_visible_text_stays_on_its_line(text):
    assert len(figures.visible(text).splitlines()) <= 1
    assert figures.visible(text).isprintable()


def test_text_is_never_markup():
    assert tag("p", "<b>", tag("i", "&")) == "<p>&lt;b&gt;<i>&amp;</i></p>"
    assert tag("td", class_='"><x') == '<td class="&quot;&gt;&lt;x"></td>'
    assert tag("meta", http_equiv="a") == '<meta http-equiv="a">'
    assert joined("<", Markup("<br>")) == "&lt;<br>"


def test_equity_curve_by_hand():
    # 704 wide from 8, 136 high from 22: 100 at the bottom, 110 on top, 105 halfway
    drawn = equity_curve([Decimal(100), Decimal(110), Decimal(105)])

    assert 'points="8.0,158.0 360.0,22.0 712.0,90.0"' in drawn
    assert 'cx="712.0" cy="90.0"' in drawn
    assert "from 100.00 to 105.00 USD, lowest 100.00, highest 110.00" in drawn


def test_flat_equity_is_one_level_line():
    drawn = equity_curve([Decimal(100), Decimal(100)])

    assert drawn.count("<line") == 1
    assert 'points="8.0,90.0 712.0,90.0"' in drawn


@pytest.mark.parametrize("history", [[], [Decimal(1)]])
def test_curve_needs_two_values(history):
    assert "<svg" not in equity_curve(history)
