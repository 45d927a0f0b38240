"""`exits` while the broker fails, refuses, forgets, and while the process dies."""

from dataclasses import replace
from decimal import Decimal

import pytest

from quantcli.contracts.journal_rows import IntentRow, ReviewRow
from quantcli.contracts.scalars import instant
from quantcli.ports.halts import HaltReading
from tests.steps.conftest import AFTER_CLOSE, AFTER_OPEN, MARKET
from tests.steps.holdings import (
    FRIDAY_OPEN,
    WEDNESDAY_OPEN,
    bought,
    certificate,
    count_appends,
    crash_at,
    reviews,
    sends,
    with_exits,
    without_inputs,
)
from tests.steps.rig import Crash, Rig, always, each, once, rewrite, states


def test_inv07_a_refused_stop_is_named(holder):
    holder.line.trouble = always("POST", "/orders", "401")
    told = holder.exits()
    assert told.exit_code == 8
    assert set(told.codes) == {"share-uncovered", "stop-refused"}
    assert certificate(told) == [("XYZ", 10, 0, 10)]
    assert reviews(told) == [("place", "stop-refused", None, None, "daily_swing_low")]
    assert [(o.state, o.message) for o in told.orders] == [("REJECTED", "401  unauthorized.")]


def test_a_refused_replacement_leaves_the_old_stop_and_asks_once(protected):
    protected.to(FRIDAY_OPEN)
    protected.line.trouble = always("PATCH", "/orders", "401")
    told = protected.exits()
    assert protected.resting() == [("sell", "10", "92.9")]
    assert told.exit_code == 0
    assert "stop-refused" in told.codes
    assert reviews(told)[0][1:4] == ("stop-refused", Decimal("92.9"), Decimal("92.9"))
    assert sends(protected).count("PATCH") == 1
    assert protected.journal.stops()["XYZ"].stop_price == Decimal("92.9")


@pytest.mark.parametrize("path", ["/orders", "/account/activities", "/positions", "/clock"])
def test_one_part_of_the_broker_failing_does_not_leave_shares_bare(holder, path):
    holder.line.trouble = always("GET", path, "lost")
    told = holder.exits()
    assert holder.resting() == [("sell", "10", "92.9")]
    assert told.exit_code == 6
    assert told.codes == ("broker-unreachable",)


def test_a_broker_that_is_gone_is_told_with_the_uncovered_shares(holder):
    holder.line.trouble = lambda method, path: "unsent"
    told = holder.exits("093500")
    assert told.exit_code == 8
    assert set(told.codes) == {"broker-unreachable", "share-uncovered"}
    assert certificate(told) == [("XYZ", 10, 0, 10)]
    holder.line.trouble = lambda method, path: ""
    assert holder.exits("093501").exit_code == 0
    assert holder.resting() == [("sell", "10", "92.9")]


def test_a_broker_that_refuses_our_keys_is_told(protected):
    protected.line.trouble = lambda method, path: "401"
    told = protected.exits("093501")
    assert told.exit_code == 6
    assert certificate(told) == [("XYZ", 10, 1, 0)]


def test_one_symbols_trouble_does_not_stop_the_other():
    rig = Rig(MARKET).begin()
    rig.approve(rig.entry(), rig.entry("ABC", limit="43", protective_stop=Decimal(30), quantity=20))
    rig.execute()
    rig.to(AFTER_OPEN)
    rig.execute()
    rig.line.trouble = once(("POST", "/orders", "unsent"))
    told = rig.exits()
    assert rig.resting("ABC") == []
    assert rig.resting("XYZ") == [("sell", "10", "92.9")]
    assert told.exit_code == 8
    assert [(r.symbol, r.uncovered) for r in told.certificate] == [("ABC", 20), ("XYZ", 0)]


def test_a_stop_of_unknown_outcome_is_sent_again_under_its_id(holder):
    holder.line.trouble = always("POST", "/orders", "lost")
    told = holder.exits("093500")
    assert told.exit_code == 7
    assert {"outcome-unknown", "share-uncovered"} <= set(told.codes)
    holder.line.trouble = lambda method, path: ""
    told = holder.exits("093501")
    assert told.exit_code == 0
    assert [(o.action, o.code) for o in told.orders] == [("resolved", "resolved-present")]
    assert len(set(holder.line.bodies[1:])) == 1


def test_a_sale_of_unknown_outcome_is_sent_again_and_its_shares_need_no_stop(protected):
    with_exits(protected, hold_sessions_max=1)
    protected.to(WEDNESDAY_OPEN)
    protected.line.trouble = always("POST", "/orders", "lost")
    told = protected.exits("093500")
    assert told.exit_code == 7
    assert certificate(told) == [("XYZ", 10, 0, 10)]
    protected.line.trouble = lambda method, path: ""
    told = protected.exits("093501")
    assert [(o.purpose, o.action, o.state) for o in told.orders] == [("exit", "resolved", "FILLED")]
    assert protected.held() == 0
    assert (told.exit_code, told.codes) == (0, ())


def test_a_refused_sale_puts_the_stop_back(protected):
    with_exits(protected, hold_sessions_max=1)
    protected.to(WEDNESDAY_OPEN)

    def refuse_market_orders(method, path):
        is_sale = method == "POST" and b'"market"' in protected.line.bodies[-1]
        return "401" if is_sale else ""

    protected.line.trouble = refuse_market_orders
    told = protected.exits()
    assert protected.resting() == [("sell", "10", "92.9")]
    assert told.exit_code == 0
    assert "exit-refused" in told.codes


def test_a_cancel_that_is_not_confirmed_sells_nothing(protected):
    with_exits(protected, hold_sessions_max=1)
    protected.to(WEDNESDAY_OPEN)
    protected.line.trouble = always("DELETE", "/orders", "lost")
    told = protected.exits()
    assert protected.held() == 10
    assert protected.resting() == [("sell", "10", "92.9")]
    assert certificate(told) == [("XYZ", 10, 1, 0)]
    protected.line.trouble = lambda method, path: ""
    protected.exits("093501")
    assert protected.held() == 0


def test_a_stop_that_fills_while_it_is_cancelled_leaves_nothing_to_sell():
    """The stop at 94.50 stands at 09:35 and fills at 11:40, just before our cancel arrives."""
    rig = with_exits(bought(protective_stop=Decimal("94.50"), target=Decimal(99)))
    rig.exits("093500")
    with_exits(rig, is_target_used=True)

    def fill_it_first(method, path):
        if method == "DELETE":
            rig.to("2024-11-26T17:00:00Z")
        return ""

    rig.line.trouble = fill_it_first
    told = rig.exits("093501")
    assert told.reviews[0].code == "target-reached"
    assert [o["status"] for o in rig.book() if o["side"] == "sell"] == ["filled"]
    assert rig.held() == 0
    assert rig.journal.positions() == ()
    assert told.exit_code == 0


def test_minutes_that_cannot_be_read_are_told(protected):
    protected.bars.is_missing = True
    protected.to("2024-11-26T15:35:00Z")
    assert protected.exits().codes == ("bars-missing",)
    assert protected.resting() == [("sell", "10", "92.9")]


def test_after_the_close_entries_that_are_nowhere_end(rig):
    rig.approve(rig.entry())
    rig.line.trouble = always("POST", "/orders", "lost")
    rig.execute()
    assert states(rig) == ["UNKNOWN"]
    rig.line.trouble = lambda method, path: ""
    rig.to(AFTER_OPEN)
    assert rig.exits().exit_code == 7
    rig.to(AFTER_CLOSE)
    told = rig.exits()
    assert [(o.state, o.code) for o in told.orders] == [("EXPIRED", "outcome-unknown")]
    assert told.exit_code == 0


def test_a_pass_with_a_wrong_instant_ends_no_entry(rig, monkeypatch):
    """The broker is open: what its look-up does not show may still arrive."""
    rig.approve(rig.entry())
    rig.line.trouble = always("POST", "/orders", "lost")
    rig.execute()
    rig.line.trouble = lambda method, path: ""
    rig.to(AFTER_OPEN)
    desk = rig.desk("exits")
    late = desk.stamp.model_copy(update={"as_of": instant(AFTER_CLOSE)})
    monkeypatch.setattr(rig, "desk", lambda step, cycle=None: replace(desk, stamp=late))
    assert rig.exits().exit_code == 7
    assert states(rig) == ["UNKNOWN"]


def test_a_broker_that_does_not_answer_is_no_evidence_of_absence(rig):
    rig.approve(rig.entry())
    rig.line.trouble = always("POST", "/orders", "lost")
    rig.execute()
    rig.to(AFTER_CLOSE)
    rig.line.trouble = always("GET", "/orders:by_client", "lost")
    assert rig.exits().exit_code == 7
    assert states(rig) == ["UNKNOWN"]


def test_a_promise_of_an_earlier_cycle_is_not_kept(holder):
    """A stop that provably never left is not sent later: the next cycle looks afresh."""
    holder.line.trouble = always("POST", "/orders", "unsent")
    holder.exits("093500")
    assert states(holder, purpose="stop") == ["PENDING"]
    holder.line.trouble = lambda method, path: ""
    told = holder.exits("093501")
    assert [(o.action, o.state) for o in told.orders] == [
        ("expired", "EXPIRED"),
        ("sent", "SUBMITTED"),
    ]
    assert holder.resting() == [("sell", "10", "92.9")]


def test_a_promise_of_this_cycle_is_kept_when_it_is_resumed(holder):
    holder.line.trouble = always("POST", "/orders", "unsent")
    holder.exits("093500")
    holder.line.trouble = lambda method, path: ""
    told = holder.exits("093500")
    assert [(o.action, o.state) for o in told.orders] == [("sent", "SUBMITTED")]
    assert len(holder.book()) == 2


def test_a_crashed_and_resumed_pass_tells_the_same():
    plain = without_inputs(bought().exits())
    total = count_appends(bought())
    for number in range(total):
        for is_after in (False, True):
            rig = bought()
            crash_at(rig, number, is_after)
            with pytest.raises(Crash):
                rig.exits()
            assert without_inputs(rig.exits()) == plain, (number, is_after)


def test_a_crashed_and_resumed_sale_tells_the_same():
    def make():
        rig = bought()
        rig.exits("093500")
        with_exits(rig, hold_sessions_max=1)
        return rig.to(WEDNESDAY_OPEN)

    plain = without_inputs(make().exits())
    for number in range(count_appends(make())):
        for is_after in (False, True):
            rig = make()
            crash_at(rig, number, is_after)
            with pytest.raises(Crash):
                rig.exits()
            assert without_inputs(rig.exits()) == plain, (number, is_after)
            assert rig.held() == 0


def test_the_conclusion_is_journaled_before_it_is_acted_on(holder):
    holder.line.trouble = always("POST", "/orders", "crash-before")
    with pytest.raises(Crash):
        holder.exits()
    kinds = [type(e.row) for e in holder.journal.rows(step="exits")]
    assert ReviewRow in kinds
    assert kinds.index(ReviewRow) < kinds.index(IntentRow)


def test_nothing_is_placed_while_the_cancel_is_not_confirmed(protected):
    protected.to(AFTER_CLOSE)
    rewrite(protected, "/positions", each(qty="6"))
    protected.line.trouble = always("DELETE", "/orders", "lost")
    protected.exits()
    assert protected.resting() == [("sell", "10", "92.9")]


def test_a_last_look_up_that_finds_the_order_keeps_it(rig):
    rig.approve(rig.entry())
    rig.line.trouble = once(
        ("POST", "/orders", "unheard"), *[("GET", "/orders:by_client", "lag")] * 7
    )
    rig.halts.now = HaltReading(entries=False, all=False, reason="")
    rig.execute()
    rig.line.trouble = once(*[("GET", "/orders:by_client", "lag")] * 6)
    rig.to(AFTER_CLOSE)
    told = rig.exits()
    assert [(o.purpose, o.action, o.state) for o in told.orders if o.purpose == "entry"] == [
        ("entry", "resolved", "FILLED")
    ]


def test_a_broker_that_fails_three_times_is_left_alone():
    symbols = ("AAA", "BBB", "CCC", "DDD")
    market = {day: dict.fromkeys(symbols, row["ABC"]) for day, row in MARKET.items()}
    rig = Rig(market).begin()
    rig.approve(*(rig.entry(symbol, limit="43", protective_stop=Decimal(30)) for symbol in symbols))
    rig.execute()
    rig.to(AFTER_OPEN)
    rig.execute()
    posts = sends(rig).count("POST")
    rig.line.trouble = always("POST", "/orders", "unsent")
    told = rig.exits()
    assert sends(rig).count("POST") == posts + 3
    assert [row.uncovered for row in told.certificate] == [10, 10, 10, 10]
    assert told.exit_code == 8


def test_a_stop_refused_after_it_was_lost_is_refused_once_it_was_looked_for_again(holder):
    holder.line.trouble = once(("POST", "/orders", "lost"), *[("POST", "/orders", "401")] * 2)
    told = holder.exits("093500")
    assert told.exit_code == 7
    assert [(o.action, o.state) for o in told.orders] == [("unknown", "UNKNOWN")]
    told = holder.exits("093501")
    assert [(o.action, o.state) for o in told.orders] == [
        ("refused", "REJECTED"),
        ("sent", "SUBMITTED"),
    ]
    assert holder.resting() == [("sell", "10", "92.9")]


def test_the_list_of_open_orders_is_evidence_too(holder):
    """The stop is there, its look-up lags for two passes, and the list shows it."""
    holder.line.trouble = lambda method, path: (
        "unheard" if method == "POST" else "lag" if "by_client" in path else ""
    )
    assert holder.exits("093500").exit_code == 7
    told = holder.exits("093501")
    assert (told.exit_code, certificate(told)) == (0, [("XYZ", 10, 1, 0)])
    assert len(holder.book()) == 2


def test_a_raised_stop_whose_predecessor_was_not_read_back_is_not_taken_for_too_much(protected):
    """Found by weather seed 133: the new stop was cancelled because the old one seemed to stand."""
    protected.to(FRIDAY_OPEN)
    protected.line.trouble = once(("GET", "/orders:by_client", "lost"))
    protected.exits("093500")
    assert states(protected, purpose="stop") == ["PENDING_CANCEL", "SUBMITTED"]
    protected.line.trouble = lambda m, p: "garbled" if (m, p) == ("GET", "/orders") else ""
    told = protected.exits("093501")
    assert protected.resting() == [("sell", "10", "93.9")]
    assert certificate(told) == [("XYZ", 10, 1, 0)]
    protected.line.trouble = lambda method, path: ""
    told = protected.exits("093502")
    assert told.exit_code == 0
    assert states(protected, purpose="stop") == ["REPLACED", "SUBMITTED"]


def test_a_stop_that_is_there_but_not_understood_is_not_sent_again(protected):
    """Sent again, a raised stop is refused: what it replaced is gone. It stands all the same."""
    protected.to(FRIDAY_OPEN)
    assert protected.exits("093500").exit_code == 0
    assert sends(protected).count("PATCH") == 1
    protected.exchange.faults.add({"kind": "unknown-status", "path": "/v2/orders*", "nth": "every"})
    for cycle in ("093501", "093502"):
        told = protected.exits(cycle)
        assert (told.exit_code, told.codes) == (7, ("outcome-unknown", "share-uncovered"))
        assert certificate(told) == [("XYZ", 10, 0, 10)]
        assert [finding.code for finding in told.drift] == ["broker-status-unknown"]
    assert sends(protected).count("PATCH") == 1
    protected.exchange.faults.remove([1])
    told = protected.exits("093503")
    assert (told.exit_code, certificate(told)) == (0, [("XYZ", 10, 1, 0)])
    assert protected.resting() == [("sell", "10", "93.9")]


def test_an_answer_without_its_quantity_is_not_about_another_order(holder):
    missing = {"kind": "missing-field", "field": "qty", "path": "/v2/orders*", "nth": "every"}
    holder.exchange.faults.add(missing)
    assert holder.exits("093500").exit_code == 7
    assert states(holder, purpose="stop") == ["UNKNOWN"]
    assert not holder.journal.flags()
    holder.exchange.faults.remove([1])
    assert holder.exits("093501").exit_code == 0
    assert len(holder.book()) == 2


def test_a_refusal_proves_nothing_while_nobody_can_be_asked(protected):
    """The raised stop is there; its answer is lost and for two passes no look-up is readable."""
    protected.to(FRIDAY_OPEN)
    protected.line.trouble = once(("PATCH", "/orders", "unheard"))
    fault = {"kind": "truncated-json", "method": "GET", "path": "/v2/orders*", "nth": "every"}
    protected.exchange.faults.add(fault)
    for cycle in ("093500", "093501"):
        assert protected.exits(cycle).exit_code == 7
        assert states(protected, purpose="stop")[-1] == "UNKNOWN"
    protected.exchange.faults.remove([1])
    told = protected.exits("093502")
    assert (told.exit_code, certificate(told)) == (0, [("XYZ", 10, 1, 0)])
    assert protected.resting() == [("sell", "10", "93.9")]


def test_a_stop_that_the_broker_forgot_is_replaced_by_another(protected):
    """It was shown with a status that nobody knows, and then the broker has never heard of it."""
    protected.exchange.faults.add({"kind": "unknown-status", "path": "/v2/orders*", "nth": "every"})
    assert protected.exits("093501").exit_code == 7
    protected.exchange.faults.remove([1])
    with protected.exchange.change() as book:
        # Its number stays taken: no broker gives an order's id to another.
        book._db.execute(
            "UPDATE orders SET client_order_id = 'gone', order_id = 'gone', status = 'canceled'"
            " WHERE side = 'sell'"
        )
    told = protected.exits("093502")
    assert (told.exit_code, certificate(told)) == (0, [("XYZ", 10, 1, 0)])
    assert protected.resting() == [("sell", "10", "92.9")]


def test_a_look_up_that_fails_is_no_proof_that_a_stop_is_gone(protected):
    """It is in no list; whether the broker has it under its id cannot be asked."""
    stop = protected.book()[-1]
    with protected.exchange.change() as book:
        book._db.execute(
            "UPDATE orders SET client_order_id = 'gone', order_id = 'gone', status = 'canceled'"
            " WHERE side = 'sell'"
        )
    asked = []

    def trouble(method, path):
        if path.startswith("/orders:by_client_order_id"):
            asked.append(path)
            return "lost" if len(asked) > 1 else ""
        return ""

    protected.line.trouble = trouble
    told = protected.exits("093501")
    assert certificate(told) == [("XYZ", 10, 0, 10)]
    assert len(asked) > 2
    assert protected.journal.order(stop["client_order_id"]).state == "UNKNOWN"
    assert protected.resting() == []
    protected.line.trouble = lambda method, path: ""
    assert certificate(protected.exits("093502")) == [("XYZ", 10, 1, 0)]


def test_an_entry_that_vanished_is_never_sent_again(rig):
    """It was acknowledged: it may have filled, whatever the broker forgets."""
    rig.approve(rig.entry())
    rig.execute()
    with rig.exchange.change() as book:
        book._db.execute(
            "UPDATE orders SET client_order_id = 'gone', order_id = 'gone', status = 'canceled'"
        )
    rig.line.log.clear()
    rig.execute("083001")
    assert states(rig) == ["UNKNOWN"]
    assert not [each for each in rig.line.log if each[0] == "POST"]


def test_inv07_shares_bought_but_not_booked_are_named(rig):
    """The order is filled and the list of fills cannot be read: nobody holds the shares yet."""
    rig.approve(rig.entry())
    rig.execute()
    rig.to(AFTER_OPEN)
    rig.line.trouble = always("GET", "/account/activities", "lost")
    told = rig.exits("093500")
    assert told.exit_code == 8
    assert {"broker-unreachable", "share-uncovered"} <= set(told.codes)
    assert certificate(told) == [("XYZ", 10, 0, 10)]
    assert told.certificate[0].unprotected_seconds == 300
    rig.line.trouble = lambda method, path: ""
    told = rig.exits("093501")
    assert (told.exit_code, certificate(told)) == (0, [("XYZ", 10, 1, 0)])


# ------------------------------------------------------------------ what became of a stop


def test_a_stop_taken_and_then_rejected_is_no_cover(holder):
    """The broker said yes and thought better of it: asked again, it says so in the same pass."""
    holder.exchange.faults.add(
        {"kind": "accepted-then-rejected", "method": "POST", "path": "/v2/orders", "nth": 1}
    )
    told = holder.exits("093501")
    assert (told.exit_code, certificate(told)) == (8, [("XYZ", 10, 0, 10)])
    assert {"share-uncovered", "stop-refused"} <= set(told.codes)
    assert told.reviews[0].code == "stop-refused"
    assert [(o.state, o.code) for o in told.orders] == [("REJECTED", "order-refused")]
    told = holder.exits("093502")
    assert (told.exit_code, certificate(told)) == (0, [("XYZ", 10, 1, 0)])


def test_a_read_back_that_fails_takes_nothing_away(holder):
    asked = []

    def trouble(method, path):
        asked.append(path.split(":")[0]) if method == "POST" else None
        return "lost" if asked and path.startswith("/orders:by_client_order_id") else ""

    holder.line.trouble = trouble
    told = holder.exits("093501")
    assert certificate(told) == [("XYZ", 10, 1, 0)]
    assert (told.exit_code, told.codes) == (6, ("broker-unreachable",))


def test_a_stop_that_another_hand_cancelled_is_placed_again_and_told(protected):
    stop = protected.book()[-1]
    protected.ask("DELETE", f"/orders/{stop['id']}")
    told = protected.exits("093501")
    assert (told.exit_code, certificate(told)) == (0, [("XYZ", 10, 1, 0)])
    assert {(o.state, o.code) for o in told.orders} == {
        ("CANCELLED", "stop-cancelled"),
        ("SUBMITTED", "sent"),
    }


def test_a_stop_that_the_desk_cancelled_itself_is_no_incident(protected):
    with_exits(protected, hold_sessions_max=1)
    protected.to("2024-11-27T14:35:00Z")
    told = protected.exits()
    assert "stop-cancelled" not in {order.code for order in told.orders}


def vanished(protected, available):
    """Return what a pass says when a stop that sold 4 of 10 is shown nowhere any more."""
    stop = protected.book()[-1]
    fill = {
        "id": "20241126110000000::11111111-1111-4111-8111-111111111111",
        "activity_type": "FILL", "type": "partial_fill", "symbol": "XYZ", "side": "sell",
        "qty": "4", "price": "92.90", "order_id": stop["id"], "leaves_qty": "6", "cum_qty": "4",
        "transaction_time": "2024-11-26T16:00:00Z",
    }  # fmt: skip
    send = protected.line.send
    rewrite(protected, "/account/activities", lambda rows: [*rows, fill])
    rewrite(protected, "/positions", each(qty="6", qty_available="0"))
    partly = each(filled_qty="4", status="partially_filled", filled_avg_price="92.90")
    rewrite(protected, "/orders", partly)
    protected.to("2024-11-26T16:05:00Z")
    assert protected.exits().exit_code == 0
    assert states(protected, purpose="stop") == ["PARTIALLY_FILLED"]
    protected.line.send = send
    with protected.exchange.change() as book:
        book._db.execute(
            "UPDATE orders SET client_order_id = 'gone', order_id = 'gone', status = 'canceled'"
            " WHERE side = 'sell'"
        )
    rewrite(protected, "/account/activities", lambda rows: [*rows, fill])
    rewrite(protected, "/positions", each(qty="6", qty_available=available))
    return protected.exits("110501")


def test_a_vanished_stop_that_sold_a_part_ends_when_the_broker_shows_the_rest_free(protected):
    told = vanished(protected, "6")
    stops = protected.journal.orders(purpose="stop")
    assert [(o.state, o.intent.quantity) for o in stops] == [("CANCELLED", 10), ("SUBMITTED", 6)]
    assert stops[0].code == "order-missing"
    assert certificate(told) == [("XYZ", 6, 1, 0)]


@pytest.mark.parametrize("available", ["0", "5", None])
def test_it_stays_unknown_as_long_as_anything_may_hold_its_shares(protected, available):
    told = vanished(protected, available)
    assert told.exit_code == 7
    assert states(protected, purpose="stop") == ["UNKNOWN"]
    assert certificate(told) == [("XYZ", 6, 0, 6)]
