"""Every pair of states, judged against an independent list of what may follow what."""

import itertools
from decimal import Decimal
from typing import get_args

import pytest

from quantcli.contracts.errors import (
    BrokerConfirmationRequiredError,
    InvalidTransitionError,
    LedgerError,
    TerminalStateError,
)
from quantcli.contracts.orders import OrderState
from quantcli.contracts.reasons import REASONS
from quantcli.core.order_states import (
    apply_order_row,
    check_transition,
    code_of,
    ended_row,
    own_row,
    row_of,
    state_of,
)
from tests.core.made_orders import OPEN, fill, intent, order, row, shown

STATES = get_args(OrderState)
FINAL = {"FILLED", "CANCELLED", "REJECTED", "EXPIRED", "REPLACED"}

# Written down by hand, state by state: "!" marks the changes that need the broker's order id.
LEGAL = {
    "PENDING": "UNKNOWN EXPIRED REJECTED SUBMITTED! PARTIALLY_FILLED! FILLED! CANCELLED!",
    "UNKNOWN": "PENDING REJECTED EXPIRED SUBMITTED! PARTIALLY_FILLED! FILLED! PENDING_CANCEL!"
    " CANCELLED! REPLACED!",
    "SUBMITTED": "EXPIRED PARTIALLY_FILLED! FILLED! PENDING_CANCEL! CANCELLED! REPLACED!"
    " REJECTED! UNKNOWN!",
    "PARTIALLY_FILLED": "PARTIALLY_FILLED! FILLED! PENDING_CANCEL! CANCELLED! REPLACED!"
    " REJECTED! EXPIRED! UNKNOWN!",
    "PENDING_CANCEL": "PENDING_CANCEL! SUBMITTED! PARTIALLY_FILLED! FILLED! CANCELLED! REPLACED!"
    " REJECTED! EXPIRED! UNKNOWN!",
}


@pytest.mark.parametrize(("before", "after"), list(itertools.product(STATES, STATES)))
def test_inv14_every_pair_of_states(before, after):
    words = LEGAL.get(before, "").split()
    if before in FINAL:
        with pytest.raises(TerminalStateError):
            check_transition(before, after, "b-1")
    elif f"{after}!" in words:
        check_transition(before, after, "b-1")
        with pytest.raises(BrokerConfirmationRequiredError):
            check_transition(before, after, None)
        with pytest.raises(BrokerConfirmationRequiredError):
            check_transition(before, after, "")
    elif after in words:
        check_transition(before, after, None)
    else:
        with pytest.raises(InvalidTransitionError):
            check_transition(before, after, "b-1")


def test_a_row_is_judged_against_the_stored_state_not_the_callers():
    filled = order("FILLED", cumulative=10)
    remembered = row(filled, "CANCELLED", from_state="SUBMITTED")
    with pytest.raises(InvalidTransitionError, match="the order is FILLED"):
        apply_order_row(filled, remembered)


def test_partial_fills_may_repeat_and_the_last_word_counts():
    record = order("SUBMITTED")
    for cumulative in (3, 3, 7):
        record = apply_order_row(record, row(record, "PARTIALLY_FILLED", cumulative))
    record = apply_order_row(record, row(record, "EXPIRED"))
    assert (record.state, record.cumulative_quantity) == ("EXPIRED", 7)
    assert record.leaves_quantity == 0


def test_inv19_cumulative_quantity_never_falls():
    record = order("PARTIALLY_FILLED", cumulative=7)
    with pytest.raises(InvalidTransitionError, match="never falls"):
        apply_order_row(record, row(record, "CANCELLED", 6))


def test_an_order_keeps_the_brokers_id_it_was_given():
    record = order("PENDING", broker_order_id=None)
    record = apply_order_row(record, row(record, "SUBMITTED", broker_order_id="b-7"))
    record = apply_order_row(record, row(record, "PENDING_CANCEL"))
    assert record.broker_order_id == "b-7"
    with pytest.raises(InvalidTransitionError, match="another broker order id"):
        apply_order_row(record, row(record, "CANCELLED", broker_order_id="b-8"))


def test_what_a_row_does_not_tell_stays():
    record = order("SUBMITTED", average=Decimal(99), submitted_at=OPEN)
    after = apply_order_row(record, row(record, "PENDING_CANCEL", code="x", message="y"))
    assert (after.average_price, after.submitted_at) == (99, OPEN)
    assert (after.code, after.message) == ("x", "y")
    told = row(record, "PARTIALLY_FILLED", 4, average_price=Decimal(98))
    assert apply_order_row(record, told).average_price == 98


@pytest.mark.parametrize(
    ("status", "cumulative", "state"),
    [
        ("accepted", 0, "SUBMITTED"),
        ("working", 0, "SUBMITTED"),
        ("working", 1, "PARTIALLY_FILLED"),
        ("working", 10, "FILLED"),
        ("partially_filled", 4, "PARTIALLY_FILLED"),
        ("filled", 10, "FILLED"),
        ("pending_cancel", 4, "PENDING_CANCEL"),
        ("pending_cancel", 10, "FILLED"),
        ("canceled", 0, "CANCELLED"),
        ("canceled", 4, "CANCELLED"),
        ("expired", 4, "EXPIRED"),
        ("rejected", 0, "REJECTED"),
        ("replaced", 0, "REPLACED"),
        ("unknown", 0, "UNKNOWN"),
        ("unknown", 10, "FILLED"),
    ],
)
def test_the_brokers_words(status, cumulative, state):
    of = intent(quantity=10)
    assert state_of(shown(of, status, cumulative), of.quantity) == state


def test_nothing_new_is_no_row():
    record = order("PARTIALLY_FILLED", cumulative=4)
    assert row_of(record, shown(record.intent, "partially_filled", 4), "sync") is None
    more = row_of(record, shown(record.intent, "partially_filled", 5), "sync")
    assert (more.to_state, more.cumulative_quantity) == ("PARTIALLY_FILLED", 5)


def test_a_row_from_the_broker_carries_all_it_said():
    record = order("UNKNOWN", broker_order_id=None)
    seen = shown(record.intent, "filled", 10, average_price=Decimal("99.5"), broker_order_id="b-9")
    told = row_of(record, seen, "look-up")
    assert told.model_dump(exclude={"client_order_id"}) == {
        "from_state": "UNKNOWN",
        "to_state": "FILLED",
        "cause": "look-up",
        "code": "filled",
        "message": None,
        "broker_order_id": "b-9",
        "cumulative_quantity": 10,
        "average_price": Decimal("99.5"),
        "submitted_at": OPEN,
        "correlation_id": record.intent.signal_id or record.intent.intent_id,
    }
    assert apply_order_row(record, told).state == "FILLED"


def test_our_own_rows_leave_quantities_alone():
    record = order("PARTIALLY_FILLED", cumulative=4, average=Decimal(99))
    ours = own_row(record, "PENDING_CANCEL", "cancel", None)
    assert (ours.cumulative_quantity, ours.average_price) == (4, 99)
    assert apply_order_row(record, ours).state == "PENDING_CANCEL"


@pytest.mark.parametrize(
    ("before", "purpose", "after", "cumulative", "cause", "code"),
    [
        ("UNKNOWN", "entry", "SUBMITTED", 0, "send", "sent"),
        ("UNKNOWN", "entry", "SUBMITTED", 0, "look-up", "resolved-present"),
        ("PENDING", "stop", "SUBMITTED", 0, "send", "sent"),
        ("UNKNOWN", "entry", "FILLED", 10, "send", "filled"),
        ("SUBMITTED", "stop", "FILLED", 10, "sync", "sold"),
        ("SUBMITTED", "entry", "PARTIALLY_FILLED", 4, "sync", None),
        ("SUBMITTED", "entry", "CANCELLED", 0, "cancel", "ttl-expired"),
        ("PENDING_CANCEL", "entry", "CANCELLED", 0, "sync", "ttl-expired"),
        ("SUBMITTED", "entry", "CANCELLED", 0, "sync", "order-unfilled"),
        ("SUBMITTED", "entry", "CANCELLED", 1, "cancel", "filled-partly"),
        ("SUBMITTED", "entry", "EXPIRED", 0, "sync", "order-unfilled"),
        ("PARTIALLY_FILLED", "entry", "EXPIRED", 4, "sync", "filled-partly"),
        ("SUBMITTED", "stop", "CANCELLED", 0, "cancel", None),
        ("SUBMITTED", "stop", "REPLACED", 0, "replace", None),
        ("SUBMITTED", "exit", "REJECTED", 0, "sync", "order-refused"),
        ("SUBMITTED", "entry", "UNKNOWN", 0, "sync", "outcome-unknown"),
    ],
)
def test_why_an_order_changed(before, purpose, after, cumulative, cause, code):
    record = order(before, purpose=purpose)
    assert code_of(record, after, Decimal(cumulative), cause) == code
    assert code is None or code in REASONS


def test_all_of_these_errors_are_breaks():
    for error in (TerminalStateError, InvalidTransitionError, BrokerConfirmationRequiredError):
        assert issubclass(error, LedgerError)
        assert error.exit_code == 8


# ------------------------------------------------------------------------------ ended by its fills


@pytest.mark.parametrize(
    ("filled", "state", "code", "average"),
    [
        ((), "EXPIRED", "outcome-unknown", None),
        ((4,), "EXPIRED", "filled-partly", Decimal("100.0000")),
        ((4, 6), "FILLED", "filled", Decimal("100.6000")),
    ],
)
def test_an_order_that_is_shown_no_more_ends_as_its_fills_tell(filled, state, code, average):
    lost = order("UNKNOWN", quantity=10)
    booked = [
        fill(shares, 100 + number, execution_id=f"f-{number}", of=lost.intent)
        for number, shares in enumerate(filled)
    ]

    found = ended_row(lost, [*booked, fill(7, 90, execution_id="f-9", of=intent(sequence=2))])

    assert (found.to_state, found.code) == (state, code)
    assert found.cumulative_quantity == sum(filled)
    assert found.average_price == average
    assert apply_order_row(lost, found).state == state


def test_fills_that_the_order_told_of_before_they_were_booked_are_kept():
    lost = order("UNKNOWN", quantity=10, cumulative=4, average=Decimal(100))

    found = ended_row(lost, [])

    assert (found.to_state, found.code) == ("EXPIRED", "filled-partly")
    assert found.cumulative_quantity == 4
