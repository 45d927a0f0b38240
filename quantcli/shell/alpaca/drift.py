"""Where Alpaca's answers differ from the contract that this adapter was written to.

A field that nobody has told us of, a word that we do not know, an answer that cannot be read:
the first two change nothing about what is done, and all three are told in the artifact. Fields
that Alpaca has retired may be there or not.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from quantcli.contracts.envelope import Finding
from quantcli.contracts.errors import ContractDrift, one_line
from quantcli.shell.alpaca import translate

#: What is kept of an unknown name or word, in characters, and how many differences.
_LENGTH_MAX = 120
_DIFFERENCES_MAX = 200


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


_ACCOUNT = _names(
    """
    id account_number status crypto_status currency cash equity last_equity portfolio_value
    buying_power effective_buying_power regt_buying_power non_marginable_buying_power
    options_buying_power bod_dtbp long_market_value short_market_value position_market_value
    initial_margin maintenance_margin last_maintenance_margin multiplier sma accrued_fees
    pending_reg_taf_fees pending_transfer_in pending_transfer_out intraday_adjustments
    balance_asof created_at trading_blocked transfers_blocked account_blocked
    trade_suspended_by_user shorting_enabled options_approved_level options_trading_level
    crypto_tier admin_configurations user_configurations cash_interest cash_withdrawable
    cash_transferable last_cash last_buying_power last_long_market_value last_short_market_value
    last_initial_margin last_regt_buying_power
    """
) | _names(
    # retired with the day-trading rule
    """
    pattern_day_trader daytrade_count last_daytrade_count daytrading_buying_power
    last_daytrading_buying_power
    """
)
_CLOCK = _names("timestamp is_open next_open next_close")
_CALENDAR = _names("date open close session_open session_close settlement_date")
_POSITION = _names(
    """
    asset_id symbol exchange asset_class asset_marginable qty qty_available avg_entry_price side
    market_value cost_basis unrealized_pl unrealized_plpc unrealized_intraday_pl
    unrealized_intraday_plpc current_price lastday_price change_today swap_rate
    avg_entry_swap_rate usd
    """
)
_ORDER = _names(
    """
    id client_order_id created_at updated_at submitted_at filled_at expired_at expires_at
    canceled_at failed_at replaced_at replaced_by replaces asset_id symbol asset_class notional
    qty filled_qty filled_avg_price order_class order_type type side position_intent
    time_in_force limit_price stop_price status extended_hours legs trail_percent trail_price
    hwm ratio_qty cancel_requested_at source subtag commission commission_type
    advanced_instructions
    """
)
_ACTIVITY = _names(
    """
    id account_id activity_type activity_sub_type transaction_time type price qty side symbol
    leaves_qty order_id cum_qty order_status date net_amount per_share_amount description status
    cusip currency created_at group_id execution_id previous_id swap_rate
    """
)

_ASSET = _names(
    """
    id class asset_class exchange symbol name status tradable marginable shortable easy_to_borrow
    borrow_status fractionable min_order_size min_trade_increment price_increment
    maintenance_margin_requirement margin_requirement_long margin_requirement_short attributes cusip
    """
)

#: How an answer is read -> what one of it is called, and its fields.
_CONTRACT: dict[Callable[[Any], Any], tuple[str, frozenset[str]]] = {
    translate.account_of: ("account", _ACCOUNT),
    translate.clock_of: ("clock", _CLOCK),
    translate.calendar_day_of: ("calendar", _CALENDAR),
    translate.asset_of: ("asset", _ASSET),
    translate.position_of: ("position", _POSITION),
    translate.order_of: ("order", _ORDER),
    translate.activity_of: ("activity", _ACTIVITY),
}


class DriftLog:
    """What differed in the answers of one attempt, each difference once."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self._found: set[tuple[str, str]] = set()

    def read(self, how: Callable[[Any], Any], value: Any) -> Any:
        """Return what an answer says, read by one of the functions of `translate`.

        Raises:
            ContractDrift: what must be there is missing or unreadable.
        """
        what, fields = _CONTRACT[how]
        if isinstance(value, dict) and not fields.issuperset(value):
            for name in sorted(value.keys() - fields):
                self._note("broker-field-unknown", f"{what}.{name}")
        try:
            found = how(value)
        except ContractDrift as error:
            self.note_unusable(what, error)
            raise
        if what == "order" and found.status == "unknown":
            self._note("broker-status-unknown", f"order.status = {found.raw_status}")
        return found

    def note_unusable(self, what: str, error: ContractDrift) -> None:
        """Note an answer that could not be read."""
        value = "" if error.value is None else f": {error.value}"
        self._note("broker-answer-unusable", f"{what}: {error.message}{value}")

    def findings(self) -> tuple[Finding, ...]:
        """Return all differences, sorted."""
        return tuple(Finding(code=code, observed=text) for code, text in sorted(self._found))

    def _note(self, code: str, text: str) -> None:
        if len(self._found) < _DIFFERENCES_MAX:
            self._found.add((code, one_line(text)[:_LENGTH_MAX]))
