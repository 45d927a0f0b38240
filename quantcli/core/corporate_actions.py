"""What a corporate action does to our books: positions, stops, and what orders were told in.

A split gives `ratio` new shares for each old one, and every price per share is divided by it.
Whole shares stay whole: the rest is paid in cash, which the broker books by itself. A stop is
restated on the next tick away from the market, never above what it was.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from decimal import ROUND_DOWN, Decimal
from fractions import Fraction
from typing import NamedTuple

from quantcli.contracts.corporate_actions import CorporateAction
from quantcli.contracts.errors import LedgerError
from quantcli.contracts.journal_rows import ActionRow, StopRow
from quantcli.contracts.orders import OrderIntent
from quantcli.contracts.positions import PositionRecord
from quantcli.core.intents import tick_below
from quantcli.core.sessions import new_york

_SHARE_QUANTUM = Decimal("1e-9")


class Terms(NamedTuple):
    """What one share of a symbol has become since a day: its symbol, and how many shares."""

    symbol: str
    factor: Fraction

    def price(self, then: Decimal) -> Decimal:
        """Return USD per share of then as USD per share of now, unrounded."""
        return price_after(then, self.factor)


def shares_after(shares: Decimal, ratio: Fraction) -> Decimal:
    """Return shares after a split, down to nine decimal places."""
    exact = shares * ratio.numerator / ratio.denominator
    return exact.quantize(_SHARE_QUANTUM, ROUND_DOWN).normalize() + 0


def price_after(price: Decimal, ratio: Fraction) -> Decimal:
    """Return USD per share after a split, unrounded."""
    return price if ratio == 1 else price * ratio.denominator / ratio.numerator


def quantity_after(shares: Decimal, ratio: Fraction) -> Decimal:
    """Return the shares held after a split: whole ones of whole ones."""
    after = shares_after(shares, ratio)
    return after.to_integral_value(ROUND_DOWN) if shares == shares.to_integral_value() else after


def rows_due(
    positions: Iterable[PositionRecord],
    actions: Sequence[CorporateAction],
    booked: Iterable[ActionRow],
    traded_since: Mapping[str, dt.date],
) -> tuple[ActionRow, ...]:
    """Return the rows of the actions that held positions still have to follow, in their order.

    An action that is booked is never booked again, whatever is told of it later. One that is
    learned after the symbol has traded in the new shares is not followed: what those executions
    were of cannot be told any more, and the difference stays a break for an operator.

    Args:
        positions: As the journal has them.
        actions: By date; all of them in force now.
        booked: What the journal has booked of actions.
        traded_since: Symbol -> New York date of its newest execution.
    """
    held = {position.symbol: position for position in positions}
    known = {row.key for row in booked}
    rows = []
    for action in actions:
        position = held.get(action.symbol)
        if position is None or action.kind not in {"split", "rename"} or action.key in known:
            continue
        newest = traded_since.get(action.symbol, dt.date.min)
        if max(new_york(position.opened_at).date(), newest) >= action.ex_date:
            continue
        row = ActionRow(
            kind="split" if action.kind == "split" else "rename",
            symbol=action.symbol,
            ex_date=action.ex_date,
            new_rate=action.new_rate or 1,
            old_rate=action.old_rate or 1,
            new_symbol=action.new_symbol or action.symbol,
            quantity_before=position.quantity,
            quantity_after=quantity_after(position.quantity, action.ratio),
        )
        rows.append(row)
        held = positions_after(held, row)
    return tuple(rows)


def positions_after(
    held: Mapping[str, PositionRecord], row: ActionRow
) -> dict[str, PositionRecord]:
    """Return positions by symbol after an action.

    Raises:
        LedgerError: the action was written of other shares than are held.
    """
    after = dict(held)
    position = after.pop(row.symbol, None)
    if position is None or position.quantity != row.quantity_before:
        raise LedgerError(
            "a corporate action of other shares than are held",
            value=f"{row.symbol} {row.quantity_before}",
        )
    there = after.pop(row.new_symbol, None)
    if row.quantity_after != 0:
        after[row.new_symbol] = position._replace(
            symbol=row.new_symbol,
            quantity=row.quantity_after,
            average_price=price_after(position.average_price, row.ratio),
        )
    if there is not None:
        after[row.new_symbol] = _joined(after.get(row.new_symbol), there)
    return after


def stops_after(stops: Mapping[str, StopRow], row: ActionRow) -> dict[str, StopRow]:
    """Return stop memory by symbol after an action; the order that stood for it counts no more."""
    after = dict(stops)
    memory = after.pop(row.symbol, None)
    if memory is not None:
        after[row.new_symbol] = memory.model_copy(
            update={
                "symbol": row.new_symbol,
                "stop_price": tick_below(price_after(memory.stop_price, row.ratio)),
                "client_order_id": None,
            }
        )
    return after


def terms_since(symbol: str, day: dt.date, rows: Iterable[ActionRow]) -> Terms:
    """Return what a share of `symbol` on `day` is now, by the actions with a later ex-date."""
    factor = Fraction(1)
    for row in sorted(rows, key=lambda row: row.ex_date):
        if row.ex_date > day and row.symbol == symbol:
            factor *= row.ratio
            symbol = row.new_symbol
    return Terms(symbol, factor)


def is_outdated(intent: OrderIntent, rows: Iterable[ActionRow]) -> bool:
    """Return whether an order was formed in shares that are no more."""
    return terms_since(intent.symbol, intent.session, rows) != Terms(intent.symbol, Fraction(1))


def _joined(moved: PositionRecord | None, there: PositionRecord) -> PositionRecord:
    """Return a position in a symbol that was held already when another one was renamed to it."""
    if moved is None:
        return there
    together = moved.quantity + there.quantity
    cost = moved.quantity * moved.average_price + there.quantity * there.average_price
    return there._replace(quantity=together, average_price=cost / together)
