"""`exits` on the morning after a split: whatever the broker made of the stop, one in new shares.

10 XYZ were bought at 100 on Tuesday and stand under a stop at 90; on Wednesday each share is two.
The rules against which the stop may not be lowered hold in the shares of the day.
"""

import datetime as dt
from decimal import Decimal

import pytest

from quantcli.contracts.corporate_actions import CorporateAction, split_of
from quantcli.contracts.errors import BarsMissing, LedgerError
from quantcli.contracts.journal_rows import StopRow
from quantcli.core.corporate_actions import rows_due
from tests.steps.conftest import AFTER_OPEN, MARKET
from tests.steps.holdings import WEDNESDAY_CLOSE, WEDNESDAY_OPEN, certificate, reviews, sends
from tests.steps.rig import Rig, always, once, rewrite, states

DAY = dt.date(2024, 11, 27)
MORNING = "2024-11-27T13:30:00Z"
SPLIT = split_of("XYZ", DAY, 2)
RENAME = CorporateAction(symbol="XYZ", ex_date=DAY, kind="rename", new_symbol="NEW")
HALVED = MARKET | {
    "2024-11-27": {"XYZ": (51.5, 54, 50.5, 53.5), "NEW": (103, 108, 101, 107)},
    "2024-11-29": {"XYZ": (54, 56, 53, 55.5), "NEW": (108, 112, 106, 111)},
}


def holder(*actions):
    """Return a desk on Wednesday at 08:30 that holds XYZ under a stop at 90 since Tuesday."""
    rig = Rig(HALVED, actions=actions).begin()
    rig.bars.rows.clear()  # no structure: the entry's own stop stands
    rig.approve(rig.entry())
    rig.execute()
    rig.to(AFTER_OPEN)
    rig.execute()
    rig.exits()
    assert rig.resting() == [("sell", "10", "90")]
    return rig.to(MORNING)


@pytest.fixture
def rig():
    return holder(SPLIT)


def broker_keeps(rig, **terms):
    """Let the broker leave the old stop standing, with other terms if it restated them."""
    with rig.exchange.change() as book:
        stop = next(order for order in book.orders("symbol = 'XYZ'") if order.side == "sell")
        book.put_order(stop._replace(status="accepted", canceled=None, **terms))


def test_a_stop_that_the_split_ended_stands_again_after_the_first_exits(rig):
    assert rig.reconcile().breaks == ()
    rig.execute()
    rig.to(WEDNESDAY_OPEN)
    told = rig.exits()
    assert reviews(told) == [("place", "stop-placed", Decimal(45), Decimal(45), "intent")]
    assert rig.resting() == [("sell", "20", "45")]
    assert certificate(told) == [("XYZ", 20, 1, 0)]
    assert told.exit_code == 0
    assert rig.journal.positions()[0][1:3] == (20, 50)
    assert rig.journal.stops()["XYZ"].stop_price == 45
    assert rig.reconcile().breaks == ()


def test_the_action_is_told_where_it_was_booked(rig):
    (row,) = rig.execute().actions
    assert (row.symbol, row.quantity_before, row.quantity_after) == ("XYZ", 10, 20)
    rig.to(WEDNESDAY_OPEN)
    assert rig.exits().actions == ()
    assert len(rig.journal.rows(kind="action")) == 1


@pytest.mark.parametrize("terms", [{}, {"quantity": Decimal(20), "stop_price": Decimal(45)}])
def test_a_stop_that_the_broker_left_or_restated_gives_way_to_ours(rig, terms):
    broker_keeps(rig, **terms)
    assert rig.reconcile().breaks == ()
    told = rig.exits()  # before the open: a first stop may be placed at any hour
    assert rig.resting() == [("sell", "20", "45")]
    assert certificate(told) == [("XYZ", 20, 1, 0)]
    assert states(rig, purpose="stop") == ["CANCELLED", "SUBMITTED"]


def test_an_old_stop_that_will_not_go_covers_nothing_and_nothing_is_sold_beside_it(rig):
    broker_keeps(rig)
    rig.line.trouble = always("DELETE", "/orders", "unsent")
    told = rig.exits()
    assert certificate(told) == [("XYZ", 20, 0, 20)]
    assert told.exit_code == 8
    assert rig.resting() == [("sell", "10", "90")]
    rig.line.trouble = lambda method, path: ""
    assert certificate(rig.exits("083001")) == [("XYZ", 20, 1, 0)]
    assert rig.resting() == [("sell", "20", "45")]


def test_a_full_halt_leaves_the_old_stop_where_it_is(rig):
    broker_keeps(rig)
    rig.halts.now = rig.halts.now._replace(all=True)
    told = rig.exits()
    assert not sends(rig)[3:]
    assert certificate(told) == [("XYZ", 20, 0, 20)]


def test_a_stop_of_unknown_outcome_is_not_sent_again_in_old_shares():
    rig = Rig(HALVED, actions=[SPLIT]).begin()
    rig.bars.rows.clear()
    rig.approve(rig.entry())
    rig.execute()
    rig.to(AFTER_OPEN)
    rig.execute()
    rig.line.trouble = always("POST", "/orders", "lost")
    rig.exits()
    assert states(rig, purpose="stop") == ["UNKNOWN"]
    rig.line.trouble = lambda method, path: ""
    rig.to(MORNING)
    told = rig.exits()
    assert rig.resting() == [("sell", "20", "45")]
    assert states(rig, purpose="stop") == ["REJECTED", "SUBMITTED"]
    assert told.exit_code == 0


def test_a_broker_that_is_late_is_a_break_and_its_own_shares_are_covered(rig):
    def as_before(value):
        return [{**row, "qty": "10", "avg_entry_price": "100"} for row in value]

    send = rig.line.send
    rewrite(rig, "/positions", as_before)
    assert [item.code for item in rig.reconcile().breaks] == ["position-quantity"]
    told = rig.exits()
    assert rig.resting() == [("sell", "10", "45")]
    assert certificate(told) == [("XYZ", 20, 1, 10)]
    rig.line.send = send
    rig.to(WEDNESDAY_OPEN)
    rig.exits()
    assert rig.resting() == [("sell", "20", "45")]
    assert rig.reconcile().breaks == ()


def test_what_cannot_be_read_is_named_and_stops_no_exit(rig):
    def unreadable(first, last, *, kinds):
        raise BarsMissing("the list is gone")

    rig.bars.actions = unreadable
    with pytest.raises(BarsMissing):
        rig.reconcile()
    told = rig.exits()
    assert "bars-missing" in told.codes
    assert told.exit_code != 0
    # Ten of the shares are all that our books know of; they are covered or sold, not forgotten.
    assert told.reviews


def test_a_new_symbol_takes_position_and_stop_along():
    rig = holder(RENAME)
    assert rig.reconcile().breaks == ()
    rig.execute()
    rig.to(WEDNESDAY_OPEN)
    told = rig.exits()
    assert rig.resting("NEW") == [("sell", "10", "90")]
    assert rig.resting("XYZ") == []
    assert certificate(told) == [("NEW", 10, 1, 0)]
    assert {*rig.journal.stops()} == {"NEW"}
    assert rig.reconcile().breaks == ()


def test_a_reverse_split_pays_for_the_fraction_and_the_books_agree():
    rig = holder(split_of("XYZ", DAY, 0.3))
    with rig.exchange.change() as book:
        held = book.position("XYZ")
    assert held.quantity == 3
    rig.execute()
    assert rig.reconcile().breaks == ()


def test_a_row_of_an_action_is_refused_the_second_time(rig):
    position = rig.journal.positions()
    (row,) = rows_due(position, [SPLIT], (), {})
    desk = rig.desk("execute")
    desk.write([row])
    later = row.model_copy(update={"quantity_before": 20, "quantity_after": 40})
    with pytest.raises(LedgerError, match="is booked"):
        desk.write([later])
    assert rig.journal.positions()[0].quantity == 20
    rig.journal.verify_tables()


def test_inv06_no_stop_is_loosened_below_the_restated_one(rig):
    rig.execute()
    memory = rig.journal.stops()["XYZ"]
    with pytest.raises(LedgerError, match="loosened"):
        rig.desk("exits").write([memory.model_copy(update={"stop_price": Decimal("44.99")})])
    assert isinstance(memory, StopRow)


def test_a_split_learned_after_the_shares_have_traded_stays_a_break():
    rig = holder(SPLIT)
    told, rig.bars.action_list = rig.bars.action_list, ()
    rig.to(WEDNESDAY_OPEN)
    rig.exits()  # nobody told of it: the fall is sold
    rig.to(WEDNESDAY_CLOSE)
    rig.bars.action_list = told
    rig.exits()
    assert rig.journal.rows(kind="action") == ()
    codes = {item.code for item in rig.reconcile().breaks}
    assert codes == {"position-foreign"}


def test_the_cancel_is_asked_for_once_more_if_it_was_not_heard(rig):
    broker_keeps(rig)
    rig.line.trouble = once(("DELETE", "/orders", "unheard"))
    rig.exits()
    assert rig.resting() == [("sell", "20", "45")]
