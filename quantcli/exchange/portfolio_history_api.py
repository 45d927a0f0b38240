"""/v2/account/portfolio/history: what the account was worth, by sessions or within them.

By sessions it is the equity that the book kept at each close, and for the running session what
it is now. Within a session it is worked out again from the book's activities and the prints.
Times are the beginning of what a number stands for; numbers are JSON numbers here.
"""

from __future__ import annotations

import datetime as dt
import re
from decimal import Decimal
from typing import NamedTuple

from quantcli.contracts.session_table import FIRST
from quantcli.exchange.calls import Answer, Call, instant_parameter
from quantcli.exchange.figures import ZERO
from quantcli.exchange.past_equity import PastEquity
from quantcli.exchange.prints import MINUTE
from quantcli.exchange.refusals import malformed, unprocessable
from quantcli.exchange.settlement import equity
from quantcli.exchange.trading_hours import (
    Micros,
    Span,
    local_date,
    micros,
    sessions_before,
    sessions_from,
    span_of,
    table_date,
)

INTRADAY_DAYS_MAX = 30

_MINUTES = {"1Min": 1, "5Min": 5, "15Min": 15, "1H": 60}
_PERIOD = re.compile(r"([1-9][0-9]{0,3})([DWMA])")
_REPORTING = ("market_hours", "extended_hours", "continuous")


class Point(NamedTuple):
    """What the account was worth at the end of (start, until], and what gains are counted from."""

    start: Micros
    until: Micros
    equity: Decimal
    base: Decimal


def get_portfolio_history(call: Call) -> Answer:
    """Return the equity over a period, with gains since before it."""
    first, last = _dates(call)
    timeframe = _timeframe(call, first, last)
    call.choice("intraday_reporting", _REPORTING)  # nothing prints outside regular hours
    call.flag("extended_hours", default=False)
    resets = call.choice("pnl_reset", ("per_day", "no_reset")) == "per_day"
    sessions = [span_of(session) for session in sessions_from(first) if session <= last] if (
        first <= last
    ) else []  # fmt: skip
    spans = [span for span in sessions if span.opens <= call.clock]
    base, base_of = _base(call, first)
    if timeframe == "1D":
        points = _by_session(call, spans, base)
    else:
        points = _within_sessions(call, spans, base, _MINUTES[timeframe], resets=resets)
    gains = [each.equity - each.base for each in points]
    return Answer(
        200,
        {
            "timestamp": [each.start // 1_000_000 for each in points],
            "equity": [float(each.equity) for each in points],
            "profit_loss": [float(gain) for gain in gains],
            "profit_loss_pct": [
                float(gain / each.base) if each.base else None
                for gain, each in zip(gains, points, strict=True)
            ],
            "base_value": float(base),
            "base_value_asof": base_of,
            "timeframe": timeframe,
            "cashflow": _cashflow(call, points),
        },
    )


def _by_session(call: Call, spans: list[Span], base: Decimal) -> list[Point]:
    closes = call.book.closes()
    points = []
    for span in spans:
        is_over = span.closes <= call.clock
        worth = closes.get(span.session.isoformat()) if is_over else equity(call.book)
        if worth is not None:  # sessions before the account was opened have none
            midnight = micros(instant_parameter(span.session.isoformat()))
            points.append(Point(midnight, span.closes, worth, base))
    return points


def _within_sessions(
    call: Call, spans: list[Span], base: Decimal, minutes: int, *, resets: bool
) -> list[Point]:
    """Return a point for each full step of regular hours, the last of a session maybe shorter."""
    venue = call.book.venue()
    assert venue is not None
    past = PastEquity(call)
    points: list[Point] = []
    for span in spans:
        day_base = base
        for start in range(span.opens, min(span.closes, call.clock), minutes * MINUTE):
            until = min(start + minutes * MINUTE, span.closes, call.clock)
            if until >= venue.opened:
                points.append(Point(start, until, past.at(span, until), day_base))
        if resets and points:
            base = points[-1].equity
    return points


def _base(call: Call, first: dt.date) -> tuple[Decimal, str]:
    """Return the equity at the newest close before a date, and the session of that close."""
    venue = call.book.venue()
    assert venue is not None
    worth = call.book.equity_before(first.isoformat())
    session = next(sessions_before(first), first)
    return (venue.opening_cash if worth is None else worth), session.isoformat()


def _dates(call: Call) -> tuple[dt.date, dt.date]:
    """Return the first and the last date asked for: two of start, end and period."""
    start, period = call.query.get("start"), call.query.get("period")
    named_end = call.query.get("end") or call.query.get("date_end")
    if start and named_end and period:
        raise malformed("only two of start, end and period are accepted")
    last = min(_date(call, named_end), local_date(call.clock)) if named_end else (
        local_date(call.clock)
    )  # fmt: skip
    if start and not period:
        return _date(call, start), last
    match = _PERIOD.fullmatch(period or "1M")
    if match is None:
        raise malformed(f"invalid period: {period}")
    count, unit = int(match[1]), match[2]
    if start:
        first = _date(call, start)
        return first, min(last, _moved(first, count, unit))
    return max(_moved(last, -count, unit), FIRST), last


def _moved(date: dt.date, count: int, unit: str) -> dt.date:
    """Return the date so many days of trading, weeks, months or years away; the day is kept out.

    A day of trading ends with the date itself, so one day back is the newest session's own date.
    """
    if unit == "D":
        return _session_away(date, count)
    if unit == "W":
        return max(date + dt.timedelta(days=7 * count + (1 if count < 0 else -1)), FIRST)
    months = date.year * 12 + date.month - 1 + count * (12 if unit == "A" else 1)
    year, month = max(months // 12, FIRST.year), months % 12 + 1
    month_end = (dt.date(year + month // 12, month % 12 + 1, 1) - dt.timedelta(days=1)).day
    return dt.date(year, month, min(date.day, month_end)) + dt.timedelta(1 if count < 0 else -1)


def _session_away(date: dt.date, count: int) -> dt.date:
    steps = sessions_before(date + dt.timedelta(days=1)) if count < 0 else sessions_from(date)
    found = date
    for _ in range(abs(count)):
        found = next(steps, found)
    return found


def _date(call: Call, text: str) -> dt.date:
    """Return the New York date of a date or an instant."""
    try:
        return table_date(micros(instant_parameter(text)))
    except ValueError as error:
        raise malformed(f"invalid date: {text}") from error


def _timeframe(call: Call, first: dt.date, last: dt.date) -> str:
    """Return the timeframe asked for, or the one that goes with the length of the period."""
    days = (last - first).days + 1
    usual = "1Min" if days < 7 else "15Min" if days < INTRADAY_DAYS_MAX else "1D"
    timeframe = call.query.get("timeframe") or usual
    if timeframe != "1D" and timeframe not in _MINUTES:
        raise malformed(f"invalid timeframe: {timeframe}")
    if timeframe != "1D" and days > INTRADAY_DAYS_MAX + 1:
        raise unprocessable(
            f"timeframe {timeframe} is for periods of at most {INTRADAY_DAYS_MAX} days"
        )
    return timeframe


def _cashflow(call: Call, points: list[Point]) -> dict[str, list[float]]:
    """Return what some types of activities moved, for each point; types without any are absent."""
    wanted = {each for each in call.query.get("cashflow_types", "").split(",") if each} - {"NONE"}
    if not wanted or not points:
        return {}
    found: dict[str, list[Decimal]] = {}
    rows = call.book.activities(
        "activity_type <> 'FILL' AND at > ? AND at <= ?",
        (points[0].start, points[-1].until),
        "ORDER BY sequence",
    )
    for row in rows:
        if "ALL" in wanted or row["activity_type"] in wanted:
            place = next(n for n, each in enumerate(points) if row["at"] <= each.until)
            sums = found.setdefault(row["activity_type"], [ZERO] * len(points))
            sums[place] += Decimal(row["net_amount"])
    return {kind: [float(each) for each in sums] for kind, sums in found.items()}
