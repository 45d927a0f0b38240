"""Positions and cash, by numbers worked out on paper, and by order-free properties."""

import datetime as dt
from decimal import Decimal
from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from quantcli.core.ledger import (
    apply_fill,
    cash_effect,
    in_booking_order,
    invariants_broken,
    is_late,
    quantity_filled,
    signed_quantity,
)
from tests.core.made_orders import OPEN, SESSION, fill, intent, order


def booked(*fills):
    position = None
    for each in fills:
        position = apply_fill(position, each, SESSION)
    return position


def test_the_first_fill_opens_the_position():
    position = booked(fill(10, "100.25", of=intent()))
    assert position.quantity == 10
    assert position.average_price == Decimal("100.25")
    assert position.opened_session == SESSION
    assert position.opened_at == OPEN
    assert position.entry_client_order_id == intent().client_order_id


def test_buys_average_their_cost_and_keep_the_opening():
    # 10 at 100 and 20 at 103 cost 3060 together: 102 each.
    position = booked(fill(10, 100), fill(20, 103, execution_id="f-2", minutes=1))
    assert (position.quantity, position.average_price) == (30, 102)
    assert position.opened_at == OPEN


def test_a_thirds_average_keeps_its_places():
    # 1 at 10 and 2 at 11: 32 / 3, not 10.6667.
    position = booked(fill(1, 10), fill(2, 11, execution_id="f-2"))
    assert abs(position.average_price - Decimal(32) / 3) < Decimal("1e-20")


def test_sells_reduce_and_leave_the_cost():
    position = booked(fill(10, 100), fill(4, 120, "sell", "f-2"))
    assert (position.quantity, position.average_price) == (6, 100)


def test_the_last_share_keeps_its_cost():
    position = booked(fill(10, 100), fill(9, 120, "sell", "f-2"))
    assert (position.quantity, position.average_price) == (1, 100)


def test_selling_the_last_share_leaves_nothing():
    assert booked(fill(10, 100), fill(10, 90, "sell", "f-2")) is None


def test_an_oversell_is_booked_as_it_happened():
    position = booked(fill(10, 100), fill(12, 90, "sell", "f-2", minutes=3))
    assert (position.quantity, position.average_price) == (-2, 90)
    assert position.opened_at == OPEN + dt.timedelta(minutes=3)


def test_a_short_position_averages_and_closes_like_a_long_one():
    short = booked(fill(2, 90, "sell"), fill(2, 94, "sell", "f-2"))
    assert (short.quantity, short.average_price) == (-4, 92)
    assert apply_fill(short, fill(4, 80, execution_id="f-3"), SESSION) is None
    less = apply_fill(short, fill(1, 80, execution_id="f-3"), SESSION)
    assert (less.quantity, less.average_price) == (-3, 92)


def test_cash_is_rounded_to_the_cent_half_even():
    assert cash_effect(fill(10, "100.25")) == Decimal("-1002.50")
    assert cash_effect(fill(10, "100.25", "sell")) == Decimal("1002.50")
    # 5 x 0.0010 = 0.005 goes to the even cent 0.00; 15 x 0.0010 = 0.015 to 0.02.
    assert cash_effect(fill(5, "0.0010", "sell")) == Decimal("0.00")
    assert cash_effect(fill(15, "0.0010", "sell")) == Decimal("0.02")


@st.composite
def executions(draw):
    count = draw(st.integers(1, 8))
    return [
        fill(
            draw(st.integers(1, 500)),
            Decimal(draw(st.integers(1, 9_999_999))) / 10_000,
            execution_id=f"f-{number}",
            minutes=draw(st.integers(0, 3)),
        )
        for number in range(count)
    ]


@given(executions(), st.randoms(use_true_random=False))
def test_inv18_reports_in_any_order_and_number_give_the_same_ledger(fills, random):
    reported = fills + random.sample(fills, random.randint(0, len(fills)))
    random.shuffle(reported)
    assert booked(*in_booking_order(reported)) == booked(*in_booking_order(fills))
    assert len(in_booking_order(reported)) == len(fills)


@given(executions())
def test_inv17_the_position_is_the_sum_of_its_fills(fills):
    position = booked(*fills)
    shares = sum(Fraction(each.last_quantity) for each in fills)
    cost = sum(Fraction(each.last_quantity) * Fraction(each.last_price) for each in fills)
    assert Fraction(position.quantity) == shares
    assert abs(Fraction(position.average_price) - cost / shares) < Fraction(1, 10**15)


@given(st.lists(st.tuples(st.sampled_from(["buy", "sell"]), st.integers(1, 50)), max_size=12))
def test_inv17_holds_through_zero_and_back(trades):
    fills = [fill(n, 10, side, f"f-{i}") for i, (side, n) in enumerate(trades)]
    position = booked(*fills)
    total = sum(signed_quantity(each) for each in fills)
    assert (0 if position is None else position.quantity) == total


def test_fills_of_one_order_add_up():
    mine, other = intent(), intent(sequence=2)
    fills = [fill(3, 10, of=mine), fill(4, 10, of=other), fill(5, 10, of=mine)]
    assert quantity_filled(fills, mine.client_order_id) == 8
    assert quantity_filled((), mine.client_order_id) == 0


def test_a_fill_is_late_only_beyond_the_final_word():
    # The order was cancelled with 6 of 10 filled: fills up to 6 are the details of that.
    ended = order("CANCELLED", cumulative=6)
    assert not is_late(ended, Decimal(2), fill(4, 100))
    assert is_late(ended, Decimal(2), fill(5, 100))
    assert not is_late(order("PARTIALLY_FILLED", cumulative=2), Decimal(2), fill(5, 100))
    assert not is_late(order("PENDING", broker_order_id=None), Decimal(0), fill(5, 100))


def test_what_a_fill_breaks():
    working, position = order("SUBMITTED", quantity=10), booked(fill(5, 100))
    assert invariants_broken(working, Decimal(0), None, fill(10, 100)) == ()
    assert invariants_broken(working, Decimal(1), None, fill(10, 100)) == ("order-overfilled",)
    stop = order("SUBMITTED", purpose="stop", quantity=10)
    assert invariants_broken(stop, Decimal(0), position, fill(5, 90, "sell")) == ()
    assert invariants_broken(stop, Decimal(0), position, fill(6, 90, "sell")) == (
        "position-oversold",
    )
    gone = order("CANCELLED", quantity=10, cumulative=0)
    assert invariants_broken(gone, Decimal(0), None, fill(11, 100)) == (
        "order-overfilled",
        "late-fill",
    )
