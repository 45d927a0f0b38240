"""/v2/stocks/bars and /v2/stocks/bars/latest: the bars behind the prints.

Only bars that are complete at the clock leave the exchange.
"""

from __future__ import annotations

from typing import Any

from quantcli.exchange.calls import Answer, Call
from quantcli.exchange.data_requests import (
    bad,
    check_latest,
    is_descending,
    page_body,
    paged,
    wanted_span,
    wanted_symbols,
)
from quantcli.exchange.newest import newest_minute
from quantcli.exchange.stock_bars import bar_view, stamped_bars
from quantcli.exchange.timeframes import timeframe_of


def get_bars(call: Call) -> Answer:
    """Return bars by symbol, then time, in pages whose limit counts across symbols."""
    symbols = wanted_symbols(call)
    text = call.query.get("timeframe", "")
    timeframe = timeframe_of(text)
    if timeframe is None:
        raise bad(f"invalid timeframe: {text}")
    found = stamped_bars(call, symbols, timeframe, wanted_span(call), descends=is_descending(call))
    return Answer(200, page_body(call, "bars", paged(call, found)))


def get_latest_bars(call: Call) -> Answer:
    """Return each symbol's newest complete minute bar; a symbol without one is left out."""
    check_latest(call)
    found = {}
    for symbol in wanted_symbols(call):
        bar = newest_minute(call, symbol)
        if bar is not None:
            found[symbol] = bar_view(bar)
    return Answer(200, latest_body(call, "bars", "bar", found))


def latest_body(
    call: Call, plural: str, singular: str, found: dict[str, dict[str, Any]]
) -> dict[str, Any]:
    """Return the answer's object: by symbol, or the one thing when the path names the symbol."""
    if not call.segments:
        return {plural: found}
    if call.segments[0] not in found:
        raise bad(f"no {singular} found for {call.segments[0]}")
    return {"symbol": call.segments[0], singular: found[call.segments[0]]}
