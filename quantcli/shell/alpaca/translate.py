"""From Alpaca's JSON to our values: lenient about extras, strict about what we rely on.

Numbers arrive as strings or as JSON numbers; both become Decimal without passing a float. An
unknown status is `unknown`, never an error. An absent required field raises ContractDrift.
"""

from __future__ import annotations

import datetime as dt
import json
from decimal import Decimal
from typing import Any

from quantcli.contracts.broker_views import (
    Account,
    Activity,
    Asset,
    BrokerClock,
    BrokerOrder,
    BrokerOrderStatus,
    BrokerPosition,
    CalendarDay,
)
from quantcli.contracts.errors import ContractDrift
from quantcli.contracts.scalars import decimal_of, instant, quantity, session_date
from quantcli.contracts.session_table import new_york

_DATE_CHARACTERS = 10
_STATUSES: dict[str, BrokerOrderStatus] = {
    "accepted": "accepted",
    "pending_new": "accepted",
    "accepted_for_bidding": "accepted",
    "new": "working",
    "done_for_day": "working",
    "pending_replace": "working",
    "pending_review": "working",
    "stopped": "working",
    "suspended": "working",
    "calculated": "working",
    "held": "working",
    "partially_filled": "partially_filled",
    "filled": "filled",
    "pending_cancel": "pending_cancel",
    "canceled": "canceled",
    "expired": "expired",
    "rejected": "rejected",
    "replaced": "replaced",
}


_SYMBOL_LENGTH_MAX = 64


def parse(body: bytes, *, what: str) -> Any:
    """Return the JSON value of an answer.

    Raises:
        ContractDrift: not JSON, NaN, a key twice in one object, or nested without end.
    """
    try:
        return json.loads(
            body, parse_float=Decimal, parse_constant=_refuse, object_pairs_hook=_unique
        )
    except (ValueError, ArithmeticError, RecursionError) as error:
        raise ContractDrift(f"the broker's answer to {what} is not usable JSON: {error}") from error


def asset_of(value: Any) -> Asset:
    """Return what is said of a symbol."""
    return Asset(
        symbol=_text(value, "symbol"),
        status=_text(value, "status"),
        is_tradable=value.get("tradable") is True,
    )


def account_of(value: Any) -> Account:
    """Return the account. An absent flag counts as blocked."""
    flags = ("trading_blocked", "account_blocked", "trade_suspended_by_user")
    return Account(
        account_id=_text(value, "id"),
        account_number=_text(value, "account_number"),
        status=_text(value, "status"),
        cash=_number(value, "cash"),
        equity=_number(value, "equity"),
        buying_power=_number(value, "buying_power"),
        non_marginable_buying_power=_number(value, "non_marginable_buying_power"),
        is_blocked=any(value.get(flag) is not False for flag in flags),
    )


def clock_of(value: Any) -> BrokerClock:
    """Return the broker's clock."""
    return BrokerClock(
        timestamp=_instant(value, "timestamp"),
        is_open=_required(value, "is_open") is True,
        next_open=_instant(value, "next_open"),
        next_close=_instant(value, "next_close"),
    )


def calendar_day_of(value: Any) -> CalendarDay:
    """Return one session; `open` and `close` are New York wall times, HH:MM."""
    session = _date(value, "date")
    # New York changes its clocks at night: the offset at noon holds for the session.
    zone = new_york(dt.datetime.combine(session, dt.time(17), dt.UTC)).tzinfo
    opens, closes = (
        dt.datetime.combine(session, _time(value, name), zone) for name in ("open", "close")
    )
    return CalendarDay(session, opens.astimezone(dt.UTC), closes.astimezone(dt.UTC))


def position_of(value: Any) -> BrokerPosition:
    """Return a position; shorts have a negative quantity."""
    return BrokerPosition(
        symbol=_symbol(value),
        quantity=_quantity(value, "qty"),
        average_price=_number(value, "avg_entry_price"),
        current_price=_maybe_number(value, "current_price"),
        quantity_available=_maybe_number(value, "qty_available"),
    )


def order_of(value: Any) -> BrokerOrder:
    """Return an order. It is for a number of shares or for an amount of money."""
    raw_status = _text(value, "status")
    if value.get("notional") in (None, ""):
        _required(value, "qty")
    return BrokerOrder(
        broker_order_id=_text(value, "id"),
        client_order_id=_text(value, "client_order_id"),
        symbol=_symbol(value),
        side=_text(value, "side"),
        order_type=_text(value, "type"),
        time_in_force=_text(value, "time_in_force"),
        status=_STATUSES.get(raw_status, "unknown"),
        raw_status=raw_status,
        quantity=_maybe_quantity(value, "qty"),
        cumulative_quantity=_quantity(value, "filled_qty"),
        average_price=_maybe_number(value, "filled_avg_price"),
        limit_price=_maybe_number(value, "limit_price"),
        stop_price=_maybe_number(value, "stop_price"),
        submitted_at=_maybe_instant(value, "submitted_at"),
        filled_at=_maybe_instant(value, "filled_at"),
        replaced_by=_maybe_text(value, "replaced_by"),
        replaces=_maybe_text(value, "replaces"),
    )


def activity_of(value: Any) -> Activity:
    """Return an activity: a fill, or a row that only moves cash."""
    kind = _text(value, "activity_type")
    is_fill = kind == "FILL"
    return Activity(
        activity_id=_text(value, "id"),
        activity_type=kind,
        at=_instant(value, "transaction_time") if is_fill else None,
        date=_date(value, "date") if _maybe_text(value, "date") else None,
        symbol=_symbol(value) if is_fill else _maybe_text(value, "symbol"),
        side=_text(value, "side") if is_fill else None,
        quantity=abs(_quantity(value, "qty")) if is_fill else _maybe_number(value, "qty"),
        price=_number(value, "price") if is_fill else _maybe_number(value, "price"),
        order_id=_text(value, "order_id") if is_fill else None,
        net_amount=None if is_fill else _number(value, "net_amount"),
        description=_maybe_text(value, "description"),
    )


def _required(value: Any, name: str) -> Any:
    found = value.get(name) if isinstance(value, dict) else None
    if found is None:
        raise ContractDrift(
            "the broker's answer lacks a required field", value=name, hint="see runbook/broker.md"
        )
    return found


def _text(value: Any, name: str) -> str:
    found = _required(value, name)
    if not isinstance(found, str) or not found:
        raise ContractDrift(f"the broker's field {name} is not text", value=found)
    return found


def _symbol(value: Any) -> str:
    """Return a symbol in any spelling that can be written down: it may be nothing of ours."""
    found = _text(value, "symbol")
    if len(found) > _SYMBOL_LENGTH_MAX:
        raise ContractDrift("the broker's field symbol is too long", value=found[:80])
    return found


def _maybe_text(value: Any, name: str) -> str | None:
    found = value.get(name)
    return found if isinstance(found, str) and found else None


def _number(value: Any, name: str) -> Decimal:
    found = _required(value, name)
    try:
        return decimal_of(found)
    except ValueError as error:
        raise ContractDrift(f"the broker's field {name} is not a number", value=found) from error


def _quantity(value: Any, name: str) -> Decimal:
    number = _number(value, name)
    try:
        return quantity(number)
    except ValueError as error:
        raise ContractDrift(f"the broker's field {name} is too fine", value=number) from error


def _maybe_quantity(value: Any, name: str) -> Decimal | None:
    return None if value.get(name) in (None, "") else _quantity(value, name)


def _maybe_number(value: Any, name: str) -> Decimal | None:
    return None if value.get(name) in (None, "") else _number(value, name)


def _instant(value: Any, name: str) -> dt.datetime:
    found = _text(value, name)
    try:
        return instant(found)
    except ValueError as error:
        raise ContractDrift(f"the broker's field {name} is not an instant", value=found) from error


def _date(value: Any, name: str) -> dt.date:
    """Return a date; a time of day behind it, as some rows have, is left out."""
    found = _text(value, name)
    try:
        return session_date(found[:_DATE_CHARACTERS])
    except ValueError as error:
        raise ContractDrift(f"the broker's field {name} is not a date", value=found) from error


def _time(value: Any, name: str) -> dt.time:
    found = _text(value, name)
    try:
        time = dt.time.fromisoformat(found)
    except ValueError as error:
        raise ContractDrift(f"the broker's field {name} is not a time", value=found) from error
    if time.tzinfo is not None:
        raise ContractDrift(f"the broker's field {name} is not a wall time", value=found)
    return time


def _maybe_instant(value: Any, name: str) -> dt.datetime | None:
    return None if value.get(name) in (None, "") else _instant(value, name)


def _refuse(constant: str) -> Any:
    raise ValueError(f"{constant} is not a number")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise ValueError("a key stands twice in one object")
    return value
