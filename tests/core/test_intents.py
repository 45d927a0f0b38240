"""Forming intents: names and digest follow from the terms; an entry has an end."""

import datetime as dt
import hashlib
from decimal import Decimal

import pytest
from pydantic import ValidationError

from quantcli.contracts.config import DEFAULT_CYCLES, Offset, ScheduleSection
from quantcli.contracts.decide import SignalVerdict
from quantcli.core.intents import entry_expiry, entry_intent, form_intent, tick_below
from quantcli.core.order_ids import IntentKey
from quantcli.core.order_payload import request_body

KEY = IntentKey("a1", "avwap", dt.date(2024, 8, 1), "AAPL", "entry", 1)
OPENS = dt.datetime(2024, 8, 1, 13, 30, tzinfo=dt.UTC)
CLOSES = dt.datetime(2024, 8, 1, 20, 0, tzinfo=dt.UTC)
STANDARD = ScheduleSection(cycles=DEFAULT_CYCLES).offsets()
VERDICT = SignalVerdict(
    signal_id="b" * 64, rank=1, strategy="avwap", symbol="AAPL", decision="ALLOW",
    reason="within-limits", findings=(), quantity=46, limit_price="218.5099", stop="207.31",
    target="240", reference_price="217.42", notional="10051.46", risk_per_share="11.1999",
    risk="515.2", budget_after=None,
)  # fmt: skip


def test_entry_is_a_day_limit_order_with_its_stop_and_target():
    intent = entry_intent(KEY, VERDICT, OPENS)

    assert intent.intent_id.startswith("23ad66ee6200f978")
    assert intent.client_order_id == "q1-20240801-e-1-eowwn3tcad4xqm6b"
    assert (intent.purpose, intent.side, intent.order_type) == ("entry", "buy", "limit")
    assert (intent.time_in_force, intent.expires_at) == ("day", OPENS)
    assert intent.limit_price == Decimal("218.5")  # down to the cent
    assert (intent.protective_stop, intent.target) == (Decimal("207.31"), Decimal(240))
    assert intent.signal_id == "b" * 64
    assert intent.payload_sha256 == hashlib.sha256(request_body(intent)).hexdigest()


def test_stop_intent_is_formed_by_the_same_way():
    intent = form_intent(
        KEY._replace(purpose="stop"), signal_id=None, side="sell", quantity=46,
        order_type="stop", stop_price="207.31", time_in_force="gtc", expires_at=None,
    )  # fmt: skip

    assert intent.client_order_id.startswith("q1-20240801-s-1-")
    assert b'"stop_price":"207.31"' in request_body(intent)


def test_intents_without_shares_cannot_be_formed():
    with pytest.raises(ValidationError, match="quantity"):
        entry_intent(KEY, VERDICT.model_copy(update={"quantity": Decimal(0)}), OPENS)


@pytest.mark.parametrize(
    ("price", "tick"),
    [("50.1299", "50.12"), ("1", "1.00"), ("0.99999", "0.9999"), ("0.12", "0.1200")],
)
def test_limits_of_buys_round_down(price, tick):
    assert str(tick_below(Decimal(price))) == tick


@pytest.mark.parametrize(
    ("as_of", "expiry"),
    [
        ("12:30", "13:35"),  # the morning's entries live until five minutes after the open
        ("13:34", "13:35"),
        ("13:35", "20:00"),  # that cycle has begun: no later one executes before the close
        ("15:00", "20:00"),
    ],
)
def test_entries_expire_at_the_next_execute_after_the_open(as_of, expiry):
    day = "2024-08-01T{}:00+00:00"

    found = entry_expiry(STANDARD, OPENS, CLOSES, dt.datetime.fromisoformat(day.format(as_of)))

    assert found == dt.datetime.fromisoformat(day.format(expiry))


def test_a_second_cycle_before_the_open_does_not_end_an_entry_that_waits_for_the_open():
    cycles = (
        (Offset.parse("open-60min"), ("enforce", "execute")),
        (Offset.parse("open-30min"), ("execute",)),
        (Offset.parse("open+0min"), ("execute",)),
        (Offset.parse("open+2min"), ("execute",)),
    )

    found = entry_expiry(cycles, OPENS, CLOSES, OPENS - dt.timedelta(minutes=60))

    assert found == OPENS + dt.timedelta(minutes=2)


def test_cycles_after_the_close_do_not_prolong_an_entry():
    cycles = ((Offset.parse("close+5min"), ("execute",)),)

    assert entry_expiry(cycles, OPENS, CLOSES, OPENS) == CLOSES
