"""A desk on a real journal and a real exchange in process, with a line that can be cut.

The line stands between the desk's own broker adapter and the exchange, so every fault is one
that a network could cause; the exchange's book is the truth that tests look at.
"""

import datetime as dt
import json
from decimal import Decimal
from urllib.parse import urlencode

import numpy as np

from quantcli.contracts.bars import BarMatrix
from quantcli.contracts.config import DeskConfig, ExitsSection, LimitsSection
from quantcli.contracts.corporate_actions import ActionSeries
from quantcli.contracts.enforce import AccountState, Enforce
from quantcli.contracts.envelope import CodeId, InputRef, Stamp
from quantcli.contracts.errors import BarsMissing
from quantcli.contracts.journal_rows import FlagRow, GenesisRow
from quantcli.contracts.scalars import instant
from quantcli.core.intents import form_intent
from quantcli.core.order_ids import IntentKey
from quantcli.core.sessions import cycle_name, session_of, sessions_ending
from quantcli.exchange.venue import Exchange
from quantcli.ports.artifact_store import Located
from quantcli.ports.broker import Response, TransportFailure
from quantcli.ports.halts import HaltReading
from quantcli.ports.journal import Place
from quantcli.shell.alpaca.broker import AlpacaBroker
from quantcli.shell.journal import SqliteJournal
from quantcli.steps.desk import Desk
from quantcli.steps.execute import execute
from quantcli.steps.exits import exits
from quantcli.steps.reconcile import reconcile
from tests.exchange.market import KEYS, HandMadeBars, settings

LIMITS = LimitsSection(
    positions_max=10,
    entries_per_session_max=10,
    symbol_concentration_fraction_max="0.5",
    exposure_gross_usd_max="100000",
    exposure_gross_fraction_max="1",
    risk_per_trade_usd_max="1000",
    risk_per_trade_fraction_max="0.05",
    drawdown_fraction_max="0.2",
    price_collar_fraction_max="0.1",
    reconcile_age_minutes_max=90,
    allowlist="universe",
)


class Crash(BaseException):
    """The process is gone. Nothing may catch it."""


_UNANSWERED = {"unsent", "lost", "later"}
_INSTEAD = {
    "lag": Response(404, (), b'{"code": 40410000, "message": "order not found"}'),
    "401": Response(401, (), b'{"message": "unauthorized."}'),
    "504": Response(504, (), b"<html>gateway time-out</html>"),
    "garbled": Response(200, (), b'{"id": "x"'),
}


class Line:
    """Carries requests to an exchange; `trouble` decides, request by request, what goes wrong.

    Trouble is a function (method, path) -> name, one of: "" (nothing), "unsent", "lost" (sent,
    never arrived), "unheard" (carried out, no answer), "504" (carried out, gateway's answer),
    "later" (arrives before the next request), "lag" (a look-up finds nothing yet),
    "crash-before", "crash-after", "garbled" (a 200 that cannot be read), "401".
    """

    def __init__(self, exchange):
        self.exchange = exchange
        self.trouble = lambda method, path: ""
        self.log = []
        self.bodies = []
        self._later = []

    def send(self, request):
        for late in self._later:
            self._handle(late)
        self._later.clear()
        if request.method == "POST":
            self.bodies.append(request.body)
        what = self.trouble(request.method, request.path)
        self.log.append((request.method, request.path, what))
        if what == "crash-before":
            raise Crash
        if what in _UNANSWERED:
            if what == "later":
                self._later.append(request)
            raise TransportFailure(what, was_sent=what != "unsent")
        response = _INSTEAD[what] if what in {"lag", "401"} else self._handle(request)
        if what == "unheard":
            raise TransportFailure("connection-lost", was_sent=True)
        if what == "crash-after":
            raise Crash
        return _INSTEAD.get(what, response)

    def _handle(self, request):
        status, headers, body = self.exchange.handle(
            request.method, f"/v2{request.path}", request.query, request.body, KEYS
        )
        return Response(status, tuple(headers), body)


class Halted:
    """A halt record that a test sets."""

    def __init__(self):
        self.now = HaltReading(entries=False, all=False, reason="")
        self.readings = 0

    def read(self):
        self.readings += 1
        return self.now


class Bars:
    """Daily bars of the desk, from the same table as the exchange's."""

    def __init__(self, daily):
        self.rows = {dt.date.fromisoformat(day): row for day, row in daily.items()}
        self.minute_bars = {}
        self.is_missing = False
        self.action_list = ()

    def actions(self, first, last, *, kinds):
        found = (each for each in self.action_list if first <= each.ex_date <= last)
        return ActionSeries(tuple(each for each in found if each.kind in kinds), ())

    def daily(self, through, sessions, *, in_shares_of=None):
        if self.is_missing:
            raise BarsMissing("no bars")
        days = [day for day in sessions_ending(through, sessions) if day in self.rows]
        symbols = tuple(sorted({name for day in days for name in self.rows[day]}))
        columns = [
            np.array(
                [
                    [float(self.rows[d][s][k]) if s in self.rows[d] else np.nan for s in symbols]
                    for d in days
                ]
            ).reshape(len(days), len(symbols))
            for k in range(4)
        ]
        ref = InputRef(name="bars/made", sha256="b" * 64)
        return BarMatrix(symbols, tuple(days), *columns, columns[0], "local", "split", (ref,))

    def minutes(self, symbol, first, last):
        if self.is_missing:
            raise BarsMissing("no bars")
        ref = InputRef(name="minutes/made", sha256="c" * 64)
        return tuple(self.minute_bars.get(symbol, ())), (ref,)


class Shelf:
    """One enforce.json, or an error where it should be."""

    def __init__(self):
        self.found = None

    def find(self, session, step, *, not_after):
        if self.found is None or step != "enforce":
            return None
        return Located(session, "083000", step, f"{session}/083000/{step}.json")

    def load(self, located, model):
        if isinstance(self.found, Exception):
            raise self.found
        return self.found, InputRef(name=located.path, sha256="e" * 64)


class Rig:
    """One desk at one exchange."""

    def __init__(
        self,
        daily,
        opening="2024-11-26T13:00:00Z",
        journal=None,
        actions=(),
        **exits_settings,
    ):
        made = HandMadeBars(daily, actions=actions)
        self.exchange = Exchange(None, made, settings(opening_at=instant(opening)))
        self.line = Line(self.exchange)
        self.broker = AlpacaBroker(self.line)
        self.account_id = self.broker.account().account_id
        self.line.log.clear()
        self.journal = journal or SqliteJournal.in_memory()
        self.halts = Halted()
        self.bars = Bars(daily)
        self.bars.action_list = tuple(actions)
        self.shelf = Shelf()
        self.slept = []
        self.alarms = []
        self.mode = "local"
        self.config = DeskConfig(limits=LIMITS, exits=ExitsSection(**exits_settings))

    def begin(self):
        """Journal the opening balance."""
        session = session_of(self.exchange.clock)
        cash = self.broker.account().cash
        row = GenesisRow(account_id=self.account_id, cash=cash, first_session=session)
        self.journal.append(Place(session, "000000", "snapshot"), [row])
        self.line.log.clear()
        return self

    def to(self, text):
        """Move the exchange's clock."""
        self.exchange.advance(instant(text))
        return self

    def desk(self, step, cycle=None):
        as_of = self.exchange.clock
        stamp = Stamp(
            session=session_of(as_of),
            cycle=cycle or cycle_name(as_of),
            as_of=as_of,
            mode=self.mode,
            code=CodeId(version="0", digest="c" * 64),
            config_sha256="d" * 64,
        )
        return Desk(
            config=self.config,
            stamp=stamp,
            step=step,
            store=self.shelf,
            journal=self.journal,
            market=self.bars,
            halts=self.halts,
            sleep=self.slept.append,
            alarm=self.alarms.append,
            broker_or_none=AlpacaBroker(self.line),
        )

    def execute(self, cycle=None):
        return execute(self.desk("execute", cycle))

    def exits(self, cycle=None):
        return exits(self.desk("exits", cycle))

    def reconcile(self, **options):
        return reconcile(self.desk("reconcile"), **options)

    def approve(self, *intents):
        """Put an enforce.json with these intents on the shelf."""
        desk = self.desk("enforce")
        self.shelf.found = Enforce(
            **desk.header(Enforce),
            is_enforced=True,
            decision=None,
            reconcile=None,
            account=AccountState(status="tradable", equity=None, cash=None, spending_power=None),
            verdicts=(),
            intents=intents,
            codes=(),
        )

    def entry(self, symbol="XYZ", quantity=10, limit="100", sequence=1, **terms):
        """Return an approved entry with its stop at 90, to live until five past the open."""
        session = session_of(self.exchange.clock)
        opens = dt.datetime.combine(session, dt.time(14, 30), dt.UTC)
        key = IntentKey(self.account_id, "avwap", session, symbol, "entry", sequence)
        usual = {
            "signal_id": "a" * 64,
            "side": "buy",
            "quantity": Decimal(quantity),
            "order_type": "limit",
            "limit_price": Decimal(limit),
            "protective_stop": Decimal(90),
            "target": None,
            "time_in_force": "day",
            "expires_at": opens + dt.timedelta(minutes=5),
        }
        return form_intent(key, **{**usual, **terms})

    def pause(self, is_set=True, by="reconcile"):
        session = session_of(self.exchange.clock)
        row = FlagRow(name="paused", is_set=is_set, reasons=("cash-difference",), by=by)
        self.journal.append(Place(session, "000000", by), [row])

    def ask(self, method, path, body=None, **query):
        """Ask the exchange itself, past the line."""
        data = b"" if body is None else json.dumps(body).encode()
        status, _, answer = self.exchange.handle(method, f"/v2{path}", urlencode(query), data, KEYS)
        assert status < 300, answer
        return json.loads(answer) if answer else None

    def book(self, symbol=None):
        """Return every order the exchange ever took, oldest first."""
        orders = self.ask("GET", "/orders", status="all", limit=500, direction="asc")
        return [order for order in orders if symbol in (None, order["symbol"])]

    def resting(self, symbol="XYZ"):
        """Return (side, quantity, stop or limit price) of open orders at the exchange."""
        return resting(self.book(symbol), symbol)

    def held(self, symbol="XYZ"):
        """Return the shares the exchange holds for us."""
        found = {item["symbol"]: item["qty"] for item in self.ask("GET", "/positions")}
        return int(found.get(symbol, 0))


def resting(orders, symbol):
    """Return (side, quantity, stop or limit price) of the open ones among a book's orders."""
    live = {"new", "accepted", "partially_filled", "pending_cancel", "held"}
    return [
        (order["side"], order["qty"], order["stop_price"] or order["limit_price"])
        for order in orders
        if order["status"] in live and order["symbol"] == symbol
    ]


def states(rig, **wanted):
    """Return the states of the journal's orders."""
    return [order.state for order in rig.journal.orders(**wanted)]


def once(*names):
    """Return trouble that strikes the matching requests in turn: (method, start of path, what)."""
    waiting = list(names)

    def trouble(method, path):
        if waiting and (waiting[0][0], path.startswith(waiting[0][1])) == (method, True):
            return waiting.pop(0)[2]
        return ""

    return trouble


def always(method, start, what):
    """Return trouble that strikes every matching request."""
    return lambda m, p: what if m == method and p.startswith(start) else ""


def rewrite(rig, start, change):
    """Let the broker tell something else in answers to GET requests that start so."""
    send = rig.line.send

    def altered(request):
        response = send(request)
        if request.method == "GET" and request.path.startswith(start):
            value = json.loads(response.body)
            return Response(200, (), json.dumps(change(value)).encode())
        return response

    rig.line.send = altered


def each(**changes):
    """Change every row of a list; leave a single object alone."""
    return lambda value: [{**row, **changes} for row in value] if isinstance(value, list) else value


class Chooser:
    """Turns "maybe here" into "every combination": replays choices, then tries the next."""

    def __init__(self):
        self._planned, self._made = [], []

    def choose(self, options):
        """Return one of `options`; the first of them on the first visit."""
        place = len(self._made)
        pick = self._planned[place] if place < len(self._planned) else 0
        self._made.append((pick, len(options)))
        return options[pick]

    def next(self):
        """Prepare the next combination; False when all were made."""
        while self._made and self._made[-1][0] + 1 == self._made[-1][1]:
            self._made.pop()
        if not self._made:
            return False
        pick, count = self._made.pop()
        self._planned = [made for made, _ in self._made] + [pick + 1]
        assert pick + 1 < count
        self._made = []
        return True
