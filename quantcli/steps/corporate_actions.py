"""Following corporate actions: what the journal has booked of them, and what it has still to.

The steps that book from the broker write what is due before anything else; the others look at
positions as they are after it.
"""

from __future__ import annotations

import datetime as dt
from typing import NamedTuple

from quantcli.contracts.corporate_actions import ActionKind
from quantcli.contracts.journal_rows import ActionRow, StopRow
from quantcli.contracts.positions import PositionRecord
from quantcli.core.corporate_actions import positions_after, rows_due, stops_after
from quantcli.core.sessions import new_york
from quantcli.steps.desk import Desk

#: What changes shares or their name; dividends come as cash, from the broker.
_FOLLOWED: frozenset[ActionKind] = frozenset({"split", "rename"})


class Holdings(NamedTuple):
    """Positions and stop memory after every action in force, and all those actions."""

    positions: tuple[PositionRecord, ...]
    stops: dict[str, StopRow]
    actions: tuple[ActionRow, ...]


def follow(desk: Desk) -> None:
    """Book the corporate actions that held positions still have to follow.

    Raises:
        MarketDataError: what happened cannot be read.
    """
    desk.write(due(desk))


def holdings(desk: Desk) -> Holdings:
    """Return what is held as it is now, whether or not its actions are booked yet.

    Raises:
        MarketDataError: what happened cannot be read.
    """
    rows = due(desk)
    positions = {position.symbol: position for position in desk.journal.positions()}
    stops = desk.journal.stops()
    for row in rows:
        positions, stops = positions_after(positions, row), stops_after(stops, row)
    ordered = tuple(positions[symbol] for symbol in sorted(positions))
    return Holdings(ordered, stops, (*booked(desk), *rows))


def booked(desk: Desk) -> tuple[ActionRow, ...]:
    """Return the actions that the journal has booked, in order."""
    rows = (entry.row for entry in desk.journal.rows(kind="action"))
    return tuple(row for row in rows if isinstance(row, ActionRow))


def due(desk: Desk) -> tuple[ActionRow, ...]:
    """Return the rows of actions in force that are not booked yet; what was read is noted.

    Without a position nothing is read.

    Raises:
        MarketDataError: what happened cannot be read.
    """
    positions = desk.journal.positions()
    if not positions:
        return ()
    first = min(new_york(position.opened_at).date() for position in positions)
    today = new_york(desk.stamp.as_of).date()
    if first >= today:
        return ()
    told = desk.market.actions(first + dt.timedelta(days=1), today, kinds=_FOLLOWED)
    desk.note(told.refs)
    newest = {
        fill.symbol: new_york(fill.filled_at).date()
        for action in told.actions
        for fill in desk.journal.fills(symbol=action.symbol)
    }
    return rows_due(positions, told.actions, booked(desk), newest)
