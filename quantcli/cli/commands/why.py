"""`quantcli why`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated, Any

import typer

from quantcli.cli.console import emit
from quantcli.cli.investigation import SessionOption, chosen_session, evidence_of
from quantcli.cli.options import DeskOption, JsonOption, QuietOption, ShadowOption
from quantcli.cli.wiring import Workspace, find_desk
from quantcli.contracts.errors import UsageError
from quantcli.core.story import Story, story_of

if TYPE_CHECKING:
    from quantcli.shell.render.sections import Section

#: Wider than the symbols we trade: an artifact may name what the broker holds besides.
_SYMBOL = re.compile(r"[A-Za-z0-9./^_-]{1,12}")


def command(
    symbol: Annotated[str, typer.Argument(metavar="SYMBOL", help="The symbol, e.g. AAPL.")],
    session: SessionOption = None,
    desk: DeskOption = None,
    dry_run: ShadowOption = False,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> int:
    """Tell why a symbol was traded in a session, or why it was not.

    Follows it from the scan through the decision, every gate, orders, fills, stops and exits to
    the one state in which its signal ended.
    """
    if not _SYMBOL.fullmatch(symbol):
        raise UsageError("not a symbol", value=symbol[:40], hint="write it like AAPL or BRK.B")
    with Workspace(find_desk(desk), dry_run=dry_run, read_only=True) as workspace:
        evidence = evidence_of(workspace, chosen_session(workspace, session))
    story = story_of(evidence, symbol.upper())
    emit(story.as_json(), lambda: _shown(story), as_json, quiet)
    return 0


def _shown(story: Story) -> Any:
    from quantcli.shell.render.terminal import render_terminal

    return render_terminal(_sections(story))


def _sections(story: Story) -> tuple[Section, ...]:
    from quantcli.shell.render.figures import cycle_text, text_or_none
    from quantcli.shell.render.sections import Section, table_of

    rows = tuple(
        (
            cycle_text(event.cycle), event.step, text_or_none(event.what),
            text_or_none(event.code), text_or_none(event.observed), text_or_none(event.limit),
        )
        for event in story.events
    )  # fmt: skip
    titles = "Cycle|Step|What|Reason|Observed|Limit"
    table = table_of(titles, rows, "No artifact names the symbol.")
    title = f"{story.symbol} in session {story.session}"
    return (Section(title, (story.summary(),), (table,)),)
