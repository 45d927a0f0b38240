"""desk.toml as values: strict, finite, complete.

Unknown keys, truthy strings and missing limits are errors, found before a command does
anything. `decision_view` is the part that decisions depend on; its digest stands in every
artifact. Connection, paths and the mode are not part of it.
"""

import datetime as dt
import re
from decimal import Decimal
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StrictBool,
    StrictInt,
    field_validator,
    model_validator,
)

from quantcli.contracts.envelope import STEPS, Mode, StepName
from quantcli.contracts.scalars import Money, Price, Ratio, Symbol, plain

#: Minutes of the New York day at which a session opens and closes.
_REGULAR, _HALF = (570, 960), (570, 780)
_DAY_MINUTES = 1440
_OFFSET = re.compile(r"(open|close)([+-])([0-9]{1,4})min")


class Offset(BaseModel):
    """An instant relative to a session's open or close, e.g. `open-60min`."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    anchor: Literal["open", "close"]
    minutes: int

    @classmethod
    def parse(cls, text: Any) -> Self:
        """Return the offset that `text` spells.

        Raises:
            ValueError: not of the form `open-60min` or `close+5min`.
        """
        match = _OFFSET.fullmatch(text) if isinstance(text, str) else None
        if match is None:
            raise ValueError(f"not an offset such as open-60min or close+5min: {text!r}")
        minutes = int(match[3])
        anchor: Literal["open", "close"] = "open" if match[1] == "open" else "close"
        return cls(anchor=anchor, minutes=-minutes if match[2] == "-" else minutes)

    def of(self, opens_at: dt.datetime, closes_at: dt.datetime) -> dt.datetime:
        """Return the instant in a session with that open and close."""
        base = opens_at if self.anchor == "open" else closes_at
        return base + dt.timedelta(minutes=self.minutes)

    def is_kept(self, opens_at: dt.datetime, closes_at: dt.datetime) -> bool:
        """Return whether the session has this cycle: half days end before some from the open."""
        is_of_the_session = self.anchor == "open" and self.minutes < _REGULAR[1] - _REGULAR[0]
        return not is_of_the_session or self.of(opens_at, closes_at) < closes_at

    def minute_of(self, hours: tuple[int, int]) -> int:
        """Return the minute of the day, given the minutes at which it opens and closes."""
        return hours[self.anchor == "close"] + self.minutes

    def __str__(self) -> str:
        """Return the spelling that `parse` reads."""
        return f"{self.anchor}{'-' if self.minutes < 0 else '+'}{abs(self.minutes)}min"


def _offset_text(text: str) -> str:
    """Return the one spelling of an offset; it must lie on the session's own date.

    Raises:
        ValueError: not an offset, or before midnight or after it.
    """
    offset = Offset.parse(text)
    for hours in (_REGULAR, _HALF):
        if not 0 <= offset.minute_of(hours) < _DAY_MINUTES:
            raise ValueError(f"{text} does not lie on the session's own date in New York")
    return str(offset)


OffsetText = Annotated[str, AfterValidator(_offset_text)]


class Section(BaseModel):
    """Base of every table of desk.toml: unknown keys are errors."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)


class DeskSection(Section):
    """[desk]: what this desk is called and how it trades."""

    name: str = Field(default="desk", pattern=r"^[a-z0-9][a-z0-9-]{0,30}$")
    mode: Mode = "dry-run"


CBOE_VIX = "https://cdn.cboe.com/api/global/us_indices/daily_prices/VIX_History.csv"


class BrokerSection(Section):
    """[broker]: where the broker is. Not part of the decision config."""

    #: Without a user name: keys come from the environment or from keys_file only.
    url: str = Field(default="", pattern=r"^[^@\s]*$")
    keys_file: str = ""
    connect_timeout_seconds: StrictInt = Field(default=5, ge=1, le=60)
    read_timeout_seconds: StrictInt = Field(default=15, ge=1, le=120)
    total_timeout_seconds: StrictInt = Field(default=30, ge=1, le=300)


class DataSection(Section):
    """[data]: which bars are believed; `fetch_...`: where they come from, of no decision's concern.

    `fetch_at` is when `day` fetches in the modes paper and live; empty: never. `fetch_index_from`
    is the address or the file (a relative path begins at the desk) of the volatility index.
    """

    feed: str = Field(default="local", pattern=r"^[a-z0-9][a-z0-9_-]{0,30}$")
    adjustment: Literal["raw", "split", "all"] = "split"
    benchmark: Symbol = "SPY"
    volatility_index: str = Field(default="VIX", pattern=r"^[A-Z0-9]{0,10}$")
    is_index_required: StrictBool = True
    fetch_at: str = "open-75min"
    fetch_timeframes: tuple[Literal["1Day", "1Min"], ...] = ("1Day",)
    fetch_history_sessions: StrictInt = Field(default=500, ge=1, le=2500)
    fetch_minute_sessions: StrictInt = Field(default=5, ge=1, le=250)
    #: Without a user name: keys come from the environment or from broker.keys_file only.
    fetch_alpaca_url: str = Field(default="https://data.alpaca.markets", pattern=r"^[^@\s]+$")
    fetch_polygon_url: str = Field(default="https://api.polygon.io", pattern=r"^[^@\s]+$")
    fetch_index_from: str = Field(default=CBOE_VIX, pattern=r"^[^@]*$")

    @field_validator("fetch_at")
    @classmethod
    def _is_offset(cls, text: str) -> str:
        return _offset_text(text) if text else ""


class UniverseSection(Section):
    """[universe]: what may be scanned."""

    symbols: Literal["imported"] | tuple[Symbol, ...] = "imported"
    exclude: tuple[Symbol, ...] = ()
    price_min: Price = Field(default=Decimal(3), ge=0, validate_default=True)
    mean_volume_shares_min: Money = Field(default=Decimal(400_000), ge=0, validate_default=True)
    mean_dollar_volume_min: Money = Field(default=Decimal(10_000_000), ge=0, validate_default=True)


class ScheduleSection(Section):
    """[schedule]: cycles as offsets, each with its steps in order."""

    cycles: dict[str, tuple[StepName, ...]]

    def offsets(self) -> tuple[tuple[Offset, tuple[StepName, ...]], ...]:
        """Return the cycles in their order within a regular session of 390 minutes."""
        day = dt.datetime(2000, 1, 3, 14, 30, tzinfo=dt.UTC)
        closes = day + dt.timedelta(minutes=390)
        parsed = [(Offset.parse(key), steps) for key, steps in self.cycles.items()]
        return tuple(sorted(parsed, key=lambda item: item[0].of(day, closes)))


class WindowSection(Section):
    """[window]: the order window, when entries may be sent."""

    entries_from: OffsetText = "open-90min"
    entries_until: OffsetText = "close-15min"

    @model_validator(mode="after")
    def _is_window(self) -> Self:
        first, last = (Offset.parse(text) for text in (self.entries_from, self.entries_until))
        if first.minute_of(_REGULAR) >= last.minute_of(_REGULAR):
            raise ValueError("entries_from must lie before entries_until")
        return self


class LimitsSection(Section):
    """[limits]: mandatory and finite. There is no such thing as unlimited."""

    positions_max: StrictInt = Field(ge=0, le=10_000)
    entries_per_session_max: StrictInt = Field(ge=0, le=10_000)
    symbol_concentration_fraction_max: Ratio = Field(ge=0, le=1)
    exposure_gross_usd_max: Money = Field(ge=0)
    exposure_gross_fraction_max: Ratio = Field(ge=0, le=1)
    risk_per_trade_usd_max: Money = Field(ge=0)
    risk_per_trade_fraction_max: Ratio = Field(ge=0, le=1)
    drawdown_fraction_max: Ratio = Field(gt=0, le=1)
    price_collar_fraction_max: Ratio = Field(gt=0, le=1)
    reconcile_age_minutes_max: StrictInt = Field(ge=1, le=1440)
    allowlist: Literal["universe"] | tuple[Symbol, ...]


class SizingSection(Section):
    """[sizing]: how much of the equity one trade may risk and tie up."""

    risk_fraction: Ratio = Field(default=Decimal("0.005"), gt=0, le=1, validate_default=True)
    position_fraction_max: Ratio = Field(default=Decimal("0.1"), gt=0, le=1, validate_default=True)
    notional_usd_min: Money = Field(default=Decimal(500), ge=0, validate_default=True)
    reentry_cooldown_sessions: StrictInt = Field(default=5, ge=0, le=250)


class EnforceSection(Section):
    """[enforce]: unset means shadow mode."""

    enabled: StrictBool = False


class ReconcileSection(Section):
    """[reconcile]: differences of positions that a clean reconciliation ends by itself.

    Beyond them entries are halted until an operator resumes.
    """

    positions_missing_max: StrictInt = Field(default=3, ge=0, le=10_000)
    quantity_drift_fraction_max: Ratio = Field(
        default=Decimal("0.05"), ge=0, lt=1, validate_default=True
    )


class ExitsSection(Section):
    """[exits]: structural stops and the other ways out."""

    stop_buffer_usd: Price = Field(default=Decimal("0.1"), ge=0, validate_default=True)
    first_stop_distance_fraction_min: Ratio = Field(
        default=Decimal("0.015"), ge=0, lt=1, validate_default=True
    )
    daily_lookback_bars: StrictInt = Field(default=60, ge=3, le=2000)
    intraday_minutes: StrictInt = Field(default=5, ge=1, le=60)
    intraday_bars_min: StrictInt = Field(default=6, ge=3, le=1000)
    intraday_lookback_sessions: StrictInt = Field(default=3, ge=1, le=20)
    intraday_delay_seconds: StrictInt = Field(default=1200, ge=0, le=23_400)
    is_target_used: StrictBool = False
    hold_sessions_max: StrictInt = Field(default=0, ge=0, le=10_000)


class FeesSection(Section):
    """[fees]: estimates accrued until the broker books its own; rates of a sale."""

    sec_usd_per_million: Money = Field(default=Decimal("27.80"), ge=0, validate_default=True)
    taf_usd_per_share: Ratio = Field(default=Decimal("0.000166"), ge=0, validate_default=True)
    taf_usd_max: Money = Field(default=Decimal("8.30"), ge=0, validate_default=True)


class ExchangeSection(Section):
    """[exchange]: the local exchange, used when `broker.url` is empty. Not for decisions."""

    seed: StrictInt = Field(default=1, ge=0)
    cash_usd: Money = Field(default=Decimal(100_000), gt=0, validate_default=True)
    slippage_bps: Ratio = Field(default=Decimal(5), ge=0, le=1000, validate_default=True)
    limit_fills_on: Literal["touch", "trade-through"] = "touch"
    pays_dividends: StrictBool = False


class AvwapSection(Section):
    """[strategy.avwap]: the anchored VWAP scan. Fractions, not percent, unless named so."""

    enabled: StrictBool = True
    ruleset: Literal["avwap-1"] = "avwap-1"
    history_bars_min: StrictInt = Field(default=200, ge=200, le=2000)
    history_gaps_max: StrictInt = Field(default=10, ge=0, le=100)
    anchor_lookback_bars: StrictInt = Field(default=60, ge=5, le=1000)
    swing_lookback_bars: StrictInt = Field(default=20, ge=5, le=1000)
    gap_fraction: Ratio = Field(default=Decimal("0.04"), gt=0, le=1, validate_default=True)
    volume_spike_multiple: Ratio = Field(default=Decimal("1.8"), gt=1, validate_default=True)
    slope_min: Ratio = Field(default=Decimal("-0.05"), validate_default=True)
    distance_percent_max: Ratio = Field(default=Decimal(8), gt=0, validate_default=True)
    atr_usd_min: Price = Field(default=Decimal("0.5"), ge=0, validate_default=True)
    atr_percent_max: Ratio = Field(default=Decimal(6), gt=0, validate_default=True)
    atr_median_multiple_max: Ratio = Field(default=Decimal("1.15"), gt=0, validate_default=True)
    entry_limit_fraction: Ratio = Field(
        default=Decimal("0.005"), ge=0, le=Decimal("0.1"), validate_default=True
    )
    signals_max: StrictInt = Field(default=20, ge=1, le=1000)
    is_market_gate_on: StrictBool = True
    earnings_file: str = ""
    earnings_blackout_days: StrictInt = Field(default=2, ge=0, le=30)
    sectors_file: str = ""
    sectors_kept: StrictInt = Field(default=11, ge=1, le=100)


class StrategySection(Section):
    """[strategy]: one table per strategy."""

    avwap: AvwapSection = Field(default_factory=AvwapSection)


DEFAULT_CYCLES: dict[str, tuple[StepName, ...]] = {
    "open-60min": ("reconcile", "scan", "decide", "enforce", "execute"),
    "open+5min": ("execute", "exits"),
    "close+5min": ("exits", "reconcile", "snapshot", "report"),
}


def _schedule_table(value: Any) -> Any:
    """Check [schedule]: each key an offset of its own, each value known steps.

    Raises:
        ValueError: no cycle, a bad offset or step, or a cycle twice.
    """
    if isinstance(value, ScheduleSection):
        return value if value.cycles else ScheduleSection(cycles=DEFAULT_CYCLES)
    if isinstance(value, dict) and set(value) == {"cycles"}:
        value = value["cycles"]
    if not isinstance(value, dict) or not value:
        raise ValueError('[schedule] needs at least one cycle such as "open-60min" = [...]')
    cycles: dict[str, Any] = {}
    for key, steps in value.items():
        _check_steps(key, steps)
        spelling = _offset_text(key)
        if spelling in cycles:
            raise ValueError(f"the cycle {spelling} is scheduled twice")
        cycles[spelling] = steps
    return {"cycles": cycles}


def _check_steps(key: str, steps: Any) -> None:
    if not isinstance(steps, (list, tuple)) or not steps:
        raise ValueError(f'cycle {key} needs a list of steps such as ["execute", "exits"]')
    for step in steps:
        if step not in STEPS:
            raise ValueError(f"unknown step {step!r} in cycle {key}; known: {', '.join(STEPS)}")
    if len(set(steps)) != len(steps):
        raise ValueError(f"a step stands twice in cycle {key}")


class DeskConfig(Section):
    """The whole of desk.toml."""

    desk: DeskSection = Field(default_factory=DeskSection)
    broker: BrokerSection = Field(default_factory=BrokerSection)
    data: DataSection = Field(default_factory=DataSection)
    universe: UniverseSection = Field(default_factory=UniverseSection)
    schedule: Annotated[ScheduleSection, BeforeValidator(_schedule_table)] = Field(
        default=ScheduleSection(cycles={}), validate_default=True
    )
    window: WindowSection = Field(default_factory=WindowSection)
    limits: LimitsSection
    sizing: SizingSection = Field(default_factory=SizingSection)
    enforce: EnforceSection = Field(default_factory=EnforceSection)
    reconcile: ReconcileSection = Field(default_factory=ReconcileSection)
    exits: ExitsSection = Field(default_factory=ExitsSection)
    fees: FeesSection = Field(default_factory=FeesSection)
    exchange: ExchangeSection = Field(default_factory=ExchangeSection)
    strategy: StrategySection = Field(default_factory=StrategySection)

    @model_validator(mode="after")
    def _fetches_by_itself(self) -> Self:
        if self.data.fetch_at in self.schedule.cycles:
            raise ValueError(f"data.fetch_at lies on the cycle {self.data.fetch_at}")
        return self

    def decision_view(self) -> dict[str, Any]:
        """Return the JSON value of everything that a decision depends on."""
        fetching = {name for name in DataSection.model_fields if name.startswith("fetch_")}
        outside: Any = {"desk": True, "broker": True, "exchange": True, "data": fetching}
        view = _spelled(self.model_dump(mode="python", exclude=outside))
        assert isinstance(view, dict)
        return view


def _spelled(value: Any) -> Any:
    """Return config values as JSON: decimals as fixed-point strings, tuples as lists."""
    if isinstance(value, Decimal):
        return plain(value)
    if isinstance(value, dict):
        return {key: _spelled(item) for key, item in value.items()}
    if isinstance(value, (tuple, list)):
        return [_spelled(item) for item in value]
    return value
