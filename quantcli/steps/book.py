"""What the steps before an entry read: artifacts as readings, the journal as a book.

Shared by `decide` and `enforce`, so that both count the same shares and the same orders.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import TypeVar

from quantcli.contracts.envelope import Artifact
from quantcli.contracts.errors import ArtifactError, ArtifactMissing
from quantcli.contracts.orders import OrderRecord
from quantcli.contracts.scalars import ZERO
from quantcli.core.exposure import Book, Holding, open_entry
from quantcli.core.readings import Reading
from quantcli.ports.artifact_store import Located
from quantcli.steps.corporate_actions import holdings
from quantcli.steps.desk import Desk

ArtifactT = TypeVar("ArtifactT", bound=Artifact)


def reading(
    desk: Desk, model: type[ArtifactT], located: Located | None, *, missing: str, invalid: str
) -> Reading[ArtifactT]:
    """Return an artifact as a reading; whatever was found is noted as an input.

    Args:
        desk: The step's desk.
        model: The artifact's class.
        located: Where it lies; None: nowhere.
        missing: Reason code if it is not there.
        invalid: Reason code if it cannot be read or belongs elsewhere.
    """
    if located is None:
        return Reading(fault=missing)
    try:
        artifact, ref = desk.read(model, located)
    except ArtifactMissing:
        return Reading(fault=missing)
    except ArtifactError:
        return Reading(fault=invalid)
    return Reading(value=artifact, ref=ref)


def entry_orders(desk: Desk) -> tuple[OrderRecord, ...]:
    """Return entries that are not terminal, of any session, and all entries of this one."""
    live = desk.journal.orders(purpose="entry", live_only=True)
    formed = desk.journal.orders(purpose="entry", session=desk.stamp.session)
    return tuple({order.intent.client_order_id: order for order in (*live, *formed)}.values())


def book_of(desk: Desk, entries: tuple[OrderRecord, ...], marks: Mapping[str, Decimal]) -> Book:
    """Return positions after every corporate action at given marks, and what entries tie up.

    Args:
        desk: The step's desk.
        entries: As `entry_orders` returns them.
        marks: Symbol -> USD per share; a position without one gets None.
    """
    held_now = tuple(
        Holding(held.symbol, held.quantity, marks.get(held.symbol))
        for held in holdings(desk).positions
    )
    left = (open_entry(order, _booked(desk, order)) for order in entries)
    return Book(held_now, tuple(entry for entry in left if entry is not None))


def _booked(desk: Desk, order: OrderRecord) -> Decimal:
    """Return how many shares of an order the ledger holds as fills."""
    if order.cumulative_quantity == 0:
        return ZERO
    fills = desk.journal.fills(symbol=order.intent.symbol)
    ours = (fill for fill in fills if fill.client_order_id == order.intent.client_order_id)
    return sum((fill.last_quantity for fill in ours), ZERO)
