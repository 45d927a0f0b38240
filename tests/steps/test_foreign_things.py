"""What stands in the account beside our own: an option, a coin, a fraction of a coin."""

import pytest

from quantcli.contracts.errors import ContractDrift, LedgerError
from quantcli.contracts.journal_rows import IntentRow
from tests.steps.conftest import AFTER_OPEN
from tests.steps.rig import rewrite

SYMBOLS = ("BTC/USD", "AAPL240119C00150000", "brk.b", "ABCDEFG", "Ünal")
POSITION = {"symbol": "BTC/USD", "qty": "1", "avg_entry_price": "9", "current_price": "9",
            "qty_available": "1"}  # fmt: skip
ORDER = {"id": "o", "client_order_id": "web", "symbol": "BTC/USD", "side": "buy", "type": "limit",
         "time_in_force": "gtc", "status": "new", "qty": "1", "filled_qty": "0",
         "limit_price": "5"}  # fmt: skip
FILL = {"id": "20241126::f", "activity_type": "FILL", "transaction_time": "2024-11-26T14:31:00Z",
        "symbol": "BTC/USD", "side": "buy", "qty": "1", "price": "5", "order_id": "o"}  # fmt: skip


def show(rig, path, row):
    rewrite(rig, path, lambda value: [*value, row] if isinstance(value, list) else value)


def breaks(artifact):
    return [(found.code, found.symbol) for found in artifact.breaks]


@pytest.mark.parametrize("symbol", SYMBOLS)
def test_a_foreign_position_of_any_name_is_a_break_and_stops_no_exit(symbol, holder):
    show(holder, "/positions", {**POSITION, "symbol": symbol})
    told = holder.exits()
    assert [row.uncovered for row in told.certificate] == [0]
    assert told.codes == ("position-foreign",)
    assert holder.resting() == [("sell", "10", "92.9")]
    assert breaks(holder.reconcile()) == [("position-foreign", symbol)]
    assert holder.journal.flags()["paused"].is_set


@pytest.mark.parametrize(
    ("path", "row", "code"),
    [("/orders", ORDER, "order-foreign"), ("/account/activities", FILL, "fill-foreign")],
)
@pytest.mark.parametrize("symbol", SYMBOLS)
def test_foreign_orders_and_fills_of_any_name_are_breaks(symbol, path, row, code, protected):
    show(protected, path, {**row, "symbol": symbol})
    assert breaks(protected.reconcile()) == [(code, symbol)]
    assert [row.uncovered for row in protected.exits("093501").certificate] == [0]


@pytest.mark.parametrize(
    ("path", "row"),
    [
        ("/positions", {**POSITION, "qty": "0.1234567890123"}),
        ("/positions", {**POSITION, "symbol": "X" * 65}),
        ("/orders", {**ORDER, "qty": "0.1234567890123"}),
        ("/account/activities", {**FILL, "qty": "0.1234567890123"}),
    ],
)
def test_what_cannot_be_written_down_is_a_drift_and_stops_no_exit(path, row, holder):
    show(holder, path, row)
    told = holder.exits()
    assert told.codes == ("broker-contract-drift",)
    assert told.exit_code == 6
    assert [row.uncovered for row in told.certificate] == [0]
    with pytest.raises(ContractDrift):
        holder.reconcile()
    holder.approve(holder.entry(symbol="ABC", limit="50", sequence=2))
    assert holder.execute("093501").exit_code == 6
    assert holder.book("ABC") == []


def test_a_row_that_contradicts_the_book_leaves_the_other_shares_protected(rig):
    rig.approve(rig.entry(), rig.entry(symbol="ABC", limit="45"))
    rig.execute()
    rig.to(AFTER_OPEN)
    rig.execute()
    append = rig.journal.append

    def refusing(place, rows):
        if any(isinstance(row, IntentRow) and row.intent.symbol == "ABC" for row in rows):
            raise LedgerError("made up: the book refuses this one")
        append(place, rows)

    rig.journal.append = refusing
    told = rig.exits()
    assert told.exit_code == 8
    assert [(row.symbol, row.uncovered) for row in told.certificate] == [("ABC", 10), ("XYZ", 0)]
    assert {"ledger-broken", "share-uncovered"} <= set(told.codes)
