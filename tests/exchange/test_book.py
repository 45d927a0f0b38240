"""The book: what it remembers, who may write, and what it refuses to open."""

import os
import sqlite3
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from quantcli.contracts.errors import JournalCorrupt, StorageError
from quantcli.contracts.scalars import instant
from quantcli.exchange import book_file
from quantcli.exchange.venue import ANSWERS_KEPT_MAX, Exchange
from tests.exchange.market import Customer, HandMadeBars, customer, settings

PATHS = ("/v2/account", "/v2/positions", "/v2/account/activities", "/_sim/clock")


def everything(someone):
    return [someone.get(path) for path in PATHS] + [someone.get("/v2/orders", status="all")]


def trade(someone):
    """A few days of everything."""
    someone.send("XYZ", 10, "buy", "limit", "99.5", client_order_id="entry")
    someone.to("2024-11-26T17:00:00Z")
    stop = someone.send("XYZ", 6, "sell", "stop", "80", tif="gtc")
    someone.replace(stop, stop_price="90.5")
    someone.send("XYZ", 4, "sell")
    someone.cancel(someone.send("ABC", 1, "buy", "limit", "30"))
    someone.to("2024-11-27T22:00:00Z")
    someone.send("ABC", 5, "buy", tif="gtc")


def test_reopened_book_is_the_same(market, tmp_path):
    path = tmp_path / "exchange" / "book.sqlite3"
    first = customer(market, path=path)
    trade(first)
    before = everything(first)
    first.exchange.close()

    again = customer(market, path=path)
    assert everything(again) == before
    assert again.refused("XYZ", 1, "buy", client_order_id="entry")[0] == 422
    again.to("2024-11-29T15:00:00Z")
    assert again.position("ABC")["avg_entry_price"] == "42"


def test_same_requests_give_the_same_bytes(market, tmp_path):
    in_memory, in_file = customer(market), customer(market, path=tmp_path / "b", cash=100_000)
    other_seed = customer(market, seed=2)
    for someone in (in_memory, in_file, other_seed):
        trade(someone)

    assert everything(in_memory) == everything(in_file)
    ids = [{row["id"] for row in each.get("/v2/orders", status="all")}
           for each in (in_memory, other_seed)]  # fmt: skip
    assert not ids[0] & ids[1]


def test_two_processes_take_turns_on_one_book(market, tmp_path):
    path = tmp_path / "b"
    one, two = customer(market, path=path), customer(market, path=path)
    one.send("XYZ", 1, "buy", client_order_id="x")

    assert two.refused("XYZ", 1, "buy", client_order_id="x")[0] == 422
    two.to("2024-11-26T15:00:00Z")
    assert one.get("/v2/clock")["is_open"] is True
    assert one.position("XYZ") == two.position("XYZ")
    one.send("XYZ", 1, "sell")
    assert two.get("/v2/positions") == []


def test_what_another_process_did_is_seen_when_the_same_is_asked_again(market, tmp_path):
    path = tmp_path / "b"
    one, two = customer(market, path=path), customer(market, path=path)
    before = everything(one)
    assert everything(one) == before

    trade(two)
    assert everything(one) == everything(two) != before


def test_what_was_refused_or_is_unknown_is_asked_anew(queued):
    asked = {"client_order_id": "mine"}
    assert queued.ask("GET", "/v2/orders:by_client_order_id", asked)[0] == 404
    queued.refused("NONE", 1, "buy", client_order_id="mine")
    assert queued.ask("GET", "/v2/orders:by_client_order_id", asked)[0] == 404

    order = queued.send("XYZ", 1, "buy", client_order_id="mine")
    assert queued.ask("GET", "/v2/orders:by_client_order_id", asked) == (200, order)
    queued.cancel(order)
    assert queued.ask("GET", "/v2/orders:by_client_order_id", asked)[1]["status"] == "canceled"


def test_more_questions_than_answers_are_kept_for(queued):
    ids = [queued.send("XYZ", 1, "buy", "limit", "50")["id"] for _ in range(40)]

    for _ in range(2):
        assert [queued.get(f"/v2/orders/{each}")["id"] for each in ids] == ids
    assert len(queued.exchange._kept) <= ANSWERS_KEPT_MAX


def test_founding_settings_count_once(market, tmp_path):
    path = tmp_path / "b"
    customer(market, path=path).exchange.close()
    later = {"cash": 5, "seed": 9, "opening_at": instant("2024-12-01T00:00:00Z")}
    again = customer(market, path=path, **later)

    assert again.cash() == "100000"
    assert again.exchange.clock == instant("2024-11-26T13:00:00Z")


def test_founding_settings_may_not_be_naive(market):
    with pytest.raises(TypeError):
        customer(market, opening_at=instant("2024-12-01T00:00:00Z").replace(tzinfo=None))


def test_foreign_file_is_refused_and_left_alone(market, tmp_path):
    path = tmp_path / "other.sqlite3"
    with sqlite3.connect(path) as other:
        other.execute("CREATE TABLE thing (x)")
    other.close()

    with pytest.raises(JournalCorrupt, match="not a book"):
        customer(market, path=path)
    with sqlite3.connect(path) as other:
        assert other.execute("SELECT name FROM sqlite_master").fetchall() == [("thing",)]
    other.close()


#: What the first version's tables did not have.
NEWER = {
    "assets": ("tradable",),
    "orders": ("order_class", "parent", "notional", "trail_price", "trail_percent",
               "high_water_mark", "triggered", "extended_hours"),
}  # fmt: skip


def age(path):
    """Make a book one of the first version."""
    with sqlite3.connect(path) as book:
        book.execute("DROP INDEX orders_open")
        book.execute("DROP INDEX orders_parent")
        for table, columns in NEWER.items():
            for column in columns:
                book.execute(f"ALTER TABLE {table} DROP COLUMN {column}")
        book.execute(
            "CREATE INDEX orders_open ON orders (sequence)"
            " WHERE status IN ('accepted', 'new', 'partially_filled')"
        )
        book.execute("PRAGMA user_version = 1")
    book.close()


def layout(path):
    """Return the columns of all tables and the text of all indices, whatever their order."""
    with sqlite3.connect(path) as book:
        columns = {
            (table, *column[1:])
            for (table,) in book.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
            for column in book.execute(f"PRAGMA table_info({table})")
        }
        indices = {
            (name, " ".join((sql or "").split()))
            for name, sql in book.execute(
                "SELECT name, sql FROM sqlite_master WHERE type = 'index'"
            )
        }
    book.close()
    return columns, indices


def test_older_book_goes_on(market, tmp_path):
    path, fresh = tmp_path / "b", tmp_path / "fresh"
    first = customer(market, path=path)
    trade(first)
    before = everything(first)
    first.exchange.close()
    age(path)
    again = customer(market, path=path)

    assert everything(again) == before
    again.send("XYZ", 1, "buy", "trailing_stop", trail_price="5")
    again.exchange.close()
    customer(market, path=fresh).exchange.close()
    assert layout(path) == layout(fresh)


@pytest.mark.parametrize("version", [99, -1])
def test_book_of_another_version_is_refused(market, tmp_path, version):
    path = tmp_path / "b"
    customer(market, path=path).exchange.close()
    with sqlite3.connect(path) as book:
        book.execute(f"PRAGMA user_version = {version}")
    book.close()

    with pytest.raises(JournalCorrupt, match="newer"):
        customer(market, path=path)


def test_nobody_else_reads_it_whatever_the_umask(market, tmp_path):
    path = tmp_path / "exchange" / "book.sqlite3"
    before = os.umask(0)
    try:
        someone = customer(market, path=path)
        someone.send("XYZ", 1, "buy")
    finally:
        os.umask(before)

    modes = {each.name: stat.S_IMODE(each.stat().st_mode) for each in path.parent.iterdir()}
    assert modes == dict.fromkeys(("book.sqlite3", "book.sqlite3-shm", "book.sqlite3-wal"), 0o600)
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


@pytest.mark.parametrize("name", ["folder", "file/book.sqlite3"])
def test_where_no_file_can_be_is_no_book(market, tmp_path, name):
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").touch()

    with pytest.raises(StorageError, match="cannot be opened"):
        customer(market, path=tmp_path / name)


def test_garbage_is_refused(market, tmp_path):
    path = tmp_path / "b"
    path.write_bytes(b"no database at all, but long enough to be looked at" * 100)

    with pytest.raises(JournalCorrupt):
        customer(market, path=path)


def test_locked_book_is_an_error_and_nothing_happens(market, tmp_path, monkeypatch):
    path = tmp_path / "b"
    customer(market, path=path).exchange.close()
    monkeypatch.setattr(book_file, "BUSY_SECONDS_MAX", 0.05)
    someone = customer(market, path=path)
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")

    with pytest.raises(StorageError, match="locked"):
        someone.send("XYZ", 1, "buy")
    # Reading goes on, for who is there and for who comes.
    for reader in (someone, customer(market, path=path)):
        assert reader.get("/v2/orders") == reader.get("/v2/positions") == []
        assert reader.cash() == "100000"
        assert [each["symbol"] for each in reader.get("/v2/assets")] == ["ABC", "XYZ"]
        assert reader.get("/v2/assets/XYZ")["tradable"] is True
        assert reader.ask("GET", "/v2/positions/XYZ")[0] == 404
    other.execute("ROLLBACK")
    other.close()
    someone.send("XYZ", 1, "buy")


def test_bug_in_the_middle_leaves_no_trace(market, monkeypatch):
    someone = customer(market)
    someone.send("XYZ", 10, "buy", "limit", "100")
    before = everything(someone)

    def fail(*_):
        raise RuntimeError("planted")

    with monkeypatch.context() as patch:
        patch.setattr("quantcli.exchange.trading_floor.book_fees", fail)
        with pytest.raises(RuntimeError, match="planted"):
            someone.to("2024-11-27T22:00:00Z")
    assert everything(someone) == before
    assert someone.to("2024-11-27T22:00:00Z").fills == 1


def test_synced_once_a_session(market, tmp_path):
    lazy = customer(market, path=tmp_path / "b", is_synced_each_commit=False)
    eager = customer(market)
    for someone in (lazy, eager):
        trade(someone)
        someone.ask("POST", "/_sim/clock", body={"to": "2024-11-29T22:00:00Z"})

    assert everything(lazy) == everything(eager)
    again = sqlite3.connect(tmp_path / "b")
    assert again.execute("SELECT clock FROM venue").fetchone() == (1732917600000000,)
    again.close()


KILLED = """
import sys
from pathlib import Path
from tests.exchange.conftest import MARKET
from tests.exchange.market import customer
someone = customer(MARKET, path=Path(sys.argv[1]))
for number in range(100000):
    name = f"{sys.argv[2]}-{number}"
    someone.send("XYZ", "0.02", "buy", "limit", "50", client_order_id=name)
    print(name, flush=True)
"""


@pytest.mark.slow
def test_killed_in_the_middle_keeps_all_that_was_answered(market, tmp_path):
    path, answered = tmp_path / "b", []
    for run in range(3):
        process = subprocess.Popen(
            [sys.executable, "-c", KILLED, str(path), f"run{run}"],
            cwd=Path(__file__).resolve().parents[2], stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        answered += [process.stdout.readline().strip() for _ in range(20 + run)]
        process.kill()
        answered += process.stdout.read().split("\n")[:-1]
        process.wait()
        process.stdout.close()

    survivor = customer(market, path=path)
    rows = survivor.get("/v2/orders", limit="500", direction="asc")
    names = [row["client_order_id"] for row in rows]
    assert len(names) == len(set(names))
    assert set(answered) <= set(names)
    assert len(names) <= len(answered) + 3  # at most one unanswered order for each kill


def test_clock_needs_a_zone(market):
    someone = Customer(Exchange(None, HandMadeBars(market), settings()))

    with pytest.raises(ValueError, match="time zone"):
        someone.exchange.advance(instant("2024-11-26T15:00:00Z").replace(tzinfo=None))
