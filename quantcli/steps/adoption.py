"""`reconcile --adopt`: an operator takes one of the broker's facts into our books.

Only what has a booking of its own can be taken: an execution of an order that is not ours, and
a difference of cash that no execution explains. Positions and their prices follow from
executions. PAUSED stays until the next reconciliation is clean.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from pydantic import ValidationError

from quantcli.contracts.broker_views import Activity
from quantcli.contracts.envelope import Frozen
from quantcli.contracts.errors import StateMissing, UsageError
from quantcli.contracts.journal_rows import AdoptRow, CashRow, FillRow
from quantcli.contracts.orders import Fill
from quantcli.contracts.reconciliation import Break
from quantcli.contracts.scalars import money
from quantcli.core.portfolio import ADOPTED_CASH
from quantcli.steps.desk import Desk
from quantcli.steps.reconcile import Comparison, compare

#: A break may be named by the first characters of its id, at least so many.
ID_CHARACTERS_MIN = 8


class Adoption(NamedTuple):
    """What was taken: the break, and what is left after it."""

    taken: Break
    left: tuple[Break, ...]


def adopt(desk: Desk, wanted: str, reason: str) -> Adoption:
    """Take one break's fact into the journal and return it with the breaks that remain.

    Args:
        desk: The operator's act; its rows belong to no step of the chain.
        wanted: The break's subject as `reconcile` prints it, or the beginning of its id.
        reason: Why; journaled.

    Raises:
        StateMissing: the journal has not begun.
        UsageError: no such break, or one that cannot be taken; nothing was written.
        BrokerError: the broker did not give a whole answer; nothing was written.
    """
    if desk.journal.genesis() is None:
        raise StateMissing(
            "the journal has no opening balance", hint="run quantcli snapshot --genesis first"
        )
    found = compare(desk)
    taken = _named(found.breaks, wanted)
    why = AdoptRow(break_id=taken.break_id, code=taken.code, subject=taken.subject, reason=reason)
    desk.write([why, _booking(desk, found, taken, reason)])
    return Adoption(taken, compare(desk).breaks)


def _named(breaks: Sequence[Break], wanted: str) -> Break:
    """Return the one break that is meant."""
    exact = [each for each in breaks if wanted in {each.subject, each.break_id}]
    by_id = [
        each
        for each in breaks
        if len(wanted) >= ID_CHARACTERS_MIN and each.break_id.startswith(wanted)
    ]
    found = exact or by_id
    # A symbol may differ in quantity and in price: of those that can be taken there is one.
    found = [each for each in found if each.code in _BOOKINGS] or found
    if len(found) != 1:
        raise UsageError(
            "no such break" if not found else "more than one break is named so",
            value=wanted,
            hint=f"there are: {_subjects(breaks) or 'none'}",
        )
    return found[0]


def _booking(desk: Desk, found: Comparison, taken: Break, reason: str) -> Frozen:
    booking = _BOOKINGS.get(taken.code)
    if booking is None:
        raise UsageError(
            f"{taken.code} cannot be taken into the books",
            value=taken.subject,
            hint="adopt the executions behind it, or undo it at the broker; see runbook/paused.md",
        )
    return booking(desk, found, taken, reason)


def _fill(desk: Desk, found: Comparison, taken: Break, reason: str) -> FillRow:
    shown = {item.activity_id: item for item in found.synced.activities or ()}
    return FillRow(fill=_fill_of(shown[taken.subject]))


def _fill_of(activity: Activity) -> Fill:
    """Return the fill of an order that is not ours; the broker's id stands for ours."""
    try:
        return Fill.model_validate(
            {
                "execution_id": activity.activity_id,
                "client_order_id": activity.order_id,
                "broker_order_id": activity.order_id,
                "symbol": activity.symbol,
                "side": activity.side,
                "last_quantity": activity.quantity,
                "last_price": activity.price,
                "filled_at": activity.at,
            }
        )
    except ValidationError as error:
        raise UsageError(
            "the execution is none that our books can hold",
            value=activity.activity_id,
            hint="undo it at the broker; see runbook/paused.md",
        ) from error


def _cash(desk: Desk, found: Comparison, taken: Break, reason: str) -> CashRow:
    """Return the movement that makes our cash theirs: last, what executions do comes before."""
    fills = [each for each in found.breaks if each.kind == "fill"]
    if fills:
        raise UsageError(
            "executions explain cash: adopt those first",
            value=taken.subject,
            hint=f"there are: {_subjects(fills)}",
        )
    return CashRow(
        activity_id=f"adopted-{taken.break_id}-{desk.journal.head().seq}",
        activity_type=ADOPTED_CASH,
        net_amount=money(found.account.cash) - found.cash_ours,
        session=desk.stamp.session,
        symbol=None,
        description=reason,
    )


def _subjects(breaks: Iterable[Break]) -> str:
    return ", ".join(f"{each.code} {each.subject}" for each in breaks)


_BOOKINGS = {"fill-foreign": _fill, "cash-difference": _cash}
