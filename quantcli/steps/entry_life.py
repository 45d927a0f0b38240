"""The time an entry has: when it may be sent, and how it ends when its time is over.

`execute` sends and ends entries; `exits` ends them too where they would keep a stop from being
placed, and after the close.
"""

from __future__ import annotations

import datetime as dt

from quantcli.contracts.config import Offset
from quantcli.contracts.orders import OrderIntent, OrderRecord
from quantcli.core.order_states import own_row
from quantcli.core.sessions import hours
from quantcli.steps.desk import Desk
from quantcli.steps.order_protocol import Patience, cancel, write

_ENDING = frozenset({"SUBMITTED", "PARTIALLY_FILLED", "PENDING_CANCEL"})


def is_due(desk: Desk, intent: OrderIntent, now: dt.datetime) -> bool:
    """Return whether an entry may be at the broker: in the order window, and not expired."""
    opens_at, closes_at = hours(desk.stamp.session)
    window = desk.config.window
    first = Offset.parse(window.entries_from).of(opens_at, closes_at)
    last = Offset.parse(window.entries_until).of(opens_at, closes_at)
    is_in_time = intent.expires_at is None or now < intent.expires_at
    return intent.session == desk.stamp.session and first <= now < last and is_in_time


def end_unsent(desk: Desk) -> None:
    """End entries that were never sent and whose time has passed."""
    opens_at, closes_at = hours(desk.stamp.session)
    last = Offset.parse(desk.config.window.entries_until).of(opens_at, closes_at)
    for order in desk.journal.orders(purpose="entry", live_only=True):
        intent = order.intent
        has_ended = intent.expires_at is not None and intent.expires_at <= desk.stamp.as_of
        is_over = has_ended or intent.session < desk.stamp.session or last <= desk.stamp.as_of
        if order.state == "PENDING" and is_over:
            write(desk, order, own_row(order, "EXPIRED", "expire", "intent-expired"))


def end_entry(desk: Desk, order: OrderRecord, patience: Patience) -> OrderRecord:
    """Return an entry after cancelling it if its time to live is over."""
    return cancel(desk, order, patience) if is_overdue(desk, order) else order


def is_overdue(desk: Desk, order: OrderRecord) -> bool:
    """Return whether an entry is at the broker although its time to live is over."""
    expires_at = order.intent.expires_at
    return order.state in _ENDING and expires_at is not None and expires_at <= desk.stamp.as_of
