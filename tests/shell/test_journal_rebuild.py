"""Whatever is asked of a journal: refusals leave no trace, and its tables follow from its rows."""

import datetime as dt
from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st

from quantcli.contracts.errors import LedgerError
from quantcli.contracts.journal_rows import (
    CashRow,
    ExposedRow,
    FillRow,
    FlagRow,
    GenesisRow,
    IntentRow,
    OrderRow,
    ReviewRow,
    StopRow,
)
from quantcli.core.order_states import TRANSITIONS
from quantcli.ports.journal import Place
from quantcli.shell.journal import SqliteJournal
from quantcli.shell.journal_schema import DERIVED_TABLES
from tests.core.made_orders import SESSION, fill, intent

SYMBOLS = ("AAPL", "MSFT")
INTENTS = [intent(s, p, sequence=n) for s in SYMBOLS for p in ("entry", "stop") for n in (1, 2)]
STATES = sorted({state for pair in TRANSITIONS for state in pair})
PRICES = st.decimals(1, 500, places=4)

GENESIS = st.builds(
    GenesisRow, account_id=st.just("a"), cash=st.decimals(0, 9999, places=2),
    first_session=st.just(SESSION),
)  # fmt: skip
PROMISED = st.builds(IntentRow, intent=st.sampled_from(INTENTS))
CHANGED = st.builds(
    OrderRow,
    client_order_id=st.sampled_from([each.client_order_id for each in INTENTS]),
    from_state=st.sampled_from(STATES),
    to_state=st.sampled_from(STATES),
    cause=st.just("sync"),
    broker_order_id=st.sampled_from([None, "b-1", "b-2"]),
    cumulative_quantity=st.integers(0, 10).map(Decimal),
    average_price=st.none() | PRICES,
)
FILLED = st.builds(
    lambda number, symbol, side, quantity, price: FillRow(
        fill=fill(quantity, price, side, f"f-{number}", symbol=symbol)
    ),
    st.integers(0, 9), st.sampled_from(SYMBOLS), st.sampled_from(["buy", "sell"]),
    st.integers(1, 9), PRICES,
)  # fmt: skip
MOVED = st.builds(
    CashRow,
    activity_id=st.integers(0, 5).map("c-{}".format),
    activity_type=st.just("FEE"),
    net_amount=st.decimals(-50, 50, places=2),
    session=st.just(SESSION),
    symbol=st.none(),
    description=st.none(),
)
STOPPED = st.builds(
    StopRow, symbol=st.sampled_from(SYMBOLS), stop_price=PRICES, basis=st.just("intent"),
    client_order_id=st.none(),
)  # fmt: skip
FLAGGED = st.builds(
    FlagRow, name=st.sampled_from(["paused", "halt-all"]), is_set=st.booleans(),
    reasons=st.just(("late-fill",)), by=st.just("reconcile"),
)  # fmt: skip
TOLD = st.sampled_from(
    [
        ExposedRow(symbol="AAPL", quantity=1, covered_by=(), uncovered=1, unprotected_seconds=5),
        ReviewRow(
            symbol="AAPL", quantity=1, entry_price=1, price=None, price_source="none",
            stop_before=None, stop_after=None, basis=None, action="wait", code="buy-resting",
        ),
    ]
)  # fmt: skip
ROWS = st.one_of(GENESIS, PROMISED, CHANGED, FILLED, MOVED, STOPPED, FLAGGED, TOLD)
PLACES = st.builds(
    Place, st.dates(dt.date(2024, 8, 1), dt.date(2024, 8, 3)), st.just("083000"),
    st.sampled_from(["execute", "exits"]),
)  # fmt: skip


def dump(journal):
    return {name: journal.table(name) for name in ("journal", *DERIVED_TABLES)}


@settings(max_examples=60)
@given(st.lists(st.tuples(PLACES, st.lists(ROWS, min_size=1, max_size=4)), max_size=15))
def test_refusals_leave_no_trace_and_tables_follow(batches):
    journal = SqliteJournal.in_memory()
    try:
        for place, rows in batches:
            before = dump(journal)
            try:
                journal.append(place, rows)
            except LedgerError:
                assert dump(journal) == before
        journal.verify()
        journal.verify_tables()
        assert [entry.row for entry in journal.rows()] == [row for _, _, row in taken(journal)]
    finally:
        journal.close()


def taken(journal):
    """Return sequence, place and row as a second reader of the same bytes finds them."""
    rebuilt = SqliteJournal.in_memory()
    for raw in journal.raw_rows():
        rebuilt.copy_row(raw)
    found = [(entry.seq, entry.place, entry.row) for entry in rebuilt.rows()]
    assert dump(rebuilt) == dump(journal)
    rebuilt.close()
    return found
