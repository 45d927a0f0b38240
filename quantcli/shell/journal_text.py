"""How the journal's rows are spelled, linked and read back."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from typing import Any

import orjson

from quantcli.contracts.canonical import canonical_line, sha256_hex
from quantcli.contracts.envelope import Frozen
from quantcli.contracts.errors import JournalCorrupt
from quantcli.contracts.journal_rows import ROW_MODELS
from quantcli.contracts.orders import OrderIntent, OrderRecord
from quantcli.contracts.scalars import price, quantity
from quantcli.shell.journal_db import parsed

#: The link before the first row.
FIRST_LINK = "0" * 64
RESTORE = "see runbook/restore.md"
#: Spelled out: SQLite uses the index of live orders for a constant only.
LIVE = "is_live = 1"
ORDER_COLUMNS = (
    "intent, state, broker_order_id, cumulative_quantity, average_price,"
    " submitted_at, code, message"
)


def row_of(kind: str, body: str) -> Frozen:
    """Return the model of a stored row.

    Raises:
        JournalCorrupt: a kind or a text that this program never writes.
    """
    model = ROW_MODELS.get(kind)
    if model is None:
        raise JournalCorrupt("the journal holds a row of unknown kind", value=kind, hint=RESTORE)
    return parsed(model.model_validate_json, body)


def link_of(previous: str, seq: int, *parts: str) -> str:
    """Return a row's hash: of the hash before it, its number, its place, kind and text."""
    return sha256_hex(canonical_line([previous, seq, *parts]))


def check_chain(rows: Iterable[tuple[Any, ...]]) -> None:
    """Recompute every link of a whole journal's rows.

    Raises:
        JournalCorrupt: naming the first row that does not hold.
    """
    before = FIRST_LINK
    for number, row in enumerate(rows, start=1):
        seq, session, cycle, step, kind, body, previous, sha256 = row
        expected = link_of(before, number, session, cycle, step, kind, body)
        if seq != number or previous != before or expected != sha256:
            raise JournalCorrupt(f"journal row {number} does not continue the chain", hint=RESTORE)
        before = sha256


def value_of(row: tuple[Any, ...]) -> dict[str, Any]:
    """Return a stored row as the JSON value that `stored_row` reads back."""
    seq, session, cycle, step, kind, body, previous, sha256 = row
    return {
        "seq": seq,
        "session": session,
        "cycle": cycle,
        "step": step,
        "kind": kind,
        "body": orjson.loads(body),
        "previous": previous,
        "sha256": sha256,
    }


def log_line(row: tuple[Any, ...]) -> bytes:
    """Return a stored row as a line of the transaction log."""
    return canonical_line({**value_of(row), "body": orjson.Fragment(row[5])})


def stored_row(value: Any) -> tuple[Any, ...] | None:
    """Return a row as it was stored, from its JSON value; None if its link does not hold."""
    try:
        where = (value["session"], value["cycle"], value["step"], value["kind"])
        body = canonical_line(value["body"]).decode().rstrip("\n")
        seq, previous, sha256 = value["seq"], value["previous"], value["sha256"]
        is_whole = link_of(previous, seq, *where, body) == sha256
    except (KeyError, TypeError, ValueError):
        return None
    return (seq, *where, body, previous, sha256) if is_whole else None


def order_of(row: tuple[Any, ...]) -> OrderRecord:
    """Return an order from the columns that `ORDER_COLUMNS` names."""
    intent, state, broker_id, cumulative, average, submitted, code, message = row
    return OrderRecord.model_construct(
        intent=parsed(OrderIntent.model_validate_json, intent),
        state=state,
        broker_order_id=broker_id,
        cumulative_quantity=quantity(cumulative),
        average_price=None if average is None else price(average),
        submitted_at=dt.datetime.fromisoformat(submitted) if submitted else None,
        code=code,
        message=message,
    )


def where_of(wanted: dict[str, Any], *terms: str) -> tuple[str, tuple[Any, ...]]:
    """Return a WHERE clause and its values; `terms` are SQL as they are."""
    named = (f"{name} ?" if name.endswith("=") else f"{name} = ?" for name in wanted)
    where = " AND ".join([*named, *terms])
    return f" WHERE {where}" if where else "", tuple(wanted.values())
