"""/_sim/clock: the one thing that a real broker does not offer, the hand on its clock."""

from __future__ import annotations

import datetime as dt

from quantcli.contracts.errors import SessionError
from quantcli.contracts.scalars import instant
from quantcli.exchange.advance import advance
from quantcli.exchange.calls import Answer, Call
from quantcli.exchange.refusals import malformed, unprocessable
from quantcli.exchange.trading_hours import micros, spelled_instant


def get_sim_clock(call: Call) -> Answer:
    """Return the simulated clock."""
    return Answer(200, {"timestamp": spelled_instant(call.clock)})


def post_sim_clock(call: Call) -> Answer:
    """Move the clock to the instant `to`; return what happened on the way."""
    text = call.json_body().get("to")
    if not isinstance(text, str):
        raise malformed("to is required: an RFC 3339 instant")
    try:
        to: dt.datetime = instant(text)
    except ValueError as error:
        raise malformed(f"invalid to: {text}") from error
    try:
        summary = advance(call.book, call.market, call.settings, micros(to))
    except (ValueError, SessionError) as error:
        raise unprocessable(str(error)) from error
    return Answer(200, summary._asdict() | {"timestamp": spelled_instant(micros(to))})
