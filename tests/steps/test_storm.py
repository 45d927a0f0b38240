"""Weeks of trading on a line that fails at random, judged by the exchange's book alone.

Each seed makes a market, a desk and its bad luck. After every pass of `exits` on a line that
held, each share is under a sell, no stop has fallen, and the exchange holds nothing that was
not intended. When the storm is over, two quiet rounds leave nothing unknown and no break.
"""

import datetime as dt
import random
from decimal import Decimal

import pytest

from quantcli.core.reconciliation import terms_of
from quantcli.core.sessions import hours, sessions_between
from tests.steps.rig import Crash, Rig, resting

SYMBOLS = ("AAA", "BBB", "CCC")
SESSIONS = sessions_between(dt.date(2024, 10, 1), dt.date(2024, 11, 29))
FIRST = 12  # sessions of history before trading begins
TROUBLES = ("unsent", "lost", "unheard", "504", "later", "garbled", "lag", "401")


def market_of(luck):
    """Return daily bars that wander by a few percent a day, in whole cents."""
    rows, price = {}, dict.fromkeys(SYMBOLS, 5000)
    for session in SESSIONS:
        row = {}
        for symbol in SYMBOLS:
            opens = price[symbol] * luck.randint(970, 1030) // 1000
            closes = opens * luck.randint(965, 1037) // 1000
            high = max(opens, closes) * luck.randint(1000, 1020) // 1000
            low = min(opens, closes) * luck.randint(975, 1000) // 1000
            row[symbol] = tuple(cents / 100 for cents in (opens, high, low, closes))
            price[symbol] = closes
        rows[session.isoformat()] = row
    return rows


class Storm:
    """One desk in bad weather."""

    def __init__(self, seed):
        self.luck = random.Random(seed)
        self.market = market_of(self.luck)
        first = hours(SESSIONS[FIRST]).opens_at - dt.timedelta(hours=2)
        self.rig = Rig(
            self.market,
            opening=first.isoformat(),
            hold_sessions_max=self.luck.choice([0, 3, 7]),
            is_target_used=self.luck.random() < 0.5,
        ).begin()
        self.badness = self.luck.choice([0.0, 0.03, 0.1, 0.3])
        self.is_raging = False
        self.had_trouble = False
        self.highest = {}
        self.book, self.shares = [], {}
        self.passes = 0
        self.rig.line.trouble = self.trouble
        self._append = self.rig.journal.append
        self.rig.journal.append = self.append

    def trouble(self, method, path):
        if not self.is_raging or self.luck.random() >= self.badness:
            return ""
        self.had_trouble = True
        is_look_up = "by_client" in path
        what = self.luck.choice([*TROUBLES, "crash-before", "crash-after"])
        return "" if what == "lag" and not is_look_up else what

    def append(self, place, rows):
        if self.is_raging and self.luck.random() < self.badness / 4:
            self.had_trouble = True
            if self.luck.random() < 0.5:
                self._append(place, rows)
            raise Crash
        self._append(place, rows)

    def run(self, step, *, is_raging):
        """Run a step; one that dies is run again, at most three times, the last in peace."""
        self.had_trouble = False
        for attempt in range(3):
            self.is_raging = is_raging and attempt < 2
            try:
                return getattr(self.rig, step)()
            except Crash:
                continue
            finally:
                self.is_raging = False
        raise AssertionError("a step died in peace")

    def session(self, session, *, is_raging):
        rig, (opens_at, closes_at) = self.rig, hours(session)
        rig.exchange.advance(opens_at - dt.timedelta(minutes=60))
        self.approve(session)
        self.run("execute", is_raging=is_raging)
        rig.exchange.advance(opens_at + dt.timedelta(minutes=5))
        self.run("execute", is_raging=is_raging)
        self.protect(is_raging=is_raging)
        rig.exchange.advance(closes_at + dt.timedelta(minutes=5))
        self.protect(is_raging=is_raging)

    def approve(self, session):
        """Approve entries in symbols that are neither held nor asked for."""
        rig = self.rig
        busy = {position.symbol for position in rig.journal.positions()}
        busy |= {order.intent.symbol for order in rig.journal.orders(live_only=True)}
        before = self.market[SESSIONS[SESSIONS.index(session) - 1].isoformat()]
        intents = []
        for symbol in SYMBOLS:
            if symbol not in busy and self.luck.random() < 0.7:
                close = Decimal(str(before[symbol][3]))
                cents = Decimal("0.01")
                intents.append(
                    rig.entry(
                        symbol,
                        quantity=self.luck.randint(1, 40),
                        limit=(close * Decimal("1.01")).quantize(cents),
                        protective_stop=(close * Decimal("0.94")).quantize(cents),
                        target=(close * Decimal("1.05")).quantize(cents),
                        expires_at=hours(session).opens_at + dt.timedelta(minutes=5),
                    )
                )
        rig.approve(*intents)

    def protect(self, *, is_raging):
        told = self.run("exits", is_raging=is_raging)
        self.passes += 1
        self.book = self.rig.book()
        self.shares = {symbol: self.rig.held(symbol) for symbol in SYMBOLS}
        uncovered = sum(row.uncovered for row in told.certificate)
        # What the certificate claims is true at the exchange, whatever the weather was.
        for row in told.certificate:
            assert self.covered(row.symbol) >= min(
                self.shares[row.symbol], row.quantity - row.uncovered
            )
        assert told.exit_code != 0 or uncovered == 0
        if not self.had_trouble and self.is_known():
            self.check_cover()
        self.check_stops()
        self.check_orders()

    def is_known(self):
        live = self.rig.journal.orders(live_only=True)
        return not any(order.state in {"UNKNOWN", "PENDING_CANCEL"} for order in live)

    def sells(self, symbol):
        return [order for order in resting(self.book, symbol) if order[0] == "sell"]

    def covered(self, symbol):
        return sum(int(quantity) for _, quantity, _ in self.sells(symbol))

    def check_cover(self):
        """INV-07: each share held is under a sell."""
        for symbol in SYMBOLS:
            assert self.covered(symbol) == self.shares[symbol], symbol

    def check_stops(self):
        """INV-06: while a position lives its lowest stop never falls."""
        for symbol in SYMBOLS:
            stops = [Decimal(price) for _, _, price in self.sells(symbol) if price]
            if self.shares[symbol] == 0:
                self.highest.pop(symbol, None)
            elif stops:
                assert min(stops) >= self.highest.get(symbol, Decimal(0)), symbol
                self.highest[symbol] = min(stops)

    def check_orders(self):
        """INV-05, INV-11, INV-16: everything at the exchange was intended, once, as intended."""
        assert all(int(item["qty"]) > 0 for item in self.rig.ask("GET", "/positions"))
        for order in self.book:
            record = self.rig.journal.order(order["client_order_id"])
            assert record is not None, order
            asked = terms_of(record.intent).split()
            assert asked[:3] == [order["side"], order["qty"], order["symbol"]]


# Seed 5 lets too few entries through to say anything.
@pytest.mark.parametrize("seed", [0, 1, 2, 3, 4, 6])
def test_a_desk_survives_its_weather(seed):
    weather(seed)


def weather(seed):
    storm = Storm(seed)
    sessions = SESSIONS[FIRST:]
    for session in sessions[:-2]:
        storm.session(session, is_raging=True)
    for session in sessions[-2:]:
        storm.session(session, is_raging=False)
    rig = storm.rig
    assert "UNKNOWN" not in [order.state for order in rig.journal.orders()]
    told = rig.reconcile()
    flags = [item.code for item in told.breaks]
    assert flags == []
    longest = rig.config.exits.hold_sessions_max or len(SESSIONS)
    for position in rig.journal.positions():
        held = SESSIONS.index(sessions[-1]) - SESSIONS.index(position.opened_session)
        assert held <= longest, position.symbol
    assert storm.passes > 20
    assert len(rig.journal.fills()) > 5
    assert rig.journal.cash() == Decimal(rig.ask("GET", "/account")["cash"])
    return storm
