"""reconcile.json: ours against theirs."""

from typing import ClassVar, Literal

from pydantic import Field

from quantcli.contracts.envelope import BrokerArtifact, Finding, Frozen, StepName
from quantcli.contracts.scalars import Digest, Money, Price, Quantity, SymbolShown

BreakKind = Literal["position", "cash", "order", "fill", "account"]


class Break(Frozen):
    """An unexplained difference. `break_id` is stable for the same difference."""

    break_id: Digest
    kind: BreakKind
    code: str
    symbol: SymbolShown | None
    subject: str = Field(description="What differs: a symbol, an order id, an activity id, cash")
    ours: str | None
    theirs: str | None


class PositionSeen(Frozen):
    """A position at the broker."""

    symbol: SymbolShown
    quantity: Quantity
    average_price: Price
    current_price: Price | None


class OrderSeen(Frozen):
    """An open order at the broker."""

    client_order_id: str
    symbol: SymbolShown
    side: str
    quantity: Quantity
    cumulative_quantity: Quantity
    limit_price: Price | None
    stop_price: Price | None
    status: str


class BrokerSeen(Frozen):
    """The account as the broker showed it."""

    account_id: str = Field(default="", description="The broker's id of the account")
    cash: Money
    equity: Money
    positions: tuple[PositionSeen, ...]
    open_orders: tuple[OrderSeen, ...]


class Paused(Frozen):
    """The PAUSED flag after this step."""

    is_set: bool
    reasons: tuple[str, ...]


class Halted(Frozen):
    """A halt that stands."""

    entries: bool
    all: bool
    reason: str


class Reconcile(BrokerArtifact):
    """One reconciliation. Clean: no breaks."""

    SCHEMA: ClassVar[str] = "reconcile"
    STEP: ClassVar[StepName] = "reconcile"

    is_read_only: bool
    is_first_day: bool = Field(description="The journal was empty; cash is the opening balance")
    broker: BrokerSeen
    cash_ours: Money
    pending_fills: int = Field(description="Executions that the next sync will book")
    activities_before: tuple[str, ...] = Field(
        default=(), description="First day: activities whose money is in the cash already"
    )
    breaks: tuple[Break, ...]
    paused: Paused
    exceeded: tuple[Finding, ...] = Field(
        default=(),
        exclude_if=lambda found: not found,
        description="Limits that differences of positions exceed: entries are halted for them",
    )
    halt: Halted | None = Field(
        default=None,
        exclude_if=lambda found: found is None,
        description="The halt that stands now; absent if none does",
    )
