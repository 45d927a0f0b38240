"""Each kind of break, by one example and its neighbour that is none."""

import datetime as dt
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quantcli.contracts.broker_views import Activity, BrokerPosition
from quantcli.contracts.positions import PositionRecord
from quantcli.contracts.reasons import REASONS
from quantcli.core.reconciliation import (
    account_breaks,
    break_of,
    cash_breaks,
    fill_breaks,
    first_day_breaks,
    order_breaks,
    position_breaks,
    quantity_breaks,
    rule_breaks,
)
from tests.core.made_orders import OPEN, SESSION, fill, intent, order, shown


def ours(symbol="AAPL", quantity=10, average="100"):
    return PositionRecord(symbol, Decimal(quantity), Decimal(average), SESSION, OPEN, None)


def theirs(symbol="AAPL", quantity="10", average="100"):
    return BrokerPosition(symbol, Decimal(quantity), Decimal(average), Decimal(101), None)


def told(breaks):
    return [(item.code, item.subject, item.ours, item.theirs) for item in breaks]


def test_a_break_is_named_by_what_differs_and_nothing_else():
    # sha256 of position|position-quantity|AAPL|10|11, worked out with sha256sum
    expected = "0b28a20fb459582642410490869e2127814b67fd1492e81354f38d7ee89ce606"
    made = break_of("position", "position-quantity", "AAPL", "10", "11", "AAPL")
    same = break_of("position", "position-quantity", "AAPL", "10", "11")
    assert made.break_id == same.break_id == expected
    others = [
        break_of("order", "position-quantity", "AAPL", "10", "11"),
        break_of("position", "position-price", "AAPL", "10", "11"),
        break_of("position", "position-quantity", "MSFT", "10", "11"),
        break_of("position", "position-quantity", "AAPL", "9", "11"),
        break_of("position", "position-quantity", "AAPL", "10", None),
    ]
    assert len({made.break_id, *(item.break_id for item in others)}) == 6


def test_equal_positions_are_no_break():
    assert position_breaks([ours()], [theirs(quantity="10.0000")]) == []
    assert position_breaks([], [theirs(quantity="0")]) == []
    assert position_breaks([], []) == []


@pytest.mark.parametrize(
    ("mine", "shown_", "expected"),
    [
        ([ours()], [], ("position-missing", "AAPL", "10", None)),
        ([], [theirs()], ("position-foreign", "AAPL", None, "10")),
        ([ours()], [theirs(quantity="11")], ("position-quantity", "AAPL", "10", "11")),
        (
            [ours()],
            [theirs(average="100.0002")],
            ("position-price", "AAPL", "100.0000", "100.0002"),
        ),
        ([ours(quantity=-2)], [theirs()], ("position-quantity", "AAPL", "-2", "10")),
    ],
)
def test_positions_that_differ(mine, shown_, expected):
    assert told(position_breaks(mine, shown_)) == [expected]


def test_average_prices_may_differ_by_their_rounding():
    # A third: we keep all places, the broker shows four.
    third = ours(average=str(Decimal(32) / 3))
    assert position_breaks([third], [theirs(average="10.6667")]) == []


def test_a_difference_of_one_ten_thousandth_is_rounding():
    assert position_breaks([ours()], [theirs(average="100.0001")]) == []
    assert position_breaks([ours()], [theirs(average="99.9999")]) == []


def test_positions_come_in_the_order_of_symbols():
    mine = [ours("MSFT"), ours("AAPL")]
    assert [item.subject for item in position_breaks(mine, [])] == ["AAPL", "MSFT"]


def test_cash_to_the_cent():
    assert cash_breaks(Decimal("99.99"), Decimal("99.990")) == []
    assert told(cash_breaks(Decimal("99.99"), Decimal("100.00"))) == [
        ("cash-difference", "cash", "99.99", "100.00")
    ]


def test_the_account_is_the_one_the_journal_began_with():
    assert account_breaks("a", "a") == []
    assert told(account_breaks("a", "b")) == [("account-differs", "account", "a", "b")]


def orders_told(live, open_orders, known=None):
    known = {item.intent.client_order_id: item for item in known or live}
    return told(order_breaks(live, known, open_orders))


def test_an_order_that_is_open_on_both_sides_is_no_break():
    working = order("SUBMITTED")
    assert orders_told([working], [shown(working.intent)]) == []


@pytest.mark.parametrize(
    ("state", "is_missing"),
    [
        ("SUBMITTED", True),
        ("PARTIALLY_FILLED", True),
        ("PENDING_CANCEL", True),
        ("PENDING", False),
        ("UNKNOWN", False),
    ],
)
def test_an_order_that_we_hold_to_be_working_must_be_open(state, is_missing):
    working = order(state)
    name = working.intent.client_order_id
    expected = [("order-missing", name, state, None)] if is_missing else []
    assert orders_told([working], []) == expected


def test_an_order_that_vanished_is_still_missed():
    vanished = order("UNKNOWN").model_copy(update={"code": "order-missing"})
    name = vanished.intent.client_order_id
    assert orders_told([vanished], []) == [("order-missing", name, "UNKNOWN", None)]
    assert orders_told([vanished], [shown(vanished.intent)]) == []


def test_an_open_order_that_is_not_ours():
    foreign = shown(intent())._replace(client_order_id="by-hand")
    assert orders_told([], [foreign]) == [
        ("order-foreign", "by-hand", None, "buy 10 AAPL limit day limit 100.0000")
    ]


@pytest.mark.parametrize(
    "change",
    [
        {"symbol": "MSFT"},
        {"side": "sell"},
        {"quantity": Decimal(11)},
        {"quantity": None},
        {"order_type": "market"},
        {"time_in_force": "gtc"},
        {"limit_price": Decimal("100.01")},
        {"limit_price": None},
        {"stop_price": Decimal(90)},
    ],
)
def test_inv16_sent_equals_intended(change):
    working = order("SUBMITTED")
    found = orders_told([working], [shown(working.intent)._replace(**change)])
    assert [item[0] for item in found] == ["order-differs"]


def test_trailing_zeros_are_no_difference():
    working = order("SUBMITTED")
    same = shown(working.intent)._replace(limit_price=Decimal("100.00"), quantity=Decimal("10.0"))
    assert orders_told([working], [same]) == []


@pytest.mark.parametrize("state", ["CANCELLED", "FILLED", "PENDING"])
def test_an_order_open_at_the_broker_that_we_hold_to_be_over_or_unsent(state):
    over = order(state)
    found = orders_told([], [shown(over.intent)], known=[over])
    assert found == [("order-differs", over.intent.client_order_id, state, "working")]


def activity(execution_id="f-1", quantity="10", price="100", order_id="b-1", side="buy"):
    return Activity(
        activity_id=execution_id,
        activity_type="FILL",
        at=OPEN,
        date=None,
        symbol="AAPL",
        side=side,
        quantity=None if quantity is None else Decimal(quantity),
        price=None if price is None else Decimal(price),
        order_id=order_id,
        net_amount=None,
    )


OURS = frozenset({"b-1"})


def test_equal_fills_are_no_break():
    assert fill_breaks([fill(10, 100)], [activity(quantity="10.0", price="100.00")], OURS) == []


@pytest.mark.parametrize(
    ("booked", "shown_", "expected"),
    [
        ([fill(10, 100)], [], ("fill-missing", "f-1", "buy 10 AAPL at 100.0000", None)),
        ([], [activity()], ("fill-missing", "f-1", None, "buy 10 AAPL at 100.0000")),
        (
            [],
            [activity(order_id="b-2")],
            ("fill-foreign", "f-1", None, "buy 10 AAPL at 100.0000"),
        ),
        (
            [fill(10, 100)],
            [activity(price="101")],
            ("fill-missing", "f-1", "buy 10 AAPL at 100.0000", "buy 10 AAPL at 101.0000"),
        ),
        ([], [activity(quantity=None)], ("fill-missing", "f-1", None, "buy ? AAPL at ?")),
    ],
)
def test_fills_that_differ(booked, shown_, expected):
    assert told(fill_breaks(booked, shown_, OURS)) == [expected]


def test_fills_that_do_not_add_up_to_what_the_order_reports():
    half = order("PARTIALLY_FILLED", cumulative=6)
    name = half.intent.client_order_id
    assert quantity_breaks([half], {name: Decimal(6)}) == []
    assert told(quantity_breaks([half], {})) == [("fill-missing", name, "0", "6")]
    # The fill may be read after the order: more is no break until it is more than was ordered.
    assert quantity_breaks([half], {name: Decimal(10)}) == []
    assert told(quantity_breaks([half], {name: Decimal(11)})) == [
        ("order-overfilled", name, "11", "ordered 10")
    ]


def test_our_own_rules_are_breaks_whatever_both_sides_agree_on():
    found = rule_breaks([fill(3, 100)], [ours(quantity=-2), ours("MSFT")], ["order-differs"])
    assert told(found) == [
        ("late-fill", "f-1", None, "buy 3 AAPL at 100.0000"),
        ("position-oversold", "AAPL", "-2", None),
        ("order-differs", "orders", None, None),
    ]


def test_before_the_journal_begins_the_account_must_be_empty():
    assert first_day_breaks([theirs(quantity="0")], []) == []
    found = first_day_breaks([theirs()], [shown(intent())])
    assert [(item.kind, item.code) for item in found] == [
        ("position", "journal-not-empty-account"),
        ("order", "journal-not-empty-account"),
    ]


def test_every_code_is_registered():
    foreign = shown(intent())._replace(client_order_id="by-hand")
    found = [
        *position_breaks([ours()], []),
        *order_breaks([order("SUBMITTED")], {}, [foreign]),
        *fill_breaks([fill(1, 1)], [activity("f-2", order_id="b-2")], OURS),
        *rule_breaks([fill(3, 100)], [ours(quantity=-2)], []),
    ]
    assert {item.code for item in found} <= REASONS.keys()


@given(
    st.dictionaries(st.sampled_from(["A", "B", "C"]), st.integers(-3, 3)),
    st.dictionaries(st.sampled_from(["A", "B", "C"]), st.integers(-3, 3)),
)
def test_there_is_a_break_exactly_where_quantities_differ(held, seen):
    mine = [ours(symbol, n) for symbol, n in held.items() if n]
    yours = [theirs(symbol, n) for symbol, n in seen.items()]
    found = {item.subject for item in position_breaks(mine, yours)}
    assert found == {s for s in "ABC" if held.get(s, 0) != seen.get(s, 0)}


def test_fills_beyond_the_stretch_are_the_callers_to_leave_out():
    late = fill(10, 100).model_copy(update={"filled_at": OPEN - dt.timedelta(days=9)})
    assert [item.code for item in fill_breaks([late], [], OURS)] == ["fill-missing"]
