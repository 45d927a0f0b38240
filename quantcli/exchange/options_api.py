"""/v2/options/contracts: there are none here."""

from __future__ import annotations

from quantcli.exchange.calls import Answer, Call
from quantcli.exchange.refusals import not_found


def list_contracts(call: Call) -> Answer:
    """Return no contracts."""
    call.limit("limit", default=100, maximum=10_000)
    return Answer(200, {"option_contracts": [], "next_page_token": None})


def get_contract(call: Call) -> Answer:
    """Refuse: no contract has this symbol or id."""
    raise not_found(f"option contract not found for {call.segments[0]}")
