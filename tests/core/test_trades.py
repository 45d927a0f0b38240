"""Round trips: first in, first out, to the cent, whatever the order of the reports."""

import datetime as dt
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from quantcli.contracts.config import FeesSection
from quantcli.contracts.scalars import ZERO
from quantcli.core.ledger import cash_effect, signed_quantity
from quantcli.core.trades import book_of, recent_exits, trades_of
from tests.core.day_facts import OPENS, SESSION, SIGNAL_ID, fill, order

RATES = FeesSection()
FREE = FeesSection(sec_usd_per_million="0", taf_usd_per_share="0")
FRIDAY = dt.date(2024, 8, 2)


def test_oldest_shares_are_sold_first():
    # 10 at 100, then 10 at 110; 15 sold at 120: 10 x 20 + 5 x 10 = 250; 5 at 110 stay
    fills = [
        fill(1, "buy", 10, "100"),
        fill(2, "buy", 10, "110", order="second"),
        fill(3, "sell", 15, "120"),
    ]
    book = book_of(fills, FREE)

    assert [(m.quantity, m.pnl_gross) for m in book.matches] == [(10, 200), (5, 50)]
    assert book.quantity("NVDA") == 5
    assert book.cost("NVDA") == Decimal("550.00")
    assert book.flat_sessions == {}


def test_costs_are_split_without_losing_a_cent():
    # 3 shares for 100.00 (33.3333 each): 33.33 + 33.34 (half even of 33.335) + the rest 33.33
    opening = fill(1, "buy", 3, "33.3333")
    sells = [fill(n, "sell", 1, "40", order=f"s{n}") for n in (2, 3, 4)]
    book = book_of([opening, *sells], FREE)

    assert sum(m.pnl_gross for m in book.matches) == Decimal("20.00")
    assert [m.pnl_gross for m in book.matches] == [
        Decimal("6.67"), Decimal("6.66"), Decimal("6.67")
    ]  # fmt: skip
    assert book.lots == {}


def test_fees_of_a_sale_are_shared_by_quantity():
    # one sale of 30 at 100: SEC 0.0834 -> 0.09, TAF 0.00498 -> 0.01: 0.10 for 10 + 20 shares
    fills = [
        fill(1, "buy", 10, "90"),
        fill(2, "buy", 20, "95", order="second"),
        fill(3, "sell", 30, "100"),
    ]

    assert [m.fees for m in book_of(fills, RATES).matches] == [Decimal("0.03"), Decimal("0.07")]


def test_oversell_opens_below_zero_and_is_closed_by_the_next_purchase():
    fills = [
        fill(1, "buy", 10, "100"),
        fill(2, "sell", 12, "110"),
        fill(3, "buy", 2, "105", order="cover"),
    ]
    short = book_of(fills[:2], FREE)
    assert short.quantity("NVDA") == -2
    assert short.cost("NVDA") == Decimal(-220)

    covered = book_of(fills, FREE)
    assert covered.lots == {}
    assert [m.pnl_gross for m in covered.matches] == [100, 10]


def test_trade_joins_the_parts_of_one_entry_and_one_exit():
    fills = [
        fill(1, "buy", 10, "100"),
        fill(2, "buy", 20, "103"),
        fill(3, "sell", 15, "104"),
        fill(4, "sell", 15, "106"),
    ]
    orders = {
        "buy-order": order(),
        "sell-order": order(
            client_order_id="sell-order", purpose="stop", side="sell", signal_id=None
        ),
    }
    book = book_of(fills, RATES)
    (trade,) = trades_of(book.matches, orders, {"x3", "x4"})

    assert trade.quantity == 30
    assert trade.entry_price == Decimal(102)  # (1000 + 2060) / 30
    assert trade.exit_price == Decimal(105)
    assert trade.entered_at == OPENS + dt.timedelta(minutes=1)
    assert trade.exited_at == OPENS + dt.timedelta(minutes=4)
    assert trade.pnl_gross == Decimal(90)
    # each sale of 15: SEC 1560 x 27.8e-6 = 0.043 -> 0.05, 1590: 0.044 -> 0.05; TAF 0.01 each
    assert trade.fees == Decimal("0.12")
    assert trade.pnl_net == Decimal("89.88")
    assert (trade.strategy, trade.exit_purpose) == ("avwap", "stop")
    assert trade.entry_signal_id == SIGNAL_ID


def test_trade_belongs_to_the_session_that_booked_its_end():
    fills = [fill(1, "buy", 20, "100"), fill(2, "sell", 10, "104"), fill(3, "sell", 10, "104")]
    book = book_of(fills, FREE)
    first = trades_of(book.matches, {}, {"x2"})
    second = trades_of(book.matches, {}, {"x3"})

    assert [trade.quantity for trade in (*first, *second)] == [10, 10]
    assert first[0].trade_id != second[0].trade_id
    assert trades_of(book.matches, {}, set()) == ()


def test_orders_that_are_not_ours_are_foreign():
    book = book_of([fill(1, "buy", 5, "10"), fill(2, "sell", 5, "11")], FREE)
    (trade,) = trades_of(book.matches, {}, {"x2"})

    assert (trade.strategy, trade.exit_purpose, trade.entry_signal_id) == (
        "foreign", "foreign", None
    )  # fmt: skip


def test_trades_of_two_symbols_stay_apart():
    fills = [
        fill(1, "buy", 5, "10", symbol="AMD"),
        fill(2, "buy", 5, "20"),
        fill(3, "sell", 5, "21"),
        fill(4, "sell", 5, "9", symbol="AMD"),
    ]
    trades = trades_of(book_of(fills, FREE).matches, {}, {"x3", "x4"})

    assert [(trade.symbol, trade.pnl_gross) for trade in trades] == [("NVDA", 5), ("AMD", -5)]


def test_recent_exit_is_the_newest_session_without_shares():
    fills = [
        fill(1, "buy", 5, "10"),
        fill(2, "sell", 5, "11"),
        fill(3, "buy", 5, "12", session=FRIDAY, order="again"),
        fill(4, "sell", 2, "12", session=FRIDAY),
        fill(5, "sell", 4, "7", symbol="AMD"),
    ]
    assert [(e.symbol, e.session) for e in recent_exits(book_of(fills, FREE))] == [
        ("NVDA", SESSION)
    ]
    closed = [*fills, fill(6, "sell", 3, "12", session=FRIDAY)]
    assert [(e.symbol, e.session) for e in recent_exits(book_of(closed, FREE))] == [
        ("NVDA", FRIDAY)
    ]


REPORTS = st.lists(
    st.tuples(
        st.sampled_from(["buy", "sell"]),
        st.integers(1, 50),
        st.integers(1, 20_000).map(lambda cents: Decimal(cents) / 100),
        st.sampled_from(["NVDA", "AMD"]),
        st.integers(0, 3),
    ),
    max_size=25,
)


def made(reports):
    return [
        fill(
            number, side, quantity, price, symbol=symbol,
            at=OPENS + dt.timedelta(minutes=minute), order=f"o{number}",
        )
        for number, (side, quantity, price, symbol, minute) in enumerate(reports, start=1)
    ]  # fmt: skip


@given(REPORTS, st.randoms(use_true_random=False))
def test_inv18_order_and_repetition_of_reports_do_not_matter(reports, random):
    fills = made(reports)
    shuffled = [*fills, *fills[:3]]
    random.shuffle(shuffled)

    assert book_of(shuffled, RATES) == book_of(fills, RATES)


@given(REPORTS)
def test_inv17_fills_add_up_to_the_shares_held(reports):
    fills = made(reports)
    book = book_of(fills, RATES)

    for symbol in ("NVDA", "AMD"):
        own = [signed_quantity(each) for each in fills if each.symbol == symbol]
        assert book.quantity(symbol) == sum(own, ZERO)


@given(REPORTS)
def test_inv20_realised_less_cost_of_what_is_held_is_all_the_cash(reports):
    fills = made(reports)
    book = book_of(fills, RATES)
    realised = sum((match.pnl_gross for match in book.matches), ZERO)
    cost = book.cost("NVDA") + book.cost("AMD")

    assert realised - cost == sum((cash_effect(each) for each in fills), ZERO)
