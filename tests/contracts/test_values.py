"""Small values: orders, accounts, bars, journal rows."""

import datetime as dt
from decimal import Decimal

import pytest
from pydantic import ValidationError

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


def test_every_kind_of_row_has_one_model():
    assert {kind: ROW_MODELS[kind] for kind in ROW_KINDS.values()} == ROW_MODELS
    assert len(ROW_KINDS) == len(ROW_MODELS) == 11


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
