"""The ways out of a position, and what may and may not stand in the way of an exit (INV-04)."""

import datetime as dt
from decimal import Decimal

import pytest

from quantcli.contracts.scalars import instant
from quantcli.ports.halts import HaltReading
from quantcli.ports.journal import Place
from tests.steps.conftest import AFTER_CLOSE, AFTER_OPEN, MARKET
from tests.steps.holdings import (
    FRIDAY_OPEN,
    WEDNESDAY_CLOSE,
    WEDNESDAY_OPEN,
    bought,
    certificate,
    reviews,
    sends,
    with_exits,
)


def test_a_stop_at_or_above_the_price_is_an_exit_now(protected):
    # On the 4th it opens at 101, below the swing low of the 27th that structure asks for.
    protected.bars.rows[dt.date(2024, 12, 3)] = {"XYZ": (112, 115, 110, 111)}
    protected.bars.rows[dt.date(2024, 12, 2)] = {"XYZ": (110, 114, 105, 113)}
    protected.to("2024-12-04T14:35:00Z")
    told = protected.exits()
    assert told.reviews[0].action == "exit"
    assert told.reviews[0].code == "stop-at-market"
    assert protected.held() == 0
    assert protected.resting() == []
    assert protected.journal.positions() == ()
    assert told.exit_code == 0
    assert [(o.purpose, o.action, o.state) for o in told.orders] == [
        ("stop", "cancelled", "CANCELLED"),
        ("exit", "sent", "FILLED"),
    ]


def test_the_target_is_taken_only_if_it_is_used():
    rig = bought(target=Decimal(103))
    rig.exits()
    rig.to("2024-11-27T14:35:00Z")  # opens at 103
    assert rig.exits().reviews[0].action == "keep"
    with_exits(rig, is_target_used=True)
    told = rig.exits("093501")
    assert (told.reviews[0].action, told.reviews[0].code) == ("exit", "target-reached")
    assert rig.held() == 0


def test_the_position_is_left_after_its_maximum_of_sessions(protected):
    with_exits(protected, hold_sessions_max=1)
    assert protected.exits("093501").reviews[0].action == "keep"
    protected.to(AFTER_CLOSE)
    assert protected.exits().reviews[0].action == "keep"
    protected.to(WEDNESDAY_OPEN)
    told = protected.exits()
    assert (told.reviews[0].action, told.reviews[0].code) == ("exit", "max-hold")
    assert protected.held() == 0


def test_an_exit_decided_after_the_close_waits_under_its_stop(protected):
    with_exits(protected, hold_sessions_max=1)
    protected.to(WEDNESDAY_CLOSE)
    told = protected.exits()
    assert (told.reviews[0].action, told.reviews[0].code) == ("wait", "max-hold")
    assert protected.resting() == [("sell", "10", "92.9")]
    assert told.exit_code == 0


def test_closed_and_uncovered_below_every_stop_the_exit_is_queued():
    rig = bought({**MARKET, "2024-11-26": {"XYZ": (100, 101, 80, 85)}})
    rig.to(AFTER_CLOSE)
    told = rig.exits()
    assert (told.reviews[0].action, told.reviews[0].code) == ("exit", "stop-at-market")
    assert certificate(told) == [("XYZ", 10, 1, 0)]
    assert rig.resting() == [("sell", "10", None)]
    rig.to(WEDNESDAY_OPEN)
    rig.exits()
    assert rig.held() == 0


def blockers(rig):
    """Everything that stops entries, one at a time."""
    yield "paused", rig.pause
    yield (
        "halt of entries",
        lambda: setattr(rig.halts, "now", HaltReading(entries=True, all=False, reason="t")),
    )
    yield "no enforce", lambda: setattr(rig.shelf, "found", None)


@pytest.mark.parametrize("number", range(3))
def test_inv04_nothing_that_stops_entries_stops_exits(number):
    for state in ("first stop", "raise", "sell"):
        rig = bought()
        if state != "first stop":
            rig.exits("093500")
            rig.to(FRIDAY_OPEN)
        if state == "sell":
            with_exits(rig, hold_sessions_max=1)
        list(blockers(rig))[number][1]()
        told = rig.exits()
        assert told.exit_code == 0
        expected = {
            "first stop": [("sell", "10", "92.9")],
            "raise": [("sell", "10", "93.9")],
            "sell": [],
        }
        assert rig.resting() == expected[state], state
        assert rig.held() == (0 if state == "sell" else 10)


def test_only_a_full_halt_stops_exits_and_it_leaves_the_stop_alone(protected):
    with_exits(protected, hold_sessions_max=1)
    protected.to(WEDNESDAY_OPEN)
    protected.halts.now = HaltReading(entries=False, all=True, reason="test")
    calls = len(sends(protected))
    told = protected.exits()
    assert told.exit_code == 9
    assert [(f.code, f.observed) for f in told.withheld] == [("halted", "XYZ")]
    assert len(sends(protected)) == calls
    assert protected.resting() == [("sell", "10", "92.9")]


def test_a_full_halt_before_the_first_stop_names_the_uncovered_shares(holder):
    holder.halts.now = HaltReading(entries=False, all=True, reason="test")
    told = holder.exits()
    assert told.exit_code == 8
    assert certificate(told) == [("XYZ", 10, 0, 10)]
    assert set(told.codes) == {"halted", "share-uncovered"}


def test_shares_held_by_a_foreign_order_are_named(holder):
    body = {
        "symbol": "XYZ",
        "qty": "10",
        "side": "sell",
        "type": "limit",
        "limit_price": "150",
        "time_in_force": "gtc",
    }
    holder.ask("POST", "/orders", body)
    told = holder.exits()
    assert reviews(told)[0][:2] == ("wait", "order-foreign")
    assert (told.exit_code, told.codes) == (8, ("share-uncovered",))
    assert sends(holder) == ["POST"]  # the entry


def test_no_plain_stop_while_a_buy_rests(rig):
    rig.approve(rig.entry(expires_at=instant("2024-11-26T20:00:00Z")))
    rig.execute()
    rig.to(AFTER_OPEN)
    body = {
        "symbol": "XYZ",
        "qty": "5",
        "side": "buy",
        "type": "limit",
        "limit_price": "50",
        "time_in_force": "day",
    }
    foreign = rig.ask("POST", "/orders", body)
    told = rig.exits("093500")
    assert reviews(told)[0][:2] == ("wait", "buy-resting")
    assert told.exit_code == 8
    assert sends(rig) == ["POST"]  # the entry
    rig.ask("DELETE", f"/orders/{foreign['id']}")
    assert rig.exits("093501").exit_code == 0
    assert rig.resting() == [("sell", "10", "92.9")]


@pytest.mark.parametrize("is_halted", [False, True])
def test_our_own_buy_does_not_keep_a_sale_that_is_due_waiting(rig, is_halted):
    """At 94 the stop at 96 is long due; a buy that may rest until 15:00 is no reason to wait."""
    late = instant("2024-11-26T20:00:00Z")
    more = rig.entry(limit="50", sequence=2, expires_at=late, signal_id="b" * 64)
    rig.approve(rig.entry(protective_stop=Decimal(96)), more)
    rig.execute()
    rig.to("2024-11-26T16:45:00Z")
    rig.halts.now = HaltReading(entries=is_halted, all=is_halted, reason="test")
    told = rig.exits()
    if is_halted:
        assert (rig.held(), rig.resting()) == (10, [("buy", "10", "50")])
        return
    assert reviews(told)[0][:2] == ("exit", "stop-at-market")
    assert (rig.held(), rig.resting(), told.exit_code) == (0, [], 0)


def test_our_own_buy_past_its_time_is_cancelled_for_the_stops_sake(rig):
    first = rig.entry()
    second = rig.entry(sequence=2, limit="80", quantity=5)
    rig.approve(first, second)
    rig.execute()
    rig.to(AFTER_OPEN)
    # execute never ran at 09:35: its remainder still rests.
    told = rig.exits()
    assert told.exit_code == 0
    assert rig.resting() == [("sell", "10", "92.9")]


def test_shares_sold_behind_our_back_shrink_the_stop(protected):
    stop = protected.book()[-1]
    protected.ask("DELETE", f"/orders/{stop['id']}")
    body = {"symbol": "XYZ", "qty": "4", "side": "sell", "type": "market", "time_in_force": "day"}
    protected.ask("POST", "/orders", body)
    told = protected.exits("093501")
    assert protected.resting() == [("sell", "6", "92.9")]
    assert "position-quantity" in told.codes
    assert told.exit_code == 8


def test_a_position_the_broker_does_not_show_is_not_sold(protected):
    protected.line.trouble = lambda m, p: ""
    stop = protected.book()[-1]
    protected.ask("DELETE", f"/orders/{stop['id']}")
    body = {"symbol": "XYZ", "qty": "10", "side": "sell", "type": "market", "time_in_force": "day"}
    protected.ask("POST", "/orders", body)
    calls = len(sends(protected))
    told = protected.exits("093501")
    assert reviews(told)[0][:2] == ("wait", "position-missing")
    assert len(sends(protected)) == calls
    assert told.exit_code == 8


def test_shares_that_a_foreign_order_holds_are_named_and_the_rest_is_protected(protected):
    # Someone replaced our stop by hand with one for four shares: it is not ours.
    stop = protected.book()[-1]
    protected.ask("PATCH", f"/orders/{stop['id']}", {"stop_price": "91", "qty": "4"})
    told = protected.exits("093501")
    assert sorted(protected.resting()) == [("sell", "4", "91"), ("sell", "6", "92.9")]
    assert certificate(told) == [("XYZ", 10, 1, 4)]
    assert told.exit_code == 8


def test_no_position_is_no_work(rig):
    rig.to(AFTER_OPEN)
    told = rig.exits()
    assert (told.exit_code, told.reviews, told.certificate) == (0, (), ())
    assert "bars/made" not in [ref.name for ref in told.inputs]


def test_a_short_position_is_named_and_left_alone(protected):
    row = protected.journal.rows(kind="fill")[0].row
    sold = row.model_copy(
        update={
            "fill": row.fill.model_copy(
                update={"execution_id": "x", "side": "sell", "last_quantity": Decimal(15)}
            )
        }
    )
    place = Place(dt.date(2024, 11, 26), "093500", "exits")
    protected.journal.append(place, [sold])
    told = protected.exits("093501")
    assert reviews(told)[0][:2] == ("wait", "position-oversold")
    assert "position-oversold" in told.codes
    assert told.exit_code == 8


def asked(artifact):
    """Return endpoint -> questions, as the artifact counts them."""
    return {each.endpoint: each.calls for each in artifact.calls}


def test_a_pass_that_sells_asks_for_positions_and_open_orders_once(protected):
    with_exits(protected, hold_sessions_max=1)
    protected.to(WEDNESDAY_OPEN)
    told = protected.exits()
    assert told.reviews[0].action == "exit"
    assert protected.journal.positions() == ()
    assert asked(told) == {
        "account": 1,
        "activities": 2,  # the sale is booked in the same pass
        "clock": 2,  # once more before the send
        "open-orders": 1,
        "order-cancel": 1,
        "order-look-up": 2,  # the cancel, then the sale, read back
        "order-submit": 1,
        "positions": 1,
    }


def test_a_pass_that_moves_nothing_asks_once_for_each(protected):
    assert asked(protected.exits("093501")) == {
        "account": 1,
        "activities": 1,
        "clock": 1,
        "open-orders": 1,
        "positions": 1,
    }
