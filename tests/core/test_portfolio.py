"""The portfolio: what is held, earned and added, and that the ledger agrees with itself."""

import datetime as dt
from decimal import Decimal

import pytest

from quantcli.contracts.config import FeesSection
from quantcli.contracts.errors import LedgerError
from quantcli.contracts.journal_rows import StopRow
from quantcli.contracts.positions import PositionRecord
from quantcli.core.portfolio import (
    Ledger,
    Mark,
    cash_moved,
    check_ledger,
    contributions,
    held_at,
    pnl_of,
    standing,
)
from quantcli.core.trades import book_of
from tests.core.day_facts import BEFORE, OPENS, SESSION, cash_row, fill, order, snapshot

RATES = FeesSection()
D = Decimal
# Bought 10 at 100 and 10 at 110, sold 15 at 120: cash -1000 -1100 +1800 = -300, 5 held at 110.
FILLS = (
    fill(1, "buy", 10, "100"),
    fill(2, "buy", 10, "110", order="second"),
    fill(3, "sell", 15, "120"),
)
RECORD = PositionRecord("NVDA", D(5), D(105), SESSION, OPENS, "second")


def ledger(**changes):
    values = {
        "opening_cash": D("1000.00"),
        "cash": D("699.90"),
        "positions": (RECORD,),
        "fills": FILLS,
        "movements": (cash_row(1, "-0.10"),),
        "booked": frozenset({"x3"}),
    }
    return Ledger(**{**values, **changes})


def test_ledger_that_agrees_passes():
    check_ledger(ledger(), book_of(FILLS, RATES))


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"positions": ()}, "NVDA add up to 5 shares, the journal holds 0"),
        ({"positions": (RECORD._replace(quantity=D(6)),)}, "the journal holds 6"),
        ({"positions": (RECORD, RECORD._replace(symbol="AMD"))}, "fills of AMD add up to 0"),
        ({"cash": D("699.91")}, "699.90 USD, the journal holds 699.91"),
        ({"movements": ()}, "700.00 USD"),
    ],
)
def test_contradiction_is_named(changes, said):
    with pytest.raises(LedgerError, match=said):
        check_ledger(ledger(**changes), book_of(FILLS, RATES))


def test_cash_movements_are_sorted_by_what_they_are():
    rows = [
        cash_row(1, "-0.10"),
        cash_row(2, "-0.05", kind="PTC"),
        cash_row(3, "12.00", kind="DIV"),
        cash_row(4, "500", kind="CSD"),
        cash_row(5, "-200", kind="JNLC"),
    ]
    assert cash_moved(rows) == (D("-0.15"), D("12.00"), D(300))


def test_position_is_valued_at_its_mark_and_its_oldest_costs():
    stop = StopRow(symbol="NVDA", stop_price="98", basis="intent", client_order_id=None)
    position = held_at(RECORD, Mark(D(115), "bar"), book_of(FILLS, RATES), stop, order())

    assert position.average_price == 110
    assert position.market_value == 575
    assert position.pnl_unrealised == 25
    assert position.risk_at_stop == 85  # 5 x (115 - 98)
    assert (position.strategy, position.mark_source) == ("avwap", "bar")


def test_position_without_stop_or_known_order_risks_everything():
    position = held_at(RECORD, Mark(D(115), "broker"), book_of(FILLS, RATES), None, None)

    assert position.risk_at_stop == position.market_value == 575
    assert (position.strategy, position.stop_price, position.entry_signal_id) == (
        "foreign", None, None,
    )  # fmt: skip


def test_pnl_adds_up_to_the_change_in_equity():
    book = book_of(FILLS, RATES)
    movements = (cash_row(1, "7.00", kind="DIV"), cash_row(2, "50", kind="CSD"))
    own = ledger(cash=D("757.00"), movements=movements)
    check_ledger(own, book)
    position = held_at(RECORD, Mark(D(115), "bar"), book, None, None)
    pnl = pnl_of(own, book, (position,), RATES)

    assert pnl.realised_gross == 250  # 10 x 20 + 5 x 10
    assert pnl.realised_session_gross == 250
    assert pnl.unrealised == 25
    assert pnl.fees_accrued == D("-0.07")  # 1800 x 27.8e-6 = 0.0501 -> 0.06; 15 shares: 0.01
    assert (pnl.income, pnl.transfers, pnl.fees_booked) == (7, 50, 0)
    assert pnl.net == D("281.93")
    equity = own.cash + position.market_value
    assert equity - own.opening_cash == pnl.net - pnl.fees_accrued + pnl.transfers


def test_booked_fees_lower_the_net():
    book = book_of(FILLS, RATES)
    pnl = pnl_of(ledger(), book, (), RATES)

    assert (pnl.fees_booked, pnl.fees_accrued) == (D("-0.10"), 0)
    assert pnl.net == D("249.90")


def test_realised_in_the_session_counts_only_what_it_booked():
    book = book_of(FILLS, RATES)

    assert pnl_of(ledger(booked=frozenset()), book, (), RATES).realised_session_gross == 0


def test_contributions_take_estimated_fees_from_each_symbol():
    fills = (*FILLS, fill(4, "buy", 1, "50", symbol="AMD"))
    book = book_of(fills, RATES)
    amd = PositionRecord("AMD", D(1), D(50), SESSION, OPENS, None)
    positions = [
        held_at(RECORD, Mark(D(115), "bar"), book, None, None),
        held_at(amd, Mark(D(49), "bar"), book, None, None),
    ]
    found = {each.symbol: each for each in contributions(book.matches, positions)}

    assert list(found) == ["AMD", "NVDA"]
    assert (found["AMD"].realised, found["AMD"].total) == (0, -1)
    assert found["NVDA"].realised == D("249.93")
    assert found["NVDA"].total == D("274.93")


def test_history_begins_with_the_first_snapshot():
    stand = standing(D("99.00"), None, D(0))

    assert stand.high_water_mark == 99
    assert stand.equity_history == (99,)
    assert (stand.return_session, stand.volatility_5) == (None, None)
    assert stand.drawdown == stand.drawdown_max == 0


def test_history_continues_from_the_snapshot_before():
    before = snapshot(
        BEFORE, high_water_mark="120", drawdown_max="0.3", equity_history=("80", "120", "100")
    )
    stand = standing(D("90.00"), before, D(0))

    assert stand.high_water_mark == 120
    assert stand.drawdown == D("0.25")
    assert stand.drawdown_max == D("0.3")
    assert stand.return_session == D("-0.1")
    assert stand.equity_history == (80, 120, 100, 90)


def test_capital_paid_in_is_no_profit():
    # 100 stood against a mark of 125 (drawdown 0.2); 100 is paid in and nothing else happens
    before = snapshot(BEFORE, high_water_mark="125", equity_history=("90", "110", "100"))
    stand = standing(D("200.00"), before, D("100.00"))

    assert stand.return_session == 0
    assert stand.high_water_mark == 250
    assert stand.drawdown == D("0.2")
    assert stand.equity_history == (180, 220, 200, 200)


def test_volatility_needs_five_returns():
    history = ("100", "101", "102.01", "103.03", "104.06")
    before = snapshot(BEFORE, high_water_mark="105", equity_history=history)

    assert standing(D("105.10"), before, D(0)).volatility_5 is not None
    shorter = before.model_copy(update={"equity_history": before.equity_history[1:]})
    assert standing(D("105.10"), shorter, D(0)).volatility_5 is None


def test_dates_in_records_pass_through():
    record = RECORD._replace(opened_session=dt.date(2024, 7, 30))
    position = held_at(record, Mark(D(110), "cost"), book_of(FILLS, RATES), None, None)

    assert position.opened_session == dt.date(2024, 7, 30)
    assert position.pnl_unrealised == 0
