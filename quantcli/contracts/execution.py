"""execute.json and exits.json: what was sent, what became of it, what protects each share."""

from typing import ClassVar, Literal

from pydantic import Field

from quantcli.contracts.envelope import BrokerArtifact, Finding, Frozen, StepName
from quantcli.contracts.journal_rows import ActionRow, ExposedRow, ReviewRow
from quantcli.contracts.orders import Fill, OrderState, Purpose, Side
from quantcli.contracts.reconciliation import Break
from quantcli.contracts.scalars import ZERO, ClientOrderId, Digest, Price, Quantity, Symbol

OrderAction = Literal[
    "sent", "resolved", "cancelled", "replaced", "expired", "refused", "unknown", "updated",
]  # fmt: skip


class OrderReport(Frozen):
    """What this pass learned or did about one order."""

    intent_id: Digest
    client_order_id: ClientOrderId
    purpose: Purpose
    symbol: Symbol
    side: Side
    action: OrderAction
    state: OrderState
    ordered_quantity: Quantity
    cumulative_quantity: Quantity
    cancelled_quantity: Quantity = Field(
        default=ZERO,
        exclude_if=lambda quantity: quantity == 0,
        description="Shares that will not be filled any more: the order was cancelled or expired "
        "with them left; absent if none",
    )
    average_price: Price | None
    limit_price: Price | None
    stop_price: Price | None
    code: str | None
    message: str | None


class Execute(BrokerArtifact):
    """One pass of `execute`."""

    SCHEMA: ClassVar[str] = "execute"
    STEP: ClassVar[StepName] = "execute"

    orders: tuple[OrderReport, ...]
    fills: tuple[Fill, ...] = Field(description="Booked in this pass")
    actions: tuple[ActionRow, ...] = Field(
        default=(),
        exclude_if=lambda found: not found,
        description="Corporate actions booked in this pass; absent if there are none",
    )
    withheld: tuple[Finding, ...] = Field(description="Sendable but stopped, with the reason")
    codes: tuple[str, ...]


class Exits(BrokerArtifact):
    """One pass of `exits`, with the stop-coverage certificate."""

    SCHEMA: ClassVar[str] = "exits"
    STEP: ClassVar[StepName] = "exits"

    reviews: tuple[ReviewRow, ...]
    orders: tuple[OrderReport, ...]
    fills: tuple[Fill, ...]
    actions: tuple[ActionRow, ...] = Field(
        default=(),
        exclude_if=lambda found: not found,
        description="Corporate actions booked in this pass; absent if there are none",
    )
    certificate: tuple[ExposedRow, ...]
    differences: tuple[Break, ...] = Field(
        default=(),
        exclude_if=lambda found: not found,
        description="Shares at the broker that differ from our books: no stop of ours covers "
        "more than our own; absent if there are none",
    )
    withheld: tuple[Finding, ...]
    codes: tuple[str, ...]
