"""/v2/stocks/snapshots: what is newest about each symbol, in one answer without a wrapper."""

from __future__ import annotations

from typing import Any

from quantcli.exchange.calls import Answer, Call
from quantcli.exchange.data_requests import bad, check_latest, wanted_symbols
from quantcli.exchange.newest import newest_minute, newest_span, session_bar, session_bar_before
from quantcli.exchange.stock_bars import StockBar, bar_view
from quantcli.exchange.ticks_api import quote_view, trade_view


def get_snapshots(call: Call) -> Answer:
    """Return last trade and quote, minute, running session and the one before, by symbol.

    What is not there is null; a symbol that never traded is left out.
    """
    check_latest(call)
    found = {}
    for symbol in wanted_symbols(call):
        view = _snapshot(call, symbol)
        if view is not None:
            found[symbol] = view
    if not call.segments:
        return Answer(200, found)
    if call.segments[0] not in found:
        raise bad(f"no snapshot found for {call.segments[0]}")
    return Answer(200, {"symbol": call.segments[0], **found[call.segments[0]]})


def _snapshot(call: Call, symbol: str) -> dict[str, Any] | None:
    last, span = call.book.last_print(symbol), newest_span(call, symbol)
    if last is None or span is None:
        return None
    return {
        "latestTrade": trade_view(call, last.price, last.at),
        "latestQuote": quote_view(call, last.price, last.at),
        "minuteBar": _view(newest_minute(call, symbol)),
        "dailyBar": _view(session_bar(call, symbol, span)),
        "prevDailyBar": _view(session_bar_before(call, symbol, span)),
    }


def _view(bar: StockBar | None) -> dict[str, Any] | None:
    return None if bar is None else bar_view(bar)
