"""report.json: the day for people."""

from typing import ClassVar, Literal

from pydantic import Field

from quantcli.contracts.envelope import Artifact, Finding, Frozen, StepName
from quantcli.contracts.execution import OrderReport
from quantcli.contracts.manifest import Damage
from quantcli.contracts.orders import Fill
from quantcli.contracts.reasons import TerminalState
from quantcli.contracts.reconciliation import Break
from quantcli.contracts.scalars import (
    CycleName,
    Digest,
    Money,
    Price,
    Quantity,
    Ratio,
    Symbol,
    SymbolShown,
)
from quantcli.contracts.scan import BarsUsed, Regime
from quantcli.contracts.snapshot import Pnl, PositionHeld, TradeClosed

ZeroTradeReason = Literal[
    "no-signals",
    "all-rejected",
    "none-filled",
    "paused",
    "halted",
    "scan-missing",
    "scan-blocked",
]
StepStatus = Literal["ok", "missing", "corrupt", "tampered", "foreign"]


def _is_absent(value: object) -> bool:
    """Return whether a field that came later says nothing: old bytes stay what they were."""
    return value is None or value == ()


class SignalOutcome(Frozen):
    """Where one signal ended and why."""

    signal_id: Digest
    rank: int = Field(ge=0, description="0: only its order is known, the scan is damaged")
    strategy: str
    symbol: Symbol
    state: TerminalState | None = Field(
        description="None: its order may still be filled; never so in a report that seals"
    )
    primary: Finding
    further: tuple[Finding, ...]
    quantity_ordered: Quantity
    quantity_filled: Quantity
    average_price: Price | None


class StepHealth(Frozen):
    """One step of one cycle: did its artifact appear, whole and unchanged?"""

    cycle: CycleName
    step: StepName
    status: StepStatus
    exit_code: int | None
    path: str


class Incident(Frozen):
    """Something an operator should look at."""

    cycle: CycleName
    step: StepName | Literal["restore"]
    code: str
    detail: str


class ZeroTradeProof(Frozen):
    """Why nothing was traded, and that nothing changed. None in the report of a trading day."""

    reason: ZeroTradeReason
    scan_codes: tuple[str, ...] = Field(
        default=(),
        exclude_if=_is_absent,
        description="What the scan could not be judged for; absent if nothing",
    )
    is_proven: bool = Field(description="No fill, positions and cash unchanged, no fee")
    positions_unchanged: bool
    fills: int
    fees: Money = Field(description="Fees booked in this session, also for earlier ones")
    cash_change: Money


class StopChange(Frozen):
    """What `exits` did about the protection of one position."""

    cycle: CycleName
    symbol: Symbol
    quantity: Quantity
    action: Literal["place", "raise", "resize", "exit"]
    code: str
    stop_before: Price | None
    stop_after: Price | None
    basis: str | None


class RiskReport(Frozen):
    """Exposure and drawdown at the close, against their limits; None without a snapshot."""

    capital_starting: Money | None
    cash: Money | None
    equity: Money | None
    exposure_net: Money | None
    exposure_gross: Money | None
    exposure_gross_max: Money
    heat: Ratio | None
    drawdown: Ratio | None
    drawdown_max: Ratio = Field(description="The limit of desk.toml, not the worst so far")
    drawdown_worst: Ratio | None = Field(description="Largest since genesis")
    pnl_session: Money | None = Field(description="Change in equity since the snapshot before")
    return_session: Ratio | None
    volatility_5: Ratio | None
    circuit_breaker: str = Field(description="'not observed' or what tripped")


class Happening(Frozen):
    """One sentence of what happened in the session."""

    cycle: CycleName
    step: str = Field(description="Who did or saw it: a step, or an operator's command")
    symbol: SymbolShown | None
    is_trouble: bool = Field(description="An operator should notice it")
    text: str


class FillLatency(Frozen):
    """Seconds from submission to the last fill, nearest-rank percentiles; None: no such order."""

    orders: int = Field(ge=0, description="Entries and exits that got shares; stops are left out")
    p50: Ratio | None
    p90: Ratio | None
    p95: Ratio | None
    p99: Ratio | None


class Report(Artifact):
    """The report of a session."""

    SCHEMA: ClassVar[str] = "report"
    STEP: ClassVar[StepName] = "report"

    label: str = Field(description="What the data are: e.g. SYNTHETIC for a made-up market")
    verdict: Literal["clean", "attention", "damaged"]
    go_no_go: Literal["GO", "NO-GO"]
    no_go_reasons: tuple[str, ...]
    regime: Regime | None
    bars: BarsUsed | None
    checks_off: tuple[str, ...] = Field(description="Scan checks without a configured source")
    is_enforced: bool | None = Field(
        description="False: shadow mode, decide's BLOCK stops no entry; None: enforce never ran"
    )
    signals: tuple[SignalOutcome, ...]
    signals_late: tuple[SignalOutcome, ...] = Field(
        description="Signals of earlier, sealed sessions whose end was learned in this one"
    )
    counts: dict[str, int] = Field(description="Terminal state -> signals")
    signals_scanned: int
    symbols_skipped: dict[str, int] = Field(description="Reason code -> symbols")
    orders: tuple[OrderReport, ...] = Field(description="The last word on each order")
    fills: tuple[Fill, ...] = Field(description="Booked in this session")
    fill_latency: FillLatency | None = Field(
        default=None, exclude_if=_is_absent, description="Absent from reports of older programs"
    )
    stops: tuple[StopChange, ...]
    story: tuple[Happening, ...] = Field(
        default=(),
        exclude_if=_is_absent,
        description="What happened, in plain sentences, in the order in which it did",
    )
    left_to_do: tuple[str, ...] = Field(
        default=(),
        exclude_if=_is_absent,
        description="What an operator has to see to, each with its command or page",
    )
    trades_closed: tuple[TradeClosed, ...]
    positions: tuple[PositionHeld, ...]
    pnl: Pnl | None
    risk: RiskReport
    equity_history: tuple[Money, ...]
    breaks: tuple[Break, ...]
    uncovered: tuple[Symbol, ...]
    health: tuple[StepHealth, ...]
    damage: tuple[Damage, ...]
    incidents: tuple[Incident, ...]
    zero_trade: ZeroTradeProof | None
    previous_seal: Digest | None = Field(description="Digest of the previous manifest")
    seals: bool = Field(description="True: this report seals its session")
