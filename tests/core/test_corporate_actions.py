"""Positions, stops, orders and lots after an action; nothing is won, lost or loosened by one."""

import datetime as dt
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quantcli.contracts.config import FeesSection
from quantcli.contracts.corporate_actions import CorporateAction, dividend_of, split_of
from quantcli.contracts.errors import LedgerError
from quantcli.contracts.journal_rows import ActionRow, StopRow
from quantcli.contracts.orders import Fill
from quantcli.contracts.positions import PositionRecord
from quantcli.core.corporate_actions import (
    Terms,
    positions_after,
    quantity_after,
    rows_due,
    stops_after,
    terms_since,
)
from quantcli.core.intents import tick_below
from quantcli.core.ledger import apply_fill, cash_effect
from quantcli.core.trades import book_of, trades_of

MONDAY, TUESDAY = dt.date(2024, 11, 25), dt.date(2024, 11, 26)
DAY = dt.date(2024, 11, 27)
FREE = FeesSection(sec_usd_per_million=0, taf_usd_per_share=0, taf_usd_max=0)


def fill(number, side, quantity, price, day=MONDAY, symbol="XYZ"):
    at = dt.datetime.combine(day, dt.time(15, 0, number), dt.UTC)
    return Fill(
        execution_id=str(number), client_order_id=None, broker_order_id=side, symbol=symbol,
        side=side, last_quantity=quantity, last_price=price, filled_at=at,
    )  # fmt: skip


def held(quantity, price="100", day=MONDAY):
    at = dt.datetime.combine(day, dt.time(15), dt.UTC)
    return PositionRecord("XYZ", Decimal(quantity), Decimal(price), day, at, "q1-entry")


def row(quantity, new=4, old=1, symbol="XYZ", day=DAY, to=None):
    ratio, count = Fraction(new, old), Decimal(quantity)
    return ActionRow(
        kind="split" if to is None else "rename", symbol=symbol, ex_date=day, new_rate=new,
        old_rate=old, new_symbol=to or symbol, quantity_before=count,
        quantity_after=quantity_after(count, ratio),
    )  # fmt: skip


def rename(quantity, symbol, to, day=DAY):
    return row(quantity, 1, 1, symbol, day, to)


RENAME = CorporateAction(symbol="XYZ", ex_date=DAY, kind="rename", new_symbol="NEW")


def test_a_position_after_a_split():
    after = positions_after({"XYZ": held(10)}, row(10))["XYZ"]
    assert after == held(10)._replace(quantity=Decimal(40), average_price=Decimal(25))


@pytest.mark.parametrize(
    ("shares", "ratio", "after"),
    [("10", 4, "40"), ("33", Fraction(1, 20), "1"), ("5", Fraction(3, 2), "7"),
     ("1", Fraction(1, 20), "0"), ("0.5", 3, "1.5"), ("2.5", Fraction(1, 3), "0.833333333"),
     ("-5", Fraction(1, 2), "-2")],
)  # fmt: skip
def test_whole_shares_stay_whole(shares, ratio, after):
    assert quantity_after(Decimal(shares), Fraction(ratio)) == Decimal(after)


def test_nothing_left_is_no_position():
    assert positions_after({"XYZ": held(1)}, row(1, 1, 20)) == {}


def test_an_action_of_other_shares_is_refused():
    with pytest.raises(LedgerError, match="other shares"):
        positions_after({"XYZ": held(9)}, row(10))
    with pytest.raises(LedgerError, match="other shares"):
        positions_after({}, row(10))


def test_a_rename_into_a_symbol_that_is_held_joins_the_two():
    there = held(30, "20")._replace(symbol="NEW")
    after = positions_after({"XYZ": held(10), "NEW": there}, rename(10, "XYZ", "NEW"))
    assert (after["NEW"].quantity, after["NEW"].average_price) == (40, 40)
    assert {*after} == {"NEW"}


@given(
    price=st.decimals("1.01", "9999.99", places=2),
    new=st.integers(1, 50),
    old=st.integers(1, 50),
)
def test_inv06_a_stop_is_restated_to_the_tick_below_and_never_higher(price, new, old):
    memory = StopRow(symbol="XYZ", stop_price=price, basis="intent", client_order_id="q1-s")
    after = stops_after({"XYZ": memory}, row(10, new, old))["XYZ"]
    exact = price * old / new
    assert exact - Decimal("0.01") < after.stop_price <= exact
    assert after.stop_price == tick_below(after.stop_price)
    assert after.client_order_id is None


def test_terms_follow_splits_and_names_in_their_order():
    rows = [row(10), rename(40, "XYZ", "NEW", dt.date(2024, 12, 2)),
            row(40, 1, 2, "NEW", dt.date(2024, 12, 3))]  # fmt: skip
    assert terms_since("XYZ", TUESDAY, rows) == Terms("NEW", Fraction(2))
    assert terms_since("XYZ", DAY, rows) == Terms("NEW", Fraction(1, 2))
    assert terms_since("NEW", dt.date(2024, 12, 3), rows) == Terms("NEW", Fraction(1))
    assert terms_since("ABC", TUESDAY, rows) == Terms("ABC", Fraction(1))
    assert Terms("XYZ", Fraction(4)).price(Decimal(492)) == 123


def due(position, *actions, booked=(), traded=None):
    return rows_due([position], actions, booked, traded or {})


def test_what_is_due_is_what_happened_after_the_opening_and_is_not_booked():
    split = split_of("XYZ", DAY, 4)
    assert due(held(10), split) == (row(10),)
    assert due(held(10, day=DAY), split) == ()
    assert due(held(10), split, booked=[row(10)]) == ()
    corrected = split_of("XYZ", DAY, 5)
    assert due(held(40), corrected, booked=[row(10)]) == ()
    assert due(held(10), dividend_of("XYZ", DAY, 1.0), split_of("ABC", DAY, 4)) == ()


def test_what_traded_since_is_not_guessed_at():
    split = split_of("XYZ", DAY, 4)
    assert due(held(10), split, traded={"XYZ": DAY}) == ()
    assert due(held(10), split, traded={"XYZ": TUESDAY}) == (row(10),)


def test_actions_that_follow_each_other_follow_the_shares():
    later = dt.date(2024, 12, 2)
    again = split_of("NEW", later, 0.5)
    first, second = due(held(10), RENAME, again)
    assert (first.new_symbol, second.symbol, second.quantity_after) == ("NEW", "NEW", 5)


def test_a_round_trip_over_a_split_is_told_in_the_shares_of_its_exit():
    fills = [fill(1, "buy", 10, 400), fill(2, "sell", 40, 110, dt.date(2024, 12, 2))]
    (trade,) = trades_of(book_of(fills, FREE, [row(10)]).matches, {}, {"2"})
    assert (trade.quantity, trade.entry_price, trade.exit_price) == (40, 100, 110)
    assert trade.pnl_gross == 400


def test_without_the_action_the_same_fills_are_an_oversell():
    fills = [fill(1, "buy", 10, 400), fill(2, "sell", 40, 110, dt.date(2024, 12, 2))]
    assert book_of(fills, FREE).quantity("XYZ") == -30


def test_a_round_trip_over_a_rename_bears_the_new_name():
    fills = [fill(1, "buy", 10, 100), fill(2, "sell", 10, 110, dt.date(2024, 12, 2), "NEW")]
    book = book_of(fills, FREE, [rename(10, "XYZ", "NEW")])
    (trade,) = trades_of(book.matches, {}, {"2"})
    assert (trade.symbol, trade.pnl_gross, book.lots) == ("NEW", 100, {})


def test_a_fraction_leaves_at_its_cost_and_the_cash_for_it_is_income():
    book = book_of([fill(1, "buy", 33, 7)], FREE, [row(33, 1, 20)])
    assert book.quantity("XYZ") == 1
    assert book.cost("XYZ") == 140
    (gone,) = book.matches
    assert (gone.quantity, gone.pnl_gross) == (Decimal("0.65"), -91)
    # It is no trade of any session.
    assert trades_of(book.matches, {}, {"1"}) == ()


def test_a_purchase_on_the_ex_date_is_one_of_new_shares():
    fills = [fill(1, "buy", 10, 400), fill(2, "buy", 3, 100, DAY)]
    book = book_of(fills, FREE, [row(10)])
    assert (book.quantity("XYZ"), book.cost("XYZ")) == (43, 4300)


@given(
    lots=st.lists(st.tuples(st.integers(1, 500), st.integers(100, 90_000)), min_size=1, max_size=5),
    new=st.integers(1, 20),
    old=st.integers(1, 20),
    sold=st.integers(0, 100),
)
def test_inv17_inv20_lots_positions_and_cash_agree_over_a_split(lots, new, old, sold):
    """Whatever was bought: the ledger's shares are the lots', and no cent comes or goes."""
    if new == old:
        new += 1
    fills = [
        fill(number, "buy", quantity, Decimal(cents) / 100)
        for number, (quantity, cents) in enumerate(lots)
    ]
    position = None
    for each in fills:
        position = apply_fill(position, each, MONDAY)
    (action,) = rows_due([position], [split_of("XYZ", DAY, Fraction(new, old))], (), {})
    position = positions_after({"XYZ": position}, action).get("XYZ")
    quantity = min(sold, int(action.quantity_after))
    if quantity:
        last = fill(30, "sell", quantity, 50, dt.date(2024, 12, 2))
        fills.append(last)
        position = apply_fill(position, last, DAY)
    book = book_of(fills, FREE, [action])
    assert book.quantity("XYZ") == (0 if position is None else position.quantity)
    realised = sum(match.pnl_gross for match in book.matches)
    assert realised - book.cost("XYZ") == sum(cash_effect(each) for each in fills)
