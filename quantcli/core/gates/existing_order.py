"""Gate: no order rests in the symbol."""

from __future__ import annotations

from quantcli.core.gates.facts import Facts, Proposal, Tally
from quantcli.core.gates.rulings import Ruling, SignalGate, allow, block

_NONE = "no order"


def existing_order(facts: Facts, proposal: Proposal, tally: Tally) -> Ruling:
    """Block a symbol with an order of ours, one at the broker, or one approved in this run.

    Orders of unknown outcome have their own gate and their own code.
    """
    symbol = proposal.symbol
    for order in facts.orders:
        if order.intent.symbol == symbol and order.state != "UNKNOWN":
            return block("order-exists", f"{order.intent.client_order_id} {order.state}", _NONE)
    reported = facts.reconcile.value
    for seen in () if reported is None else reported.broker.open_orders:
        if seen.symbol == symbol:
            return block("order-exists", f"{seen.client_order_id} {seen.status}", _NONE)
    if symbol in tally.symbols_approved:
        return block("order-exists", "approved earlier in this run", _NONE)
    return allow(_NONE, _NONE)


GATE = SignalGate(
    "existing-order",
    ("order-exists",),
    "Is the symbol free of orders, ours and the broker's?",
    existing_order,
)
