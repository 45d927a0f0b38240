"""What gates look at: the facts of a run, the proposal in hand, the tally of what came before.

Owns no rule. Facts are the same for every signal of a run; the tally grows with each approval,
so that a gate always sees the desk as it would be after the trade.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal

from quantcli.contracts.broker_views import Account, Asset, BrokerClock, CalendarDay
from quantcli.contracts.config import LimitsSection
from quantcli.contracts.decide import Decide, SignalVerdict
from quantcli.contracts.envelope import Finding, Mode
from quantcli.contracts.manifest import Damage
from quantcli.contracts.orders import OrderRecord
from quantcli.contracts.reconciliation import Reconcile
from quantcli.contracts.scalars import ZERO
from quantcli.contracts.scan import Scan, Signal
from quantcli.core.allocation import DECIDE_REASONS
from quantcli.core.readings import Reading


@dataclass(frozen=True, slots=True)
class Span:
    """Instants in [start, end), aware UTC."""

    start: dt.datetime
    end: dt.datetime

    def holds(self, instant: dt.datetime) -> bool:
        """Return whether the instant lies in the span: start included, end excluded."""
        return self.start <= instant < self.end


@dataclass(frozen=True, slots=True)
class Facts:
    """Everything that one run of `enforce` knows, for all signals alike.

    Attributes:
        session: The session in hand.
        as_of: The cycle's instant.
        mode: How the desk trades.
        is_enforced: `enforce.enabled`; False is shadow mode.
        limits: [limits] of desk.toml.
        hours: The session's open and close by our table.
        window: When entries may be sent.
        previous_session: The exchange session before this one.
        unsealed_session: The newest earlier session with a folder and no seal; None: all sealed.
        seal_damage: How the newest earlier seal is not what was published; None: it is.
        halt: Why entries are halted; None: they are not.
        paused: Reasons of the PAUSED flag; None: not set.
        scan: The newest scan of this session.
        decision: The newest decision of this session.
        reconcile: The newest reconciliation of this session.
        account_id: The account that the journal belongs to; None: it has no first row.
        account: The broker's account, read now.
        clock: The broker's clock, read now.
        calendar: The broker's calendar days for this session, read now.
        symbols_held: Symbols with shares, in the journal or at the broker.
        orders: Orders of ours that are not terminal.
        assets: Symbol of a proposal -> what the broker says of it, read now.
        intents: Signal -> intent formed for it earlier in this session.
    """

    session: dt.date
    as_of: dt.datetime
    mode: Mode
    is_enforced: bool
    limits: LimitsSection
    hours: Span
    window: Span
    previous_session: dt.date
    unsealed_session: dt.date | None
    seal_damage: Damage | None
    halt: str | None
    paused: tuple[str, ...] | None
    scan: Reading[Scan]
    decision: Reading[Decide]
    reconcile: Reading[Reconcile]
    account_id: str | None
    account: Reading[Account]
    clock: Reading[BrokerClock]
    calendar: Reading[tuple[CalendarDay, ...]]
    symbols_held: frozenset[str] = frozenset()
    orders: tuple[OrderRecord, ...] = ()
    intents: Mapping[str, str] = field(default_factory=dict)
    assets: Mapping[str, Reading[Asset]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Proposal:
    """One signal on its way to an order, with what each earlier step said of it.

    Attributes:
        signal: As the scan holds it; None: the scan does not.
        verdict: As the decision holds it; None: the decision does not.
    """

    signal: Signal | None
    verdict: SignalVerdict | None

    @property
    def terms(self) -> Signal | SignalVerdict:
        """Return the decision's word on prices and names, else the scan's.

        Raises:
            ValueError: neither step knows the signal.
        """
        if self.verdict is not None:
            return self.verdict
        if self.signal is not None:
            return self.signal
        raise ValueError("a proposal needs a signal or a verdict")

    @property
    def symbol(self) -> str:
        """Return the stock."""
        return self.terms.symbol

    @property
    def quantity(self) -> Decimal:
        """Return the shares decided on; none without a decision."""
        return ZERO if self.verdict is None else self.verdict.quantity

    @property
    def notional(self) -> Decimal:
        """Return the cost at the limit price, USD."""
        return self.quantity * self.terms.limit_price

    @property
    def risk(self) -> Decimal:
        """Return the loss between limit and stop, USD."""
        return self.quantity * (self.terms.limit_price - self.terms.stop)


@dataclass(frozen=True, slots=True)
class Tally:
    """The desk as it stands, the approvals of this run included.

    Attributes:
        exposure_gross: USD; None: a position has no mark.
        spending_power: USD; None: the account could not be read.
        symbols: Held symbols and symbols with an open entry.
        entries: Entry intents formed in this session.
        symbols_approved: Symbols approved earlier in this run.
    """

    exposure_gross: Decimal | None
    spending_power: Decimal | None
    symbols: frozenset[str] = frozenset()
    entries: int = 0
    symbols_approved: frozenset[str] = frozenset()

    def after(self, proposal: Proposal) -> Tally:
        """Return the tally once the proposal is approved."""
        cost, symbol = proposal.notional, proposal.symbol
        return replace(
            self,
            exposure_gross=None if self.exposure_gross is None else self.exposure_gross + cost,
            spending_power=None if self.spending_power is None else self.spending_power - cost,
            symbols=self.symbols | {symbol},
            entries=self.entries + 1,
            symbols_approved=self.symbols_approved | {symbol},
        )


def decide_reason(verdict: SignalVerdict) -> Finding:
    """Return why decide blocked a signal: its own primary reason, if it is one that decide has."""
    if verdict.reason not in DECIDE_REASONS:
        return Finding(code="decision-block")
    stated = (finding for finding in verdict.findings if finding.code == verdict.reason)
    return next(stated, Finding(code=verdict.reason))
