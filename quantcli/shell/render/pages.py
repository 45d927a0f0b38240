"""The report's pages as files: what people read, sealed with the session."""

from __future__ import annotations

from collections.abc import Mapping

from quantcli.contracts.report import Report
from quantcli.shell.render.html import render_html
from quantcli.shell.render.markdown import render_markdown


def report_pages(report: Report) -> Mapping[str, bytes]:
    """Return file name -> UTF-8 bytes: a function of the report alone."""
    return {
        "report.html": render_html(report).encode(),
        "report.md": render_markdown(report).encode(),
    }
