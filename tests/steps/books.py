"""A desk with a real journal and a real artifact folder, filled by hand."""

import datetime as dt

from quantcli.contracts.canonical import canonical_bytes
from quantcli.contracts.journal_rows import FillRow, IntentRow, OrderRow, StopRow
from quantcli.contracts.scalars import instant
from quantcli.ports.journal import Place
from quantcli.shell.artifact_store import FileStore
from quantcli.shell.journal import SqliteJournal
from quantcli.shell.run_records import RunRecords
from quantcli.steps.desk import Desk, config_ref
from quantcli.steps.snapshot import genesis_snapshot
from tests.core.day_facts import config, fill, intent, reconcile, stamp
from tests.steps.rig import Bars

THURSDAY, FRIDAY = dt.date(2024, 8, 1), dt.date(2024, 8, 2)
MORNING, OPEN, CLOSE = "083000", "093500", "160500"
HOURS = {"082500": "12:25", MORNING: "12:30", OPEN: "13:35", CLOSE: "20:05"}


class Books:
    """Journal, artifacts and bars; `daily` maps session -> symbol -> (open, high, low, close)."""

    def __init__(self, folder, daily=None, journal=None):
        self.root = folder / "artifacts"
        self.store = FileStore(self.root, RunRecords(folder / "state" / "runs"))
        self.journal = journal or SqliteJournal.in_memory()
        self.bars = Bars({day: dict(row) for day, row in (daily or {}).items()})
        self.config = config()
        ref = config_ref(self.config)
        self.store.publish_file(ref.name, canonical_bytes(self.config.decision_view()))

    def desk(self, step, session=THURSDAY, cycle=CLOSE):
        as_of = instant(f"{session}T{HOURS[cycle]}:00Z")
        return Desk(
            config=self.config,
            stamp=stamp(cycle, session).model_copy(update={"as_of": as_of}),
            step=step,
            store=self.store,
            journal=self.journal,
            market=self.bars,
            halts=None,
            sleep=None,
        )

    def begin(self, session=THURSDAY):
        """Open the journal with 100 000, by the first reconciliation and snapshot."""
        self.publish(reconcile(cycle="082500", is_first_day=True))
        return self.publish(genesis_snapshot(self.desk("snapshot", session, "082500")))

    def write(self, *rows, session=THURSDAY, cycle=OPEN, step="execute"):
        self.journal.append(Place(session, cycle, step), list(rows))
        return self

    def publish(self, *artifacts):
        for artifact in artifacts:
            ref = self.store.publish(artifact)
            self.store.records.append(
                artifact.session, {"step": artifact.STEP, "published": {ref.name: ref.sha256}}
            )
        return self

    def path(self, step, session=THURSDAY, cycle=MORNING):
        return self.root / session.isoformat() / cycle / f"{step}.json"


def placed(client_order_id, quantity, *, side="buy", purpose="entry", symbol="NVDA", **terms):
    """Return the rows of an order that the broker has accepted."""
    promised = intent(
        intent_id=sum(map(ord, client_order_id)).to_bytes(32, "big").hex(),
        client_order_id=client_order_id,
        quantity=quantity,
        side=side,
        purpose=purpose,
        symbol=symbol,
        **terms,
    )
    sent = OrderRow(
        client_order_id=client_order_id,
        from_state="PENDING",
        to_state="SUBMITTED",
        cause="send",
        code="sent",
        broker_order_id=f"b-{client_order_id}",
        cumulative_quantity=0,
        submitted_at=instant("2024-08-01T12:30:00Z"),
    )
    return [IntentRow(intent=promised), sent]


def done(client_order_id, quantity, price):
    """Return the row that ends an order, filled."""
    return OrderRow(
        client_order_id=client_order_id,
        from_state="SUBMITTED",
        to_state="FILLED",
        cause="sync",
        code="filled",
        cumulative_quantity=quantity,
        average_price=price,
    )


def booked(number, side, quantity, price, **where):
    return FillRow(fill=fill(number, side, quantity, price, **where))


def stopped(symbol, price):
    return StopRow(symbol=symbol, stop_price=price, basis="intent", client_order_id=None)
