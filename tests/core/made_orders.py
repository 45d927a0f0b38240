"""Intents, orders and fills for tests: plain values with only what a test needs to say."""

import datetime as dt
from decimal import Decimal

from quantcli.contracts.broker_views import BrokerOrder
from quantcli.contracts.journal_rows import OrderRow
from quantcli.contracts.orders import Fill, OrderRecord
from quantcli.core.intents import form_intent
from quantcli.core.order_ids import IntentKey

SESSION = dt.date(2024, 8, 1)
OPEN = dt.datetime(2024, 8, 1, 13, 30, tzinfo=dt.UTC)


def intent(symbol="AAPL", purpose="entry", quantity=10, sequence=1, session=SESSION, **terms):
    """Return an intent: an entry buys at a limit of 100, a stop sells at 95, an exit at market."""
    shapes = {
        "entry": {
            "side": "buy",
            "order_type": "limit",
            "limit_price": Decimal(100),
            "protective_stop": Decimal(95),
            "time_in_force": "day",
            "expires_at": OPEN + dt.timedelta(minutes=5),
        },
        "stop": {
            "side": "sell",
            "order_type": "stop",
            "stop_price": Decimal(95),
            "time_in_force": "gtc",
            "expires_at": None,
        },
        "exit": {
            "side": "sell",
            "order_type": "market",
            "time_in_force": "day",
            "expires_at": None,
        },
    }
    key = IntentKey("account", "avwap", session, symbol, purpose, sequence)
    filled = {"signal_id": None, "quantity": Decimal(quantity), **shapes[purpose], **terms}
    return form_intent(key, **filled)


def order(state="SUBMITTED", broker_order_id="b-1", cumulative=0, average=None, **terms):
    """Return an order in a state."""
    known = {}
    if "submitted_at" in terms:
        known["submitted_at"] = terms.pop("submitted_at")
    return OrderRecord(
        intent=terms.pop("of", None) or intent(**terms),
        state=state,
        broker_order_id=broker_order_id,
        cumulative_quantity=Decimal(cumulative),
        average_price=average,
        **known,
    )


def row(record, to_state, cumulative=None, broker_order_id=None, **changes):
    """Return a row about an order, starting from its state."""
    quantity = record.cumulative_quantity if cumulative is None else Decimal(cumulative)
    fields = {"from_state": record.state, "cause": "sync", **changes}
    return OrderRow(
        client_order_id=record.intent.client_order_id,
        to_state=to_state,
        cumulative_quantity=quantity,
        broker_order_id=broker_order_id,
        **fields,
    )


def shown(of, status="working", cumulative=0, broker_order_id="b-1", **changes):
    """Return the order as a broker shows it."""
    fields = {
        "broker_order_id": broker_order_id,
        "client_order_id": of.client_order_id,
        "symbol": of.symbol,
        "side": of.side,
        "order_type": of.order_type,
        "time_in_force": of.time_in_force,
        "status": status,
        "raw_status": status,
        "quantity": of.quantity,
        "cumulative_quantity": Decimal(cumulative),
        "average_price": None,
        "limit_price": of.limit_price,
        "stop_price": of.stop_price,
        "submitted_at": OPEN,
        "filled_at": None,
        "replaced_by": None,
        "replaces": None,
    }
    return BrokerOrder(**{**fields, **changes})


def fill(quantity, price, side="buy", execution_id="f-1", minutes=0, symbol="AAPL", of=None):
    """Return a fill some minutes after the open."""
    return Fill(
        execution_id=execution_id,
        client_order_id=of.client_order_id if of else "q1-any",
        broker_order_id="b-1",
        symbol=symbol,
        side=side,
        last_quantity=Decimal(quantity),
        last_price=Decimal(price),
        filled_at=OPEN + dt.timedelta(minutes=minutes),
    )
