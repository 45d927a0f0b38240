"""snapshot.json: the portfolio at one instant, every figure with its formula."""

from typing import ClassVar, Literal

from pydantic import Field

from quantcli.contracts.envelope import Artifact, Frozen, StepName
from quantcli.contracts.scalars import (
    Digest,
    Instant,
    Money,
    Price,
    Quantity,
    Ratio,
    SessionDate,
    Symbol,
)


class PositionHeld(Frozen):
    """An open position at its mark."""

    symbol: Symbol
    strategy: str
    quantity: Quantity
    average_price: Price
    mark_price: Price
    mark_source: Literal["bar", "broker", "cost"] = Field(
        description="cost: no mark was found; the average price stands in and codes say so"
    )
    market_value: Money
    pnl_unrealised: Money
    stop_price: Price | None
    risk_at_stop: Money = Field(description="quantity x max(mark - stop, 0); all of it if no stop")
    opened_session: SessionDate
    entry_signal_id: Digest | None


class TradeClosed(Frozen):
    """A round trip that ended in this session; fees are estimates until booked."""

    trade_id: Digest
    symbol: Symbol
    strategy: str
    quantity: Quantity
    entry_price: Price
    exit_price: Price
    entered_at: Instant
    exited_at: Instant
    pnl_gross: Money
    fees: Money
    pnl_net: Money
    exit_purpose: str
    entry_signal_id: Digest | None


class Contribution(Frozen):
    """What one symbol added to the P&L since genesis.

    Realised is net of estimated fees: the broker books fees for a whole session, not by symbol.
    """

    symbol: Symbol
    realised: Money
    unrealised: Money
    total: Money


class RecentExit(Frozen):
    """The newest session in which a symbol was sold down to nothing."""

    symbol: Symbol
    session: SessionDate


class Pnl(Frozen):
    """Profit and loss since genesis and in this session."""

    realised_gross: Money
    realised_session_gross: Money
    unrealised: Money
    fees_booked: Money = Field(description="Fees the broker has booked, negative")
    fees_accrued: Money = Field(description="Estimated fees not yet booked, negative")
    income: Money = Field(description="Dividends, interest and corrections booked by the broker")
    transfers: Money = Field(description="Capital paid in (+) or out (-); not part of net")
    net: Money = Field(
        description="realised_gross + unrealised + fees_booked + fees_accrued + income"
    )


class Snapshot(Artifact):
    """The portfolio. The identity equity = cash + exposure_net holds to the cent."""

    SCHEMA: ClassVar[str] = "snapshot"
    STEP: ClassVar[StepName] = "snapshot"

    is_genesis: bool
    capital_starting: Money
    cash: Money
    equity: Money
    exposure_gross: Money
    exposure_net: Money
    heat: Ratio = Field(description="Sum of risk at stop / equity")
    positions: tuple[PositionHeld, ...]
    trades_closed: tuple[TradeClosed, ...]
    pnl: Pnl
    high_water_mark: Money
    drawdown: Ratio = Field(ge=0, le=1, description="1 - equity / high-water mark")
    drawdown_max: Ratio = Field(ge=0, le=1, description="Largest drawdown since genesis")
    equity_history: tuple[Money, ...] = Field(
        description="Equity of the last <= 21 snapshots that closed a session, this one last; "
        "older values are scaled when capital moves, so that returns stay returns"
    )
    return_session: Ratio | None
    volatility_5: Ratio | None = Field(description="Sample deviation of the last 5 returns")
    contributions: tuple[Contribution, ...]
    contribution_rest: Money = Field(
        description="pnl.net less the contributions: income, and booked less estimated fees"
    )
    recent_exits: tuple[RecentExit, ...]
    formulas: dict[str, str] = Field(description="Figure -> formula id")
    codes: tuple[str, ...]
