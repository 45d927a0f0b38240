"""`exits` on a real journal and the real exchange: every share under a stop, and the ways out."""

import datetime as dt
import json
from decimal import Decimal

import pytest

from quantcli.contracts.bars import MinuteBar
from quantcli.contracts.execution import Exits
from quantcli.contracts.journal_rows import IntentRow, ReviewRow
from quantcli.contracts.registry import parse_artifact
from quantcli.contracts.scalars import instant
from quantcli.core.intents import form_intent
from quantcli.core.order_ids import IntentKey
from quantcli.core.order_payload import request_body
from quantcli.core.order_states import row_of
from quantcli.ports.halts import HaltReading
from quantcli.ports.journal import Place
from tests.steps.conftest import AFTER_CLOSE, AFTER_OPEN, MARKET
from tests.steps.rig import Crash, Rig, always, each, once, rewrite, states

WEDNESDAY_OPEN = "2024-11-27T14:35:00Z"
WEDNESDAY_CLOSE = "2024-11-27T21:05:00Z"
FRIDAY_OPEN = "2024-11-29T14:35:00Z"


def reviews(artifact):
    return [(r.action, r.code, r.stop_before, r.stop_after, r.basis) for r in artifact.reviews]


def certificate(artifact):
    return [(r.symbol, r.quantity, len(r.covered_by), r.uncovered) for r in artifact.certificate]


def sends(rig):
    return [method for method, path, _ in rig.line.log if method in {"POST", "PATCH", "DELETE"}]


def with_exits(rig, **changes):
    rig.config = rig.config.model_copy(
        update={"exits": rig.config.exits.model_copy(update=changes)}
    )
    return rig


def bought(market=None, **terms):
    """Return a desk at 09:35 on Tuesday that holds 10 XYZ bought at 100, without a stop."""
    rig = Rig(market or MARKET).begin()
    rig.approve(rig.entry(**terms))
    rig.execute()
    rig.to(AFTER_OPEN)
    rig.execute()
    return rig


def test_the_first_stop_lies_below_the_swing_low_for_the_filled_quantity(holder):
    told = holder.exits()
    assert told.exit_code == 0
    assert reviews(told) == [
        ("place", "stop-placed", None, Decimal("92.9"), "daily_swing_low"),
    ]
    assert holder.resting() == [("sell", "10", "92.9")]
    assert certificate(told) == [("XYZ", 10, 1, 0)]
    (order,) = holder.book()[1:]
    assert (order["type"], order["time_in_force"]) == ("stop", "gtc")
    memory = holder.journal.stops()["XYZ"]
    assert (memory.stop_price, memory.basis) == (Decimal("92.9"), "daily_swing_low")
    assert memory.client_order_id == order["client_order_id"]
    assert parse_artifact(told.to_bytes(), Exits, what="exits.json") == told


def test_the_certificate_counts_from_the_fill_to_the_stop(holder):
    # Filled at the open, protected five minutes later.
    assert [row.unprotected_seconds for row in holder.exits().certificate] == [300]


def test_inv26_exits_twice_the_second_moves_nothing(protected):
    before = protected.book()
    calls = len(sends(protected))
    told = protected.exits("093501")
    assert reviews(told) == [
        ("keep", "stop-kept", Decimal("92.9"), Decimal("92.9"), "daily_swing_low")
    ]
    assert len(sends(protected)) == calls
    assert protected.book() == before


def test_without_structure_the_entrys_own_stop_stands():
    rig = bought()
    rig.bars.rows.clear()
    told = rig.exits()
    assert reviews(told) == [("place", "stop-placed", None, Decimal(90), "intent")]
    assert rig.resting() == [("sell", "10", "90")]


def test_without_bars_the_stop_is_placed_all_the_same_and_the_exit_code_says_so():
    rig = bought()
    rig.bars.is_missing = True
    told = rig.exits()
    assert rig.resting() == [("sell", "10", "90")]
    assert (told.exit_code, told.codes) == (4, ("bars-missing",))


def test_structure_too_near_for_a_first_stop_leaves_the_entrys_own():
    rig = with_exits(bought(), first_stop_distance_fraction_min=Decimal("0.08"))
    told = rig.exits()
    assert reviews(told) == [("place", "stop-placed", None, Decimal(90), "intent")]
    assert [f.code for f in told.reviews[0].findings] == ["stop-too-close"]


def test_a_first_stop_is_placed_after_the_close_too(holder):
    holder.to(AFTER_CLOSE)
    told = holder.exits()
    assert certificate(told) == [("XYZ", 10, 1, 0)]
    assert holder.resting() == [("sell", "10", "92.9")]


def test_inv06_the_stop_is_raised_atomically_in_regular_hours(protected):
    # Tuesday's low of 94 is a swing low once Wednesday is complete.
    protected.to(WEDNESDAY_CLOSE)
    told = protected.exits()
    assert reviews(told) == [
        ("wait", "replace-needs-open-market", Decimal("92.9"), Decimal("92.9"), "daily_swing_low")
    ]
    assert protected.resting() == [("sell", "10", "92.9")]
    protected.to(FRIDAY_OPEN)
    calls = len(sends(protected))
    told = protected.exits()
    assert reviews(told) == [
        ("raise", "stop-raised", Decimal("92.9"), Decimal("93.9"), "daily_swing_low")
    ]
    assert sends(protected)[calls:] == ["PATCH"]
    assert protected.resting() == [("sell", "10", "93.9")]
    assert [(o.action, o.state) for o in told.orders] == [
        ("replaced", "REPLACED"),
        ("sent", "SUBMITTED"),
    ]
    assert [row.unprotected_seconds for row in told.certificate] == [300]


def test_inv06_lower_structure_never_lowers_the_stop(protected):
    protected.to(FRIDAY_OPEN)
    protected.exits()
    protected.bars.rows = {
        day: {"XYZ": (90, 91, low, 90)}
        for day, low in zip(sorted(protected.bars.rows), (90, 80, 85, 86, 87, 88), strict=False)
    }
    protected.to("2024-12-02T14:35:00Z")
    told = protected.exits()
    assert reviews(told)[0][:2] == ("keep", "stop-kept")
    assert protected.resting() == [("sell", "10", "93.9")]


def test_the_stop_that_fills_is_booked_and_the_position_is_gone(protected):
    # On Tuesday the low is 94; a stop at 94.50 fills there.
    rig = bought(protective_stop=Decimal("94.50"))
    rig.exits()
    assert rig.resting() == [("sell", "10", "94.5")]
    rig.to(AFTER_CLOSE)
    told = rig.exits()
    assert rig.journal.positions() == ()
    assert rig.journal.stops() == {}
    assert [(f.side, f.last_quantity) for f in told.fills] == [("sell", 10)]
    assert (told.reviews, told.certificate) == ((), ())
    assert [(o.purpose, o.state, o.code) for o in told.orders] == [("stop", "FILLED", "sold")]


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


def test_inv07_a_refused_stop_is_named(holder):
    holder.line.trouble = always("POST", "/orders", "401")
    told = holder.exits()
    assert told.exit_code == 8
    assert set(told.codes) == {"share-uncovered", "stop-refused"}
    assert certificate(told) == [("XYZ", 10, 0, 10)]
    assert reviews(told) == [("place", "stop-refused", None, None, "daily_swing_low")]
    assert [(o.state, o.message) for o in told.orders] == [("REJECTED", "401  unauthorized.")]


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


def test_a_stop_that_vanished_is_placed_again_where_it_was(protected):
    stop = protected.book()[-1]
    protected.ask("DELETE", f"/orders/{stop['id']}")
    protected.bars.rows.clear()
    told = protected.exits("093501")
    assert reviews(told) == [
        ("place", "stop-placed", Decimal("92.9"), Decimal("92.9"), "daily_swing_low")
    ]
    assert protected.resting() == [("sell", "10", "92.9")]
    assert told.exit_code == 0


def test_shares_that_a_foreign_order_holds_are_named_and_the_rest_is_protected(protected):
    # Someone replaced our stop by hand with one for four shares: it is not ours.
    stop = protected.book()[-1]
    protected.ask("PATCH", f"/orders/{stop['id']}", {"stop_price": "91", "qty": "4"})
    told = protected.exits("093501")
    assert sorted(protected.resting()) == [("sell", "4", "91"), ("sell", "6", "92.9")]
    assert certificate(told) == [("XYZ", 10, 1, 4)]
    assert told.exit_code == 8


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


def test_intraday_structure_counts_after_the_delay_in_normal_hours(protected):
    start = instant("2024-11-26T15:00:00Z")
    lows = [98, 96, 99, 97, 100, 99, 101]
    protected.bars.minute_bars["XYZ"] = [
        MinuteBar(start + dt.timedelta(minutes=5 * n), low + 1, low + 2, low, low + 1, 100)
        for n, low in enumerate(lows)
    ]
    protected.to("2024-11-26T15:35:00Z")
    told = protected.exits()
    assert reviews(told) == [
        ("raise", "stop-raised", Decimal("92.9"), Decimal("98.9"), "intraday_higher_low")
    ]
    assert ("minutes/made", "c" * 64) in [(ref.name, ref.sha256) for ref in told.inputs]


def test_intraday_structure_waits_for_the_delay(holder):
    with_exits(holder, intraday_delay_seconds=7200)
    holder.to("2024-11-26T15:35:00Z")
    told = holder.exits()
    assert "minutes/made" not in [ref.name for ref in told.inputs]


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
    plain = bought().exits().to_bytes()
    total = count_appends(bought())
    for number in range(total):
        for is_after in (False, True):
            rig = bought()
            crash_at(rig, number, is_after)
            with pytest.raises(Crash):
                rig.exits()
            assert rig.exits().to_bytes() == plain, (number, is_after)


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


def without_inputs(artifact):
    """Return the artifact without what it read: a resumed pass may have less to read."""
    return artifact.model_copy(update={"inputs": ()})


def count_appends(rig):
    count, append = [], rig.journal.append

    def counting(place, rows):
        count.append(place)
        append(place, rows)

    rig.journal.append = counting
    rig.exits()
    assert count
    return len(count)


def crash_at(rig, number, is_after):
    append = rig.journal.append
    left = [number]

    def dying(place, rows):
        left[0] -= 1
        if left[0] == -1:
            rig.journal.append = append
            if is_after:
                append(place, rows)
            raise Crash
        append(place, rows)

    rig.journal.append = dying


def test_the_conclusion_is_journaled_before_it_is_acted_on(holder):
    holder.line.trouble = always("POST", "/orders", "crash-before")
    with pytest.raises(Crash):
        holder.exits()
    kinds = [type(e.row) for e in holder.journal.rows(step="exits")]
    assert ReviewRow in kinds
    assert kinds.index(ReviewRow) < kinds.index(IntentRow)


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


def two_stops(rig, first=5, second=5):
    """Put two stops of ours under one position, as a fill after the close leaves them."""
    place = Place(dt.date(2024, 11, 26), "093500", "exits")
    for sequence, quantity in enumerate((first, second), start=1):
        key = IntentKey(rig.account_id, "avwap", place.session, "XYZ", "stop", sequence)
        stop = form_intent(
            key,
            signal_id=None,
            side="sell",
            quantity=Decimal(quantity),
            order_type="stop",
            stop_price=Decimal("92.9"),
            time_in_force="gtc",
            expires_at=None,
        )
        rig.ask("POST", "/orders", json.loads(request_body(stop)))
        rig.journal.append(place, [IntentRow(intent=stop)])
        order = rig.journal.order(stop.client_order_id)
        shown = rig.broker.order_by_client_id(stop.client_order_id)
        rig.journal.append(place, [row_of(order, shown, "send")])
    return rig


def test_two_stops_rise_together():
    rig = two_stops(bought())
    assert rig.exits().exit_code == 0
    rig.to(FRIDAY_OPEN)
    told = rig.exits()
    assert rig.resting() == [("sell", "5", "93.9"), ("sell", "5", "93.9")]
    assert certificate(told) == [("XYZ", 10, 2, 0)]
    assert rig.journal.stops()["XYZ"].stop_price == Decimal("93.9")


def test_a_stop_that_is_not_needed_is_cancelled():
    rig = two_stops(bought())
    rewrite(rig, "/positions", each(qty="5"))
    rig.exits()
    assert rig.resting() == [("sell", "5", "92.9")]


def test_after_the_close_a_stop_that_is_too_large_is_cancelled_and_placed_anew(protected):
    protected.to(AFTER_CLOSE)
    rewrite(protected, "/positions", each(qty="6"))
    protected.exits()
    assert protected.resting() == [("sell", "6", "92.9")]


def test_nothing_is_placed_while_the_cancel_is_not_confirmed(protected):
    protected.to(AFTER_CLOSE)
    rewrite(protected, "/positions", each(qty="6"))
    protected.line.trouble = always("DELETE", "/orders", "lost")
    protected.exits()
    assert protected.resting() == [("sell", "10", "92.9")]


@pytest.mark.parametrize(("is_bar", "source", "price"), [(True, "bar", 98), (False, "none", None)])
def test_without_a_price_of_the_broker_the_last_close_counts(holder, is_bar, source, price):
    rewrite(holder, "/positions", each(current_price=None))
    if not is_bar:
        holder.bars.rows.clear()
    told = holder.exits()
    assert (told.reviews[0].price_source, told.reviews[0].price) == (source, price)
    assert told.exit_code == 0


def test_there_is_always_a_stop_even_if_the_entry_named_none():
    rig = bought(protective_stop=None)
    rig.bars.rows.clear()
    rig.exits()
    assert rig.resting() == [("sell", "10", "98.5")]  # 1.5 % below 100


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


def test_a_stop_refused_after_it_was_lost_is_refused(holder):
    holder.line.trouble = once(("POST", "/orders", "lost"), ("POST", "/orders", "401"))
    told = holder.exits("093500")
    assert [(o.action, o.state) for o in told.orders] == [("refused", "REJECTED")]
    assert holder.exits("093501").exit_code == 0
    assert holder.resting() == [("sell", "10", "92.9")]
