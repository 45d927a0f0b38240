"""/v2/account/configurations: the switches that are the customer's own.

What they change is checked where orders come in. Shares may be sold short once `no_shorting` is
off; the account stays without margin whatever they say.
"""

from __future__ import annotations

from typing import Any

from quantcli.exchange.book import Book
from quantcli.exchange.calls import Answer, Call, Handler
from quantcli.exchange.figures import decimal_places, number_of
from quantcli.exchange.refusals import forbidden, malformed

FOUNDED_WITH: dict[str, Any] = {
    "suspend_trade": False,
    "no_shorting": False,
    "fractional_trading": True,
    "max_margin_multiplier": "1",
    "trade_confirm_email": "none",
    "ptp_no_exception_entry": False,
    "max_options_trading_level": 0,
    "disable_overnight_trading": True,
}

_CHOICES: dict[str, tuple[object, ...]] = {
    "max_margin_multiplier": ("1", "2", "4"),
    "trade_confirm_email": ("all", "none"),
    "max_options_trading_level": (0, 1, 2, 3, None),
}
#: Accepted from clients that still send them; nothing is left for them to switch.
_RETIRED = frozenset({"dtbp_check", "pdt_check"})


def configurations(book: Book) -> dict[str, Any]:
    """Return all switches as they stand."""
    return FOUNDED_WITH | book.configurations()


def get_configurations(call: Call) -> Answer:
    """Return all switches as they stand."""
    return Answer(200, configurations(call.book))


def patch_configurations(call: Call) -> Answer:
    """Change some switches; return all of them."""
    changes = {name: value for name, value in call.json_body().items() if name not in _RETIRED}
    for name, value in changes.items():
        if name not in FOUNDED_WITH:
            raise malformed(f"unknown configuration: {name}")
        changes[name] = _checked(name, value)
    call.book.put_configurations(changes)
    return Answer(200, configurations(call.book))


def unless_suspended(handler: Handler) -> Handler:
    """Return a handler of new orders that refuses what the customer's switches forbid."""

    def answer(call: Call) -> Answer:
        switches = call.book.configurations()
        if switches.get("suspend_trade"):
            raise forbidden("new orders are rejected by user request")
        if switches.get("fractional_trading") is False and _is_fractional(call.json_body()):
            raise forbidden("account is not enabled for fractional trading")
        return handler(call)

    return answer


def _checked(name: str, value: Any) -> Any:
    """Return a switch's new value; numbers that stand for words become words."""
    choices = _CHOICES.get(name, (True, False))
    if name == "max_margin_multiplier" and not isinstance(value, (str, bool)):
        value = str(value)
    if isinstance(value, bool) is (name in _CHOICES) or value not in choices:
        raise malformed(f"invalid {name}: {value}")
    return value


def _is_fractional(body: dict[str, Any]) -> bool:
    quantity = number_of(body.get("qty"))
    is_part = quantity is not None and decimal_places(quantity) > 0
    return is_part or body.get("notional") is not None
