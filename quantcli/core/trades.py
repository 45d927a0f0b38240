"""Round trips from fills: first in, first out.

Each sale closes the oldest shares still held. Costs and proceeds are split to the cent without
a remainder, so that realised and unrealised P&L always add up to the change in equity
(INV-20). The result does not depend on the order in which executions are reported (INV-18).
An oversell opens lots below zero, which the next purchase closes: nothing is clamped.
"""

from __future__ import annotations

import datetime as dt
from collections import deque
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal
from itertools import groupby
from typing import NamedTuple

from quantcli.contracts.canonical import sha256_hex
from quantcli.contracts.config import FeesSection
from quantcli.contracts.journal_rows import ActionRow
from quantcli.contracts.orders import Fill, OrderRecord
from quantcli.contracts.scalars import CENT, ZERO
from quantcli.contracts.snapshot import RecentExit, TradeClosed
from quantcli.core.corporate_actions import price_after, shares_after
from quantcli.core.fees import estimated_fees
from quantcli.core.ledger import cash_effect, in_booking_order, signed_quantity
from quantcli.core.sessions import new_york


class Match(NamedTuple):
    """Shares that one execution opened and another closed.

    Attributes:
        opening: The execution that opened the shares.
        closing: The execution that closed them.
        quantity: Shares, above zero.
        opening_price: USD per share that the opening paid, in the shares of the closing.
        pnl_gross: Cash in less cash out, USD to the cent, before fees.
        fees: Estimated fees of both executions that fall on these shares, USD, >= 0.
    """

    opening: Fill
    closing: Fill
    quantity: Decimal
    opening_price: Decimal
    pnl_gross: Decimal
    fees: Decimal


class OpenLot(NamedTuple):
    """Shares of one execution that are still held.

    Attributes:
        opening: The execution that opened them.
        quantity: Signed shares.
        cost: USD to the cent that they cost; below zero for an oversell.
    """

    opening: Fill
    quantity: Decimal
    cost: Decimal


@dataclass(frozen=True, slots=True)
class FillBook:
    """What all executions add up to.

    Attributes:
        lots: Symbol -> shares still held, oldest first; flat symbols are absent.
        matches: Closed shares in the order of their closing.
        flat_sessions: Symbol -> newest session in which it became flat.
    """

    lots: Mapping[str, tuple[OpenLot, ...]]
    matches: tuple[Match, ...]
    flat_sessions: Mapping[str, dt.date]

    def quantity(self, symbol: str) -> Decimal:
        """Return the signed shares held in a symbol."""
        return sum((lot.quantity for lot in self.lots.get(symbol, ())), ZERO)

    def cost(self, symbol: str) -> Decimal:
        """Return what the held shares of a symbol cost, USD to the cent."""
        return sum((lot.cost for lot in self.lots.get(symbol, ())), ZERO)


class _Piece:
    """What is left of an execution: shares, cash and fees, split to the cent."""

    __slots__ = ("cash", "fees", "fill", "price", "quantity")

    def __init__(self, fill: Fill, rates: FeesSection) -> None:
        self.fill = fill
        self.quantity = fill.last_quantity
        self.price = fill.last_price
        self.cash = cash_effect(fill)
        self.fees = estimated_fees(fill, rates)

    def take(self, quantity: Decimal) -> tuple[Decimal, Decimal]:
        """Return cash and fees of `quantity` shares and keep the rest; the last part takes all."""
        share = quantity / self.quantity
        cash = (self.cash * share).quantize(CENT, ROUND_HALF_EVEN)
        fees = (self.fees * share).quantize(CENT, ROUND_HALF_EVEN)
        self.quantity -= quantity
        self.cash -= cash
        self.fees -= fees
        return cash, fees


def book_of(
    fills: Iterable[Fill], rates: FeesSection, actions: Iterable[ActionRow] = ()
) -> FillBook:
    """Return what the executions add up to.

    Args:
        fills: Executions in any order; one reported twice counts once.
        rates: Estimates the fees of sales.
        actions: Corporate actions in the order of their booking; each is in force before the
            first execution of its ex-date.
    """
    held: dict[str, deque[_Piece]] = {}
    matches: list[Match] = []
    flat_sessions: dict[str, dt.date] = {}
    ahead = deque(sorted(actions, key=lambda action: action.ex_date))
    for fill in in_booking_order(fills):
        while ahead and ahead[0].ex_date <= new_york(fill.filled_at).date():
            matches.extend(_restate(held, ahead.popleft()))
        queue = held.setdefault(fill.symbol, deque())
        matches.extend(_close(queue, fill, rates))
        if not queue:
            flat_sessions[fill.symbol] = new_york(fill.filled_at).date()
    for action in ahead:
        matches.extend(_restate(held, action))
    lots = {
        symbol: tuple(OpenLot(piece.fill, _signed(piece), -piece.cash) for piece in held[symbol])
        for symbol in sorted(held)
        if held[symbol]
    }
    return FillBook(lots, tuple(matches), dict(sorted(flat_sessions.items())))


def trades_of(
    matches: Iterable[Match],
    orders: Mapping[str, OrderRecord],
    booked: Collection[str],
) -> tuple[TradeClosed, ...]:
    """Return the round trips that ended with the executions in `booked`.

    Matches between the same two orders are one trade. Shares whose entry or exit order is not
    ours carry `foreign` as strategy or purpose.

    Args:
        matches: All matches.
        orders: Client order id -> order, for strategy, signal and purpose.
        booked: Execution ids booked in the session that reports these trades; a fill that is
            learned a day late belongs to the day that learns it.
    """
    closing = [match for match in matches if match.closing.execution_id in booked]
    closing.sort(key=_orders_of)
    trades = [_trade(tuple(group), orders) for _, group in groupby(closing, key=_orders_of)]
    return tuple(sorted(trades, key=lambda trade: (trade.exited_at, trade.symbol, trade.trade_id)))


def recent_exits(book: FillBook) -> tuple[RecentExit, ...]:
    """Return for each symbol that was ever closed the newest session in which it was."""
    return tuple(
        RecentExit(symbol=symbol, session=session) for symbol, session in book.flat_sessions.items()
    )


def _restate(held: dict[str, deque[_Piece]], action: ActionRow) -> Iterable[Match]:
    """Tell the shares held of a symbol as they are after an action; costs stay as they are.

    What is no whole share is gone, closed for nothing: the cash that came for it is booked by
    itself, as income.
    """
    moved = held.pop(action.symbol, deque())
    queue = held.setdefault(action.new_symbol, deque())
    queue.extend(moved)
    if action.kind != "split":
        return
    before = after = ZERO
    for piece in queue:
        before += piece.quantity
        total = shares_after(before, action.ratio)
        piece.quantity, after = total - after, total
        piece.price = price_after(piece.price, action.ratio)
    fraction = after - abs(action.quantity_after)
    while queue and fraction > 0:
        oldest = queue[0]
        quantity = min(oldest.quantity, fraction)
        gone = _fraction(oldest.fill, action, quantity)
        cash, fees = oldest.take(quantity)
        fraction -= quantity
        if oldest.quantity == 0:
            queue.popleft()
        yield Match(oldest.fill, gone, quantity, oldest.price, cash, fees)


def _fraction(opening: Fill, action: ActionRow, quantity: Decimal) -> Fill:
    """Return what stands for the end of a fraction: no execution, at no price that was paid."""
    name = f"action-{action.symbol}-{action.ex_date.isoformat()}"
    return opening.model_copy(
        update={
            "execution_id": name,
            "client_order_id": None,
            "broker_order_id": name,
            "side": "sell",
            "last_quantity": quantity,
        }
    )


def _close(queue: deque[_Piece], fill: Fill, rates: FeesSection) -> Iterable[Match]:
    """Close the oldest shares of the other side with `fill`; what is left of it opens."""
    incoming = _Piece(fill, rates)
    while queue and incoming.quantity > 0 and queue[0].fill.side != fill.side:
        oldest = queue[0]
        quantity = min(oldest.quantity, incoming.quantity)
        cash_open, fees_open = oldest.take(quantity)
        cash_close, fees_close = incoming.take(quantity)
        if oldest.quantity == 0:
            queue.popleft()
        yield Match(
            opening=oldest.fill,
            closing=fill,
            quantity=quantity,
            opening_price=oldest.price,
            pnl_gross=cash_open + cash_close,
            fees=fees_open + fees_close,
        )
    if incoming.quantity > 0:
        queue.append(incoming)


def _signed(piece: _Piece) -> Decimal:
    return piece.quantity if signed_quantity(piece.fill) > 0 else -piece.quantity


def _orders_of(match: Match) -> tuple[str, str, str]:
    return (match.opening.symbol, match.opening.broker_order_id, match.closing.broker_order_id)


def _trade(group: tuple[Match, ...], orders: Mapping[str, OrderRecord]) -> TradeClosed:
    opening, closing = group[0].opening, group[-1].closing
    entry = orders.get(opening.client_order_id or "")
    leaving = orders.get(closing.client_order_id or "")
    quantity = sum((match.quantity for match in group), ZERO)
    pnl = sum((match.pnl_gross for match in group), ZERO)
    fees = sum((match.fees for match in group), ZERO)
    key = "|".join(("trade", *_orders_of(group[0]), group[0].closing.execution_id))
    return TradeClosed(
        trade_id=sha256_hex(key.encode()),
        symbol=closing.symbol,
        strategy=entry.intent.strategy if entry else "foreign",
        quantity=quantity,
        entry_price=sum((m.quantity * m.opening_price for m in group), ZERO) / quantity,
        exit_price=sum((m.quantity * m.closing.last_price for m in group), ZERO) / quantity,
        entered_at=opening.filled_at,
        exited_at=closing.filled_at,
        pnl_gross=pnl,
        fees=fees,
        pnl_net=pnl - fees,
        exit_purpose=leaving.intent.purpose if leaving else "foreign",
        entry_signal_id=entry.intent.signal_id if entry else None,
    )
