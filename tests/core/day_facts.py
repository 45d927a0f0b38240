"""One trading day in small numbers, and builders for parts of it.

Thursday 2024-08-01. NVDA is bought at the open, one share in three is sold by its stop.
"""

import datetime as dt
from decimal import Decimal

from quantcli.contracts.canonical import canonical_bytes, sha256_hex
from quantcli.contracts.config import DeskConfig, LimitsSection
from quantcli.contracts.decide import Decide, SignalVerdict
from quantcli.contracts.enforce import AccountState, Enforce, EnforceVerdict, GateResult
from quantcli.contracts.envelope import CodeId, Finding, Stamp
from quantcli.contracts.execution import Execute, Exits, OrderReport
from quantcli.contracts.journal_rows import CashRow, ExposedRow, ReviewRow
from quantcli.contracts.orders import Fill, OrderIntent, OrderRecord
from quantcli.contracts.reconciliation import Break, BrokerSeen, Paused, PositionSeen, Reconcile
from quantcli.contracts.scan import BarsUsed, Regime, Scan, Signal, Skipped, StrategyRun
from quantcli.contracts.snapshot import Pnl, PositionHeld, Snapshot
from quantcli.core.evidence import Evidence, Expected, Seen

SESSION = dt.date(2024, 8, 1)
BEFORE = dt.date(2024, 7, 31)
OPENS = dt.datetime(2024, 8, 1, 13, 30, tzinfo=dt.UTC)
MORNING, OPEN, CLOSE = "083000", "093500", "160500"
SIGNAL_ID = "a" * 64
STEPS_OF_MORNING = ("reconcile", "scan", "decide", "enforce", "execute")


def stamp(cycle=MORNING, session=SESSION, mode="local", hour=12):
    return Stamp(
        session=session,
        cycle=cycle,
        as_of=dt.datetime(session.year, session.month, session.day, hour, 30, tzinfo=dt.UTC),
        mode=mode,
        code=CodeId(version="0.1.0", digest="c" * 64),
        config_sha256=sha256_hex(canonical_bytes(config().decision_view())),
    )


def config(**sections):
    limits = LimitsSection(
        positions_max=10,
        entries_per_session_max=5,
        symbol_concentration_fraction_max="0.2",
        exposure_gross_usd_max="200000",
        exposure_gross_fraction_max="1",
        risk_per_trade_usd_max="1000",
        risk_per_trade_fraction_max="0.01",
        drawdown_fraction_max="0.2",
        price_collar_fraction_max="0.03",
        reconcile_age_minutes_max=60,
        allowlist="universe",
    )
    return DeskConfig(limits=limits, **sections)


def fill(number, side, quantity, price, *, symbol="NVDA", order=None, at=None, session=SESSION):
    """Return execution `number`; its order is `<side>-order` unless another is named."""
    order = order or f"{side}-order"
    opens = dt.datetime(session.year, session.month, session.day, 13, 30, tzinfo=dt.UTC)
    return Fill(
        execution_id=f"x{number}",
        client_order_id=order,
        broker_order_id=f"b-{order}",
        symbol=symbol,
        side=side,
        last_quantity=quantity,
        last_price=price,
        filled_at=at or opens + dt.timedelta(minutes=number),
    )


def cash_row(number, amount, *, kind="FEE", session=SESSION):
    return CashRow(
        activity_id=f"c{number}",
        activity_type=kind,
        net_amount=amount,
        session=session,
        symbol=None,
        description=None,
    )


def intent(**changes):
    values = {
        "intent_id": "e" * 64,
        "client_order_id": "buy-order",
        "purpose": "entry",
        "strategy": "avwap",
        "session": SESSION,
        "sequence": 1,
        "signal_id": SIGNAL_ID,
        "symbol": "NVDA",
        "side": "buy",
        "quantity": 30,
        "order_type": "limit",
        "limit_price": "100",
        "time_in_force": "day",
        "expires_at": OPENS,
        "payload_sha256": "f" * 64,
    }
    return OrderIntent(**{**values, **changes})


def order(state="FILLED", cumulative=0, *, average=None, code=None, message=None, **terms):
    return OrderRecord(
        intent=intent(**terms),
        state=state,
        cumulative_quantity=cumulative,
        average_price=average,
        code=code,
        message=message,
    )


def order_report(**changes):
    values = {
        "intent_id": "e" * 64,
        "client_order_id": "buy-order",
        "purpose": "entry",
        "symbol": "NVDA",
        "side": "buy",
        "action": "sent",
        "state": "SUBMITTED",
        "ordered_quantity": 30,
        "cumulative_quantity": 0,
        "average_price": None,
        "limit_price": "100",
        "stop_price": None,
        "code": "sent",
        "message": None,
    }
    return OrderReport(**{**values, **changes})


def signal(**changes):
    values = {
        "signal_id": SIGNAL_ID,
        "rank": 1,
        "strategy": "avwap",
        "symbol": "NVDA",
        "side": "buy",
        "triggering_bar": BEFORE,
        "reference_price": "99.6",
        "limit_price": "100",
        "stop": "95",
        "anchor": "month-start",
        "anchor_date": dt.date(2024, 7, 1),
        "labels": {},
        "features": {},
    }
    return Signal(**{**values, **changes})


def scan(*signals, skipped=(), codes=(), cycle=MORNING):
    return Scan(
        **Scan.header(stamp(cycle), (), 0),
        bars=BarsUsed(
            feed="local",
            adjustment="split",
            timeframe="1Day",
            data_session=BEFORE,
            newest_session=BEFORE,
        ),
        regime=Regime(
            benchmark="SPY",
            benchmark_close="550.81",
            benchmark_average_200="498.4324",
            trend="above",
            volatility_index="VIX",
            volatility="16.36",
            volatility_session=BEFORE,
        ),
        universe=("AMD", "NVDA"),
        strategies=(StrategyRun(strategy="avwap", ruleset="avwap-1", signals=1, skipped=1),),
        signals=signals,
        skipped=skipped,
        checks_off=("earnings",),
        codes=codes,
    )


def skip(symbol="AMD", code="trend-too-weak", observed="0.2", limit="0.5"):
    return Skipped(symbol=symbol, strategy="avwap", code=code, observed=observed, limit=limit)


def verdict(decision="ALLOW", reason=None, **changes):
    reason = reason or ("within-limits" if decision == "ALLOW" else "limit-positions")
    values = {
        "signal_id": SIGNAL_ID,
        "rank": 1,
        "strategy": "avwap",
        "symbol": "NVDA",
        "decision": decision,
        "reason": reason,
        "findings": (Finding(code=reason, observed="11", limit="10"),),
        "quantity": 30 if decision == "ALLOW" else 0,
        "limit_price": "100",
        "stop": "95",
        "target": None,
        "reference_price": "99.6",
        "notional": "3000",
        "risk_per_share": "5",
        "risk": "150",
        "budget_after": None,
    }
    return SignalVerdict(**{**values, **changes})


def decide(*verdicts, codes=(), cycle=MORNING):
    return Decide(
        **Decide.header(stamp(cycle), (), 0),
        scan=None,
        snapshot=None,
        budget=None,
        verdicts=verdicts,
        codes=codes,
    )


def gate(name, code=None, observed=None, limit=None):
    return GateResult(
        gate=name,
        verdict="ALLOW" if code is None else "BLOCK",
        code=code,
        observed=observed,
        limit=limit,
    )


def judgment(*gates, primary=None, **changes):
    blocked = any(each.verdict == "BLOCK" for each in gates)
    first = next((each for each in gates if each.verdict == "BLOCK"), None)
    if primary is None and first is not None and first.code:
        primary = Finding(code=first.code, observed=first.observed, limit=first.limit)
    values = {
        "signal_id": SIGNAL_ID,
        "rank": 1,
        "strategy": "avwap",
        "symbol": "NVDA",
        "decision": "BLOCK" if blocked else "ALLOW",
        "decided": "ALLOW",
        "enforced": True,
        "primary": primary,
        "gates": gates,
        "intent_id": None if blocked else "e" * 64,
    }
    return EnforceVerdict(**{**values, **changes})


def enforce(*verdicts, codes=(), cycle=MORNING):
    return Enforce(
        **Enforce.header(stamp(cycle), (), 0),
        is_enforced=True,
        decision=None,
        reconcile=None,
        account=AccountState(status="tradable", equity="100000", cash="100000", spending_power="1"),
        verdicts=verdicts,
        intents=(),
        codes=codes,
    )


def execute(*orders, fills=(), withheld=(), codes=(), cycle=MORNING, exit_code=0):
    return Execute(
        **Execute.header(stamp(cycle), (), exit_code),
        orders=orders,
        fills=fills,
        withheld=withheld,
        codes=codes,
    )


def review(action="place", **changes):
    values = {
        "symbol": "NVDA",
        "quantity": 30,
        "entry_price": "100",
        "price": "101",
        "price_source": "broker",
        "stop_before": None,
        "stop_after": "95",
        "basis": "intent",
        "action": action,
        "code": "stop-placed",
    }
    return ReviewRow(**{**values, **changes})


def exits(
    *reviews, orders=(), fills=(), uncovered=0, withheld=(), codes=(), cycle=OPEN, exit_code=0
):
    certificate = ExposedRow(
        symbol="NVDA",
        quantity=30,
        covered_by=("stop-order",),
        uncovered=uncovered,
        unprotected_seconds=0,
    )
    return Exits(
        **Exits.header(stamp(cycle), (), exit_code),
        reviews=reviews,
        orders=orders,
        fills=fills,
        certificate=(certificate,) if reviews else (),
        withheld=withheld,
        codes=codes,
    )


def reconcile(*breaks, paused=(), price=None, cycle=MORNING, **changes):
    seen = PositionSeen(symbol="NVDA", quantity=20, average_price="100", current_price=price)
    values = {
        "is_read_only": False,
        "is_first_day": False,
        "broker": BrokerSeen(
            account_id="account-1",
            cash="100000",
            equity="100000",
            positions=(seen,) if price else (),
            open_orders=(),
        ),
        "cash_ours": "100000",
        "pending_fills": 0,
        "breaks": breaks,
        "paused": Paused(is_set=bool(paused), reasons=paused),
    }
    exit_code = 8 if breaks or paused else 0
    return Reconcile(**Reconcile.header(stamp(cycle), (), exit_code), **{**values, **changes})


def difference(code="position-foreign", symbol="NVDA"):
    return Break(
        break_id="b" * 64,
        kind="position",
        code=code,
        symbol=symbol,
        subject=symbol,
        ours=None,
        theirs="20",
    )


def held(**changes):
    values = {
        "symbol": "NVDA",
        "strategy": "avwap",
        "quantity": 20,
        "average_price": "100",
        "mark_price": "103",
        "mark_source": "bar",
        "market_value": "2060",
        "pnl_unrealised": "60",
        "stop_price": "95",
        "risk_at_stop": "160",
        "opened_session": SESSION,
        "entry_signal_id": SIGNAL_ID,
    }
    return PositionHeld(**{**values, **changes})


def snapshot(session=SESSION, cycle=CLOSE, *, codes=(), exit_code=0, **changes):
    values = {
        "is_genesis": False,
        "capital_starting": "100000",
        "cash": "98000",
        "equity": "100060",
        "exposure_gross": "2060",
        "exposure_net": "2060",
        "heat": "0.0016",
        "positions": (held(),),
        "trades_closed": (),
        "pnl": Pnl(
            realised_gross="0",
            realised_session_gross="0",
            unrealised="60",
            fees_booked="0",
            fees_accrued="0",
            income="0",
            transfers="0",
            net="60",
        ),
        "high_water_mark": "100060",
        "drawdown": "0",
        "drawdown_max": "0",
        "equity_history": ("100000", "100060"),
        "return_session": "0.0006",
        "volatility_5": None,
        "contributions": (),
        "contribution_rest": "0",
        "recent_exits": (),
        "formulas": {},
        "codes": codes,
    }
    header = Snapshot.header(stamp(cycle, session, hour=20), (), exit_code)
    return Snapshot(**header, **{**values, **changes})


def seen(*artifacts):
    return tuple(
        Seen(a.cycle, a.STEP, f"{a.session}/{a.cycle}/{a.STEP}.json", a) for a in artifacts
    )


def damaged(step, code="artifact-tampered", cycle=MORNING):
    path = f"{SESSION}/{cycle}/{step}.json"
    return Seen(cycle, step, path, None, code, f"{path} differs from what was published")


def evidence(*artifacts, expected=(), rows=(), orders=(), flags=None, **changes):
    """Return what a session left behind: artifacts, or Seen for damaged ones."""
    found = tuple(each if isinstance(each, Seen) else seen(each)[0] for each in artifacts)
    values = {
        "session": SESSION,
        "cycle": CLOSE,
        "seen": found,
        "expected": tuple(Expected(cycle, steps) for cycle, steps in expected),
        "rows": rows,
        "orders": orders,
        "flags": flags or {},
        "before": snapshot(BEFORE, equity="100000", cash="100000", positions=()),
        "config": config(),
        "is_last": True,
    }
    return Evidence(**{**values, **changes})


def dollars(text):
    return Decimal(text)
