"""/v2/account/activities: fills, fees and corporate actions: all that changes cash or shares."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from quantcli.exchange.calls import Answer, Call
from quantcli.exchange.figures import ratio, spelled
from quantcli.exchange.refusals import malformed
from quantcli.exchange.trading_hours import spelled_instant, table_date

PAGE_MAX = 100

_FIRST_OF_DATE = "SELECT sequence FROM activities WHERE date >= ? ORDER BY date, sequence LIMIT 1"

TRADE_TYPES = frozenset({"FILL"})
OTHER_TYPES = frozenset(
    {
        "ACATC", "ACATS", "CFEE", "CIL", "CSD", "CSW", "DIV", "DIVCGL", "DIVCGS", "DIVFEE",
        "DIVFT", "DIVNRA", "DIVROC", "DIVTW", "DIVTXEX", "FEE", "FOPT", "INT", "INTNRA",
        "INTTW", "JNL", "JNLC", "JNLS", "MA", "MEM", "MISC", "NC", "OCT", "OPASN", "OPCA",
        "OPCSH", "OPEXC", "OPEXP", "OPTRD", "OPXRC", "PTC", "PTR", "REORG", "SC", "SPIN",
        "SPLIT", "SSO", "SSP", "TRANS", "VOF", "WH",
    }
)  # fmt: skip


def list_activities(call: Call) -> Answer:
    """List activities; newest first unless asked otherwise. The page token is the last row's id."""
    types = _wanted_types(call)
    direction = call.choice("direction", ("desc", "asc"))
    date = call.date("date")
    size = call.limit("page_size", default=PAGE_MAX, maximum=PAGE_MAX)
    conditions, values = ["1"], list[Any]()
    if types is not None:
        conditions.append(f"activity_type IN ({', '.join('?' * len(types))})")
        values += sorted(types)
    if date is not None:
        conditions.append("date = ?")
        values.append(date.isoformat())
    after, until = call.instant("after"), call.instant("until")
    if after is not None:
        # Booked in order of time, and dates have an index: what is older is not read.
        conditions.append(f"at > ? AND sequence >= ({_FIRST_OF_DATE})")
        values += [after, table_date(after).isoformat()]
    if until is not None:
        conditions.append("at < ?")
        values.append(until)
    token = call.query.get("page_token")
    if token:
        conditions.append(f"sequence {'<' if direction == 'desc' else '>'} ?")
        values.append(_sequence_of(call, token))
    # A single day comes whole unless the request sizes its pages itself.
    is_paged = date is None or call.query.get("page_size") or token
    tail = f"ORDER BY sequence {direction}" + (f" LIMIT {size}" if is_paged else "")
    found = call.book.activities(" AND ".join(conditions), values, tail)
    return Answer(200, [activity_view(row) for row in found])


def _wanted_types(call: Call) -> set[str] | None:
    """Return the activity types asked for; None asks for all."""
    named = call.segments[0] if call.segments else call.query.get("activity_types", "")
    category = call.query.get("category")
    if named and category:
        raise malformed("only one of activity_types or category is accepted")
    if category:
        if category not in {"trade_activity", "non_trade_activity"}:
            raise malformed(f"invalid category: {category}")
        return set(TRADE_TYPES if category == "trade_activity" else OTHER_TYPES)
    types = {each for each in named.split(",") if each}
    for each in sorted(types):
        if each not in TRADE_TYPES | OTHER_TYPES:
            raise malformed(f"invalid activity type: {each}")
    return types or None


def _sequence_of(call: Call, activity_id: str) -> int:
    rows = call.book.activities("activity_id = ?", (activity_id,), "")
    if not rows:
        raise malformed(f"invalid page_token: {activity_id}")
    return int(rows[0]["sequence"])


def activity_view(row: dict[str, Any]) -> dict[str, Any]:
    """Return the JSON object of an activity, from its columns.

    A row that is no trade names symbol and shares where it is about any, with the amount for
    each share.
    """
    head = {"id": row["activity_id"], "activity_type": row["activity_type"]}
    if row["activity_type"] in TRADE_TYPES:
        return head | {
            "transaction_time": spelled_instant(row["at"]),
            "type": "fill" if row["leaves_quantity"] == "0" else "partial_fill",
            "price": row["price"],
            "qty": row["quantity"],
            "side": row["sub_type"] or row["side"],
            "symbol": row["symbol"],
            "leaves_qty": row["leaves_quantity"],
            "order_id": row["order_id"],
            "cum_qty": row["cumulative_quantity"],
            "order_status": row["order_status"],
        }
    shares: dict[str, Any] = {}
    if row["symbol"] is not None:
        shares["symbol"] = row["symbol"]
    if row["quantity"] is not None:
        shares["qty"] = row["quantity"]
        each = ratio(Decimal(row["net_amount"]), Decimal(row["quantity"]))
        shares["per_share_amount"] = spelled(each)
    if row.get("price") is not None:
        shares["price"] = row["price"]
    return (
        head
        | shares
        | {
            "activity_sub_type": row["sub_type"],
            "date": row["date"],
            "net_amount": row["net_amount"],
            "description": row["description"],
            "status": "executed",
        }
    )
