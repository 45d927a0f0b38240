"""The report as one HTML page: nothing is loaded, nothing runs, everything is escaped.

The content security policy allows the page's own style sheet by its digest and nothing else,
so that a hostile symbol or broker message could not act even if an escape were forgotten.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Sequence
from decimal import Decimal

from quantcli.contracts.report import Report
from quantcli.shell.render.equity_curve import equity_curve
from quantcli.shell.render.figures import dollars, percent, signed_dollars, visible
from quantcli.shell.render.markup import Markup, joined, tag
from quantcli.shell.render.sections import Column, Section, Table, sections_of, title_of

_STYLE = """
:root { color-scheme: light dark; --ink: #1c2330; --soft: #5b6577; --paper: #ffffff;
  --line: #dfe3ea; --panel: #f5f7fa; --good: #17693c; --warn: #8a5300; --bad: #b3261e;
  --accent: #2456b8; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6e9ef; --soft: #9aa4b5; --paper: #12161d;
  --line: #2b3340; --panel: #1a2029; --good: #58c48a; --warn: #e0a04a; --bad: #ff8a80;
  --accent: #7aa7ff; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 76rem; padding: 1.5rem 1rem 4rem; color: var(--ink);
  background: var(--paper); font: 15px/1.5 system-ui, sans-serif; }
h1 { font-size: 1.6rem; margin: 0; }
h2 { font-size: 1.1rem; margin: 2.2rem 0 .6rem; border-bottom: 1px solid var(--line);
  padding-bottom: .3rem; }
p { margin: .3rem 0; }
.label { display: inline-block; padding: .15rem .6rem; border: 2px solid var(--warn);
  color: var(--warn); font-weight: 700; letter-spacing: .04em; margin-bottom: .8rem; }
.badges { display: flex; flex-wrap: wrap; gap: .5rem; margin: .6rem 0 1rem; }
.badge { padding: .1rem .6rem; border-radius: 1rem; border: 1px solid currentColor;
  font-weight: 600; }
.good { color: var(--good); } .warn { color: var(--warn); } .bad { color: var(--bad); }
.cards { display: grid; grid-template-columns: repeat(auto-fit, minmax(8.2rem, 1fr)); gap: .6rem; }
.card { background: var(--panel); border: 1px solid var(--line); border-radius: .4rem;
  padding: .5rem .6rem; }
.card span { display: block; color: var(--soft); font-size: .8rem; }
.card b { font-size: 1.02rem; font-variant-numeric: tabular-nums; }
.tables { display: flex; flex-wrap: wrap; gap: 0 2.5rem; align-items: flex-start; }
.wide { overflow-x: auto; margin: .6rem 0; flex: 1 1 100%; }
.narrow { flex: 0 1 30rem; }
table { border-collapse: collapse; width: 100%; font-size: .87rem; }
th, td { text-align: left; padding: .28rem .6rem; border-bottom: 1px solid var(--line);
  vertical-align: top; }
th { color: var(--soft); font-weight: 600; white-space: nowrap; }
td { overflow-wrap: anywhere; min-width: 3.5rem; }
.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap;
  overflow-wrap: normal; }
.note { color: var(--soft); }
.curve { width: 100%; height: auto; margin-top: .8rem; }
.curve polyline { fill: none; stroke: var(--accent); stroke-width: 2; }
.curve circle { fill: var(--accent); }
.curve line { stroke: var(--line); stroke-dasharray: 3 4; }
.curve text { fill: var(--soft); font-size: 12px; }
@media print { body { max-width: none; } .wide { overflow: visible; } }
"""

_TONES = {
    "clean": "good", "GO": "good", "attention": "warn", "damaged": "bad", "NO-GO": "bad",
}  # fmt: skip


def render_html(report: Report, equity_history: Sequence[Decimal] | None = None) -> str:
    """Return report.html: self-contained, and the same bytes for the same report.

    Args:
        report: The session's report.
        equity_history: Closing equities in USD for the curve, oldest first; None takes the
            report's own.
    """
    history = report.equity_history if equity_history is None else equity_history
    title = title_of(report)
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", http_equiv="Content-Security-Policy", content=_policy()),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="referrer", content="no-referrer"),
        tag("title", f"{report.label} {title}".strip()),
        tag("style", Markup(_STYLE)),
    )
    body = tag(
        "body",
        *([tag("div", visible(report.label), class_="label")] if report.label else []),
        tag("h1", title),
        _badges(report),
        _cards(report),
        equity_curve(history),
        *(_section(section) for section in sections_of(report)),
    )
    return "<!doctype html>\n" + tag("html", head, body, lang="en") + "\n"


def _policy() -> str:
    digest = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
    return f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"


def _badges(report: Report) -> Markup:
    words = [report.verdict, report.go_no_go]
    badges = [tag("span", word, class_=f"badge {_TONES[word]}") for word in words]
    if report.uncovered:
        text = f"uncovered: {', '.join(report.uncovered)}"
        badges.append(tag("span", visible(text), class_="badge bad"))
    return tag("div", *badges, class_="badges")


def _cards(report: Report) -> Markup:
    risk, pnl = report.risk, report.pnl
    cards = (
        ("Equity, USD", dollars(risk.equity)),
        ("This session, USD", signed_dollars(risk.pnl_session)),
        ("Net since the start, USD", signed_dollars(pnl.net if pnl else None)),
        ("Drawdown", percent(risk.drawdown)),
        ("Exposure, gross, USD", dollars(risk.exposure_gross)),
        ("Heat", percent(risk.heat)),
        ("Positions", str(len(report.positions))),
        ("Signals", str(report.signals_scanned)),
    )
    return tag(
        "div",
        *(tag("div", tag("span", name), tag("b", value), class_="card") for name, value in cards),
        class_="cards",
    )


def _section(section: Section) -> Markup:
    return tag(
        "section",
        tag("h2", section.title),
        *(tag("p", line) for line in section.lines),
        tag("div", *(_table(table) for table in section.tables), class_="tables"),
    )


def _table(table: Table) -> Markup:
    if not table.rows:
        return tag("p", table.empty, class_="note wide")
    head = tag("tr", *(_cell("th", column, column.title) for column in table.columns))
    rows = (_row(table.columns, row) for row in table.rows)
    width = "wide narrow" if len(table.columns) == 2 else "wide"
    return tag("div", tag("table", tag("thead", head), tag("tbody", *rows)), class_=width)


def _row(columns: Iterable[Column], cells: Iterable[str]) -> Markup:
    pairs = zip(columns, cells, strict=True)
    return tag("tr", joined(*(_cell("td", column, cell) for column, cell in pairs)))


def _cell(name: str, column: Column, text: str) -> Markup:
    return tag(name, text, class_="number") if column.is_number else tag(name, text)
