"""/_sim/assets/{symbol}: halting a symbol, as an exchange does and a customer cannot."""

from __future__ import annotations

from quantcli.exchange.booking import asset_symbol
from quantcli.exchange.calls import Answer, Call
from quantcli.exchange.refusals import malformed, not_found


def post_sim_asset(call: Call) -> Answer:
    """Halt a symbol, `{"tradable": false}`, or let it trade again.

    While it is halted new orders are refused and the open ones meet no print.
    """
    is_tradable = call.json_body().get("tradable")
    if not isinstance(is_tradable, bool):
        raise malformed("tradable is required: true or false")
    symbol = asset_symbol(call, call.segments[0])
    if symbol is None:
        raise not_found(f"asset not found for {call.segments[0]}")
    call.book.set_tradable(symbol, is_tradable=is_tradable)
    return Answer(200, {"symbol": symbol, "tradable": is_tradable})
