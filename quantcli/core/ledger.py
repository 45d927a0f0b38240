"""Positions and cash from fills.

Owns the two effects of an execution: on the position in its symbol and on cash. Nothing is
clamped: an overfill or an oversell is booked as it happened and named, so that the desk pauses
(INV-17, INV-19, INV-20).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from decimal import ROUND_HALF_EVEN, Decimal

from quantcli.contracts.orders import Fill, OrderRecord
from quantcli.contracts.positions import PositionRecord
from quantcli.contracts.scalars import CENT, ZERO

#: How executions and movements are named that an operator adopted: no broker tells of them.
ADOPTED = "adopted-"


def signed_quantity(fill: Fill) -> Decimal:
    """Return the fill's shares: above zero for a buy, below for a sell."""
    return fill.last_quantity if fill.side == "buy" else -fill.last_quantity


def cash_effect(fill: Fill) -> Decimal:
    """Return what the fill does to cash, in USD: the amount to the cent, half-even.

    A buy costs, a sell brings in. Fees are not part of it: the broker books them by themselves.
    """
    amount = (fill.last_quantity * fill.last_price).quantize(CENT, ROUND_HALF_EVEN)
    return -amount if fill.side == "buy" else amount


def apply_fill(
    position: PositionRecord | None, fill: Fill, session: dt.date
) -> PositionRecord | None:
    """Return the position after a fill; None when it is flat.

    Buying more averages the cost; selling leaves it as it is. A fill that goes through zero
    leaves a position on the other side, opened by this fill at its price.

    Args:
        position: The position before, in the fill's symbol; None when flat.
        fill: One execution, not booked before.
        session: The session that books it.
    """
    if position is None:
        return _opened(fill, signed_quantity(fill), session)
    before = position.quantity
    after = before + signed_quantity(fill)
    if after == 0:
        return None
    if (before > 0) != (after > 0):
        return _opened(fill, after, session)
    if abs(after) < abs(before):
        return position._replace(quantity=after)
    cost = before * position.average_price + signed_quantity(fill) * fill.last_price
    return position._replace(quantity=after, average_price=cost / after)


def in_booking_order(fills: Iterable[Fill]) -> tuple[Fill, ...]:
    """Return fills as they are booked: by time, then by id, each id once.

    However often and in whatever order an execution is reported, the ledger is the same
    (INV-18).
    """
    once = {fill.execution_id: fill for fill in fills}
    return tuple(sorted(once.values(), key=lambda fill: (fill.filled_at, fill.execution_id)))


def quantity_filled(fills: Iterable[Fill], client_order_id: str) -> Decimal:
    """Return the shares that the booked fills of one order add up to."""
    own = (fill.last_quantity for fill in fills if fill.client_order_id == client_order_id)
    return sum(own, ZERO)


def is_late(order: OrderRecord, booked_quantity: Decimal, fill: Fill) -> bool:
    """Return whether a fill came after the final word on its order.

    A final state tells how much was filled; fills up to that are merely the details. Anything
    beyond it is a late fill.

    Args:
        order: The order as stored.
        booked_quantity: Shares of its fills booked so far, without this one.
        fill: The execution about to be booked.
    """
    is_final = order.leaves_quantity == 0 and order.state != "PENDING"
    return is_final and booked_quantity + fill.last_quantity > order.cumulative_quantity


def invariants_broken(
    order: OrderRecord, booked_quantity: Decimal, position: PositionRecord | None, fill: Fill
) -> tuple[str, ...]:
    """Return the reason codes of what a fill breaks, once it is booked.

    Args:
        order: The order as stored.
        booked_quantity: Shares of the order's fills booked so far, without this one.
        position: The position before the fill.
        fill: The execution about to be booked.

    Returns:
        `order-overfilled`: more than was ordered; `late-fill`: after the order's final state;
        `position-oversold`: more was sold than held.
    """
    held = ZERO if position is None else position.quantity
    broken = []
    if booked_quantity + fill.last_quantity > order.intent.quantity:
        broken.append("order-overfilled")
    if is_late(order, booked_quantity, fill):
        broken.append("late-fill")
    if fill.side == "sell" and held - fill.last_quantity < 0:
        broken.append("position-oversold")
    return tuple(broken)


def _opened(fill: Fill, quantity: Decimal, session: dt.date) -> PositionRecord:
    return PositionRecord(
        fill.symbol, quantity, fill.last_price, session, fill.filled_at, fill.client_order_id
    )
