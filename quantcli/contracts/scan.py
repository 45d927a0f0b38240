"""scan.json: what the strategies saw."""

from typing import ClassVar, Literal

from pydantic import Field

from quantcli.contracts.envelope import Artifact, Frozen, StepName
from quantcli.contracts.scalars import Digest, Price, Ratio, SessionDate, Symbol

#: The market's own reason against new risk. Every other code of a scan says that an input was
#: in doubt, and that no signal is no finding.
MARKET_CODES: frozenset[str] = frozenset({"benchmark-below-average"})


class Signal(Frozen):
    """A candidate of one strategy; ends the session in exactly one terminal state."""

    signal_id: Digest = Field(description="SHA-256 of session|strategy|symbol|side|triggering_bar")
    rank: int = Field(ge=1, description="1 is the best of all strategies' signals")
    strategy: str
    symbol: Symbol
    side: Literal["buy"]
    triggering_bar: SessionDate = Field(description="Bar on which the setup began to hold")
    reference_price: Price = Field(gt=0, description="Close of the newest complete bar")
    limit_price: Price = Field(gt=0, description="Proposed entry limit, rounded down to a cent")
    stop: Price = Field(gt=0, description="Proposed protective stop, below the limit price")
    target_r1: Price | None = None
    target_r2: Price | None = None
    anchor: str
    anchor_date: SessionDate
    labels: dict[str, str] = Field(description="Setup labels, words")
    features: dict[str, Ratio] = Field(description="Numbers behind the signal")


class Skipped(Frozen):
    """A symbol that gave no signal, with the first reason why."""

    symbol: Symbol
    strategy: str
    code: str
    observed: str | None = None
    limit: str | None = None


class Regime(Frozen):
    """The market's state at the data session; None: unknown, which blocks new risk."""

    benchmark: Symbol
    benchmark_close: Price | None
    benchmark_average_200: Price | None
    trend: Literal["above", "below", "unknown"]
    volatility_index: str
    volatility: Ratio | None
    volatility_session: SessionDate | None


class BarsUsed(Frozen):
    """Which bars were believed."""

    feed: str
    adjustment: str
    timeframe: str
    data_session: SessionDate = Field(description="The newest session complete at as_of")
    newest_session: SessionDate | None = Field(description="The newest session found in the store")


class StrategyRun(Frozen):
    """What one strategy did."""

    strategy: str
    ruleset: str
    signals: int
    skipped: int


class Scan(Artifact):
    """The scan of one cycle. `codes` not empty: new risk is blocked by these reasons."""

    SCHEMA: ClassVar[str] = "scan"
    STEP: ClassVar[StepName] = "scan"

    bars: BarsUsed
    regime: Regime
    universe: tuple[Symbol, ...]
    strategies: tuple[StrategyRun, ...]
    signals: tuple[Signal, ...]
    skipped: tuple[Skipped, ...]
    checks_off: tuple[str, ...] = Field(description="Checks without a configured source")
    codes: tuple[str, ...]

    def doubts(self) -> tuple[str, ...]:
        """Return the codes for which the scan could not judge: an input missing or stale."""
        return tuple(code for code in self.codes if code not in MARKET_CODES)
