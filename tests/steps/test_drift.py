"""Within the limits exits go by the broker's quantity; beyond them by what both sides hold."""

import pytest

from quantcli.contracts.config import ReconcileSection
from quantcli.core.halts import journal_halt
from tests.steps.conftest import AFTER_OPEN, MARKET
from tests.steps.holdings import certificate
from tests.steps.rig import Rig, each, rewrite


def holding(shares, market=MARKET, **exits_settings):
    """Return a desk at 09:35 that bought so many XYZ, booked and not yet protected."""
    rig = Rig(market, **exits_settings).begin()
    rig.approve(rig.entry(quantity=shares))
    rig.execute()
    rig.to(AFTER_OPEN)
    rig.execute()
    assert rig.held() == shares
    return rig


def by_hand(rig, side, shares):
    order = {"symbol": "XYZ", "qty": str(shares), "side": side, "type": "market",
             "time_in_force": "day"}  # fmt: skip
    rig.ask("POST", "/orders", order)


def halted(rig):
    return journal_halt(rig.journal.flags())


def paused(rig):
    flag = rig.journal.flags().get("paused")
    return flag is not None and flag.is_set


@pytest.mark.parametrize(("mine", "more"), [(95, 5), (105, -5)])
def test_within_the_limit_every_share_of_the_broker_is_covered(mine, more):
    rig = holding(mine)
    by_hand(rig, "buy" if more > 0 else "sell", abs(more))
    told = rig.exits()
    assert rig.resting() == [("sell", "100", "92.9")]
    assert certificate(told) == [("XYZ", 100, 1, 0)]
    assert (told.exit_code, told.codes) == (8, ("position-quantity",))
    rig.reconcile()
    assert (paused(rig), halted(rig)) == (True, None)


@pytest.mark.parametrize(("mine", "more", "covered"), [(94, 6, 94), (106, -6, 100)])
def test_beyond_it_only_what_both_sides_hold(mine, more, covered):
    rig = holding(mine)
    by_hand(rig, "buy" if more > 0 else "sell", abs(more))
    told = rig.exits()
    assert rig.resting() == [("sell", str(covered), "92.9")]
    assert told.exit_code == 8
    seen = rig.reconcile()
    assert [found.code for found in seen.exceeded] == ["limit-quantity-drift"]
    assert seen.halt.reason == "limit-quantity-drift"
    assert (paused(rig), halted(rig)) == (True, ("limit-quantity-drift",))


@pytest.mark.parametrize(("mine", "is_halted"), [(950, False), (949, True)])
def test_five_percent_pauses_and_five_point_one_halts(mine, is_halted):
    rig = holding(mine)
    rewrite(rig, "/positions", each(qty="1000"))
    assert bool(rig.reconcile().exceeded) == is_halted
    assert paused(rig)
    assert (halted(rig) is not None) == is_halted


@pytest.mark.parametrize(("shown", "reasons"), [("104", None), ("106", ("limit-quantity-drift",))])
def test_a_clean_reconciliation_ends_the_pause_and_never_a_halt(shown, reasons):
    rig = holding(100)
    truth = rig.line.send
    rewrite(rig, "/positions", each(qty=shown))
    rig.reconcile()
    rig.line.send = truth
    rig.to("2024-11-26T15:00:00Z")
    assert rig.reconcile().breaks == ()
    assert (paused(rig), halted(rig)) == (False, reasons)


def test_beyond_the_limits_no_symbol_is_bought():
    rig = holding(100)
    rewrite(rig, "/positions", each(qty="200"))
    abc = rig.entry(symbol="ABC", limit="50", sequence=2, expires_at=None)
    rig.approve(abc)
    told = rig.execute("093501")
    assert [(each.code, each.observed) for each in told.withheld] == [
        ("limit-quantity-drift", abc.client_order_id)
    ]
    assert told.exit_code == 8
    assert rig.book("ABC") == []


def test_read_only_halts_nothing():
    rig = holding(100)
    rewrite(rig, "/positions", each(qty="200"))
    seen = rig.reconcile(read_only=True)
    assert seen.exceeded
    assert seen.halt is None
    assert rig.journal.flags() == {}


def test_a_stop_over_the_brokers_quantity_that_is_hit_is_a_drift_and_no_violation():
    """Two shares more than booked are sold: the book is short of them until they are adopted."""
    rig = holding(98, {**MARKET, "2024-11-27": {"XYZ": (95, 96, 85, 86), "ABC": (42, 43, 41, 42)}})
    by_hand(rig, "buy", 2)
    rig.exits()
    assert rig.resting() == [("sell", "100", "92.9")]
    rig.to("2024-11-27T21:05:00Z")
    told = rig.exits()
    assert rig.held() == 0
    assert rig.journal.positions()[0].quantity == -2
    assert (paused(rig), halted(rig), rig.alarms) == (True, None, [])
    assert told.exit_code == 8


def test_an_exit_sells_what_the_broker_holds_and_no_share_more():
    """It closes by time on Wednesday; of 100 booked two were sold by hand."""
    rig = holding(100, hold_sessions_max=1)
    by_hand(rig, "sell", 2)
    rig.exits()
    rig.to("2024-11-27T14:35:00Z")
    rig.exits()
    sold = [order for order in rig.book() if (order["type"], order["side"]) == ("market", "sell")]
    assert [order["qty"] for order in sold] == ["2", "98"]
    assert rig.held() == 0


def test_limits_are_the_desks_own():
    rig = holding(100)
    rig.config = rig.config.model_copy(
        update={"reconcile": ReconcileSection(quantity_drift_fraction_max="0.5")}
    )
    rewrite(rig, "/positions", each(qty="150"))
    assert rig.reconcile().exceeded == ()
