"""decide.json: ALLOW or BLOCK per signal, against one shared budget."""

from typing import ClassVar, Literal

from pydantic import Field

from quantcli.contracts.envelope import Artifact, Finding, Frozen, InputRef, StepName
from quantcli.contracts.scalars import Digest, Money, Price, Quantity, Ratio, SessionDate, Symbol

Verdict = Literal["ALLOW", "BLOCK"]


class Budget(Frozen):
    """What new entries share, before the first of them."""

    equity: Money
    exposure_gross: Money = Field(description="Positions at mark plus open entry intents")
    exposure_gross_max: Money = Field(description="Smaller of the absolute and the percent limit")
    positions: int = Field(ge=0, description="Held symbols plus symbols with an open entry")
    positions_max: int
    entries: int = Field(ge=0, description="Entry intents formed in this session so far")
    entries_max: int
    drawdown: Ratio = Field(ge=0, description="1 - equity / high-water mark, in [0, 1]")
    drawdown_max: Ratio
    snapshot_session: SessionDate


class BudgetLeft(Frozen):
    """The shared budget after a verdict."""

    exposure_gross: Money
    positions: int
    entries: int


class SignalVerdict(Frozen):
    """The decision on one signal."""

    signal_id: Digest
    rank: int
    strategy: str
    symbol: Symbol
    decision: Verdict
    reason: str = Field(description="Primary reason code")
    findings: tuple[Finding, ...] = Field(description="All reasons, the primary one first")
    quantity: Quantity = Field(
        description="Whole shares. A BLOCK for anything but the size or an input keeps the size "
        "it would have had, for shadow mode; any other BLOCK has 0"
    )
    limit_price: Price
    stop: Price
    target: Price | None
    reference_price: Price
    notional: Money
    risk_per_share: Price
    risk: Money
    budget_after: BudgetLeft | None


class Decide(Artifact):
    """The decisions of one cycle. `codes` not empty: all were blocked by these reasons."""

    SCHEMA: ClassVar[str] = "decide"
    STEP: ClassVar[StepName] = "decide"

    scan: InputRef | None
    snapshot: InputRef | None
    budget: Budget | None
    verdicts: tuple[SignalVerdict, ...]
    codes: tuple[str, ...]
