"""An order as an artifact tells it: what it was for, where it stands, what was done about it."""

from __future__ import annotations

from decimal import Decimal

from quantcli.contracts.execution import OrderAction, OrderReport
from quantcli.contracts.orders import OrderRecord
from quantcli.contracts.scalars import ZERO


def order_report(order: OrderRecord, action: OrderAction, code: str | None) -> OrderReport:
    """Return the report on an order.

    Args:
        order: As the journal holds it.
        action: What was done or learned about it.
        code: The reason code to show, which may say more than the order's own.
    """
    intent = order.intent
    return OrderReport(
        intent_id=intent.intent_id,
        client_order_id=intent.client_order_id,
        purpose=intent.purpose,
        symbol=intent.symbol,
        side=intent.side,
        action=action,
        state=order.state,
        ordered_quantity=intent.quantity,
        cumulative_quantity=order.cumulative_quantity,
        cancelled_quantity=_cancelled(order),
        average_price=order.average_price,
        limit_price=intent.limit_price,
        stop_price=intent.stop_price,
        code=code,
        message=order.message,
    )


def _cancelled(order: OrderRecord) -> Decimal:
    """Return the shares that an order ended without; none of one that was never taken."""
    ended = order.state in {"CANCELLED", "EXPIRED"} and order.broker_order_id is not None
    return order.intent.quantity - order.cumulative_quantity if ended else ZERO
