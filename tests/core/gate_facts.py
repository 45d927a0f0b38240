"""A morning on which every gate says ALLOW, and ways to spoil it.

Thursday 2024-08-01, 08:30 in New York: equity 100 000, one position (20 MSFT at 400 = 8 000),
one signal: 46 AAPL, limit 218.00, stop 207.13, reference 217.00: notional 10 028.00, risk 500.02.
"""

import datetime as dt
from dataclasses import replace
from decimal import Decimal

from quantcli.contracts.broker_views import Account, Asset, BrokerClock, CalendarDay
from quantcli.contracts.config import LimitsSection
from quantcli.contracts.decide import Decide, SignalVerdict
from quantcli.contracts.envelope import CodeId, InputRef, Stamp
from quantcli.contracts.orders import OrderIntent, OrderRecord
from quantcli.contracts.reconciliation import (
    Break,
    BrokerSeen,
    OrderSeen,
    Paused,
    PositionSeen,
    Reconcile,
)
from quantcli.contracts.scan import BarsUsed, Regime, Scan, Signal
from quantcli.core.gates.facts import Facts, Proposal, Span, Tally
from quantcli.core.readings import Reading

SESSION = dt.date(2024, 8, 1)
PREVIOUS = dt.date(2024, 7, 31)
OPENS = dt.datetime(2024, 8, 1, 13, 30, tzinfo=dt.UTC)
CLOSES = dt.datetime(2024, 8, 1, 20, 0, tzinfo=dt.UTC)
AS_OF = dt.datetime(2024, 8, 1, 12, 30, tzinfo=dt.UTC)
STAMP = Stamp(
    session=SESSION, cycle="083000", as_of=AS_OF, mode="local",
    code=CodeId(version="0.0.1", digest="c" * 64), config_sha256="d" * 64,
)  # fmt: skip
SCAN_REF = InputRef(name="2024-08-01/083000/scan.json", sha256="1" * 64)
DECIDE_REF = InputRef(name="2024-08-01/083000/decide.json", sha256="2" * 64)
RECONCILE_REF = InputRef(name="2024-08-01/083000/reconcile.json", sha256="3" * 64)


def limits(**changes):
    values = {
        "positions_max": 10,
        "entries_per_session_max": 5,
        "symbol_concentration_fraction_max": "0.2",
        "exposure_gross_usd_max": "200000",
        "exposure_gross_fraction_max": "1",
        "risk_per_trade_usd_max": "1000",
        "risk_per_trade_fraction_max": "0.01",
        "drawdown_fraction_max": "0.2",
        "price_collar_fraction_max": "0.02",
        "reconcile_age_minutes_max": 60,
        "allowlist": "universe",
    }
    return LimitsSection(**{**values, **changes})


def signal(**changes):
    values = {
        "signal_id": "a" * 64,
        "rank": 1,
        "strategy": "avwap",
        "symbol": "AAPL",
        "side": "buy",
        "triggering_bar": "2024-07-31",
        "reference_price": "217",
        "limit_price": "218",
        "stop": "207.13",
        "target_r1": None,
        "target_r2": "240",
        "anchor": "YTD",
        "anchor_date": "2024-01-02",
        "labels": {},
        "features": {},
    }
    return Signal(**{**values, **changes})


def verdict(of=None, **changes):
    of = of or signal()
    values = {
        "signal_id": of.signal_id,
        "rank": of.rank,
        "strategy": of.strategy,
        "symbol": of.symbol,
        "decision": "ALLOW",
        "reason": "within-limits",
        "findings": (),
        "quantity": 46,
        "limit_price": of.limit_price,
        "stop": of.stop,
        "target": of.target_r2,
        "reference_price": of.reference_price,
        "notional": "10028",
        "risk_per_share": "10.87",
        "risk": "500.02",
        "budget_after": None,
    }
    return SignalVerdict(**{**values, **changes})


def scan(*signals, **changes):
    values = {
        "bars": BarsUsed(
            feed="local", adjustment="split", timeframe="1Day",
            data_session=PREVIOUS, newest_session=PREVIOUS,
        ),
        "regime": Regime(
            benchmark="SPY", benchmark_close="550", benchmark_average_200="500", trend="above",
            volatility_index="VIX", volatility="16", volatility_session=PREVIOUS,
        ),
        "universe": ("AAPL", "MSFT", "NVDA"),
        "strategies": (),
        "signals": signals or (signal(),),
        "skipped": (),
        "checks_off": (),
        "codes": (),
    }  # fmt: skip
    return Scan(**Scan.header(STAMP, (), 0) | values | changes)


def decide(*verdicts, **changes):
    values = {
        "scan": SCAN_REF,
        "snapshot": None,
        "budget": None,
        "verdicts": verdicts or (verdict(),),
        "codes": (),
    }
    return Decide(**Decide.header(STAMP, (), 0) | values | changes)


def reconcile(**changes):
    seen = PositionSeen(symbol="MSFT", quantity=20, average_price="390", current_price="400")
    values = {
        "is_read_only": False,
        "is_first_day": False,
        "broker": BrokerSeen(cash="92000", equity="100000", positions=(seen,), open_orders=()),
        "cash_ours": "92000",
        "pending_fills": 0,
        "breaks": (),
        "paused": Paused(is_set=False, reasons=()),
    }
    return Reconcile(**Reconcile.header(STAMP, (), 0) | values | changes)


def broker_order(symbol):
    """Return a reconciliation that shows an open order of nobody we know."""
    foreign = OrderSeen(
        client_order_id="x1", symbol=symbol, side="buy", quantity=1, cumulative_quantity=0,
        limit_price="1", stop_price=None, status="new",
    )  # fmt: skip
    broker = reconcile().broker.model_copy(update={"open_orders": (foreign,)})
    return reconcile(broker=broker)


def one_break():
    return Break(
        break_id="e" * 64, kind="position", code="position-foreign", symbol="TSLA",
        subject="TSLA", ours=None, theirs="1",
    )  # fmt: skip


def account(**changes):
    values = {
        "account_id": "acct-1",
        "account_number": "LX1",
        "status": "ACTIVE",
        "cash": Decimal(92_000),
        "equity": Decimal(100_000),
        "buying_power": Decimal(92_000),
        "non_marginable_buying_power": Decimal(92_000),
        "is_blocked": False,
    }
    return Account(**{**values, **changes})


def asset(**changes):
    values = {"symbol": "AAPL", "status": "active", "is_tradable": True}
    return Asset(**{**values, **changes})


def clock(at=AS_OF):
    return BrokerClock(timestamp=at, is_open=False, next_open=OPENS, next_close=CLOSES)


def order(symbol="AAPL", state="SUBMITTED", **changes):
    intent = {
        "intent_id": "f" * 64, "client_order_id": "q1-20240801-e-1-x", "purpose": "entry",
        "strategy": "avwap", "session": SESSION, "sequence": 1, "signal_id": "b" * 64,
        "symbol": symbol, "side": "buy", "quantity": 10, "order_type": "limit",
        "limit_price": "100", "time_in_force": "day", "expires_at": OPENS,
        "payload_sha256": "0" * 64,
    }  # fmt: skip
    record = {key: changes.pop(key) for key in list(changes) if key in OrderRecord.model_fields}
    return OrderRecord(intent=OrderIntent(**{**intent, **changes}), state=state, **record)


def facts(**changes):
    values = {
        "session": SESSION,
        "as_of": AS_OF,
        "mode": "local",
        "is_enforced": True,
        "limits": limits(),
        "hours": Span(OPENS, CLOSES),
        "window": Span(OPENS - dt.timedelta(minutes=90), CLOSES - dt.timedelta(minutes=15)),
        "previous_session": PREVIOUS,
        "unsealed_session": None,
        "seal_damage": None,
        "halt": None,
        "paused": None,
        "scan": Reading(value=scan(), ref=SCAN_REF),
        "decision": Reading(value=decide(), ref=DECIDE_REF),
        "reconcile": Reading(value=reconcile(), ref=RECONCILE_REF),
        "account_id": "acct-1",
        "account": Reading(value=account()),
        "clock": Reading(value=clock()),
        "calendar": Reading(value=(CalendarDay(SESSION, OPENS, CLOSES),)),
        "symbols_held": frozenset({"MSFT"}),
        "orders": (),
        "intents": {},
        "assets": {"AAPL": Reading(value=asset())},
    }
    return Facts(**{**values, **changes})


def proposal(**changes):
    """Return the AAPL proposal, scan and decision changed alike."""
    shared = {key: value for key, value in changes.items() if key in Signal.model_fields}
    of = signal(**shared)
    mine = {key: value for key, value in changes.items() if key not in shared}
    return Proposal(of, verdict(of, **mine))


def tally(**changes):
    before = Tally(
        exposure_gross=Decimal(8_000),
        spending_power=Decimal(92_000),
        symbols=frozenset({"MSFT"}),
        entries=0,
    )
    return replace(before, **changes)
