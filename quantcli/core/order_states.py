"""The life of an order: one table of legal changes, judged against the stored state.

PENDING means that nothing was ever sent. UNKNOWN is written before each request goes out, so a
process that dies in between leaves an order whose outcome is unknown, never one that looks
unsent (INV-12, INV-13). Final states are final; a late fill changes the quantity of such an
order, not its state (INV-14). Cumulative quantity never falls (INV-19).
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import TYPE_CHECKING

from quantcli.contracts.errors import (
    BrokerConfirmationRequiredError,
    InvalidTransitionError,
    TerminalStateError,
)
from quantcli.contracts.journal_rows import Cause, OrderRow
from quantcli.contracts.orders import (
    TERMINAL_ORDER_STATES,
    Fill,
    OrderIntent,
    OrderRecord,
    OrderState,
)
from quantcli.contracts.scalars import ZERO, price

if TYPE_CHECKING:
    from quantcli.contracts.broker_views import BrokerOrder

#: (from, to) -> whether the change needs the broker's order id. What is not here is illegal.
TRANSITIONS: dict[tuple[OrderState, OrderState], bool] = {
    # never sent
    ("PENDING", "UNKNOWN"): False,
    ("PENDING", "EXPIRED"): False,
    ("PENDING", "REJECTED"): False,
    ("PENDING", "SUBMITTED"): True,
    ("PENDING", "PARTIALLY_FILLED"): True,
    ("PENDING", "FILLED"): True,
    ("PENDING", "CANCELLED"): True,
    # sent, and no answer yet; back to PENDING only if the request provably never left
    ("UNKNOWN", "PENDING"): False,
    ("UNKNOWN", "SUBMITTED"): True,
    ("UNKNOWN", "PARTIALLY_FILLED"): True,
    ("UNKNOWN", "FILLED"): True,
    ("UNKNOWN", "PENDING_CANCEL"): True,
    ("UNKNOWN", "CANCELLED"): True,
    ("UNKNOWN", "REPLACED"): True,
    ("UNKNOWN", "REJECTED"): False,
    ("UNKNOWN", "EXPIRED"): False,
    # working
    ("SUBMITTED", "PARTIALLY_FILLED"): True,
    ("SUBMITTED", "FILLED"): True,
    ("SUBMITTED", "PENDING_CANCEL"): True,
    ("SUBMITTED", "CANCELLED"): True,
    ("SUBMITTED", "REPLACED"): True,
    ("SUBMITTED", "REJECTED"): True,
    ("SUBMITTED", "EXPIRED"): False,
    ("SUBMITTED", "UNKNOWN"): True,
    ("PARTIALLY_FILLED", "PARTIALLY_FILLED"): True,
    ("PARTIALLY_FILLED", "FILLED"): True,
    ("PARTIALLY_FILLED", "PENDING_CANCEL"): True,
    ("PARTIALLY_FILLED", "CANCELLED"): True,
    ("PARTIALLY_FILLED", "REPLACED"): True,
    ("PARTIALLY_FILLED", "REJECTED"): True,
    ("PARTIALLY_FILLED", "EXPIRED"): True,
    ("PARTIALLY_FILLED", "UNKNOWN"): True,
    # asked to cancel: it may still fill, and the request itself may be turned down
    ("PENDING_CANCEL", "PENDING_CANCEL"): True,
    ("PENDING_CANCEL", "SUBMITTED"): True,
    ("PENDING_CANCEL", "PARTIALLY_FILLED"): True,
    ("PENDING_CANCEL", "FILLED"): True,
    ("PENDING_CANCEL", "CANCELLED"): True,
    ("PENDING_CANCEL", "REPLACED"): True,
    ("PENDING_CANCEL", "REJECTED"): True,
    ("PENDING_CANCEL", "EXPIRED"): True,
    ("PENDING_CANCEL", "UNKNOWN"): True,
}

_STATE_OF_STATUS: dict[str, OrderState] = {
    "accepted": "SUBMITTED",
    "working": "SUBMITTED",
    "partially_filled": "PARTIALLY_FILLED",
    "filled": "FILLED",
    "pending_cancel": "PENDING_CANCEL",
    "canceled": "CANCELLED",
    "expired": "EXPIRED",
    "rejected": "REJECTED",
    "replaced": "REPLACED",
    "unknown": "UNKNOWN",
}


def check_transition(
    from_state: OrderState, to_state: OrderState, broker_order_id: str | None
) -> None:
    """Judge one change of an order's state.

    Args:
        from_state: The state as stored, not as a caller remembers it.
        to_state: The state to come.
        broker_order_id: The broker's id of the order, once it is known.

    Raises:
        TerminalStateError: the stored state is final.
        InvalidTransitionError: the table does not hold this change.
        BrokerConfirmationRequiredError: the change needs the broker's id and there is none.

    Examples:
        >>> check_transition("PENDING", "EXPIRED", None)
        >>> check_transition("FILLED", "CANCELLED", "b-1")
        Traceback (most recent call last):
            ...
        quantcli.contracts.errors.TerminalStateError: FILLED is final; it cannot become CANCELLED
    """
    change = f"{from_state} to {to_state}"
    if from_state in TERMINAL_ORDER_STATES:
        raise TerminalStateError(f"{from_state} is final; it cannot become {to_state}")
    needs_broker_id = TRANSITIONS.get((from_state, to_state))
    if needs_broker_id is None:
        raise InvalidTransitionError(f"an order cannot go from {change}")
    if needs_broker_id and not broker_order_id:
        raise BrokerConfirmationRequiredError(f"{change} needs the broker's order id")


def apply_order_row(order: OrderRecord, row: OrderRow) -> OrderRecord:
    """Return the order after a row of the journal.

    Args:
        order: The order as stored.
        row: What is to be written about it.

    Raises:
        TerminalStateError, InvalidTransitionError, BrokerConfirmationRequiredError: see
            `check_transition`; a row also fails if it starts from another state than the stored
            one, names another broker order, or lowers the cumulative quantity.
    """
    where = order.intent.client_order_id
    broker_order_id = row.broker_order_id or order.broker_order_id
    if row.from_state != order.state:
        raise InvalidTransitionError(
            f"the order is {order.state}, not {row.from_state}", value=where
        )
    check_transition(order.state, row.to_state, broker_order_id)
    if order.broker_order_id not in (None, broker_order_id):
        raise InvalidTransitionError("the order has another broker order id", value=where)
    if row.cumulative_quantity < order.cumulative_quantity:
        raise InvalidTransitionError("cumulative quantity never falls", value=where)
    changes = {
        "state": row.to_state,
        "broker_order_id": broker_order_id,
        "cumulative_quantity": row.cumulative_quantity,
        "average_price": order.average_price if row.average_price is None else row.average_price,
        "submitted_at": order.submitted_at or row.submitted_at,
        "code": row.code,
        "message": row.message,
    }
    return order.model_copy(update=changes)


def state_of(shown: BrokerOrder, ordered_quantity: Decimal) -> OrderState:
    """Return the state that the broker's words mean.

    Args:
        shown: The order as the broker shows it.
        ordered_quantity: Shares of our intent.

    Returns:
        UNKNOWN for a status that we do not understand, unless everything is filled; a working
        order with some shares filled is PARTIALLY_FILLED whatever its status says.
    """
    state = _STATE_OF_STATUS[shown.status]
    if state == "SUBMITTED" and shown.cumulative_quantity > 0:
        state = "PARTIALLY_FILLED"
    if state not in TERMINAL_ORDER_STATES and shown.cumulative_quantity >= ordered_quantity:
        return "FILLED"
    return state


def row_of(order: OrderRecord, shown: BrokerOrder, cause: Cause) -> OrderRow | None:
    """Return the row that takes an order to what the broker shows; None if nothing is new.

    Args:
        order: The order as stored.
        shown: The same order as the broker shows it.
        cause: Why we looked.
    """
    state = state_of(shown, order.intent.quantity)
    if state == order.state and shown.cumulative_quantity == order.cumulative_quantity:
        return None
    return OrderRow(
        client_order_id=order.intent.client_order_id,
        from_state=order.state,
        to_state=state,
        cause=cause,
        code=code_of(order, state, shown.cumulative_quantity, cause),
        broker_order_id=shown.broker_order_id,
        cumulative_quantity=shown.cumulative_quantity,
        average_price=shown.average_price,
        submitted_at=shown.submitted_at,
        correlation_id=correlation_of(order.intent),
    )


def own_row(
    order: OrderRecord,
    to_state: OrderState,
    cause: Cause,
    code: str | None,
    message: str | None = None,
) -> OrderRow:
    """Return a row for a change that we make ourselves: quantities stay as they are."""
    return OrderRow(
        client_order_id=order.intent.client_order_id,
        from_state=order.state,
        to_state=to_state,
        cause=cause,
        code=code,
        message=message,
        cumulative_quantity=order.cumulative_quantity,
        average_price=order.average_price,
        correlation_id=correlation_of(order.intent),
    )


def ended_row(order: OrderRecord, fills: Sequence[Fill]) -> OrderRow:
    """Return the row that ends an order which the broker shows no more, by its booked fills.

    They are evidence enough: all of its shares, a part of them, or none.

    Args:
        order: The order as stored.
        fills: Fills booked in its symbol.
    """
    own = [fill for fill in fills if fill.client_order_id == order.intent.client_order_id]
    shares = sum((fill.last_quantity for fill in own), ZERO)
    if shares <= order.cumulative_quantity:
        code = "filled-partly" if order.cumulative_quantity > 0 else "outcome-unknown"
        return own_row(order, "EXPIRED", "expire", code)
    is_whole = shares >= order.intent.quantity
    cost = sum((fill.last_quantity * fill.last_price for fill in own), ZERO)
    state: OrderState = "FILLED" if is_whole else "EXPIRED"
    row = own_row(order, state, "expire", "filled" if is_whole else "filled-partly")
    told = {"cumulative_quantity": shares, "average_price": price(cost / shares)}
    return row.model_copy(update=told)


def correlation_of(intent: OrderIntent) -> str:
    """Return what all changes of a trade's orders have in common: its signal, else the intent."""
    return intent.signal_id or intent.intent_id


def code_of(
    order: OrderRecord, to_state: OrderState, cumulative_quantity: Decimal, cause: Cause
) -> str | None:
    """Return the reason code of a change that the broker reported; None: nothing to explain.

    A cancelled entry is one whose time to live ended if we asked for the cancel. A stop that we
    hold to be working and did not ask to cancel was cancelled by another hand.
    """
    if to_state == "REJECTED":
        return "order-refused"
    if to_state == "UNKNOWN":
        return "outcome-unknown"
    if to_state == "FILLED":
        return "filled" if order.intent.side == "buy" else "sold"
    was_working = order.state in {"SUBMITTED", "PARTIALLY_FILLED"} and cause in {"sync", "look-up"}
    if order.intent.purpose == "stop" and to_state in {"CANCELLED", "EXPIRED"} and was_working:
        return "stop-cancelled"
    if to_state in {"CANCELLED", "EXPIRED"} and order.intent.purpose == "entry":
        if cumulative_quantity > 0:
            return "filled-partly"
        was_asked = cause == "cancel" or order.state == "PENDING_CANCEL"
        return "ttl-expired" if was_asked else "order-unfilled"
    if order.state in {"PENDING", "UNKNOWN"}:
        return "resolved-present" if cause == "look-up" else "sent"
    return None
