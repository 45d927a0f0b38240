"""An order as the wire shows it: every key always there, absent values null."""

from __future__ import annotations

from collections.abc import Container, Sequence
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any

from quantcli.exchange.figures import spelled, spelled_or_none
from quantcli.exchange.identities import asset_id
from quantcli.exchange.order_record import Order
from quantcli.exchange.trading_hours import spelled_instant

#: What an order is called whose cancel is under way; in the book it is as open as before.
PENDING_CANCEL = "pending_cancel"

_AVERAGE_QUANTUM = Decimal("1e-16")


def order_view(
    seed: int, order: Order, legs: Sequence[Order] = (), cancels: Container[str] = ()
) -> dict[str, Any]:
    """Return the JSON object of an order, its legs inside it.

    Args:
        seed: That of all ids.
        order: As in the book.
        legs: Those to be shown inside it.
        cancels: Ids of the orders whose cancel is under way.
    """
    is_going = order.is_open and order.order_id in cancels
    return {
        "id": order.order_id,
        "client_order_id": order.client_order_id,
        "created_at": spelled_instant(order.created),
        "updated_at": spelled_instant(order.updated),
        "submitted_at": spelled_instant(order.submitted),
        "filled_at": spelled_instant(order.filled),
        "expired_at": spelled_instant(order.expired),
        "expires_at": spelled_instant(order.expires),
        "canceled_at": spelled_instant(order.canceled),
        "failed_at": spelled_instant(order.failed),
        "replaced_at": spelled_instant(order.replaced),
        "replaced_by": order.replaced_by,
        "replaces": order.replaces,
        "asset_id": asset_id(seed, order.symbol),
        "symbol": order.symbol,
        "asset_class": "us_equity",
        "notional": spelled_or_none(order.notional),
        "qty": None if order.notional is not None else spelled(order.quantity),
        "filled_qty": spelled(order.filled_quantity),
        "filled_avg_price": spelled_or_none(average(order.average_price)),
        "order_class": order.order_class,
        "order_type": order.order_type,
        "type": order.order_type,
        "side": order.side,
        "position_intent": order.intent,
        "time_in_force": order.time_in_force,
        "limit_price": spelled_or_none(order.limit_price),
        "stop_price": spelled_or_none(order.stop_price),
        "status": PENDING_CANCEL if is_going else order.status,
        "extended_hours": bool(order.extended_hours),
        "legs": [order_view(seed, leg, cancels=cancels) for leg in legs] or None,
        "trail_percent": spelled_or_none(order.trail_percent),
        "trail_price": spelled_or_none(order.trail_price),
        "hwm": spelled_or_none(order.high_water_mark),
        "ratio_qty": None,
        "subtag": None,
        "source": None,
    }


def average(price: Decimal | None) -> Decimal | None:
    """Return an average price to 16 decimal places, half-even; None stays None."""
    return None if price is None else price.quantize(_AVERAGE_QUANTUM, ROUND_HALF_EVEN)
