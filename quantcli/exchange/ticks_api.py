"""/v2/stocks/trades and /v2/stocks/quotes: every print is one trade, and one quote around it.

A quote's two sides are what a market order would have paid and got at that print: the print
with the exchange's slippage on either side. Sizes are not among our bars: each is a round lot.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

from quantcli.exchange.bars_api import latest_body
from quantcli.exchange.calls import Answer, Call
from quantcli.exchange.data_requests import (
    Row,
    check_latest,
    is_descending,
    page_body,
    paged,
    sessions_within,
    wanted_span,
    wanted_symbols,
)
from quantcli.exchange.matching import slipped
from quantcli.exchange.prints import SessionTape
from quantcli.exchange.trading_hours import Micros, local_date, span_of, spelled_instant

ROUND_LOT = 100

_VENUE, _TAPE = "V", "C"

View = Callable[[Call, Decimal, Micros], dict[str, Any]]


def get_trades(call: Call) -> Answer:
    """Return trades by symbol, then time, in pages whose limit counts across symbols."""
    return Answer(200, page_body(call, "trades", paged(call, _ticks(call, trade_view))))


def get_quotes(call: Call) -> Answer:
    """Return quotes by symbol, then time, in pages whose limit counts across symbols."""
    return Answer(200, page_body(call, "quotes", paged(call, _ticks(call, quote_view))))


def get_latest_trades(call: Call) -> Answer:
    """Return each symbol's last trade; a symbol that never traded is left out."""
    return Answer(200, latest_body(call, "trades", "trade", _latest(call, trade_view)))


def get_latest_quotes(call: Call) -> Answer:
    """Return each symbol's last quote; a symbol that never traded is left out."""
    return Answer(200, latest_body(call, "quotes", "quote", _latest(call, quote_view)))


def trade_view(call: Call, price: Decimal, at: Micros) -> dict[str, Any]:
    """Return the JSON object of a trade."""
    return {
        "t": spelled_instant(at),
        "x": _VENUE,
        "p": float(price),
        "s": ROUND_LOT,
        "c": ["@"],
        "i": at,
        "z": _TAPE,
    }


def quote_view(call: Call, price: Decimal, at: Micros) -> dict[str, Any]:
    """Return the JSON object of the quote around a print."""
    bps = call.settings.slippage_bps
    return {
        "t": spelled_instant(at),
        "ax": _VENUE,
        "ap": float(slipped(price, "buy", bps)),
        "as": ROUND_LOT,
        "bx": _VENUE,
        "bp": float(slipped(price, "sell", bps)),
        "bs": ROUND_LOT,
        "c": ["R"],
        "z": _TAPE,
    }


def _latest(call: Call, view: View) -> dict[str, dict[str, Any]]:
    check_latest(call)
    found = {}
    for symbol in wanted_symbols(call):
        last = call.book.last_print(symbol)
        if last is not None:
            found[symbol] = view(call, last.price, last.at)
    return found


def _ticks(call: Call, view: View) -> Iterator[Row]:
    symbols, span, descends = wanted_symbols(call), wanted_span(call), is_descending(call)
    first, last = local_date(span.start), local_date(min(span.end, call.clock))
    known = set(call.market.bars.symbols())
    return _rows(call, [each for each in symbols if each in known], (
        [SessionTape(call.market.bars, span_of(day)) for day in sessions_within(first, last)]
    ), (span.start, min(span.end, call.clock)), view, descends=descends)  # fmt: skip


def _rows(
    call: Call,
    symbols: list[str],
    tapes: list[SessionTape],
    bounds: tuple[Micros, Micros],
    view: View,
    *,
    descends: bool,
) -> Iterator[Row]:
    if descends:
        tapes.reverse()
    for symbol in symbols:
        for tape in tapes:
            prints = tape.prints([symbol], bounds[0] - 1, bounds[1])
            for each in reversed(prints) if descends else prints:
                yield Row(symbol, each.at, view(call, each.price, each.at))
