"""What a journal row can say: one frozen model per kind.

A row never carries wall-clock time. The tables (orders, fills, positions, stops, flags) follow
from the rows alone, so the rows are the truth and the tables can be rebuilt.
"""

import datetime as dt
from fractions import Fraction
from typing import Literal

from pydantic import Field

from quantcli.contracts.envelope import Finding, Frozen
from quantcli.contracts.orders import Fill, OrderIntent, OrderState
from quantcli.contracts.scalars import (
    ClientOrderId,
    Digest,
    Instant,
    Money,
    Price,
    Quantity,
    SessionDate,
    Symbol,
)

RowKind = Literal[
    "genesis", "intent", "order", "fill", "cash", "stop", "review", "flag", "exposed", "adopt",
    "action",
]  # fmt: skip

#: On what occasion an order's change was learned or made.
Cause = Literal["send", "look-up", "sync", "cancel", "replace", "expire"]
FlagName = Literal["paused", "halt-entries", "halt-all"]
#: What a stop's level rests on.
Basis = Literal["intent", "daily_swing_low", "intraday_higher_low"]
#: What `exits` does about a position.
Action = Literal["place", "raise", "resize", "keep", "exit", "wait"]


class GenesisRow(Frozen):
    """The desk's first row: which account, and what it held in cash."""

    account_id: str
    cash: Money
    first_session: SessionDate
    activities_before: tuple[str, ...] = Field(
        default=(), description="Activities whose money is in the opening balance already"
    )


class IntentRow(Frozen):
    """A promise to place an order; durable before the request is made."""

    intent: OrderIntent


class OrderRow(Frozen):
    """A change of an order's state, or of what is known about it."""

    client_order_id: ClientOrderId
    from_state: OrderState
    to_state: OrderState
    cause: Cause
    code: str | None = None
    message: str | None = None
    broker_order_id: str | None = None
    cumulative_quantity: Quantity
    average_price: Price | None = None
    submitted_at: Instant | None = None
    correlation_id: Digest | None = Field(
        default=None,
        exclude_if=lambda value: value is None,
        description="What the change derives from: the signal that entry, stops and exit of one "
        "trade share, else the intent; absent from rows of older programs",
    )


class FillRow(Frozen):
    """An execution, booked once by its activity id."""

    fill: Fill
    is_late: bool = Field(default=False, description="The order was already terminal")


class CashRow(Frozen):
    """A non-trade activity that moved cash: a fee, a dividend, a correction."""

    activity_id: str
    activity_type: str
    net_amount: Money
    session: SessionDate | None
    symbol: Symbol | None
    description: str | None


class StopRow(Frozen):
    """Stop memory: the level that may never fall while the position lives."""

    symbol: Symbol
    stop_price: Price
    basis: Basis
    client_order_id: ClientOrderId | None = Field(description="The working stop, once accepted")


class ReviewRow(Frozen):
    """What `exits` concluded about one position in this pass."""

    symbol: Symbol
    quantity: Quantity
    entry_price: Price
    price: Price | None = Field(description="Last price seen, USD per share")
    price_source: Literal["bar", "broker", "none"]
    stop_before: Price | None
    stop_after: Price | None
    basis: str | None
    action: Action
    code: str
    findings: tuple[Finding, ...] = ()


class FlagRow(Frozen):
    """PAUSED or a halt was set or cleared."""

    name: FlagName
    is_set: bool
    reasons: tuple[str, ...]
    by: Literal["reconcile", "operator", "invariant"]


class ExposedRow(Frozen):
    """The stop-coverage certificate of one symbol at the end of an `exits` pass."""

    symbol: Symbol
    quantity: Quantity
    covered_by: tuple[ClientOrderId, ...]
    uncovered: Quantity
    unprotected_seconds: int = Field(ge=0, description="From the oldest uncovered fill to its stop")


class AdoptRow(Frozen):
    """An operator took one of the broker's facts into our books; what it booked stands behind."""

    break_id: Digest
    code: str
    subject: str
    reason: str


class ActionRow(Frozen):
    """A corporate action, booked once: what was held and remembered of a symbol, restated."""

    kind: Literal["split", "rename"]
    symbol: Symbol
    ex_date: SessionDate
    new_rate: int = Field(default=1, ge=1, description="New shares ...")
    old_rate: int = Field(default=1, ge=1, description="... for old ones")
    new_symbol: Symbol = Field(description="The same as before, unless it is renamed")
    quantity_before: Quantity
    quantity_after: Quantity = Field(description="Whole shares of whole ones; a rest comes in cash")

    @property
    def ratio(self) -> Fraction:
        """New shares for each old one."""
        return Fraction(self.new_rate, self.old_rate)

    @property
    def key(self) -> tuple[dt.date, str, str]:
        """What the action is known by: ex-date, symbol, kind."""
        return self.ex_date, self.symbol, self.kind


Row = (
    GenesisRow | IntentRow | OrderRow | FillRow | CashRow | StopRow | ReviewRow | FlagRow
    | ExposedRow | AdoptRow | ActionRow
)  # fmt: skip
ROW_MODELS: dict[str, type[Frozen]] = {
    "genesis": GenesisRow,
    "intent": IntentRow,
    "order": OrderRow,
    "fill": FillRow,
    "cash": CashRow,
    "stop": StopRow,
    "review": ReviewRow,
    "flag": FlagRow,
    "exposed": ExposedRow,
    "adopt": AdoptRow,
    "action": ActionRow,
}
ROW_KINDS: dict[type[Frozen], str] = {model: kind for kind, model in ROW_MODELS.items()}
