"""`reconcile --adopt`: an operator takes one of the broker's facts into our books.

What each kind of break books stands in `adopted_books`; the reason is journaled with it. PAUSED
stays until the next reconciliation is clean.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from quantcli.contracts.errors import StateMissing, UsageError
from quantcli.contracts.journal_rows import AdoptRow
from quantcli.contracts.reconciliation import Break
from quantcli.steps.adopted_books import BOOKINGS, bookings, subjects
from quantcli.steps.desk import Desk
from quantcli.steps.reconcile import compare

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
    desk.write([why, *bookings(desk, found, taken, reason)])
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
    # A symbol may differ in quantity and in price: the price follows from the quantity.
    found = [each for each in found if each.code in BOOKINGS] or found
    if len(found) != 1:
        raise UsageError(
            "no such break" if not found else "more than one break is named so",
            value=wanted,
            hint=f"there are: {subjects(breaks) or 'none'}",
        )
    return found[0]
