"""`exits` on a real journal and the real exchange: every share under a stop that only rises."""

import datetime as dt
from decimal import Decimal

import pytest

from quantcli.contracts.bars import MinuteBar
from quantcli.contracts.execution import Exits
from quantcli.contracts.registry import parse_artifact
from quantcli.contracts.scalars import instant
from tests.steps.conftest import AFTER_CLOSE, MARKET
from tests.steps.holdings import (
    FRIDAY_OPEN,
    WEDNESDAY_CLOSE,
    WEDNESDAY_OPEN,
    bought,
    certificate,
    reviews,
    sends,
    two_stops,
    with_exits,
)
from tests.steps.rig import each, rewrite


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


def test_inv26_a_level_too_close_for_the_first_stop_does_not_become_the_second():
    """The swing low of 93 lies 1.06 % below an entry at 94; five minutes do not make it farther."""
    rig = bought(
        {**MARKET, "2024-11-26": {"XYZ": (94, 106, 93.5, 102)}}, protective_stop=Decimal(90)
    )
    first = rig.exits()
    assert [f.code for f in first.reviews[0].findings] == ["stop-too-close"]
    assert rig.resting() == [("sell", "10", "90")]
    calls = len(sends(rig))
    again = rig.exits("093501")
    assert reviews(again)[0][:2] == ("keep", "stop-kept")
    assert len(sends(rig)) == calls
    rig.to(WEDNESDAY_OPEN)
    rig.exits()
    assert rig.resting() == [("sell", "10", "92.9")]


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
