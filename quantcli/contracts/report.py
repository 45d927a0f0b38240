"""report.json and manifest.json: the day for people, and its seal."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from quantcli.contracts.envelope import Artifact, Finding, Frozen, SchemaId, StepName
from quantcli.contracts.execution import OrderReport
from quantcli.contracts.reasons import TerminalState
from quantcli.contracts.reconciliation import Break
from quantcli.contracts.scalars import (
    CycleName,
    Digest,
    Money,
    Price,
    Quantity,
    Ratio,
    SessionDate,
    Symbol,
)
from quantcli.contracts.scan import Regime
from quantcli.contracts.snapshot import PositionHeld, TradeClosed


class SignalOutcome(Frozen):
    """Where one signal ended and why."""

    signal_id: Digest
    rank: int
    strategy: str
    symbol: Symbol
    state: TerminalState
    primary: Finding
    further: tuple[Finding, ...]
    quantity_ordered: Quantity
    quantity_filled: Quantity
    average_price: Price | None


class StepHealth(Frozen):
    """One step of one cycle: did its artifact appear, whole and unchanged?"""

    cycle: CycleName
    step: StepName
    status: Literal["ok", "missing", "corrupt", "tampered", "foreign"]
    exit_code: int | None
    path: str


class Damage(Frozen):
    """A file of the session that is not what was published."""

    path: str
    code: str
    detail: str


class Incident(Frozen):
    """Something an operator should look at."""

    cycle: CycleName
    step: StepName
    code: str
    detail: str


class ZeroTradeProof(Frozen):
    """Why nothing was traded, and that nothing changed. None in the report of a trading day."""

    reason: Literal["no-signals", "all-rejected", "none-filled", "paused", "halted"]
    positions_unchanged: bool
    fills: int
    fees: Money
    cash_change: Money


class RiskReport(Frozen):
    """Exposure and drawdown at the close, against their limits."""

    equity: Money | None
    exposure_gross: Money | None
    exposure_gross_max: Money
    heat: Ratio | None
    drawdown: Ratio | None
    drawdown_max: Ratio
    pnl_session: Money | None
    circuit_breaker: str = Field(description="'not observed' or what tripped")


class Report(Artifact):
    """The report of a session."""

    SCHEMA: ClassVar[str] = "report"
    STEP: ClassVar[StepName] = "report"

    label: str = Field(description="What the data are: e.g. SYNTHETIC for a made-up market")
    verdict: Literal["clean", "attention", "damaged"]
    go_no_go: Literal["GO", "NO-GO"]
    no_go_reasons: tuple[str, ...]
    regime: Regime | None
    signals: tuple[SignalOutcome, ...]
    counts: dict[str, int] = Field(description="Terminal state -> signals")
    signals_scanned: int
    symbols_skipped: dict[str, int] = Field(description="Reason code -> symbols")
    orders: tuple[OrderReport, ...]
    trades_closed: tuple[TradeClosed, ...]
    positions: tuple[PositionHeld, ...]
    risk: RiskReport
    breaks: tuple[Break, ...]
    uncovered: tuple[Symbol, ...]
    health: tuple[StepHealth, ...]
    damage: tuple[Damage, ...]
    incidents: tuple[Incident, ...]
    zero_trade: ZeroTradeProof | None
    previous_seal: Digest | None = Field(description="Digest of the previous manifest")
    seals: bool = Field(description="True: this report seals its session")


class SealedFile(Frozen):
    """A file of a sealed session."""

    path: str = Field(description="Relative to artifacts/, forward slashes")
    sha256: Digest
    bytes: int = Field(ge=0)


class PreviousSeal(Frozen):
    """The manifest before this one."""

    session: SessionDate
    sha256: Digest


class Manifest(Frozen):
    """manifest.json: every file of the session, chained to the session before."""

    SCHEMA: ClassVar[str] = "manifest"
    VERSION: ClassVar[int] = 1

    schema_id: SchemaId = Field(alias="schema")
    session: SessionDate
    previous: PreviousSeal | None
    gap: tuple[SessionDate, ...] = Field(description="Exchange sessions between, not traded")
    files: tuple[SealedFile, ...]
    damage: tuple[Damage, ...]
    journal_seq: int
    journal_sha256: Digest
