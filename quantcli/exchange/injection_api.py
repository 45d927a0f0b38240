"""/_sim/activities: what only the broker books, such as dividends, interest and fees.

A real broker's back office does this at night; here it is asked for.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from quantcli.exchange.activities_api import OTHER_TYPES, activity_view
from quantcli.exchange.calls import Answer, Call
from quantcli.exchange.figures import ZERO, number_of, spelled, to_cents
from quantcli.exchange.identities import activity_id
from quantcli.exchange.refusals import malformed
from quantcli.exchange.trading_hours import instant_of, local_date


def post_activity(call: Call) -> Answer:
    """Book a non-trade activity at the clock; its net amount in USD, in whole cents, moves cash."""
    body = call.json_body()
    kind = body.get("activity_type")
    if kind not in OTHER_TYPES:
        raise malformed(f"invalid activity type: {kind}")
    amount, quantity = _number(body, "net_amount", ZERO), _number(body, "qty", None)
    if amount is None or amount != to_cents(amount):
        raise malformed("net_amount must be in whole cents")
    sequence = call.book.next_activity()
    row: dict[str, Any] = {
        "sequence": sequence,
        "activity_id": activity_id(call.seed, sequence, instant_of(call.clock)),
        "activity_type": kind,
        "at": call.clock,
        "date": local_date(call.clock).isoformat(),
        "net_amount": spelled(amount),
        "symbol": _text(body, "symbol"),
        "quantity": None if quantity is None else spelled(quantity),
        "sub_type": _text(body, "activity_sub_type"),
        "description": _text(body, "description"),
    }
    call.book.put_activity(row)
    call.book.add_cash(amount)
    return Answer(200, activity_view(row))


def _number(body: dict[str, Any], name: str, default: Decimal | None) -> Decimal | None:
    if body.get(name) is None:
        return default
    number = number_of(body[name])
    if number is None:
        raise malformed(f"invalid {name}: {body[name]}")
    return number


def _text(body: dict[str, Any], name: str) -> str | None:
    value = body.get(name)
    if value is not None and not isinstance(value, str):
        raise malformed(f"invalid {name}: {value}")
    return value
