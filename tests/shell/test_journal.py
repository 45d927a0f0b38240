"""The journal: all or nothing, chained, append-only, and its tables follow from its rows."""

import datetime as dt
import os
import signal
import sqlite3
import stat
import subprocess
import sys
from decimal import Decimal

import pytest

from quantcli.contracts.errors import (
    BrokerConfirmationRequiredError,
    DuplicateOrderError,
    InvalidTransitionError,
    JournalCorrupt,
    LedgerError,
    StateMissing,
    StorageError,
    TerminalStateError,
)
from quantcli.contracts.journal_rows import (
    CashRow,
    FillRow,
    FlagRow,
    GenesisRow,
    IntentRow,
    StopRow,
)
from quantcli.ports.journal import Head, Place
from quantcli.shell import journal_db
from quantcli.shell.journal import SqliteJournal
from quantcli.shell.journal_schema import DERIVED_TABLES
from quantcli.shell.journal_text import link_of
from tests.core.made_orders import SESSION, fill, intent, order, row

PLACE = Place(SESSION, "083000", "execute")
GENESIS = GenesisRow(account_id="account", cash=Decimal(1000), first_session=SESSION)
PAUSED = FlagRow(name="paused", is_set=True, reasons=("cash-difference",), by="reconcile")
ENTRY = intent()


def stop_row(price, symbol="AAPL"):
    return StopRow(symbol=symbol, stop_price=Decimal(price), basis="intent", client_order_id=None)


def cash_row(amount, activity_id="fee-1"):
    return CashRow(
        activity_id=activity_id,
        activity_type="FEE",
        net_amount=Decimal(amount),
        session=SESSION,
        symbol=None,
        description=None,
    )


def sent(of=ENTRY):
    """Return the rows of an order that was promised, sent and taken by the broker."""
    before = order("PENDING", None, of=of)
    unknown = order("UNKNOWN", None, of=of)
    name = f"b-{of.client_order_id}"
    return [IntentRow(intent=of), row(before, "UNKNOWN"), row(unknown, "SUBMITTED", 0, name)]


def dump(journal):
    return {name: journal.table(name) for name in ("journal", *DERIVED_TABLES)}


@pytest.fixture
def path(tmp_path):
    return tmp_path / "state" / "desk.sqlite3"


@pytest.fixture
def journal(path):
    made = SqliteJournal.create(path)
    yield made
    made.close()


@pytest.fixture
def begun(journal):
    journal.append(PLACE, [GENESIS])
    return journal


# ------------------------------------------------------------------------------ opening


def test_a_new_journal_is_empty_and_its_owners_alone(path):
    before = os.umask(0)
    try:
        made = SqliteJournal.create(path)
        made.append(PLACE, [GENESIS])
        modes = {stat.S_IMODE(item.stat().st_mode) for item in path.parent.iterdir()}
        made.close()
    finally:
        os.umask(before)

    assert modes == {0o600}
    with SqliteJournal.in_memory().copy() as empty:
        assert empty.head() == Head(0, "0" * 64)
        assert empty.genesis() is None
        assert empty.cash() == Decimal("0.00")
        assert empty.orders() == empty.fills() == empty.positions() == empty.rows() == ()


def test_an_existing_journal_is_never_made_anew(journal, path):
    with pytest.raises(StorageError, match="File exists"):
        SqliteJournal.create(path)


def test_what_was_written_is_there_again(begun, path):
    begun.append(PLACE, sent())
    expected = dump(begun)
    begun.close()
    again = SqliteJournal.open(path)

    assert dump(again) == expected
    again.close()


def test_a_missing_journal_is_not_a_fresh_start(path):
    with pytest.raises(StateMissing, match="counts as halted and paused") as caught:
        SqliteJournal.open(path)
    assert caught.value.exit_code == 10
    assert not path.exists()


BROKEN = {
    "empty": b"",
    "text": b"this is no database, nor was it ever one, and it is long enough to tell so\n" * 20,
    "header only": b"SQLite format 3\x00" + b"\x00" * 84,
}


@pytest.mark.parametrize("data", BROKEN.values(), ids=BROKEN)
@pytest.mark.parametrize("read_only", [False, True])
def test_what_is_no_journal(path, data, read_only):
    path.parent.mkdir()
    path.write_bytes(data)

    with pytest.raises(JournalCorrupt) as caught:
        SqliteJournal.open(path, read_only=read_only)
    assert caught.value.exit_code == 10


def test_a_journal_of_another_version(begun, path):
    begun.close()
    with sqlite3.connect(path) as db:
        db.execute("PRAGMA user_version = 99")
    db.close()

    with pytest.raises(JournalCorrupt, match="schema version 99, this program reads 1"):
        SqliteJournal.open(path)


def test_a_head_that_does_not_hold(begun, path):
    begun.close()
    tamper(path, "UPDATE journal SET body = replace(body, '1000', '9000')")

    with pytest.raises(JournalCorrupt, match="row 1 does not hold"):
        SqliteJournal.open(path)


def test_read_only_is_read_only(begun, path):
    reader = SqliteJournal.open(path, read_only=True)
    with pytest.raises(StorageError, match="readonly"):
        reader.append(PLACE, [PAUSED])
    assert len(reader.rows()) == 1
    reader.close()


def test_pages_damaged_after_opening_are_damage_and_no_bug(begun, path):
    """Reads and writes of a file that went bad end with exit 10, never with a traceback."""
    begun.append(PLACE, [cash_row(1, f"fee-{n}") for n in range(200)])
    begun.close()
    data = path.read_bytes()
    opened = SqliteJournal.open(path)
    opened.close()
    path.write_bytes(data[:4096] + b"\xa5" * (len(data) - 4096))

    def read_all():
        again = SqliteJournal.open(path)
        try:
            again.rows()
            again.verify()
        finally:
            again.close()

    with pytest.raises(StorageError):
        read_all()


# ------------------------------------------------------------------------------ all or nothing


def refused_rows():
    first = order(of=ENTRY, state="SUBMITTED", broker_order_id=None)
    return {
        "second genesis": (GENESIS, LedgerError),
        "intent again": (IntentRow(intent=ENTRY), DuplicateOrderError),
        "order never promised": (row(order(of=intent("ZZZ")), "FILLED"), LedgerError),
        "state as somebody remembers it": (row(order("PENDING", of=ENTRY), "UNKNOWN"), LedgerError),
        "no such change": (row(first, "PENDING"), InvalidTransitionError),
        "looser stop": (stop_row("94.99"), LedgerError),
        "activity again": (cash_row("-1.00"), LedgerError),
        "fill again": (FillRow(fill=fill(1, 100, execution_id="f-0")), LedgerError),
    }


@pytest.fixture
def busy(begun):
    """A journal with an order at the broker, a fill, a fee and a stop."""
    begun.append(
        PLACE,
        [*sent(), FillRow(fill=fill(2, 100, execution_id="f-0")), cash_row("-0.01"), stop_row(95)],
    )
    return begun


@pytest.mark.parametrize("case", refused_rows())
def test_a_row_that_cannot_be_takes_its_company_with_it(busy, case):
    bad, error = refused_rows()[case]
    before = dump(busy)

    with pytest.raises(error) as caught:
        busy.append(PLACE, [PAUSED, stop_row(96), bad, cash_row(5, "fee-9")])

    assert caught.value.exit_code == 8
    assert dump(busy) == before
    busy.append(PLACE, [PAUSED])
    busy.verify()


def test_final_states_are_final_whatever_the_caller_remembers(busy):
    done = order(of=ENTRY, state="SUBMITTED")
    busy.append(PLACE, [row(done, "FILLED", 10)])

    with pytest.raises(LedgerError, match="the order is FILLED, not SUBMITTED"):
        busy.append(PLACE, [row(done, "CANCELLED")])
    with pytest.raises(TerminalStateError):
        busy.append(PLACE, [row(order(of=ENTRY, state="FILLED"), "SUBMITTED")])


def test_rows_are_held_against_the_stored_order_by_the_rules_of_the_order_machine(busy):
    """What a caller that skipped them would write: fewer shares filled, another order's id."""
    busy.append(PLACE, [row(order(of=ENTRY), "PARTIALLY_FILLED", 4, average_price=Decimal(101))])
    partly = order("PARTIALLY_FILLED", of=ENTRY, cumulative=4)
    with pytest.raises(InvalidTransitionError, match="never falls"):
        busy.append(PLACE, [row(partly, "CANCELLED", 3)])
    with pytest.raises(InvalidTransitionError, match="another broker order id"):
        busy.append(PLACE, [row(partly, "CANCELLED", broker_order_id="b-2")])
    busy.append(PLACE, [row(partly, "PENDING_CANCEL")])
    assert busy.order(ENTRY.client_order_id).average_price == 101


def test_a_working_order_needs_the_brokers_word(begun):
    begun.append(PLACE, [IntentRow(intent=ENTRY)])

    with pytest.raises(BrokerConfirmationRequiredError):
        begun.append(PLACE, [row(order("PENDING", None, of=ENTRY), "SUBMITTED")])


def test_nothing_comes_of_no_rows(begun):
    called = []
    begun.before_append = lambda: called.append(1)
    before = begun.head()
    begun.append(PLACE, [])

    assert begun.head() == before
    assert called == []


def test_the_tape_is_flushed_before_a_row_is_written(begun):
    seen = []
    begun.before_append = lambda: seen.append(begun.head().seq)
    begun.append(PLACE, [PAUSED])

    assert seen == [1]


def test_a_tape_that_cannot_be_flushed_stops_the_row(begun):
    def fail():
        raise StorageError("disk full")

    begun.before_append = fail
    with pytest.raises(StorageError):
        begun.append(PLACE, [PAUSED])
    assert begun.head().seq == 1


# ------------------------------------------------------------------------------ genesis


def test_genesis_comes_once_and_first(busy):
    with pytest.raises(LedgerError, match="has begun"):
        busy.append(PLACE, [GENESIS])


def test_a_desk_that_was_paused_before_it_began_can_begin(journal):
    """An account that is not empty pauses the desk; emptied, the desk must be able to start."""
    ended = PAUSED.model_copy(update={"is_set": False, "by": "operator"})
    journal.append(PLACE, [PAUSED])
    journal.append(PLACE, [ended])
    journal.append(PLACE, [GENESIS])

    assert journal.genesis() == GENESIS
    assert journal.cash() == 1000
    journal.verify_tables()


@pytest.mark.parametrize("early", [cash_row(1), stop_row(95), IntentRow(intent=ENTRY)])
def test_a_desk_that_traded_cannot_begin(journal, early):
    journal.append(PLACE, [early])

    with pytest.raises(LedgerError, match="has begun"):
        journal.append(PLACE, [GENESIS])


# ------------------------------------------------------------------------------ the tables


def test_cash_by_hand(begun):
    begun.append(PLACE, [FillRow(fill=fill(3, "10.005", execution_id="a"))])
    begun.append(PLACE, [FillRow(fill=fill(1, "11", "sell", execution_id="b"))])
    begun.append(PLACE, [cash_row("-0.07")])

    # 1000 - 30.015 rounded half-even to 30.02 (30.015 lies between, 2 is even) + 11 - 0.07
    assert begun.cash() == Decimal("980.91")
    (held,) = begun.positions()
    assert (held.symbol, held.quantity, held.average_price) == ("AAPL", 2, Decimal("10.005"))
    assert held.opened_session == SESSION


def test_the_average_price_keeps_all_its_places(begun):
    for name, quantity, price in (("a", 1, "10"), ("b", 1, "10.01"), ("c", 1, "10.01")):
        begun.append(PLACE, [FillRow(fill=fill(quantity, price, execution_id=name))])

    (held,) = begun.positions()
    assert held.average_price == Decimal("30.02") / 3


def test_stop_memory_dies_with_its_position(begun):
    begun.append(PLACE, [FillRow(fill=fill(2, 100, execution_id="a")), stop_row(95)])
    assert begun.stops()["AAPL"].stop_price == 95
    begun.append(PLACE, [FillRow(fill=fill(2, 101, "sell", execution_id="b"))])

    assert begun.stops() == {}
    assert begun.positions() == ()
    # A new position may begin with a lower stop.
    begun.append(PLACE, [FillRow(fill=fill(2, 90, execution_id="c")), stop_row(85)])
    assert begun.stops()["AAPL"].stop_price == 85


def test_orders_come_by_purpose_symbol_session_and_life(begun):
    later = dt.date(2024, 8, 2)
    many = [
        intent("AAPL"),
        intent("AAPL", "stop"),
        intent("MSFT", session=later),
        intent("AAPL", sequence=2, session=later),
    ]
    for each in many:
        begun.append(PLACE, sent(each))
    done = order(of=many[0], state="SUBMITTED", broker_order_id=None)
    begun.append(PLACE, [row(done, "FILLED", 10)])

    def asked(**wanted):
        return [record.intent for record in begun.orders(**wanted)]

    assert asked() == many
    assert asked(symbol="AAPL", purpose="entry") == [many[0], many[3]]
    assert asked(session=later) == many[2:]
    assert asked(since=SESSION) == many
    assert asked(since=later) == many[2:]
    assert asked(live_only=True) == many[1:]
    assert asked(symbol="XYZ") == []
    assert begun.sequence_max(later, "avwap", "AAPL", "entry") == 2
    assert begun.sequence_max(later, "avwap", "AAPL", "stop") == 0
    found = begun.order(many[0].client_order_id)
    assert (found.state, found.cumulative_quantity) == ("FILLED", 10)
    name = f"b-{many[1].client_order_id}"
    assert begun.order_by_broker_id(name).intent == many[1]
    assert begun.order_by_broker_id("b-unheard-of") is None
    assert begun.order("unheard-of") is None


def test_one_broker_order_belongs_to_one_intent(begun):
    first, second = intent("AAPL"), intent("MSFT")
    begun.append(PLACE, sent(first))
    begun.append(PLACE, [IntentRow(intent=second)])
    taken = f"b-{first.client_order_id}"

    with pytest.raises(LedgerError, match="UNIQUE"):
        begun.append(PLACE, [row(order("PENDING", None, of=second), "SUBMITTED", 0, taken)])


def test_activities_are_known_by_id(busy):
    assert busy.has_activity("f-0")
    assert busy.has_activity("fee-1")
    assert not busy.has_activity("f-1")
    assert [item.execution_id for item in busy.fills()] == ["f-0"]
    assert busy.fills(symbol="MSFT") == ()


def test_flags_are_the_newest_word(begun):
    begun.append(PLACE, [PAUSED])
    ended = PAUSED.model_copy(update={"is_set": False, "by": "operator"})
    begun.append(PLACE, [ended])

    assert begun.flags() == {"paused": ended}
    assert [entry.row for entry in begun.rows(kind="flag")] == [PAUSED, ended]


def test_rows_come_by_place_and_kind(begun):
    other = Place(dt.date(2024, 8, 2), "160500", "reconcile")
    begun.append(other, [PAUSED])

    assert [entry.seq for entry in begun.rows()] == [1, 2]
    assert [entry.row for entry in begun.rows(session=SESSION)] == [GENESIS]
    assert begun.rows(cycle="160500", step="reconcile")[0].place == other
    assert begun.rows(session=SESSION, kind="flag") == ()


# ------------------------------------------------------------------------------ append-only


def tamper(path, *statements):
    """Change the file behind the journal's back, triggers taken away."""
    db = sqlite3.connect(path)
    for name in ("journal_no_update", "journal_no_delete"):
        db.execute(f"DROP TRIGGER IF EXISTS {name}")
    for statement in statements:
        db.execute(statement)
    db.commit()
    db.close()


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE journal SET body = '{}'",
        "UPDATE journal SET seq = seq + 10",
        "DELETE FROM journal",
        "DELETE FROM journal WHERE seq = 1",
    ],
)
def test_rows_cannot_be_changed_or_deleted(busy, path, statement):
    db = sqlite3.connect(path)
    with pytest.raises(sqlite3.IntegrityError, match="append-only"):
        db.execute(statement)
    db.close()


@pytest.mark.parametrize("seq", [1, 3, 6])
@pytest.mark.parametrize(
    "column", ["session", "cycle", "step", "kind", "body", "previous", "sha256"]
)
def test_every_flipped_field_is_found(busy, path, seq, column):
    busy.close()
    tamper(
        path,
        f"UPDATE journal SET {column} = substr({column}, 1, length({column}) - 1) ||"
        f" CASE substr({column}, -1) WHEN '0' THEN '1' ELSE '0' END WHERE seq = {seq}",
    )
    db = SqliteJournal(journal_db.connect(str(path)))

    with pytest.raises(JournalCorrupt, match=rf"row {seq} does not continue"):
        db.verify()
    db.close()


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM journal WHERE seq = 3",
        "DELETE FROM journal WHERE seq = 1",
        "UPDATE journal SET seq = seq + 1 WHERE seq = (SELECT max(seq) FROM journal)",
    ],
)
def test_a_row_taken_out_or_moved_is_found(busy, path, statement):
    busy.close()
    tamper(path, statement)
    db = SqliteJournal(journal_db.connect(str(path)))

    with pytest.raises(JournalCorrupt):
        db.verify()
    db.close()


@pytest.mark.parametrize(
    ("table", "statement"),
    [
        ("orders", "UPDATE orders SET state = 'FILLED'"),
        ("orders", "UPDATE orders SET is_live = 0"),
        ("orders", "DELETE FROM orders"),
        ("fills", "DELETE FROM fills"),
        ("cash_movements", "UPDATE cash_movements SET net_amount = '5.00'"),
        ("positions", "DELETE FROM positions"),
        ("stops", "UPDATE stops SET body = replace(body, '95', '59')"),
        ("flags", "DELETE FROM flags"),
        ("facts", "UPDATE facts SET value = '1000000.00'"),
    ],
)
def test_a_table_that_does_not_follow_from_the_rows_is_found(busy, path, table, statement):
    busy.append(PLACE, [PAUSED])
    busy.verify_tables()
    busy.close()
    tamper(path, statement)
    again = SqliteJournal.open(path)

    again.verify()
    with pytest.raises(JournalCorrupt, match=f"the table {table} does not follow"):
        again.verify_tables()
    again.close()


@pytest.mark.parametrize(
    ("statement", "read"),
    [
        ("UPDATE journal SET body = '{'", lambda j: j.rows()),
        ("UPDATE journal SET kind = 'gossip'", lambda j: j.rows()),
        ("UPDATE journal SET body = '{}' WHERE kind = 'genesis'", lambda j: j.genesis()),
        ("UPDATE orders SET intent = '{}'", lambda j: j.orders()),
        ("UPDATE orders SET cumulative_quantity = 'x'", lambda j: j.orders()),
        ("UPDATE orders SET submitted_at = 'noon'", lambda j: j.orders()),
        ("UPDATE fills SET body = '[]'", lambda j: j.fills()),
        ("UPDATE positions SET body = '{}'", lambda j: j.positions()),
        ("UPDATE positions SET body = 'x'", lambda j: j.positions()),
        ("UPDATE stops SET body = '{}'", lambda j: j.stops()),
        ("UPDATE flags SET body = 'null'", lambda j: j.flags()),
        ("UPDATE facts SET value = 'much'", lambda j: j.cash()),
        ("DROP TABLE stops", lambda j: j.stops()),
    ],
)
def test_nonsense_in_a_table_is_damage_and_no_bug(busy, path, statement, read):
    busy.append(PLACE, [PAUSED])
    busy.close()
    tamper(path, statement)
    db = SqliteJournal(journal_db.connect(str(path)))

    with pytest.raises(StorageError) as caught:
        read(db)
    assert caught.value.exit_code == 10
    db.close()


# ------------------------------------------------------------------------------ copies


def test_a_copy_is_private(busy):
    before = dump(busy)
    with busy.copy() as private:
        private.append(PLACE, [PAUSED, cash_row(-5, "fee-9")])
        assert private.head().seq == busy.head().seq + 2
        assert private.cash() == busy.cash() - 5

    assert dump(busy) == before


def test_a_copy_shows_one_state_whatever_is_written_meanwhile(tmp_path):
    """A read-only reconciliation holds no lock: it must not see half of what `execute` books."""
    path = tmp_path / "desk.sqlite3"
    writer = SqliteJournal.create(path)
    writer.append(PLACE, [GENESIS])
    reader = SqliteJournal.open(path, read_only=True)
    with reader.copy() as private:
        before = private.head()
        writer.append(PLACE, [PAUSED])
        assert private.head() == before
        private.append(PLACE, [cash_row(-5, "fee-9")])
        assert (private.head().seq, private.flags()) == (2, {})
    assert reader.head() == writer.head() != before
    reader.close()
    writer.close()


def test_nothing_is_written_to_a_journal_under_its_copy(busy):
    before = dump(busy)
    with busy.copy() as private:
        private.append(PLACE, [PAUSED])
        with pytest.raises(StorageError):
            busy.append(PLACE, [PAUSED])
    assert dump(busy) == before


def test_a_copy_does_not_flush_the_tape(busy):
    called = []
    busy.before_append = lambda: called.append(1)
    with busy.copy() as private:
        private.append(PLACE, [PAUSED])

    assert called == []


def test_copied_rows_make_the_same_journal(busy):
    rebuilt = SqliteJournal.in_memory()
    for raw in busy.raw_rows():
        rebuilt.copy_row(raw)

    assert dump(rebuilt) == dump(busy)
    rebuilt.close()


def test_a_row_that_does_not_continue_the_chain_is_not_copied(busy):
    rebuilt = SqliteJournal.in_memory()
    first, second, *_ = busy.raw_rows()
    with pytest.raises(JournalCorrupt):
        rebuilt.copy_row(second)
    assert rebuilt.head().seq == 0
    rebuilt.copy_row(first)
    rebuilt.close()


def test_raw_rows_by_number(busy):
    assert [raw[0] for raw in busy.raw_rows()] == list(range(1, 8))
    assert [raw[0] for raw in busy.raw_rows(after=2, through=4)] == [3, 4]
    assert busy.raw_rows(after=7) == []


# ------------------------------------------------------------------------------ other processes


def test_two_open_journals_take_turns(begun, path):
    other = SqliteJournal.open(path)
    other.append(PLACE, [PAUSED])
    begun.append(PLACE, [cash_row(1)])

    assert [entry.seq for entry in other.rows()] == [1, 2, 3]
    other.verify()
    other.close()


def test_a_journal_that_stays_busy_is_told_and_left_alone(begun, path):
    blocker = sqlite3.connect(path, isolation_level=None)
    blocker.execute("BEGIN IMMEDIATE")
    begun._db.execute("PRAGMA busy_timeout = 50")
    with pytest.raises(StorageError, match="locked") as caught:
        begun.append(PLACE, [PAUSED])
    blocker.execute("ROLLBACK")
    blocker.close()

    assert not isinstance(caught.value, JournalCorrupt)
    begun.append(PLACE, [PAUSED])
    assert begun.head().seq == 2


def test_a_full_disk_leaves_the_journal_as_it_was(begun):
    pages = begun._db.execute("PRAGMA page_count").fetchone()[0]
    begun._db.execute(f"PRAGMA max_page_count = {pages}")
    before = dump(begun)
    with pytest.raises(StorageError, match="full"):
        begun.append(PLACE, [cash_row(1, f"fee-{n}-{'x' * 200}") for n in range(200)])

    assert dump(begun) == before
    begun._db.execute("PRAGMA max_page_count = 100000")
    begun.append(PLACE, [PAUSED])


KILLED = """
import sys
from decimal import Decimal
from pathlib import Path
from quantcli.contracts.journal_rows import CashRow
from quantcli.ports.journal import Place
from quantcli.shell.journal import SqliteJournal
from tests.core.made_orders import SESSION
journal = SqliteJournal.open(Path(sys.argv[1]))
print("ready", flush=True)
number = 0
while True:
    rows = [CashRow(activity_id=f"{number}-{part}", activity_type="FEE", net_amount=Decimal(1),
                    session=SESSION, symbol=None, description=None) for part in range(3)]
    journal.append(Place(SESSION, "083000", "execute"), rows)
    number += 1
"""


@pytest.mark.parametrize("delay", [0.0, 0.011, 0.023, 0.037, 0.05])
def test_killed_in_the_middle_the_journal_is_whole(begun, path, delay, root):
    begun.close()
    words = [sys.executable, "-c", KILLED, str(path)]
    with subprocess.Popen(words, stdout=subprocess.PIPE, cwd=root) as process:
        assert process.stdout.readline() == b"ready\n"
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(timeout=delay)
        process.send_signal(signal.SIGKILL)

    again = SqliteJournal.open(path)
    again.verify()
    again.verify_tables()
    # Three rows a transaction, after genesis: never a part of one.
    assert again.head().seq % 3 == 1
    assert again.cash() == 1000 + again.head().seq - 1
    again.append(PLACE, [PAUSED])
    again.close()


def test_rows_of_an_older_program_are_copied_as_they_are(begun):
    """A field that was added since must not make old days unprovable."""
    body = '{"account_id":"account","cash":"1000.00","first_session":"2024-08-01"}'
    place = ("2024-08-01", "082500", "snapshot")
    sha256 = link_of("0" * 64, 1, *place, "genesis", body)
    rebuilt = SqliteJournal.in_memory()
    rebuilt.copy_row((1, *place, "genesis", body, "0" * 64, sha256))

    assert rebuilt.raw_rows() == [(1, *place, "genesis", body, "0" * 64, sha256)]
    assert rebuilt.genesis() == GENESIS
    rebuilt.verify()
    rebuilt.close()
