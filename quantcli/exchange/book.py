"""The book: one SQLite file that remembers everything the exchange was ever told.

Every change is one transaction, begun with the write lock and durable before the answer leaves.
Nothing that matters lives in memory: a second process that opens the file goes on where the
first one ended, whether it ended well or was killed.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

from quantcli.exchange.book_file import connect
from quantcli.exchange.figures import spelled, spelled_or_none
from quantcli.exchange.order_record import Order
from quantcli.exchange.order_rows import IS_OPEN, PUT, SELECT, order_of, row_of
from quantcli.exchange.schema import CANCELS, CONFIGURATIONS
from quantcli.exchange.trading_hours import Micros

#: Of one statement.
_VALUES_MAX = 500


class VenueRow(NamedTuple):
    """What the book says about itself. `cash` in USD, instants in microseconds."""

    seed: int
    opened: Micros
    clock: Micros
    opening_cash: Decimal
    cash: Decimal


class LastPrint(NamedTuple):
    """The newest print of a symbol, and the last print of its session before that one."""

    symbol: str
    price: Decimal
    at: Micros
    session: str
    close_before: Decimal | None


class Position(NamedTuple):
    """Shares held, never none: above zero bought, below zero sold short."""

    symbol: str
    quantity: Decimal
    average_price: Decimal


class Book:
    """The tables as values. Callers open a transaction around everything they do."""

    def __init__(self, path: Path | None, *, is_synced_each_commit: bool = True) -> None:
        """Open or make the file; None keeps the book in memory.

        Raises:
            StorageError: the file cannot be opened.
            JournalCorrupt: it is no book of this program, or of a newer one.
        """
        self.path = path
        self._db = connect(path, is_synced_each_commit=is_synced_each_commit)

    def close(self) -> None:
        """Release the file."""
        self._db.close()

    def sync(self) -> None:
        """Bring every commit so far to the disk: one synced commit takes those before it along."""
        self._db.execute("PRAGMA synchronous = FULL")
        with self.transaction():
            self._db.execute("UPDATE venue SET clock = clock")
        self._db.execute("PRAGMA synchronous = NORMAL")

    def version(self) -> tuple[int, int]:
        """Return what is the same only as long as nobody changes the book."""
        return self._one("PRAGMA data_version"), self._db.total_changes

    @contextmanager
    def transaction(self, *, is_write: bool = True) -> Iterator[None]:
        """Hold one transaction: committed at the end, rolled back on any error.

        A write takes the file's write lock first, so it sees what another process left behind
        and nobody changes it meanwhile; a read sees one state throughout.
        """
        self._db.execute("BEGIN IMMEDIATE" if is_write else "BEGIN")
        with self._db:  # commits, or rolls back whatever the exception
            yield

    def _has_table(self, name: str) -> bool:
        """Return whether a table is there that is made only when it is needed."""
        return self._one("SELECT 1 FROM sqlite_master WHERE name = ?", name) is not None

    def _one(self, statement: str, *values: Any) -> Any:
        row = self._db.execute(statement, values).fetchone()
        return None if row is None else row[0]

    # ------------------------------------------------------------------ the venue itself

    def found(self, row: VenueRow) -> None:
        """Write the first row of a new book."""
        self._db.execute(
            "INSERT INTO venue VALUES (1, ?, ?, ?, ?, ?)",
            (row.seed, row.opened, row.clock, spelled(row.opening_cash), spelled(row.cash)),
        )

    def venue(self) -> VenueRow | None:
        """Return the venue's row; None in a book that is not founded yet."""
        row = self._db.execute(
            "SELECT seed, opened, clock, opening_cash, cash FROM venue"
        ).fetchone()
        if row is None:
            return None
        return VenueRow(row[0], row[1], row[2], Decimal(row[3]), Decimal(row[4]))

    def cash(self) -> Decimal:
        """Return the cash in USD."""
        return Decimal(self._one("SELECT cash FROM venue"))

    def add_cash(self, amount: Decimal) -> None:
        """Book an amount in USD; below zero takes it away."""
        self._db.execute("UPDATE venue SET cash = ?", (spelled(self.cash() + amount),))

    def set_clock(self, clock: Micros) -> None:
        """Move the clock."""
        self._db.execute("UPDATE venue SET clock = ?", (clock,))

    def configurations(self) -> dict[str, Any]:
        """Return the switches that the customer ever set: name -> JSON value."""
        if not self._has_table("configurations"):
            return {}
        rows = self._db.execute("SELECT name, value FROM configurations ORDER BY name")
        return {name: json.loads(value) for name, value in rows}

    def put_configurations(self, changes: dict[str, Any]) -> None:
        """Keep switches. Their table is made with the first: books without any have none."""
        self._db.execute(CONFIGURATIONS)
        self._db.executemany(
            "INSERT OR REPLACE INTO configurations VALUES (?, ?)",
            ((name, json.dumps(value)) for name, value in changes.items()),
        )

    # ------------------------------------------------------------------ assets and prints

    def add_assets(self, assets: Iterable[tuple[str, str]]) -> None:
        """Add (symbol, asset id) pairs; those already there stay."""
        self._db.executemany(
            "INSERT OR IGNORE INTO assets (symbol, asset_id) VALUES (?, ?)", assets
        )

    def assets(self) -> dict[str, str]:
        """Return symbol -> asset id, by symbol."""
        return dict(self._db.execute("SELECT symbol, asset_id FROM assets ORDER BY symbol"))

    def asset_id(self, symbol: str) -> str | None:
        """Return the id of a listed symbol, or None."""
        found: str | None = self._one("SELECT asset_id FROM assets WHERE symbol = ?", symbol)
        return found

    def symbol_of(self, asset_id: str) -> str | None:
        """Return the symbol of an asset id, or None."""
        found: str | None = self._one("SELECT symbol FROM assets WHERE asset_id = ?", asset_id)
        return found

    def set_tradable(self, symbol: str, *, is_tradable: bool) -> None:
        """Halt a listed symbol, or let it trade again."""
        self._db.execute(
            "UPDATE assets SET tradable = ? WHERE symbol = ?", (int(is_tradable), symbol)
        )

    def halted(self) -> frozenset[str]:
        """Return the listed symbols that cannot be traded."""
        return frozenset(
            row[0] for row in self._db.execute("SELECT symbol FROM assets WHERE tradable = 0")
        )

    def record_prints(self, session: str, prints: Iterable[tuple[str, Decimal, Micros]]) -> None:
        """Keep each symbol's newest print; the first of a session makes the old one its close."""
        self._db.executemany(
            "INSERT INTO last_prints (symbol, price, at, session) VALUES (?, ?, ?, ?)"
            " ON CONFLICT (symbol) DO UPDATE SET"
            " close_before = CASE WHEN session < excluded.session THEN price ELSE close_before END,"
            " price = excluded.price, at = excluded.at, session = excluded.session",
            ((symbol, str(price), at, session) for symbol, price, at in prints),
        )

    def last_print(self, symbol: str) -> LastPrint | None:
        """Return the newest print of a symbol, or None."""
        row = self._db.execute(
            "SELECT symbol, price, at, session, close_before FROM last_prints WHERE symbol = ?",
            (symbol,),
        ).fetchone()
        return None if row is None else _print_of(row)

    def restate_print(self, told: LastPrint) -> None:
        """Put a print in the place of its symbol's newest: told in other shares."""
        self._db.execute(
            "INSERT OR REPLACE INTO last_prints (symbol, price, at, session, close_before)"
            " VALUES (?, ?, ?, ?, ?)",
            (told.symbol, str(told.price), told.at, told.session,
             None if told.close_before is None else str(told.close_before)),
        )  # fmt: skip

    # ------------------------------------------------------------------ orders

    def next_order(self) -> int:
        """Return the sequence number of the next order."""
        return int(self._one("SELECT coalesce(max(sequence), 0) + 1 FROM orders"))

    def put_order(self, order: Order) -> None:
        """Write an order, new or changed."""
        self._db.execute(PUT, row_of(order))

    def orders(self, where: str = "", *values: Any, tail: str = "ORDER BY sequence") -> list[Order]:
        """Return the orders that a condition holds for; `where` and `tail` are SQL of ours."""
        clause = f"WHERE {where} " if where else ""
        return [order_of(row) for row in self._db.execute(f"{SELECT} {clause}{tail}", values)]

    def order(self, order_id: str) -> Order | None:
        """Return an order by its id."""
        return next(iter(self.orders("order_id = ?", order_id)), None)

    def order_by_client_id(self, client_order_id: str) -> Order | None:
        """Return an order by the customer's id."""
        return next(iter(self.orders("client_order_id = ?", client_order_id)), None)

    def open_orders(self, symbol: str | None = None) -> list[Order]:
        """Return the open orders, of one symbol or of all, by submission."""
        if symbol is None:
            return self.orders(IS_OPEN)
        return self.orders(f"{IS_OPEN} AND symbol = ?", symbol)

    def opening_orders(self) -> list[Order]:
        """Return the open orders that set cash aside, by submission."""
        return self.orders(f"{IS_OPEN} AND reserve_price IS NOT NULL")

    def group(self, identity: str) -> list[Order]:
        """Return an order and its legs, by submission."""
        return self.orders("order_id = ? OR parent = ?", identity, identity)

    def legs(self, identities: Iterable[str]) -> dict[str, list[Order]]:
        """Return the legs of some orders by the id of their parent; those replaced are left out."""
        wanted = list(identities)
        found: dict[str, list[Order]] = {}
        for start in range(0, len(wanted), _VALUES_MAX):
            some = wanted[start : start + _VALUES_MAX]
            marks = ", ".join("?" * len(some))
            for leg in self.orders(f"parent IN ({marks}) AND status <> 'replaced'", *some):
                found.setdefault(leg.group, []).append(leg)
        return found

    def cancels(self) -> dict[str, int]:
        """Return order id -> how many more requests will find its cancel undone."""
        if not self._has_table("cancels"):
            return {}
        return dict(self._db.execute("SELECT order_id, requests FROM cancels ORDER BY order_id"))

    def put_cancel(self, order_id: str, requests: int) -> None:
        """Keep a cancel under way; below zero it is done and goes. Made with its first row."""
        self._db.execute(CANCELS)
        if requests < 0:
            self._db.execute("DELETE FROM cancels WHERE order_id = ?", (order_id,))
        else:
            self._db.execute("INSERT OR REPLACE INTO cancels VALUES (?, ?)", (order_id, requests))

    def route_accepted(self, at: Micros) -> None:
        """Make every queued order live, a queued OCO's stop too: the market opens."""
        self._db.execute(
            "UPDATE orders SET status = 'new', updated = ?"  # noqa: S608 (own constants)
            f" WHERE {IS_OPEN} AND"
            " (status = 'accepted' OR (status = 'held' AND order_class = 'oco'))",
            (at,),
        )

    # ------------------------------------------------------------------ positions and closes

    def positions(self) -> list[Position]:
        """Return all positions, by symbol."""
        return [
            _position_of(row) for row in self._db.execute("SELECT * FROM positions ORDER BY symbol")
        ]

    def holdings(self) -> list[tuple[Position, LastPrint]]:
        """Return all positions by symbol, each with the newest print: a fill needs one."""
        rows = self._db.execute(
            "SELECT symbol, quantity, average_price, symbol, price, at, session, close_before"
            " FROM positions LEFT JOIN last_prints USING (symbol) ORDER BY symbol"
        )
        return [(_position_of(row[:3]), _print_of(row[3:])) for row in rows]

    def position(self, symbol: str) -> Position | None:
        """Return the position in a symbol; None when flat."""
        row = self._db.execute("SELECT * FROM positions WHERE symbol = ?", (symbol,)).fetchone()
        return None if row is None else _position_of(row)

    def is_short(self) -> bool:
        """Return whether any position is below zero."""
        return self._one("SELECT 1 FROM positions WHERE quantity LIKE '-%'") is not None

    def put_position(self, position: Position) -> None:
        """Write a position; one without shares goes away."""
        if position.quantity == 0:
            self._db.execute("DELETE FROM positions WHERE symbol = ?", (position.symbol,))
            return
        self._db.execute(
            "INSERT OR REPLACE INTO positions VALUES (?, ?, ?)",
            (position.symbol, spelled(position.quantity), spelled(position.average_price)),
        )

    def put_closes(self, sessions: Iterable[str], equity: Decimal) -> None:
        """Keep the equity in USD at the close of one or more sessions."""
        text = spelled(equity)
        self._db.executemany(
            "INSERT INTO closes VALUES (?, ?)", ((session, text) for session in sessions)
        )

    def closes(self) -> dict[str, Decimal]:
        """Return session -> equity in USD at its close, oldest first."""
        rows = self._db.execute("SELECT session, equity FROM closes ORDER BY session")
        return {session: Decimal(text) for session, text in rows}

    def equity_before(self, date: str) -> Decimal | None:
        """Return the equity in USD at the newest close before a date, or None."""
        text = self._one(
            "SELECT equity FROM closes WHERE session < ? ORDER BY session DESC LIMIT 1", date
        )
        return None if text is None else Decimal(text)

    # ------------------------------------------------------------------ activities

    def next_activity(self) -> int:
        """Return the sequence number of the next activity."""
        return int(self._one("SELECT coalesce(max(sequence), 0) + 1 FROM activities"))

    def put_activity(self, activity: dict[str, Any]) -> None:
        """Append an activity: column -> value; decimals are spelled here."""
        values = [
            spelled_or_none(value) if isinstance(value, Decimal) else value
            for value in activity.values()
        ]
        names, marks = ", ".join(activity), ", ".join("?" * len(activity))
        self._db.execute(f"INSERT INTO activities ({names}) VALUES ({marks})", values)  # noqa: S608

    def activities(self, where: str, values: Iterable[Any], tail: str) -> list[dict[str, Any]]:
        """Return activities as column -> value; `where` and `tail` are SQL of ours."""
        found = self._db.execute(f"SELECT * FROM activities WHERE {where} {tail}", tuple(values))  # noqa: S608
        names = [column[0] for column in found.description]
        return [dict(zip(names, row, strict=True)) for row in found]


def _print_of(row: tuple[Any, ...]) -> LastPrint:
    symbol, price, at, session, old = row
    return LastPrint(symbol, Decimal(price), at, session, None if old is None else Decimal(old))


def _position_of(row: tuple[Any, ...]) -> Position:
    symbol, shares, price = row
    return Position(symbol, Decimal(shares), Decimal(price))
