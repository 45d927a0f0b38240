"""From Alpaca's JSON to values: lenient about extras, strict about what money rests on."""

import datetime as dt
import json
from decimal import Decimal

import pytest

from quantcli.contracts.errors import ContractDrift
from quantcli.shell.alpaca import translate
from quantcli.shell.alpaca.translate import (
    account_of,
    activity_of,
    calendar_day_of,
    clock_of,
    order_of,
    parse,
    position_of,
)

ORDER = {
    "id": "533dfcdb-b027-4bfd-94de-61ef8982fa3d",
    "client_order_id": "q1-x",
    "symbol": "SPY",
    "side": "buy",
    "type": "limit",
    "time_in_force": "day",
    "status": "new",
    "qty": "10",
    "filled_qty": "0",
    "filled_avg_price": None,
    "limit_price": "100.10",
    "stop_price": None,
    "submitted_at": "2025-08-16T15:38:16.620246287Z",
    "filled_at": None,
    "replaced_by": None,
    "replaces": None,
}
ACCOUNT = {
    "id": "a-1",
    "account_number": "PA1",
    "status": "ACTIVE",
    "cash": "1000.5",
    "equity": "2000",
    "buying_power": "4000",
    "non_marginable_buying_power": "1000.50",
    "trading_blocked": False,
    "account_blocked": False,
    "trade_suspended_by_user": False,
}
POSITION = {"symbol": "SPY", "qty": "-3", "avg_entry_price": "100.123456"}
FILL = {
    "id": "20250816::1",
    "activity_type": "FILL",
    "transaction_time": "2025-08-16T15:38:16.620246Z",
    "symbol": "SPY",
    "side": "sell",
    "qty": "3",
    "price": "100.25",
    "order_id": "b-1",
}
FEE = {"id": "20250816::2", "activity_type": "FEE", "date": "2025-08-16", "net_amount": "-0.03"}
CLOCK = {
    "timestamp": "2024-11-29T10:00:00.123456789-05:00",
    "is_open": True,
    "next_open": "2024-12-02T09:30:00-05:00",
    "next_close": "2024-11-29T13:00:00-05:00",
}
DAY = {"date": "2024-11-29", "open": "09:30", "close": "13:00"}
READERS = {
    "account": (account_of, ACCOUNT, {
        "id", "account_number", "status", "cash", "equity", "buying_power",
        "non_marginable_buying_power",
    }),
    "clock": (clock_of, CLOCK, set(CLOCK)),
    "calendar": (calendar_day_of, DAY, set(DAY)),
    "position": (position_of, POSITION, set(POSITION)),
    "order": (order_of, ORDER, {
        "id", "client_order_id", "symbol", "side", "type", "time_in_force", "status", "filled_qty",
    }),
    "fill": (activity_of, FILL, set(FILL)),
    "fee": (activity_of, FEE, {"id", "activity_type", "net_amount"}),
}  # fmt: skip


# ------------------------------------------------------------------------------ by hand


def test_an_order():
    order = order_of({**ORDER, "filled_qty": "3", "filled_avg_price": 100.05, "extra": {"x": 1}})

    assert order.broker_order_id == ORDER["id"]
    assert (order.status, order.raw_status) == ("working", "new")
    assert (order.quantity, order.cumulative_quantity) == (10, 3)
    assert order.average_price == Decimal("100.05")
    assert order.limit_price == Decimal("100.10")
    assert order.stop_price is None
    # Nine digits of a second are cut, not rounded, to the six that an instant holds.
    assert order.submitted_at == dt.datetime(2025, 8, 16, 15, 38, 16, 620246, dt.UTC)


def test_an_account():
    account = account_of(ACCOUNT)

    assert (account.cash, account.equity) == (Decimal("1000.5"), 2000)
    assert account.is_tradable
    assert not account_of({**ACCOUNT, "status": "ACCOUNT_CLOSED"}).is_tradable


@pytest.mark.parametrize("flag", ["trading_blocked", "account_blocked", "trade_suspended_by_user"])
@pytest.mark.parametrize("value", [True, None, "false", 0, "absent"])
def test_a_flag_that_does_not_say_no_means_blocked(flag, value):
    changed = {**ACCOUNT, flag: value}
    if value == "absent":
        del changed[flag]

    assert not account_of(changed).is_tradable


def test_a_short_position_is_below_zero():
    position = position_of({**POSITION, "current_price": "", "qty_available": None})

    assert (position.quantity, position.average_price) == (-3, Decimal("100.123456"))
    assert position.current_price is None
    assert position.quantity_available is None


def test_activities():
    fill, fee = activity_of(FILL), activity_of({**FEE, "description": "TAF", "qty": "1"})

    assert (fill.quantity, fill.price, fill.side, fill.order_id) == (
        3,
        Decimal("100.25"),
        "sell",
        "b-1",
    )
    assert fill.at == dt.datetime(2025, 8, 16, 15, 38, 16, 620246, dt.UTC)
    assert fill.net_amount is None
    assert (fee.net_amount, fee.date, fee.at) == (Decimal("-0.03"), dt.date(2025, 8, 16), None)
    assert fee.description == "TAF"
    # Sells are reported with either sign of quantity.
    assert activity_of({**FILL, "qty": "-3"}).quantity == 3
    assert activity_of({**FEE, "date": "2025-08-16T00:00:00Z"}).date == dt.date(2025, 8, 16)
    assert activity_of({**FEE, "date": None}).date is None


def test_the_clock():
    clock = clock_of(CLOCK)

    assert clock.timestamp == dt.datetime(2024, 11, 29, 15, 0, 0, 123456, dt.UTC)
    assert clock.is_open is True
    assert clock_of({**CLOCK, "is_open": "true"}).is_open is False


@pytest.mark.parametrize(
    ("date", "opens", "closes"),
    [
        ("2024-11-01", 13, 20),  # daylight saving time: New York is four hours behind UTC
        ("2024-11-04", 14, 21),  # the first session after its end
        ("2024-03-08", 14, 21),
        ("2024-03-11", 13, 20),
    ],
)
def test_calendar_days_are_new_york_wall_times(date, opens, closes):
    day = calendar_day_of({"date": date, "open": "09:30", "close": "16:00"})

    assert (day.opens_at.hour, day.opens_at.minute, day.closes_at.hour) == (opens, 30, closes)
    assert day.session == dt.date.fromisoformat(date)


# ------------------------------------------------------------------------------ absent and odd


@pytest.mark.parametrize("kind", READERS)
def test_unknown_extras_do_no_harm(kind):
    read, value, _ = READERS[kind]

    assert read({**value, "new_in_2027": [1, {"x": None}]}) == read(value)


@pytest.mark.parametrize(
    ("kind", "name"), [(kind, name) for kind in READERS for name in sorted(READERS[kind][2])]
)
@pytest.mark.parametrize("change", ["absent", "null", "object", "empty"])
def test_a_required_field_that_is_missing_is_drift(kind, name, change):
    read, value, _ = READERS[kind]
    changed = {**value, name: {"null": None, "object": {}, "empty": ""}.get(change)}
    if change == "absent":
        del changed[name]
    if (name, change) in {("is_open", "object"), ("is_open", "empty")}:
        assert read(changed).is_open is False
        return

    with pytest.raises(ContractDrift) as caught:
        read(changed)
    assert caught.value.exit_code == 6


@pytest.mark.parametrize("kind", READERS)
@pytest.mark.parametrize("value", [None, [], "text", 7, {}])
def test_something_else_altogether_is_drift(kind, value):
    read, _, _ = READERS[kind]

    with pytest.raises(ContractDrift):
        read(value)


@pytest.mark.parametrize("name", ["qty", "limit_price", "stop_price", "filled_avg_price"])
def test_optional_numbers_are_absent_or_numbers(name):
    order = {**ORDER, "notional": "100"}
    changed = {**order}
    changed.pop(name)
    order_of(changed)
    order_of({**order, name: None})
    order_of({**order, name: ""})
    for wrong in ("many", True, [], "NaN", "1_0", "\uff11"):
        with pytest.raises(ContractDrift, match=f"{name} is not a number"):
            order_of({**ORDER, name: wrong})


@pytest.mark.parametrize("notional", [{}, {"notional": None}, {"notional": ""}])
def test_an_order_for_neither_shares_nor_money_is_drift(notional):
    order = {name: value for name, value in ORDER.items() if name not in {"qty", "notional"}}
    for lacking in ({}, {"qty": None}):
        with pytest.raises(ContractDrift) as caught:
            order_of({**order, **notional, **lacking})
        assert caught.value.value == "qty"


@pytest.mark.parametrize(
    ("read", "value", "name", "wrong"),
    [
        (order_of, ORDER, "submitted_at", "yesterday"),
        (order_of, ORDER, "submitted_at", "2025-08-16T15:38:16"),
        (order_of, ORDER, "filled_at", "0001-01-01T00:00:00+10:00"),
        (activity_of, FILL, "transaction_time", "2025-08-16"),
        (activity_of, FEE, "date", "16.08.2025"),
        (activity_of, FEE, "date", "2025-W33-6"),
        (calendar_day_of, DAY, "date", "2024-02-30"),
        (calendar_day_of, DAY, "open", "half past nine"),
        (calendar_day_of, DAY, "close", "24:01"),
        (calendar_day_of, DAY, "close", "13:00Z"),
        (clock_of, CLOCK, "next_open", "soon"),
    ],
)
def test_a_time_that_is_none_is_drift(read, value, name, wrong):
    with pytest.raises(ContractDrift, match=f"the broker's field {name} is not"):
        read({**value, name: wrong})


@pytest.mark.parametrize("number", ["10", 10, "10.0", 10.0, "1E+1"])
def test_numbers_come_as_text_or_as_json_numbers(number):
    body = json.dumps({**ORDER, "qty": number}).encode()

    assert order_of(parse(body, what="order")).quantity == 10


def test_json_numbers_do_not_pass_through_a_float():
    body = json.dumps(ACCOUNT).replace('"1000.5"', "1000.10000000000000001").encode()

    assert account_of(parse(body, what="account")).cash == Decimal("1000.10000000000000001")


# ------------------------------------------------------------------------------ statuses

STATUSES = {
    "accepted": "accepted", "pending_new": "accepted", "accepted_for_bidding": "accepted",
    "new": "working", "held": "working", "pending_replace": "working", "stopped": "working",
    "suspended": "working", "calculated": "working", "done_for_day": "working",
    "pending_review": "working", "partially_filled": "partially_filled", "filled": "filled",
    "pending_cancel": "pending_cancel", "canceled": "canceled", "expired": "expired",
    "rejected": "rejected", "replaced": "replaced",
}  # fmt: skip


def test_every_status_the_library_knows_is_translated():
    from alpaca.trading.enums import OrderStatus

    assert {each.value for each in OrderStatus} == set(STATUSES)


@pytest.mark.parametrize("status", [*STATUSES, "teleported", "NEW", "cancelled"])
def test_a_status_nobody_knows_is_unknown_and_no_error(status):
    order = order_of({**ORDER, "status": status})

    assert order.status == STATUSES.get(status, "unknown")
    assert order.raw_status == status


# ------------------------------------------------------------------------------ JSON

NOT_JSON = [
    b"",
    b"<html>bad gateway</html>",
    b'{"a":1',
    b'{"a":NaN}',
    b'{"a":Infinity}',
    b'{"a":1,"a":2}',
    b'[{"b":{"a":1,"a":1}}]',
    b"\xff\xfe\x00\x01",
    b"[" * 100_000,
    b"9" * 10_000,
    b"1e99999999999999999999",
    b"{}{}",
]


@pytest.mark.parametrize("body", NOT_JSON, ids=lambda body: repr(body[:20]))
def test_what_is_not_usable_json_is_drift(body):
    with pytest.raises(ContractDrift, match="the broker's answer to orders is not usable JSON"):
        parse(body, what="orders")


# ------------------------------------------------------------------------------ real bodies


def bodies(data_dir, name):
    """Yield every JSON object of a file of recorded answers, at any depth."""
    waiting = [json.loads((data_dir / "alpaca_json" / name).read_text(encoding="utf-8"))]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            yield value
            waiting.extend(value.values())
        elif isinstance(value, list):
            waiting.extend(value)


FILES = ["paper_20250816.json", "alpaca_py_test_bodies.json", "alpaca_docs_examples.json"]


@pytest.mark.data
@pytest.mark.parametrize("name", FILES)
def test_recorded_orders_positions_and_accounts_are_read(data_dir, name):
    counts = dict.fromkeys(("orders", "positions", "accounts"), 0)
    for value in bodies(data_dir, name):
        if {"client_order_id", "filled_qty", "status"} <= value.keys() and value.get("symbol"):
            order = order_of(value)
            assert order.status != "unknown"
            assert str(order.cumulative_quantity) == str(Decimal(value["filled_qty"]))
            counts["orders"] += 1
        elif {"avg_entry_price", "qty", "symbol"} <= value.keys():
            assert position_of(value).quantity == Decimal(value["qty"])
            counts["positions"] += 1
        elif {"account_number", "cash", "equity"} <= value.keys():
            fields = ("non_marginable_buying_power", "buying_power")
            if all(field in value for field in fields):
                assert account_of(value).cash == Decimal(value["cash"])
                counts["accounts"] += 1

    assert counts["orders"] > 0
    # The documents' examples show none.
    assert (counts["positions"] > 0) == (name != FILES[2])


@pytest.mark.data
def test_a_recorded_order_field_by_field(data_dir):
    """Captured on a Saturday: accepted and queued for Monday's open."""
    recorded = json.loads((data_dir / "alpaca_json" / FILES[0]).read_text(encoding="utf-8"))
    order = order_of(recorded["post_market_order"])

    assert order.broker_order_id == "533dfcdb-b027-4bfd-94de-61ef8982fa3d"
    assert (order.status, order.order_type, order.time_in_force) == ("accepted", "market", "day")
    assert order.submitted_at == dt.datetime(2025, 8, 16, 15, 38, 16, 620246, dt.UTC)


@pytest.mark.parametrize(
    ("text", "microseconds", "hour"),
    [
        ("2025-01-01T00:00:00Z", 0, 0),
        ("2025-01-01T00:00:00.1Z", 100_000, 0),
        ("2025-01-01T00:00:00.123456789-05:00", 123_456, 5),
        ("2025-01-01T00:00:00.999999999Z", 999_999, 0),
    ],
)
def test_an_instant_of_any_fineness_is_cut_to_microseconds(text, microseconds, hour):
    found = translate.clock_of(
        {"timestamp": text, "is_open": True, "next_open": text, "next_close": text}
    )

    assert found.timestamp == dt.datetime(2025, 1, 1, hour, 0, 0, microseconds, dt.UTC)
