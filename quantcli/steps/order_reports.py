"""What a pass did to each order, read back from the journal rows it wrote.

Nothing here comes from memory, so a pass that was killed and resumed reports what an
undisturbed one would have. How an order got from its first state to its last is told by these
two alone: whether the answer came at once or was looked up after a crash makes no difference.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from quantcli.contracts.execution import OrderAction, OrderReport
from quantcli.contracts.journal_rows import ActionRow, FillRow, IntentRow, OrderRow
from quantcli.contracts.orders import Fill, OrderRecord
from quantcli.core.order_reports import order_report
from quantcli.ports.journal import JournalRow
from quantcli.steps.desk import Desk


class Change(NamedTuple):
    """What a pass wrote about one order, in order; no rows: it was only promised."""

    client_order_id: str
    rows: tuple[OrderRow, ...]

    @property
    def was_sent(self) -> bool:
        """True if the pass asked the broker for the order, with whatever outcome."""
        return any(row.cause == "send" for row in self.rows)


def changes(rows: Sequence[JournalRow]) -> tuple[Change, ...]:
    """Return what a pass wrote about orders, by client order id.

    Args:
        rows: All rows of the pass.
    """
    found: dict[str, list[OrderRow]] = {}
    for entry in rows:
        if isinstance(entry.row, IntentRow):
            found.setdefault(entry.row.intent.client_order_id, [])
        elif isinstance(entry.row, OrderRow):
            found.setdefault(entry.row.client_order_id, []).append(entry.row)
    return tuple(Change(name, tuple(found[name])) for name in sorted(found))


def order_reports(desk: Desk, rows: Sequence[JournalRow]) -> tuple[OrderReport, ...]:
    """Return one report for each order that a pass touched, by client order id."""
    reports = []
    for change in changes(rows):
        order = desk.journal.order(change.client_order_id)
        assert order is not None
        reports.append(_report(order, action_of(order, change.rows)))
    return tuple(reports)


def fills_booked(rows: Sequence[JournalRow]) -> tuple[Fill, ...]:
    """Return the fills that a pass booked, in booking order."""
    return tuple(entry.row.fill for entry in rows if isinstance(entry.row, FillRow))


def actions_booked(rows: Sequence[JournalRow]) -> tuple[ActionRow, ...]:
    """Return the corporate actions that a pass booked, in booking order."""
    return tuple(entry.row for entry in rows if isinstance(entry.row, ActionRow))


def action_of(order: OrderRecord, rows: tuple[OrderRow, ...]) -> OrderAction:
    """Return what a pass did to an order.

    Args:
        order: The order after the pass.
        rows: What the pass wrote about it; none: it is promised and not sent.
    """
    before = rows[0].from_state if rows else order.state
    if order.state == "UNKNOWN":
        return "unknown"
    if order.state == "REJECTED":
        return "refused"
    if order.state == "EXPIRED":
        return "expired"
    if before == "PENDING" and order.state != "PENDING":
        return "sent"
    if before == "UNKNOWN" and order.state != "PENDING":
        return "resolved"
    if order.state == "REPLACED":
        return "replaced"
    return "cancelled" if order.state == "CANCELLED" else "updated"


def _report(order: OrderRecord, action: OrderAction) -> OrderReport:
    spoken = {"sent": "sent", "resolved": "resolved-present"}.get(action)
    is_over = order.state in {"FILLED", "CANCELLED"}
    return order_report(order, action, order.code if is_over or spoken is None else spoken)
