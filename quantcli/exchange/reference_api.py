"""/v2/clock, /v2/calendar and /v2/assets: what is true for every customer."""

from __future__ import annotations

import datetime as dt
from typing import Any

from quantcli.contracts.session_table import FIRST, LAST, hours, new_york
from quantcli.exchange.calls import Answer, Call
from quantcli.exchange.orders_api import asset_symbol
from quantcli.exchange.refusals import not_found
from quantcli.exchange.trading_hours import (
    instant_of,
    sessions_before,
    sessions_from,
    span_after,
    span_ahead,
    span_of,
)

_AFTER_HOURS = dt.timedelta(hours=4)


def get_clock(call: Call) -> Answer:
    """Return the simulated clock in New York time, with the next open and close."""
    ahead = span_ahead(call.clock)
    is_open = ahead.contains(call.clock)
    following = span_after(ahead) if is_open else ahead
    return Answer(
        200,
        {
            "timestamp": new_york(instant_of(call.clock)).isoformat(),
            "is_open": is_open,
            "next_open": new_york(instant_of(following.opens)).isoformat(),
            "next_close": new_york(instant_of(ahead.closes)).isoformat(),
        },
    )


def get_calendar(call: Call) -> Answer:
    """Return the sessions from `start` to `end`, both included, as far as the table reaches.

    By SETTLEMENT the range is of the days on which a session's trades settle.
    """
    start = call.date("start") or FIRST
    end = call.date("end") or LAST
    by_settlement = call.choice("date_type", ("TRADING", "SETTLEMENT")) == "SETTLEMENT"
    first = next(sessions_before(start), start) if by_settlement else start
    days = []
    for session in sessions_from(first):
        if session > end:
            break
        day = _calendar_day(session)
        if not by_settlement or start.isoformat() <= day["settlement_date"] <= end.isoformat():
            days.append(day)
    return Answer(200, days)


def list_all_assets(call: Call) -> Answer:
    """Return every listed asset; filters that match none give an empty list."""
    is_wanted = (
        call.query.get("status", "active") in {"", "active"}
        and call.query.get("asset_class", "us_equity") in {"", "us_equity"}
        and call.query.get("exchange", "NYSE") in {"", "NYSE"}
        and not call.query.get("attributes")
    )
    assets = call.book.assets() if is_wanted else {}
    return Answer(200, [_asset_view(call, symbol, asset_id) for symbol, asset_id in assets.items()])


def get_asset(call: Call) -> Answer:
    """Return one asset by symbol or id; a pair of currencies comes as two places, and is none."""
    name = "/".join(call.segments)
    symbol = asset_symbol(call, name)
    asset_id = None if symbol is None else call.book.asset_id(symbol)
    if symbol is None or asset_id is None:
        raise not_found(f"asset not found for {name}")
    return Answer(200, _asset_view(call, symbol, asset_id))


def _calendar_day(session: dt.date) -> dict[str, Any]:
    opens_at, closes_at = (new_york(instant) for instant in hours(session))
    settlement = span_after(span_of(session)).session if session < LAST else session
    return {
        "date": session.isoformat(),
        "open": opens_at.strftime("%H:%M"),
        "close": closes_at.strftime("%H:%M"),
        "session_open": "0400",
        "session_close": (closes_at + _AFTER_HOURS).strftime("%H%M"),
        "settlement_date": settlement.isoformat(),
    }


def _asset_view(call: Call, symbol: str, asset_id: str) -> dict[str, Any]:
    """Return an asset: all that has bars can be traded, in fractions too, and borrowed to sell."""
    return {
        "id": asset_id,
        "class": "us_equity",
        "exchange": "NYSE",
        "symbol": symbol,
        "name": symbol,
        "status": "active",
        "tradable": symbol not in call.book.halted(),
        "marginable": False,
        "shortable": True,
        "easy_to_borrow": True,
        "borrow_status": "easy_to_borrow",
        "fractionable": True,
        "maintenance_margin_requirement": 100,
        "margin_requirement_long": "100",
        "margin_requirement_short": "100",
        "attributes": [],
        "cusip": None,
    }
