"""When orders for the opening and the closing auction are taken, by New York's clock."""

from __future__ import annotations

import datetime as dt

from quantcli.contracts.session_table import is_session, new_york
from quantcli.exchange.order_record import TimeInForce
from quantcli.exchange.refusals import forbidden
from quantcli.exchange.trading_hours import Micros, instant_of, local_date, span_of

_FROM = dt.time(19)
_OPENING_UNTIL = dt.time(9, 28)
_CLOSING_UNTIL = dt.time(15, 50)
_BEFORE_CLOSE: Micros = 10 * 60 * 1_000_000


def check_window(time_in_force: TimeInForce, clock: Micros) -> None:
    """Refuse an auction order outside its hours.

    For the open from 19:00 to 9:28; for the close from 19:00 to 15:50, and on days that close
    early until ten minutes before. The broker's own text names a later minute for the close.

    Raises:
        Refusal: 403.
    """
    if time_in_force not in {"opg", "cls"}:
        return
    local = new_york(instant_of(clock)).time()
    if local >= _FROM:
        return
    if time_in_force == "opg":
        if local >= _OPENING_UNTIL:
            raise forbidden("opg orders must be submitted after 7:00pm and before 9:28am")
        return
    date = local_date(clock)
    is_over = is_session(date) and clock >= span_of(date).closes - _BEFORE_CLOSE
    if is_over or local >= _CLOSING_UNTIL:
        raise forbidden("cls orders must be submitted after 7:00pm and before 3:55pm")
