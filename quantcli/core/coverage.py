"""Whether each share held is covered by a working stop or a working exit (INV-07).

An order that we asked to cancel, or whose outcome is unknown, covers nothing: the certificate
states what is certain.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import NamedTuple

from quantcli.contracts.broker_views import BrokerOrder, BrokerPosition
from quantcli.contracts.orders import Fill, OrderRecord
from quantcli.contracts.scalars import ZERO, plain, price, quantity

_COVERING_STATES = frozenset({"SUBMITTED", "PARTIALLY_FILLED"})
_RESTING_STATUSES = frozenset({"accepted", "working", "partially_filled"})


class Coverage(NamedTuple):
    """What covers a position.

    Attributes:
        covered_by: Client order ids of the working sells, in the order given.
        uncovered: Shares without one, never below zero.
    """

    covered_by: tuple[str, ...]
    uncovered: Decimal


def is_covering(order: OrderRecord) -> bool:
    """Return whether an order certainly sells when its time comes."""
    return (
        order.intent.side == "sell"
        and order.intent.purpose != "entry"
        and order.state in _COVERING_STATES
    )


def coverage(shares: Decimal, orders: Iterable[OrderRecord]) -> Coverage:
    """Return what covers `shares` of the symbol that `orders` are in."""
    covering = [order for order in orders if is_covering(order)]
    covered = sum((order.leaves_quantity for order in covering), ZERO)
    ids = tuple(order.intent.client_order_id for order in covering)
    return Coverage(ids, max(shares - covered, ZERO))


def unprotected_seconds(
    opened_at: dt.datetime,
    fills: Sequence[Fill],
    protections: Sequence[OrderRecord],
    uncovered: Decimal,
    as_of: dt.datetime,
) -> int:
    """Return the longest time that bought shares of a position had no stop, in whole seconds.

    Args:
        opened_at: When the position was opened; earlier fills and stops belong to an older one.
        fills: Fills of the symbol, in booking order.
        protections: Stops and exits of the symbol, in any state.
        uncovered: Shares that have no cover now: their wait lasts until `as_of`.
        as_of: Now.
    """
    steps = sorted(
        (order.submitted_at, order.intent.quantity)
        for order in protections
        if order.submitted_at is not None and order.submitted_at >= opened_at
    )
    held, longest = ZERO, dt.timedelta(0)
    for fill in fills:
        if fill.filled_at < opened_at:
            continue
        if fill.side == "sell":
            held -= fill.last_quantity
            continue
        held += fill.last_quantity
        covered_at = next((at for at, quantity in steps if quantity >= held), None)
        if covered_at is None:
            covered_at = as_of if uncovered > 0 or not steps else steps[-1][0]
        longest = max(longest, covered_at - fill.filled_at)
    return int(longest.total_seconds())


class Held(NamedTuple):
    """Shares that the broker shows, and what rests there to sell them.

    Attributes:
        symbol: The stock.
        quantity: Shares.
        covered: Shares that working sells would sell, at most `quantity`.
        stop_price: The lowest stop among those sells, USD per share; None: there is none.
    """

    symbol: str
    quantity: Decimal
    covered: Decimal
    stop_price: Decimal | None

    def line(self) -> str:
        """Return the position in one line, with UNCOVERED in front if any share is."""
        at = "" if self.stop_price is None else f", stop {plain(price(self.stop_price))}"
        held, covered = plain(quantity(self.quantity)), plain(quantity(self.covered))
        mark = "UNCOVERED " if self.covered < self.quantity else ""
        return f"{mark}{self.symbol}: {held} shares, {covered} under working sells{at}"


def held_at_broker(
    positions: Iterable[BrokerPosition], open_orders: Sequence[BrokerOrder]
) -> tuple[Held, ...]:
    """Return every position and its cover by the broker's word alone: no book is needed.

    An order that is on its way out, or whose status nobody understands, covers nothing.
    """
    found = []
    for position in sorted(positions, key=lambda each: each.symbol):
        sells = [
            order
            for order in open_orders
            if (order.symbol, order.side) == (position.symbol, "sell")
            and order.status in _RESTING_STATUSES
        ]
        left = sum(((each.quantity or ZERO) - each.cumulative_quantity for each in sells), ZERO)
        stop = min((each.stop_price for each in sells if each.stop_price is not None), default=None)
        shares = position.quantity
        found.append(Held(position.symbol, shares, min(left, max(shares, ZERO)), stop))
    return tuple(found)
