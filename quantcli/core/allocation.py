"""One shared budget, spent in rank order.

Owns `decide`'s verdicts: each signal is judged against the portfolio as it would be after the
trade, and each ALLOW leaves less for the next. Every reason against a signal is recorded, the
primary one first: the portfolio's reasons in the order of `REASON_ORDER`, then the size's.

A signal blocked for anything but its size keeps the size it would have had. In shadow mode
`enforce` passes such a signal on to the other gates, and they need something to judge.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal

from quantcli.contracts.config import LimitsSection, SizingSection
from quantcli.contracts.decide import Budget, BudgetLeft, SignalVerdict
from quantcli.contracts.envelope import Finding
from quantcli.contracts.scalars import ZERO, money, plain, ratio
from quantcli.contracts.scan import Signal
from quantcli.core.exposure import exposure_gross_limit
from quantcli.core.sizing import SIZE_REASONS, Room, Size, size_of

#: Reasons that lie in an input and block every signal alike.
INPUT_REASONS = (
    "scan-missing",
    "scan-invalid",
    "session-mismatch",
    "snapshot-missing",
    "snapshot-invalid",
    "snapshot-stale",
    "scan-blocked",
    "snapshot-blocked",
)
#: Reasons that lie in the portfolio, the most decisive first.
REASON_ORDER = (
    "equity-not-positive",
    "already-held",
    "signal-consumed",
    "reentry-cooldown",
    "limit-drawdown",
    "limit-positions",
    "limit-entries",
)
#: Everything that decide may block for; the primary reason is the first that holds.
DECIDE_REASONS = (*INPUT_REASONS, *REASON_ORDER, *SIZE_REASONS)


@dataclass(frozen=True, slots=True)
class Portfolio:
    """The portfolio before a verdict; money in USD.

    Attributes:
        snapshot_session: Session of the snapshot that equity and marks come from.
        equity: Cash plus positions at mark.
        drawdown: From the high-water mark, in [0, 1].
        exposure_gross: Positions at mark plus open entries at their limits.
        exposure_by_symbol: The same for each symbol that has any.
        symbols: Held symbols and symbols with an open entry.
        entries: Entry intents formed in this session.
        signals_consumed: Signals that have an intent in this session.
        sessions_since_exit: Symbol -> sessions since its last exit, 0 for an exit in this one.
    """

    snapshot_session: date
    equity: Decimal
    drawdown: Decimal
    exposure_gross: Decimal = ZERO
    exposure_by_symbol: Mapping[str, Decimal] = field(default_factory=dict)
    symbols: frozenset[str] = frozenset()
    entries: int = 0
    signals_consumed: frozenset[str] = frozenset()
    sessions_since_exit: Mapping[str, int] = field(default_factory=dict)

    def after(self, signal: Signal, notional: Decimal) -> Portfolio:
        """Return the portfolio with an entry for `signal` worth `notional` added."""
        return replace(
            self,
            exposure_gross=self.exposure_gross + notional,
            symbols=self.symbols | {signal.symbol},
            entries=self.entries + 1,
            signals_consumed=self.signals_consumed | {signal.signal_id},
        )


def budget_of(portfolio: Portfolio, limits: LimitsSection) -> Budget:
    """Return what new entries share, before the first of them."""
    return Budget(
        equity=portfolio.equity,
        exposure_gross=portfolio.exposure_gross,
        exposure_gross_max=exposure_gross_limit(limits, portfolio.equity),
        positions=len(portfolio.symbols),
        positions_max=limits.positions_max,
        entries=portfolio.entries,
        entries_max=limits.entries_per_session_max,
        drawdown=portfolio.drawdown,
        drawdown_max=limits.drawdown_fraction_max,
        snapshot_session=portfolio.snapshot_session,
    )


def allocate(
    signals: Iterable[Signal], portfolio: Portfolio, limits: LimitsSection, sizing: SizingSection
) -> tuple[SignalVerdict, ...]:
    """Return a verdict for each signal, by rank, each ALLOW spending what the next may use.

    A symbol that two strategies signal is allowed once: to the second it is already held.
    """
    verdicts = []
    for signal in sorted(signals, key=lambda item: item.rank):
        size = size_of(signal.limit_price, signal.stop, _room(signal, portfolio, limits), sizing)
        findings = (*_against(signal, portfolio, limits, sizing), *size.findings)
        if not findings:
            portfolio = portfolio.after(signal, size.notional)
        verdicts.append(verdict_of(signal, size, findings, _left(portfolio)))
    return tuple(verdicts)


def block_all(signals: Iterable[Signal], codes: tuple[str, ...]) -> tuple[SignalVerdict, ...]:
    """Return a BLOCK for each signal, by rank, because an input of the whole batch is in doubt.

    Args:
        signals: Whatever signals could be read.
        codes: Reason codes, the primary one first; at least one.
    """
    findings = tuple(Finding(code=code) for code in codes)
    nothing = Size(ZERO, ZERO, ZERO, findings)
    ranked = sorted(signals, key=lambda item: item.rank)
    return tuple(verdict_of(signal, nothing, findings, None) for signal in ranked)


def verdict_of(
    signal: Signal, size: Size, findings: tuple[Finding, ...], left: BudgetLeft | None
) -> SignalVerdict:
    """Return the verdict on a signal: ALLOW exactly if there is no finding against it."""
    allowed = (Finding(code="within-limits"),)
    return SignalVerdict(
        signal_id=signal.signal_id,
        rank=signal.rank,
        strategy=signal.strategy,
        symbol=signal.symbol,
        decision="BLOCK" if findings else "ALLOW",
        reason=(findings or allowed)[0].code,
        findings=findings or allowed,
        quantity=size.quantity,
        limit_price=signal.limit_price,
        stop=signal.stop,
        target=signal.target_r2,
        reference_price=signal.reference_price,
        notional=size.notional,
        risk_per_share=signal.limit_price - signal.stop,
        risk=size.risk,
        budget_after=left,
    )


def _room(signal: Signal, portfolio: Portfolio, limits: LimitsSection) -> Room:
    equity = max(portfolio.equity, ZERO)
    symbol_max = equity * limits.symbol_concentration_fraction_max
    return Room(
        equity=equity,
        concentration=symbol_max - portfolio.exposure_by_symbol.get(signal.symbol, ZERO),
        exposure_gross=exposure_gross_limit(limits, equity) - portfolio.exposure_gross,
    )


def _against(
    signal: Signal, portfolio: Portfolio, limits: LimitsSection, sizing: SizingSection
) -> Iterator[Finding]:
    """Yield the portfolio's reasons against an entry, in the order of `REASON_ORDER`."""
    if portfolio.equity <= 0:
        yield Finding(
            code="equity-not-positive", observed=plain(money(portfolio.equity)), limit="0"
        )
    if signal.symbol in portfolio.symbols:
        yield Finding(code="already-held", observed=signal.symbol)
    if signal.signal_id in portfolio.signals_consumed:
        yield Finding(code="signal-consumed", observed=signal.signal_id)
    yield from _cooling(signal.symbol, portfolio, sizing)
    yield from _at_limits(portfolio, limits)


def _cooling(symbol: str, portfolio: Portfolio, sizing: SizingSection) -> Iterator[Finding]:
    apart = portfolio.sessions_since_exit.get(symbol)
    cooldown = sizing.reentry_cooldown_sessions
    if apart is not None and apart < cooldown:
        yield Finding(code="reentry-cooldown", observed=str(apart), limit=str(cooldown))


def _at_limits(portfolio: Portfolio, limits: LimitsSection) -> Iterator[Finding]:
    if portfolio.drawdown >= limits.drawdown_fraction_max:
        yield Finding(
            code="limit-drawdown",
            observed=plain(ratio(portfolio.drawdown)),
            limit=plain(limits.drawdown_fraction_max),
        )
    counts = (
        ("limit-positions", len(portfolio.symbols) + 1, limits.positions_max),
        ("limit-entries", portfolio.entries + 1, limits.entries_per_session_max),
    )
    for code, after, limit in counts:
        if after > limit:
            yield Finding(code=code, observed=str(after), limit=str(limit))


def _left(portfolio: Portfolio) -> BudgetLeft:
    return BudgetLeft(
        exposure_gross=portfolio.exposure_gross,
        positions=len(portfolio.symbols),
        entries=portfolio.entries,
    )
