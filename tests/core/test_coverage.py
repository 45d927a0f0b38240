"""The stop-coverage certificate: what covers a share, and for how long none did."""

import datetime as dt
from decimal import Decimal

import pytest

from quantcli.core.coverage import coverage, is_covering, unprotected_seconds
from tests.core.made_orders import OPEN, fill, order

SEVEN = Decimal(7)


def stop(quantity, minutes, state="SUBMITTED", sequence=1, cumulative=0):
    return order(
        state,
        purpose="stop",
        quantity=quantity,
        sequence=sequence,
        cumulative=cumulative,
        submitted_at=OPEN + dt.timedelta(minutes=minutes),
    )


@pytest.mark.parametrize(
    ("state", "covers"),
    [
        ("SUBMITTED", True),
        ("PARTIALLY_FILLED", True),
        ("PENDING", False),
        ("UNKNOWN", False),
        ("PENDING_CANCEL", False),
        ("CANCELLED", False),
        ("FILLED", False),
    ],
)
def test_only_what_certainly_works_covers(state, covers):
    assert is_covering(stop(10, 0, state)) is covers


def test_an_entry_never_covers():
    assert not is_covering(order("SUBMITTED", purpose="entry"))


def test_stops_and_exits_cover_together():
    half = order("SUBMITTED", purpose="exit", quantity=4)
    told = coverage(Decimal(10), [stop(6, 0), half])
    assert told.uncovered == 0
    assert told.covered_by == (
        stop(6, 0).intent.client_order_id,
        half.intent.client_order_id,
    )


def test_what_was_sold_already_covers_no_more():
    assert coverage(Decimal(10), [stop(10, 0, "PARTIALLY_FILLED", cumulative=3)]).uncovered == 3


def test_too_much_cover_is_not_counted_back():
    assert coverage(Decimal(4), [stop(10, 0)]).uncovered == 0


def test_no_stop_leaves_all_uncovered():
    assert coverage(Decimal(4), []) == ((), Decimal(4))


def seconds(fills, stops, uncovered=0, at=60):
    as_of = OPEN + dt.timedelta(minutes=at)
    return unprotected_seconds(OPEN, fills, stops, Decimal(uncovered), as_of)


def test_from_the_fill_to_the_stop():
    assert seconds([fill(10, 100)], [stop(10, 5)]) == 300


def test_a_raised_stop_does_not_count_again():
    assert seconds([fill(10, 100)], [stop(10, 5, "REPLACED"), stop(10, 45, sequence=2)]) == 300


def test_a_later_partial_fill_waits_for_the_stop_that_is_large_enough():
    fills = [fill(4, 100), fill(6, 100, execution_id="f-2", minutes=7)]
    assert seconds(fills, [stop(4, 5, "REPLACED"), stop(10, 30, sequence=2)]) == 23 * 60


def test_without_a_stop_the_wait_lasts_until_now():
    assert seconds([fill(10, 100)], [], uncovered=10) == 3600
    assert seconds([fill(10, 100)], [stop(4, 5)], uncovered=6) == 3600


def test_two_stops_that_cover_together_count_from_the_later():
    assert seconds([fill(10, 100)], [stop(4, 5), stop(6, 8, sequence=2)]) == 480


def test_sold_shares_need_no_cover_and_old_positions_do_not_count():
    older = fill(50, 90, execution_id="f-0", minutes=-10)
    sold = fill(6, 101, "sell", execution_id="f-2", minutes=10)
    again = fill(5, 100, execution_id="f-3", minutes=20)
    assert seconds([older, fill(10, 100), sold, again], [stop(10, 1)]) == 60


def test_a_stop_that_stood_before_the_fill_waits_for_nothing():
    assert seconds([fill(10, 100, minutes=3)], [stop(10, 1)]) == 0


def test_a_stop_placed_in_the_instant_of_the_fill_waits_for_nothing():
    assert seconds([fill(10, 100)], [stop(10, 0)]) == 0


def test_a_stop_that_never_reached_the_broker_covers_no_time():
    unsent = order("PENDING", purpose="stop", quantity=10)
    assert seconds([fill(10, 100)], [unsent, stop(10, 5, sequence=2)]) == 300


def test_one_bare_share_keeps_the_wait_going():
    assert seconds([fill(10, 100)], [stop(9, 5)], uncovered=1) == 3600


def test_of_three_partial_stops_the_last_ends_the_wait():
    stops = [stop(4, 5), stop(3, 6, sequence=2), stop(3, 8, sequence=3)]
    assert seconds([fill(10, 100)], stops) == 480
