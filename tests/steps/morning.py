"""A desk on the morning of Thursday 2024-08-01, made of the parts that ship.

Store, run records, journal and halt record are the real ones in a temporary folder; the broker
is the real adapter over the local exchange in this process. Only scan, reconciliation and
snapshot are written by hand. `Line` stands between adapter and exchange to lose or bend answers.
"""

import datetime as dt
import json
from decimal import Decimal
from types import MappingProxyType

from quantcli.contracts.canonical import canonical_bytes
from quantcli.contracts.config import DeskConfig
from quantcli.contracts.corporate_actions import ActionSeries
from quantcli.contracts.envelope import InputRef, SchemaId
from quantcli.contracts.journal_rows import FillRow, FlagRow, GenesisRow, IntentRow, OrderRow
from quantcli.contracts.manifest import Manifest
from quantcli.contracts.orders import Fill
from quantcli.contracts.snapshot import Pnl, Snapshot
from quantcli.core.intents import form_intent
from quantcli.core.order_ids import IntentKey
from quantcli.exchange.in_process import InProcessAdapter
from quantcli.exchange.settings import ExchangeSettings
from quantcli.exchange.venue import Exchange
from quantcli.ports.broker import Response, TransportFailure
from quantcli.ports.halts import HaltReading
from quantcli.ports.journal import Place
from quantcli.shell.alpaca.broker import AlpacaBroker
from quantcli.shell.alpaca.http import AlpacaTransport
from quantcli.shell.artifact_store import FileStore
from quantcli.shell.halt_file import HaltFile
from quantcli.shell.journal import SqliteJournal
from quantcli.shell.run_records import RunRecords
from quantcli.steps.decide import decide
from quantcli.steps.desk import Desk
from quantcli.steps.enforce import enforce
from tests.core import gate_facts as built

KEY, SECRET = "LXTEST", "not-a-secret"
PREVIOUS = dt.date(2024, 7, 31)
OLD_PLACE = Place(PREVIOUS, "160500", "exits")
LIMITS = MappingProxyType(built.limits().model_dump(mode="json"))


class Bars:
    """A market with one bar of one stock."""

    def symbols(self):
        return ("AAPL", "MSFT", "NVDA")

    def last_session(self):
        return PREVIOUS

    def session_row(self, session):
        return {"MSFT": (400.0, 401.0, 399.0, 400.0, 1000.0)} if session == PREVIOUS else {}

    def minutes(self, symbol, session):
        return []

    def actions(self, first, last, *, has_dividends=True):
        return ()


class Happenings:
    """Market data that know of nothing but what happened to shares; nothing unless told."""

    def __init__(self, *told):
        self.told = told

    def actions(self, first, last, *, kinds):
        found = (each for each in self.told if first <= each.ex_date <= last)
        return ActionSeries(tuple(each for each in found if each.kind in kinds), ())


class Line:
    """The line to the exchange. `lost`: paths without an answer; `bent`: path -> changed fields."""

    def __init__(self, inner):
        self._inner = inner
        self.lost = set()
        self.bent = {}
        self.asked = []

    def send(self, request):
        self.asked.append(request.path)
        if request.path in self.lost:
            raise TransportFailure("no answer", was_sent=True)
        status, headers, body = self._inner.send(request)
        changes = self.bent.get(request.path)
        if changes is not None:
            value = json.loads(body)
            body = json.dumps({**value, **changes} if isinstance(value, dict) else changes).encode()
        return Response(status, headers, body)


class Morning:
    """The desk's parts, and ways to run `decide` and `enforce` on them."""

    def __init__(self, folder, **config):
        self.folder = folder
        self.records = RunRecords(folder / "state" / "runs")
        self.store = FileStore(folder / "artifacts", self.records)
        self.journal = SqliteJournal.in_memory()
        self.market = Happenings()
        self.halts = HaltFile(folder / "state" / "halt.json")
        self.halts.write(HaltReading(entries=False, all=False, reason=""))
        self.exchange = Exchange(
            None, Bars(), ExchangeSettings(KEY, SECRET, opening_at=built.AS_OF)
        )
        adapter = InProcessAdapter(self.exchange)
        self.line = Line(AlpacaTransport("http://127.0.0.1", KEY, SECRET, inner=adapter))
        self.broker = AlpacaBroker(self.line)
        self.config = configured(**config)
        self.stamp = built.STAMP

    def begin(self, *, is_sealed=True, is_recorded=True):
        """Journal the account and publish what a good morning holds."""
        account = self.broker.account()
        self.write(GenesisRow(account_id=account.account_id, cash="100000", first_session=PREVIOUS))
        self.publish(snapshot())
        if is_sealed:
            self.seal(PREVIOUS, is_recorded=is_recorded)
        self.publish(reconciled())
        self.publish(built.scan())
        return self

    def write(self, *rows, place=OLD_PLACE):
        self.journal.append(place, rows)

    def seal(self, session, *, is_recorded=True):
        """Seal a session by a manifest that lists nothing, as a report would."""
        head = self.journal.head()
        manifest = Manifest(
            schema_id=SchemaId(name=Manifest.SCHEMA, version=Manifest.VERSION),
            session=session, previous=None, gap=(), files=(), damage=(),
            journal_seq=head.seq, journal_sha256=head.sha256,
        )  # fmt: skip
        path = f"{session}/manifest.json"
        ref = self.store.publish_file(path, canonical_bytes(manifest.as_json()))
        if is_recorded:
            self.records.append(session, {"published": {ref.name: ref.sha256}})

    def publish(self, artifact):
        """Publish an artifact as a command would: the file, then the run record."""
        ref = self.store.publish(artifact)
        self.records.append(artifact.session, {"published": {ref.name: ref.sha256}})
        return ref

    def desk(self, step, broker=None):
        return Desk(
            config=self.config,
            stamp=self.stamp,
            step=step,
            store=self.store,
            journal=self.journal,
            market=self.market,
            halts=self.halts,
            sleep=lambda _: None,
            broker_or_none=broker,
            tape_refs=lambda: [InputRef(name="tape", sha256="7" * 64)] if broker else [],
        )

    def decide(self):
        return decide(self.desk("decide"))

    def decided(self):
        """Run `decide` and publish what it said."""
        found = self.decide()
        self.publish(found)
        return found

    def enforce(self, broker=True):
        return enforce(self.desk("enforce", AlpacaBroker(self.line) if broker else None))

    def at(self, cycle, as_of):
        """Move to another cycle of the session, the exchange's clock with it."""
        self.stamp = self.stamp.model_copy(update={"cycle": cycle, "as_of": as_of})
        self.exchange.advance(as_of)
        return self

    def path(self, name):
        return self.folder / "artifacts" / name

    def intent(self, symbol="AAPL", session=built.SESSION, **terms):
        """Journal an entry intent and return it."""
        values = {
            "signal_id": "b" * 64, "side": "buy", "quantity": 10, "order_type": "limit",
            "limit_price": "100", "time_in_force": "day", "expires_at": built.OPENS,
        }  # fmt: skip
        account_id = self.journal.genesis().account_id
        key = IntentKey(account_id, "avwap", session, symbol, "entry", 1)
        formed = form_intent(key, **{**values, **terms})
        self.write(IntentRow(intent=formed), place=Place(session, "083000", "execute"))
        return formed

    def moved(self, intent, *states, cumulative=0):
        """Journal an order's way through states, the last one with `cumulative` shares done."""
        place = Place(intent.session, "093500", "execute")
        for before, after in zip(("PENDING", *states), states, strict=False):
            row = OrderRow(
                client_order_id=intent.client_order_id, from_state=before, to_state=after,
                cause="sync", broker_order_id=f"b-{intent.client_order_id}",
                cumulative_quantity=cumulative if after == states[-1] else 0,
                average_price="100" if cumulative and after == states[-1] else None,
            )  # fmt: skip
            self.write(row, place=place)

    def filled(self, intent, quantity, execution_id, *, side="buy", session=None, price="100"):
        """Journal one execution of an intent."""
        session = session or intent.session
        at = dt.datetime.combine(session, dt.time(13, 31), dt.UTC)
        fill = Fill(
            execution_id=execution_id, client_order_id=intent.client_order_id,
            broker_order_id=f"b-{intent.client_order_id}", symbol=intent.symbol, side=side,
            last_quantity=quantity, last_price=price, filled_at=at,
        )  # fmt: skip
        self.write(FillRow(fill=fill), place=Place(session, "093500", "execute"))

    def flagged(self, name, *reasons, is_set=True):
        self.write(FlagRow(name=name, is_set=is_set, reasons=reasons, by="operator"))


def configured(**sections):
    """Return a desk's configuration: the builder's limits, enforcement on."""
    values = {"limits": dict(LIMITS), "enforce": {"enabled": True}}
    for name, changes in sections.items():
        values[name] = {**values.get(name, {}), **changes}
    return DeskConfig.model_validate(values)


def reconciled(**changes):
    """Return a clean reconciliation of an account that holds nothing."""
    flat = built.reconcile().broker.model_copy(update={"positions": ()})
    return built.reconcile(**{"broker": flat, **changes})


def snapshot(session=PREVIOUS, cycle="160500", **changes):
    """Return the closing snapshot of an account that holds 100 000 in cash."""
    stamp = built.STAMP.model_copy(
        update={
            "session": session,
            "cycle": cycle,
            "as_of": dt.datetime.combine(session, dt.time(20, 5), dt.UTC),
        }
    )
    cash = Decimal(100_000)
    values = {
        "is_genesis": False, "capital_starting": cash, "cash": cash, "equity": cash,
        "exposure_gross": 0, "exposure_net": 0, "heat": 0, "positions": (), "trades_closed": (),
        "pnl": Pnl(**dict.fromkeys(Pnl.model_fields, 0)), "high_water_mark": cash, "drawdown": 0,
        "drawdown_max": 0, "equity_history": (cash,), "return_session": None,
        "volatility_5": None, "contributions": (), "contribution_rest": 0, "recent_exits": (),
        "formulas": {}, "codes": (),
    }  # fmt: skip
    return Snapshot(**Snapshot.header(stamp, (), 0) | values | changes)
