"""Bars in the shares of another day: what a split or a new symbol does to older rows.

Prices of before a split are divided by its ratio and shares multiplied, so that a row can be held
against a later one. The stored arrays are never changed.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import TYPE_CHECKING

from quantcli.contracts.bars import MinuteBar
from quantcli.contracts.corporate_actions import CorporateAction, factor_between

if TYPE_CHECKING:
    from quantcli.contracts.bars import Column

#: Where volume stands among the columns; the others are prices.
_VOLUME = 4


def rebased(
    columns: tuple[Column, ...],
    symbols: Sequence[str],
    sessions: Sequence[dt.date],
    actions: Sequence[CorporateAction],
) -> tuple[Column, ...]:
    """Return open, high, low, close and volume after all of `actions`, whole rows at a time.

    A symbol that another one was renamed to gets that one's older bars where it has none.

    Args:
        columns: [sessions x symbols] arrays; not changed.
        symbols: Names of the columns.
        sessions: Dates of the rows, oldest first.
        actions: By date; splits and renames count.
    """
    import numpy as np

    place = {symbol: number for number, symbol in enumerate(symbols)}
    told = [each for each in actions if each.symbol in place and each.kind in {"split", "rename"}]
    if not told:
        return columns
    changed = tuple(np.array(column) for column in columns)
    for action in told:
        old, end = place[action.symbol], sum(session < action.ex_date for session in sessions)
        if action.kind == "split":
            ratio = float(action.ratio)
            for number, column in enumerate(changed):
                column[:end, old] *= ratio if number == _VOLUME else 1 / ratio
        elif action.new_symbol in place:
            new = place[action.new_symbol]
            is_absent = np.isnan(changed[_VOLUME - 1][:end, new])
            for column in changed:
                column[:end, new][is_absent] = column[:end, old][is_absent]
    for column in changed:
        column.setflags(write=False)
    return changed


def rebased_minutes(
    bars: Sequence[MinuteBar],
    symbol: str,
    session: dt.date,
    last: dt.date,
    actions: tuple[CorporateAction, ...],
) -> Sequence[MinuteBar]:
    """Return one session's minute bars in the shares of `last`."""
    ratio = float(factor_between(actions, symbol, session, last))
    if ratio == 1:
        return bars
    return [
        MinuteBar(
            bar.start,
            bar.open / ratio,
            bar.high / ratio,
            bar.low / ratio,
            bar.close / ratio,
            bar.volume * ratio,
        )
        for bar in bars
    ]
