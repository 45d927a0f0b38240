"""Gate: the loss at the stop is bearable, in dollars and as a fraction of equity."""

from __future__ import annotations

from quantcli.contracts.scalars import ZERO, plain
from quantcli.core.gates.facts import Facts, Proposal, Tally
from quantcli.core.gates.rulings import Ruling, SignalGate, block, within


def risk_per_trade(facts: Facts, proposal: Proposal, tally: Tally) -> Ruling:
    """Block when quantity x (limit - stop) exceeds the smaller of both limits.

    A stop that does not lie below the limit price protects nothing: its risk is not bounded.
    """
    terms = proposal.terms
    if terms.stop >= terms.limit_price:
        return block("stop-not-below-entry", plain(terms.stop), plain(terms.limit_price))
    if facts.account.value is None:
        return block(facts.account.fault or "broker-unavailable", "equity unreadable")
    equity = max(facts.account.value.equity, ZERO)
    limits = facts.limits
    limit = min(limits.risk_per_trade_usd_max, limits.risk_per_trade_fraction_max * equity)
    return within("risk-per-trade", proposal.risk, limit)


GATE = SignalGate(
    "risk-per-trade",
    ("stop-not-below-entry", "broker-unavailable", "risk-per-trade"),
    "Is the loss between limit and stop within the dollar and the percent limit?",
    risk_per_trade,
)
