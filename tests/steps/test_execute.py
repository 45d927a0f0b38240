"""`execute` on a real journal and the real exchange: what is sent, withheld, ended and told."""

import datetime as dt
from decimal import Decimal

import pytest

from quantcli.contracts.errors import ArtifactMissing, ArtifactTampered
from quantcli.contracts.execution import Execute
from quantcli.contracts.registry import parse_artifact
from quantcli.exchange.settlement import fill
from quantcli.exchange.trading_hours import micros
from quantcli.ports.halts import HaltReading
from quantcli.steps.execute import execute
from tests.steps.conftest import AFTER_CLOSE, AFTER_OPEN, MARKET
from tests.steps.holdings import without_inputs
from tests.steps.rig import Crash, Rig, always, once, states


def actions(artifact):
    return [(o.symbol, o.purpose, o.action, o.state, o.code) for o in artifact.orders]


def posts(rig):
    return [path for method, path, _ in rig.line.log if method == "POST"]


def test_what_is_approved_is_sent_once(rig):
    rig.approve(rig.entry())
    told = rig.execute()
    assert told.exit_code == 0
    assert actions(told) == [("XYZ", "entry", "sent", "SUBMITTED", "sent")]
    assert rig.resting() == [("buy", "10", "100")]
    assert parse_artifact(told.to_bytes(), Execute, what="execute.json") == told


def test_inv26_a_second_pass_sends_nothing(rig):
    rig.approve(rig.entry())
    rig.execute("080000")
    head = rig.journal.head()
    told = rig.execute("080001")
    assert actions(told) == []
    assert posts(rig) == ["/orders"]
    assert rig.journal.head() == head


def test_intents_are_durable_before_anything_is_sent(rig):
    rig.approve(rig.entry(), rig.entry("ABC", limit="42"))
    rig.line.trouble = always("POST", "/orders", "crash-before")
    with pytest.raises(Crash):
        rig.execute()
    assert states(rig) == ["UNKNOWN", "PENDING"]


def test_inv12_the_bytes_sent_are_the_bytes_promised(rig):
    entry = rig.entry()
    rig.approve(entry)
    rig.line.trouble = once(("POST", "/orders", "lost"))
    rig.execute()
    assert (
        rig.line.bodies
        == [
            b'{"client_order_id":"%s","limit_price":"100.00","qty":"10","side":"buy",'
            b'"symbol":"XYZ","time_in_force":"day","type":"limit"}' % entry.client_order_id.encode()
        ]
        * 2
    )


def test_the_time_to_live_ends_and_partial_fills_stay_and_get_a_stop(rig):
    """4 of 10 are bought; the rest is cancelled, read back, and the 4 are protected."""
    rig.approve(rig.entry("ABC", limit="39", protective_stop=Decimal(35)))
    rig.execute()
    rig.to(AFTER_OPEN)
    now = micros(rig.exchange.clock)
    with rig.exchange.change() as book:
        (order,) = book.orders("symbol = 'ABC'")
        fill(book, order._replace(status="new"), Decimal(39), now, Decimal(4))
    told = rig.execute()
    assert actions(told) == [("ABC", "entry", "cancelled", "CANCELLED", "filled-partly")]
    (report,) = told.orders
    assert (
        report.ordered_quantity, report.cumulative_quantity, report.cancelled_quantity
    ) == (10, 4, 6)  # fmt: skip
    assert [each.last_quantity for each in told.fills] == [4]
    assert (told.exit_code, rig.held("ABC")) == (0, 4)
    assert rig.exits().exit_code == 0
    assert [(side, quantity) for side, quantity, _ in rig.resting("ABC")] == [("sell", "4")]


def test_the_time_to_live_ends_without_a_fill(rig):
    # ABC opens at 40 with the limit at 39: nothing by five past the open.
    rig.approve(rig.entry("ABC", limit="39", protective_stop=Decimal(35)))
    rig.execute()
    rig.to(AFTER_OPEN)
    told = rig.execute()
    assert actions(told) == [("ABC", "entry", "cancelled", "CANCELLED", "ttl-expired")]
    assert told.orders[0].cancelled_quantity == 10
    assert rig.resting("ABC") == []
    assert told.exit_code == 0


def test_an_order_that_filled_is_not_cancelled(rig):
    rig.approve(rig.entry())
    rig.execute()
    rig.to(AFTER_OPEN)
    told = rig.execute()
    assert actions(told) == [("XYZ", "entry", "updated", "FILLED", "filled")]
    assert [(f.last_quantity, f.last_price) for f in told.fills] == [(10, 100)]
    (position,) = rig.journal.positions()
    assert (position.quantity, position.average_price) == (10, 100)
    assert rig.journal.cash() == Decimal(99000)


def test_a_cancel_that_was_lost_is_asked_again(rig):
    rig.approve(rig.entry("ABC", limit="39"))
    rig.execute()
    rig.to(AFTER_OPEN)
    rig.line.trouble = always("DELETE", "/orders", "lost")
    told = rig.execute("093500")
    assert actions(told) == [("ABC", "entry", "updated", "SUBMITTED", None)]
    assert (told.exit_code, told.codes) == (7, ("cancel-unconfirmed",))
    assert sum(rig.slept) == 30
    rig.line.trouble = always("DELETE", "/orders", "unheard")
    told = rig.execute("093501")
    assert actions(told) == [("ABC", "entry", "cancelled", "CANCELLED", "ttl-expired")]


@pytest.mark.parametrize(
    ("reading", "code"),
    [
        (HaltReading(entries=True, all=False, reason="test"), "halted"),
        (HaltReading(entries=False, all=True, reason="test"), "halted"),
    ],
)
def test_inv09_a_halt_withholds_entries(rig, reading, code):
    entry = rig.entry()
    rig.approve(entry)
    rig.halts.now = reading
    told = rig.execute()
    assert told.exit_code == 9
    assert [(f.code, f.observed) for f in told.withheld] == [(code, entry.client_order_id)]
    assert rig.book() == []
    assert states(rig) == ["PENDING"]


def test_paused_withholds_entries_until_it_is_cleared(rig):
    rig.approve(rig.entry())
    rig.pause()
    told = rig.execute("080000")
    assert (told.exit_code, [f.code for f in told.withheld]) == (8, ["paused"])
    assert rig.book() == []
    rig.pause(is_set=False)
    assert rig.execute("080001").exit_code == 0
    assert rig.resting() == [("buy", "10", "100")]


def test_paused_with_nothing_to_send_is_no_failure(rig):
    rig.approve()
    rig.pause()
    assert rig.execute().exit_code == 0


def test_halt_and_clock_are_read_before_each_send(rig):
    rig.approve(rig.entry(), rig.entry("ABC", limit="42"))
    rig.execute()
    assert rig.halts.readings == 2
    sends = [path for method, path, _ in rig.line.log if path == "/clock" or method == "POST"]
    assert sends == ["/clock", "/orders", "/clock", "/orders"]


def test_a_halt_between_two_sends_stops_the_second(rig):
    rig.approve(rig.entry(), rig.entry("ABC", limit="42"))

    def halt_after_the_first(method, path):
        if method == "POST":
            rig.halts.now = HaltReading(entries=True, all=False, reason="now")
        return ""

    rig.line.trouble = halt_after_the_first
    told = rig.execute()
    assert told.exit_code == 9
    assert [order["symbol"] for order in rig.book()] == ["XYZ"]


def test_a_late_run_does_not_send_by_the_brokers_clock(rig):
    """A cycle resumed after its time finds the broker's clock past the time to live."""
    rig.approve(rig.entry())
    desk = rig.desk("execute")
    rig.to(AFTER_OPEN)
    told = execute(desk)
    assert [f.code for f in told.withheld] == ["outside-order-window"]
    assert told.exit_code == 5
    assert rig.book() == []


def test_an_intent_never_sent_ends_when_its_time_has_passed(rig):
    rig.approve(rig.entry())
    rig.halts.now = HaltReading(entries=True, all=False, reason="test")
    rig.execute()
    rig.to(AFTER_OPEN)
    told = rig.execute()
    assert actions(told) == [("XYZ", "entry", "expired", "EXPIRED", "intent-expired")]
    assert told.exit_code == 0
    assert posts(rig) == []


def test_before_the_order_window_nothing_is_sent_and_nothing_withheld(rig):
    rig.config = rig.config.model_copy(
        update={"window": type(rig.config.window)(entries_from="open-60min")}
    )
    rig.approve(rig.entry())
    told = rig.execute()
    assert (told.exit_code, told.withheld) == (0, ())
    assert states(rig) == ["PENDING"]


def test_a_definite_refusal_is_a_verdict(rig):
    rig.approve(rig.entry(quantity=5000))
    told = rig.execute()
    assert told.exit_code == 0
    (order,) = told.orders
    assert (order.action, order.state, order.code) == ("refused", "REJECTED", "order-refused")
    assert "403 40310000 insufficient buying power" in order.message
    told = rig.execute("080001")
    assert len(posts(rig)) == 1


def test_one_refusal_does_not_stop_the_next_order(rig):
    rig.approve(rig.entry(quantity=5000), rig.entry("ABC", limit="42"))
    told = rig.execute()
    assert sorted(o.state for o in told.orders) == ["REJECTED", "SUBMITTED"]


@pytest.mark.parametrize(
    ("found", "codes"),
    [
        (None, {"enforce-missing"}),
        (ArtifactMissing("gone"), {"enforce-missing"}),
        (ArtifactTampered("changed"), {"enforce-invalid", "artifact-tampered"}),
    ],
)
def test_without_enforce_nothing_new_is_sent_and_the_rest_is_done(rig, found, codes):
    rig.approve(rig.entry("ABC", limit="39"))
    rig.execute()
    rig.shelf.found = found
    rig.to(AFTER_OPEN)
    told = rig.execute()
    assert told.exit_code == 4
    assert set(told.codes) == codes
    assert actions(told) == [("ABC", "entry", "cancelled", "CANCELLED", "ttl-expired")]


def test_a_pending_intent_waits_for_a_readable_enforce(rig):
    rig.approve(rig.entry())
    rig.pause()
    rig.execute("080000")
    rig.pause(is_set=False)
    rig.shelf.found = ArtifactTampered("changed")
    rig.execute("080001")
    assert rig.book() == []


@pytest.mark.parametrize(
    "change",
    [
        {"quantity": Decimal(11)},
        {"side": "sell"},
        {"session": dt.date(2024, 11, 25)},
        {"payload_sha256": "0" * 64},
    ],
)
def test_an_intent_that_contradicts_itself_is_not_believed(rig, change):
    rig.approve(rig.entry().model_copy(update=change))
    told = rig.execute()
    assert told.exit_code == 8
    assert told.codes == ("intent-invalid",)
    assert states(rig) == []
    assert rig.book() == []


def test_an_intent_that_changed_after_it_was_promised_is_not_believed(rig):
    rig.approve(rig.entry())
    rig.execute("080000")
    rig.approve(rig.entry(quantity=20))
    told = rig.execute("080001")
    assert told.codes == ("intent-invalid",)
    assert rig.resting() == [("buy", "10", "100")]


def test_an_unknown_outcome_is_durable_and_bars_nothing_else(rig):
    rig.approve(rig.entry(), rig.entry("ABC", limit="42"))
    rig.line.trouble = once(("POST", "/orders", "lost"), ("POST", "/orders", "lost"))
    told = rig.execute("080000")
    assert told.exit_code == 7
    assert sorted((o.action, o.state) for o in told.orders) == [
        ("sent", "SUBMITTED"),
        ("unknown", "UNKNOWN"),
    ]
    assert "outcome-unknown" in told.codes
    assert sum(rig.slept) == 30
    # The next cycle sends the same id again.
    told = rig.execute("080001")
    assert told.exit_code == 0
    assert [(o.action, o.code) for o in told.orders] == [("resolved", "resolved-present")]
    assert len(rig.book()) == 2


def test_an_order_that_never_left_is_pending_again(rig):
    rig.approve(rig.entry())
    rig.line.trouble = always("POST", "/orders", "unsent")
    told = rig.execute("080000")
    assert (told.exit_code, told.codes) == (6, ("broker-unreachable",))
    assert states(rig) == ["PENDING"]
    rig.line.trouble = lambda method, path: ""
    assert rig.execute("080001").exit_code == 0
    assert rig.resting() == [("buy", "10", "100")]


@pytest.mark.parametrize("path", ["/orders", "/account/activities", "/positions"])
def test_without_a_whole_sync_nothing_is_sent(rig, path):
    rig.approve(rig.entry())
    rig.line.trouble = always("GET", path, "lost")
    told = rig.execute()
    assert told.exit_code == 6
    assert posts(rig) == []
    assert states(rig) == ["PENDING"]


def test_a_position_that_differs_bars_its_symbol_only(rig):
    rig.to(AFTER_OPEN)
    body = {"symbol": "XYZ", "qty": "3", "side": "buy", "type": "market", "time_in_force": "day"}
    rig.ask("POST", "/orders", body)
    later = {"expires_at": rig.exchange.clock + dt.timedelta(hours=1)}
    rig.approve(rig.entry(**later), rig.entry("ABC", limit="42", **later))
    told = rig.execute()
    assert told.exit_code == 8
    assert [(f.code) for f in told.withheld] == ["position-quantity"]
    assert [o.symbol for o in told.orders if o.action == "sent"] == ["ABC"]


def test_an_order_of_another_kind_under_our_id_is_not_adopted(rig):
    entry = rig.entry()
    body = {
        "symbol": "XYZ",
        "qty": "99",
        "side": "buy",
        "type": "limit",
        "limit_price": "50",
        "time_in_force": "day",
        "client_order_id": entry.client_order_id,
    }
    rig.ask("POST", "/orders", body)
    rig.approve(entry)
    told = rig.execute()
    assert [(o.action, o.code) for o in told.orders] == [("refused", "order-differs")]
    assert rig.journal.flags()["paused"].reasons == ("order-differs",)
    assert len(rig.book()) == 1


def test_a_crashed_and_resumed_pass_tells_the_same():
    def fresh():
        other = Rig(MARKET).begin()
        other.approve(other.entry(), other.entry("ABC", limit="42"))
        return other

    plain = without_inputs(fresh().execute())
    for point in ("crash-before", "crash-after"):
        for number in range(2):
            other = fresh()
            hits = iter([""] * number + [point])
            other.line.trouble = lambda m, p, hits=hits: next(hits, "") if m == "POST" else ""
            with pytest.raises(Crash):
                other.execute()
            assert without_inputs(other.execute()) == plain


def test_nothing_is_sent_after_the_close(rig):
    rig.approve(rig.entry(expires_at=None))
    rig.to(AFTER_CLOSE)
    told = rig.execute()
    assert actions(told) == [("XYZ", "entry", "expired", "EXPIRED", "intent-expired")]
    assert posts(rig) == []


def test_an_entry_refused_after_it_was_lost_stays_unknown(rig):
    """The refusal may be the first request's doing: only a look-up or the close ends the doubt."""
    rig.approve(rig.entry())
    rig.line.trouble = once(("POST", "/orders", "later"), ("POST", "/orders", "401"))
    told = rig.execute("080000")
    assert [(o.action, o.state) for o in told.orders] == [("sent", "SUBMITTED")]
    other = Rig(MARKET).begin()
    other.approve(other.entry())
    other.line.trouble = once(("POST", "/orders", "lost"), ("POST", "/orders", "401"))
    assert other.execute("080000").exit_code == 7
    assert states(other) == ["UNKNOWN"]


def judged_otherwise(rig):
    rig.shelf.found = rig.shelf.found.model_copy(update={"config_sha256": "e" * 64})


def test_what_was_approved_under_another_configuration_is_not_promised(rig):
    rig.approve(rig.entry())
    judged_otherwise(rig)
    told = rig.execute()
    assert (told.codes, told.exit_code) == (("enforce-outdated",), 4)
    assert (rig.book(), states(rig)) == ([], [])


def test_what_was_promised_under_another_configuration_is_never_sent(rig):
    rig.approve(rig.entry())
    rig.halts.now = HaltReading(entries=True, all=False, reason="lunch")
    rig.execute()
    rig.halts.now = HaltReading(entries=False, all=False, reason="")
    judged_otherwise(rig)
    told = rig.execute("080001")
    assert (told.codes, told.exit_code) == (("enforce-outdated",), 4)
    assert actions(told) == [("XYZ", "entry", "expired", "EXPIRED", "enforce-outdated")]
    rig.approve(rig.entry())
    rig.execute("080002")
    assert rig.book() == []
    # The pass that is repeated says what the first one said.
    judged_otherwise(rig)
    assert rig.execute("080001").codes == ("enforce-outdated",)


def test_an_unknown_order_is_not_sent_again_under_another_configuration(rig):
    rig.approve(rig.entry())
    rig.line.trouble = always("POST", "/orders", "lost")
    rig.execute()
    assert states(rig) == ["UNKNOWN"]
    rig.line.trouble = lambda method, path: ""
    judged_otherwise(rig)
    told = rig.execute("080001")
    assert [finding.code for finding in told.withheld] == ["enforce-outdated"]
    assert rig.book() == []


def test_another_configuration_stops_no_end_of_an_entry(rig):
    rig.approve(rig.entry(limit="1"))
    rig.execute()
    judged_otherwise(rig)
    rig.to(AFTER_OPEN)
    told = rig.execute()
    assert (told.exit_code, states(rig)) == (0, ["CANCELLED"])
