"""/v2/account: a cash account of one customer, who may be allowed to sell short against it."""

from __future__ import annotations

from quantcli.exchange.calls import Answer, Call
from quantcli.exchange.configurations_api import configurations
from quantcli.exchange.figures import ZERO, spelled
from quantcli.exchange.identities import account_number, derived_uuid
from quantcli.exchange.settlement import market_values, spendable
from quantcli.exchange.trading_hours import local_date, sessions_before, spelled_instant


def get_account(call: Call) -> Answer:
    """Return the account. Money in USD, as text; nothing can be borrowed but shares."""
    venue = call.book.venue()
    assert venue is not None
    long_value, short_value = market_values(call.book)
    worth = venue.cash + long_value + short_value
    switches = configurations(call.book)
    today = local_date(call.clock)
    worth_before = call.book.equity_before(today.isoformat())
    buying_power = spelled(max(spendable(call.book), ZERO))
    return Answer(
        200,
        {
            "id": derived_uuid(call.seed, "account", 1),
            "account_number": account_number(call.seed),
            "status": "ACTIVE",
            "crypto_status": "INACTIVE",
            "currency": "USD",
            "cash": spelled(venue.cash),
            "equity": spelled(worth),
            "portfolio_value": spelled(worth),
            "last_equity": spelled(venue.opening_cash if worth_before is None else worth_before),
            "buying_power": buying_power,
            "regt_buying_power": buying_power,
            "non_marginable_buying_power": buying_power,
            "options_buying_power": "0",
            "long_market_value": spelled(long_value),
            "short_market_value": spelled(short_value),
            "position_market_value": spelled(long_value - short_value),
            "initial_margin": spelled(long_value - short_value),
            "maintenance_margin": spelled(long_value - short_value),
            "last_maintenance_margin": "0",
            "multiplier": "1",
            "sma": "0",
            "accrued_fees": "0",
            "pending_reg_taf_fees": "0",
            "pending_transfer_in": None,
            "pending_transfer_out": None,
            "intraday_adjustments": "0",
            "balance_asof": next(sessions_before(today), today).isoformat(),
            "created_at": spelled_instant(venue.opened),
            "trading_blocked": False,
            "transfers_blocked": False,
            "account_blocked": False,
            "trade_suspended_by_user": switches["suspend_trade"],
            "shorting_enabled": not switches["no_shorting"],
            "options_approved_level": 0,
            "options_trading_level": 0,
        },
    )
