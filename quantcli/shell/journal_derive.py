"""How each kind of row changes the tables: one function per kind, inside the transaction."""

from __future__ import annotations

import datetime as dt
import sqlite3
from collections.abc import Callable
from decimal import Decimal

import orjson

from quantcli.contracts.canonical import canonical_line
from quantcli.contracts.envelope import Frozen
from quantcli.contracts.errors import DuplicateOrderError, LedgerError
from quantcli.contracts.journal_rows import (
    ActionRow,
    AdoptRow,
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
from quantcli.contracts.orders import TERMINAL_ORDER_STATES
from quantcli.contracts.positions import PositionRecord
from quantcli.contracts.scalars import instant_text, plain
from quantcli.core.corporate_actions import positions_after, stops_after
from quantcli.core.ledger import apply_fill, cash_effect
from quantcli.core.order_states import apply_order_row
from quantcli.ports.journal import Place
from quantcli.shell.journal_db import parsed
from quantcli.shell.journal_text import ORDER_COLUMNS, order_of


def derive(db: sqlite3.Connection, seq: int, place: Place, row: Frozen) -> None:
    """Carry a row into the tables.

    Raises:
        LedgerError: the row contradicts what is stored.
    """
    _DERIVATIONS[type(row)](db, seq, place, row)


def _genesis(db: sqlite3.Connection, seq: int, place: Place, row: GenesisRow) -> None:
    # Only a PAUSED that was set or ended may come before: an account that is not empty pauses
    # the desk, and the operator empties it.
    known = db.execute(
        "SELECT 1 FROM journal WHERE seq < ? AND kind <> 'flag' LIMIT 1", (seq,)
    ).fetchone()
    if known:
        raise LedgerError("the journal has begun: its opening balance stands", value=seq)
    _set_cash(db, row.cash)


def _intent(db: sqlite3.Connection, seq: int, place: Place, row: IntentRow) -> None:
    intent = row.intent
    known = db.execute(
        "SELECT 1 FROM orders WHERE intent_id = ? OR client_order_id = ?",
        (intent.intent_id, intent.client_order_id),
    ).fetchone()
    if known:
        raise DuplicateOrderError(
            "an order with this intent or client order id exists", value=intent.client_order_id
        )
    db.execute(
        "INSERT INTO orders VALUES (?,?,?,?,?,?,?,?,?,?,'PENDING',1,NULL,'0',NULL,NULL,NULL,NULL)",
        (
            intent.client_order_id,
            intent.intent_id,
            intent.signal_id,
            intent.session.isoformat(),
            intent.strategy,
            intent.symbol,
            intent.purpose,
            intent.sequence,
            _text(intent),
            seq,
        ),
    )


def _order(db: sqlite3.Connection, seq: int, place: Place, row: OrderRow) -> None:
    stored = db.execute(
        f"SELECT {ORDER_COLUMNS} FROM orders WHERE client_order_id = ?",  # noqa: S608 - column names are ours
        (row.client_order_id,),
    ).fetchone()
    if stored is None:
        raise LedgerError("no such order", value=row.client_order_id)
    after = apply_order_row(parsed(order_of, stored), row)
    db.execute(
        "UPDATE orders SET state = ?, is_live = ?, broker_order_id = ?, cumulative_quantity = ?,"
        " average_price = ?, submitted_at = ?, code = ?, message = ? WHERE client_order_id = ?",
        (
            after.state,
            int(after.state not in TERMINAL_ORDER_STATES),
            after.broker_order_id,
            plain(after.cumulative_quantity),
            None if after.average_price is None else plain(after.average_price),
            None if after.submitted_at is None else instant_text(after.submitted_at),
            after.code,
            after.message,
            row.client_order_id,
        ),
    )


def _fill(db: sqlite3.Connection, seq: int, place: Place, row: FillRow) -> None:
    fill = row.fill
    db.execute(
        "INSERT INTO fills VALUES (?, ?, ?, ?)", (fill.execution_id, seq, fill.symbol, _text(fill))
    )
    stored = db.execute("SELECT body FROM positions WHERE symbol = ?", (fill.symbol,)).fetchone()
    held = parsed(position_of, stored[0]) if stored else None
    position = apply_fill(held, fill, place.session)
    if position is None:
        db.execute("DELETE FROM positions WHERE symbol = ?", (fill.symbol,))
        db.execute("DELETE FROM stops WHERE symbol = ?", (fill.symbol,))
    else:
        db.execute(
            "INSERT OR REPLACE INTO positions VALUES (?, ?)",
            (fill.symbol, position_body(position)),
        )
    _add_cash(db, cash_effect(fill))


def _cash(db: sqlite3.Connection, seq: int, place: Place, row: CashRow) -> None:
    db.execute(
        "INSERT INTO cash_movements VALUES (?, ?, ?)",
        (row.activity_id, seq, plain(row.net_amount)),
    )
    _add_cash(db, row.net_amount)


def _stop(db: sqlite3.Connection, seq: int, place: Place, row: StopRow) -> None:
    stored = db.execute("SELECT body FROM stops WHERE symbol = ?", (row.symbol,)).fetchone()
    if stored and parsed(StopRow.model_validate_json, stored[0]).stop_price > row.stop_price:
        raise LedgerError("a stop may not be loosened", value=f"{row.symbol} {row.stop_price}")
    db.execute("INSERT OR REPLACE INTO stops VALUES (?, ?)", (row.symbol, _text(row)))


def _flag(db: sqlite3.Connection, seq: int, place: Place, row: FlagRow) -> None:
    db.execute("INSERT OR REPLACE INTO flags VALUES (?, ?)", (row.name, _text(row)))


def _nothing(db: sqlite3.Connection, seq: int, place: Place, row: Frozen) -> None:
    """Reviews and certificates are conclusions, an adoption is a reason: they change no table."""


def _action(db: sqlite3.Connection, seq: int, place: Place, row: ActionRow) -> None:
    booked = db.execute("SELECT body FROM journal WHERE kind = 'action' AND seq < ?", (seq,))
    if any(parsed(ActionRow.model_validate_json, body).key == row.key for (body,) in booked):
        raise LedgerError("this corporate action is booked", value=f"{row.symbol} {row.ex_date}")
    held = {
        symbol: parsed(position_of, body)
        for symbol, body in db.execute("SELECT symbol, body FROM positions")
    }
    stops = {
        symbol: parsed(StopRow.model_validate_json, body)
        for symbol, body in db.execute("SELECT symbol, body FROM stops")
    }
    for symbol in {row.symbol, row.new_symbol}:
        db.execute("DELETE FROM positions WHERE symbol = ?", (symbol,))
        db.execute("DELETE FROM stops WHERE symbol = ?", (symbol,))
    positions, stops = positions_after(held, row), stops_after(stops, row)
    position, stop = positions.get(row.new_symbol), stops.get(row.new_symbol)
    if position is None:
        return
    db.execute("INSERT INTO positions VALUES (?, ?)", (row.new_symbol, position_body(position)))
    if stop is not None:
        db.execute("INSERT INTO stops VALUES (?, ?)", (row.new_symbol, _text(stop)))


_DERIVATIONS: dict[type[Frozen], Callable[[sqlite3.Connection, int, Place, Frozen], None]] = {
    GenesisRow: _genesis,  # type: ignore[dict-item]
    IntentRow: _intent,  # type: ignore[dict-item]
    OrderRow: _order,  # type: ignore[dict-item]
    FillRow: _fill,  # type: ignore[dict-item]
    CashRow: _cash,  # type: ignore[dict-item]
    StopRow: _stop,  # type: ignore[dict-item]
    FlagRow: _flag,  # type: ignore[dict-item]
    ReviewRow: _nothing,
    ExposedRow: _nothing,
    AdoptRow: _nothing,
    ActionRow: _action,  # type: ignore[dict-item]
}


def position_of(body: str) -> PositionRecord:
    """Return a position from its stored JSON."""
    value = orjson.loads(body)
    return PositionRecord(
        symbol=value["symbol"],
        quantity=Decimal(value["quantity"]),
        average_price=Decimal(value["average_price"]),
        opened_session=dt.date.fromisoformat(value["opened_session"]),
        opened_at=dt.datetime.fromisoformat(value["opened_at"]),
        entry_client_order_id=value["entry_client_order_id"],
    )


def position_body(position: PositionRecord) -> str:
    """Return a position's stored JSON; the average price keeps all its places."""
    value = {
        "symbol": position.symbol,
        "quantity": plain(position.quantity),
        "average_price": plain(position.average_price),
        "opened_session": position.opened_session.isoformat(),
        "opened_at": position.opened_at.isoformat(),
        "entry_client_order_id": position.entry_client_order_id,
    }
    return orjson.dumps(value).decode()


def _text(model: Frozen) -> str:
    return canonical_line(model.as_json()).decode().rstrip("\n")


def _set_cash(db: sqlite3.Connection, cash: Decimal) -> None:
    db.execute("INSERT OR REPLACE INTO facts VALUES ('cash', ?)", (plain(cash),))


def _add_cash(db: sqlite3.Connection, amount: Decimal) -> None:
    (cash,) = db.execute("SELECT value FROM facts WHERE name = 'cash'").fetchone() or ("0.00",)
    _set_cash(db, Decimal(cash) + amount)
