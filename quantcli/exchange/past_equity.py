"""What the account was worth at instants gone by: its activities retold, its shares at the prints.

Instants are asked for in the order of time, so that everything is read once.
"""

from __future__ import annotations

from decimal import Decimal
from itertools import islice
from typing import Any

from quantcli.exchange.advance import PRICE_AGE_SESSIONS_MAX
from quantcli.exchange.calls import Call
from quantcli.exchange.figures import ZERO
from quantcli.exchange.prints import Print, SessionTape
from quantcli.exchange.settlement import fill_amount
from quantcli.exchange.trading_hours import Micros, Span, sessions_before, span_of

#: Activities whose shares come or go.
_MOVING_SHARES = frozenset({"FILL", "SPLIT", "NC"})


class PastEquity:
    """The account as it was, moving forward."""

    def __init__(self, call: Call) -> None:
        """Read all activities; nothing is worked out yet."""
        venue = call.book.venue()
        assert venue is not None
        self._call = call
        self._cash = venue.opening_cash
        self._rows = call.book.activities("1", (), "ORDER BY sequence DESC")
        self._shares: dict[str, Decimal] = {}
        self._prices: dict[str, Decimal] = {}
        self._span: Span | None = None
        self._prints: list[Print] = []

    def at(self, span: Span, instant: Micros) -> Decimal:
        """Return the equity in USD at an instant of a session, not before the one asked last."""
        if span != self._span:
            self._enter(span)
        while self._prints and self._prints[-1].at <= instant:
            each = self._prints.pop()
            self._prices[each.symbol] = each.price
        self._retell(instant)
        held = (
            fill_amount(shares, self._prices[symbol])
            for symbol, shares in sorted(self._shares.items())
            if shares and symbol in self._prices
        )
        return self._cash + sum(held, ZERO)

    def _enter(self, span: Span) -> None:
        """Read the tape of a session, and of the sessions before if it is the first one."""
        symbols = {row["symbol"] for row in self._rows if row["symbol"]} | set(self._shares)
        tapes = [span]
        if self._span is None:
            before = islice(sessions_before(span.session), PRICE_AGE_SESSIONS_MAX)
            tapes += [span_of(session) for session in before]
        self._span = span
        prints = [
            each
            for tape in tapes
            for each in SessionTape(self._call.market.bars, tape).prints(
                symbols, tape.opens - 1, self._call.clock
            )
        ]
        self._prints = sorted(self._prints + prints, key=lambda each: each.at)[::-1]

    def _retell(self, instant: Micros) -> None:
        while self._rows and self._rows[-1]["at"] <= instant:
            row = self._rows.pop()
            self._cash += Decimal(row["net_amount"])
            if row["activity_type"] in _MOVING_SHARES:
                self._shares[row["symbol"]] = self._shares.get(row["symbol"], ZERO) + _signed(row)


def _signed(row: dict[str, Any]) -> Decimal:
    """Return the shares of a row; those of a corporate action have their sign already."""
    quantity = Decimal(row["quantity"])
    return -quantity if row["side"] == "sell" else quantity
