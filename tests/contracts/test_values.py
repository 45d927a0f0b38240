"""Small values: orders, accounts, bars, journal rows."""

import datetime as dt
from decimal import Decimal

import numpy as np
import pytest
from pydantic import ValidationError

from quantcli.contracts.bars import BarMatrix
from quantcli.contracts.broker_views import Account
from quantcli.contracts.journal_rows import ROW_KINDS, ROW_MODELS, ExposedRow, FlagRow
from quantcli.contracts.orders import (
    TERMINAL_ORDER_STATES,
    WORKING_ORDER_STATES,
    Fill,
    OrderRecord,
)
from quantcli.contracts.positions import PositionRecord
from tests.core.made_orders import fill, intent, order


@pytest.mark.parametrize("state", sorted(TERMINAL_ORDER_STATES))
def test_nothing_is_left_of_an_order_that_ended(state):
    assert order(state, cumulative=4).leaves_quantity == 0


@pytest.mark.parametrize("state", ["PENDING", "UNKNOWN", *sorted(WORKING_ORDER_STATES)])
def test_what_is_left_of_an_order_that_lives(state):
    assert order(state, cumulative=4).leaves_quantity == 6


def test_no_state_is_both_working_and_final():
    assert TERMINAL_ORDER_STATES.isdisjoint(WORKING_ORDER_STATES)
    assert {"PENDING", "UNKNOWN"}.isdisjoint(TERMINAL_ORDER_STATES | WORKING_ORDER_STATES)


@pytest.mark.parametrize("quantity", [0, -1, "0.0000000001", "NaN"])
def test_an_intent_is_for_something(quantity):
    with pytest.raises((ValidationError, ValueError)):
        intent(quantity=Decimal(quantity))


@pytest.mark.parametrize(("field", "value"), [("last_quantity", 0), ("last_price", 0)])
def test_a_fill_is_of_something_at_a_price(field, value):
    with pytest.raises(ValidationError):
        Fill(**{**fill(1, 100).model_dump(), field: value})


def test_records_are_read_back_as_written():
    record = order(cumulative=4, average=Decimal("100.12345"))

    assert OrderRecord.model_validate_json(record.model_dump_json()) == record
    assert record.model_dump(mode="json")["average_price"] == "100.1234"


@pytest.mark.parametrize(
    ("status", "is_blocked", "expected"),
    [("ACTIVE", False, True), ("ACTIVE", True, False), ("INACTIVE", False, False)],
)
def test_an_account_trades_only_if_it_says_so_twice(status, is_blocked, expected):
    money = dict.fromkeys(
        ("cash", "equity", "buying_power", "non_marginable_buying_power"), Decimal(1)
    )
    account = Account(
        account_id="a", account_number="b", status=status, is_blocked=is_blocked, **money
    )

    assert account.is_tradable is expected


def test_a_position_is_a_plain_value():
    opened = dt.datetime(2024, 8, 1, 13, 30, tzinfo=dt.UTC)
    position = PositionRecord("AAPL", Decimal(3), Decimal("100.5"), opened.date(), opened, None)

    assert position._replace(quantity=Decimal(2)).quantity == 2
    assert position.entry_client_order_id is None


DAYS = tuple(dt.date(2024, 8, day) for day in (1, 2, 5))


@pytest.mark.parametrize(
    ("through", "rows"),
    [("2024-07-31", 0), ("2024-08-01", 1), ("2024-08-04", 2), ("2024-08-05", 3), ("2025-01-01", 3)],
)
def test_bars_through_a_day_are_views(through, rows):
    column = np.arange(6.0).reshape(3, 2)
    matrix = BarMatrix(
        symbols=("AAPL", "MSFT"), sessions=DAYS, open=column, high=column, low=column,
        close=column, volume=column, feed="x", adjustment="split", refs=(),
    )  # fmt: skip
    seen = matrix.through(dt.date.fromisoformat(through))

    assert seen.sessions == DAYS[:rows]
    assert seen.close.shape == (rows, 2)
    assert np.shares_memory(seen.close, column) or rows == 0
    assert (seen.symbols, seen.feed, seen.adjustment) == (matrix.symbols, "x", "split")


def test_every_kind_of_row_has_one_model():
    assert {kind: ROW_MODELS[kind] for kind in ROW_KINDS.values()} == ROW_MODELS
    assert len(ROW_KINDS) == len(ROW_MODELS) == 9


@pytest.mark.parametrize(
    ("model", "fields"),
    [
        (FlagRow, {"name": "gossip", "is_set": True, "reasons": (), "by": "operator"}),
        (FlagRow, {"name": "paused", "is_set": True, "reasons": (), "by": "nobody"}),
        (
            ExposedRow,
            {"symbol": "AAPL", "quantity": 1, "covered_by": (), "uncovered": 1,
             "unprotected_seconds": -1},
        ),
    ],
)  # fmt: skip
def test_rows_are_checked(model, fields):
    with pytest.raises(ValidationError):
        model(**fields)
