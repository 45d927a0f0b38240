"""Orders as we speak of them: intents, states, and what the broker told us."""

from typing import Literal

from pydantic import Field

from quantcli.contracts.envelope import Frozen
from quantcli.contracts.scalars import (
    ZERO,
    ClientOrderId,
    Digest,
    Instant,
    Price,
    Quantity,
    SessionDate,
    Symbol,
)

Side = Literal["buy", "sell"]
Purpose = Literal["entry", "stop", "exit"]
OrderType = Literal["market", "limit", "stop"]
TimeInForce = Literal["day", "gtc"]
OrderState = Literal[
    "PENDING",
    "SUBMITTED",
    "PARTIALLY_FILLED",
    "FILLED",
    "PENDING_CANCEL",
    "CANCELLED",
    "REJECTED",
    "EXPIRED",
    "REPLACED",
    "UNKNOWN",
]
TERMINAL_ORDER_STATES: frozenset[OrderState] = frozenset(
    {"FILLED", "CANCELLED", "REJECTED", "EXPIRED", "REPLACED"}
)
#: States in which shares may still change hands.
WORKING_ORDER_STATES: frozenset[OrderState] = frozenset(
    {"SUBMITTED", "PARTIALLY_FILLED", "PENDING_CANCEL"}
)


class OrderIntent(Frozen):
    """A durable promise to place one order; every field is fixed before anything is sent."""

    intent_id: Digest = Field(
        description="SHA-256 over account, strategy, session, symbol, "
        "purpose and sequence; nothing else"
    )
    client_order_id: ClientOrderId
    purpose: Purpose
    strategy: str
    session: SessionDate = Field(description="Session in which the intent was formed")
    sequence: int = Field(ge=1, description="Counts intents of the same key, from 1")
    signal_id: Digest | None = Field(description="The signal an entry or its exit belongs to")
    symbol: Symbol
    side: Side
    quantity: Quantity = Field(gt=0, description="Shares")
    order_type: OrderType
    limit_price: Price | None = None
    stop_price: Price | None = None
    reference_price: Price | None = Field(
        default=None, description="Price the order was judged against, USD per share"
    )
    protective_stop: Price | None = Field(
        default=None, description="Entries: the stop that stands until a structural one exists"
    )
    target: Price | None = Field(default=None, description="Entries: price target, if any")
    time_in_force: TimeInForce
    expires_at: Instant | None = Field(description="Time to live of an entry; None: no limit")
    replaces: ClientOrderId | None = Field(
        default=None, description="Stops: the order that this one replaces atomically"
    )
    payload_sha256: Digest = Field(description="Digest of the request body, resent unchanged")


class OrderRecord(Frozen):
    """An order as the journal holds it: the intent and all that is known of its fate."""

    intent: OrderIntent
    state: OrderState
    broker_order_id: str | None = None
    cumulative_quantity: Quantity = ZERO
    average_price: Price | None = None
    submitted_at: Instant | None = None
    code: str | None = Field(default=None, description="Reason code of the last change")
    message: str | None = Field(default=None, description="The broker's words, if it refused")

    @property
    def leaves_quantity(self) -> Quantity:
        """Shares that may still be filled; zero in a terminal state."""
        if self.state in TERMINAL_ORDER_STATES:
            return self.cumulative_quantity * 0
        return self.intent.quantity - self.cumulative_quantity


class Fill(Frozen):
    """One execution, keyed by the broker's activity id."""

    execution_id: str
    client_order_id: ClientOrderId | None = Field(description="None: an order that is not ours")
    broker_order_id: str
    symbol: Symbol
    side: Side
    last_quantity: Quantity = Field(gt=0)
    last_price: Price = Field(gt=0)
    filled_at: Instant
