"""Single fields of an order request: words, prices, quantities, amounts."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from quantcli.exchange.figures import decimal_places, number_of
from quantcli.exchange.refusals import malformed, unprocessable

CLIENT_ORDER_ID_LENGTH_MAX = 128
QUANTITY_PLACES_MAX = 9
NOTIONAL_USD_MIN = Decimal(1)
_PERCENT_MAX = Decimal(100)


def read_one_of(body: dict[str, Any], name: str, allowed: tuple[str, ...], message: str) -> str:
    """Return a field that has to be one of some words.

    Raises:
        Refusal: it is not.
    """
    value = body.get(name)
    if not isinstance(value, str) or value not in allowed:
        raise malformed(message)
    return value


def read_client_order_id(body: dict[str, Any]) -> str | None:
    """Return the customer's id of an order; None asks the exchange for one.

    Raises:
        Refusal: no string, or longer than 128 characters.
    """
    value = body.get("client_order_id")
    if value is None or value == "":
        return None
    if not isinstance(value, str):
        raise malformed("client_order_id must be a string")
    if len(value) > CLIENT_ORDER_ID_LENGTH_MAX:
        raise malformed(
            f"client_order_id must be no more than {CLIENT_ORDER_ID_LENGTH_MAX} characters"
        )
    return value


def read_price(value: Any, name: str) -> Decimal:
    """Return a price of a request in USD per share.

    Raises:
        Refusal: no number, not above zero, or finer than the minimum price increment: a cent
            from one dollar on, a hundredth of a cent below.
    """
    price = _above_zero(value, name)
    if decimal_places(price) > (2 if price >= 1 else 4):
        raise unprocessable(
            f"invalid {name} {price}. sub-penny increment does not fulfill minimum pricing criteria"
        )
    return price


def read_percent(value: Any, name: str) -> Decimal:
    """Return a percentage of a request, above zero and below a hundred.

    Raises:
        Refusal: it is something else.
    """
    percent = _above_zero(value, name)
    if percent >= _PERCENT_MAX:
        raise malformed(f"{name} must be < {_PERCENT_MAX}")
    return percent


def read_quantity(value: Any) -> Decimal:
    """Return a number of shares of a request.

    Raises:
        Refusal: no number, not above zero, or more than nine decimal places.
    """
    quantity = _above_zero(value, "qty")
    if decimal_places(quantity) > QUANTITY_PLACES_MAX:
        raise malformed(f"qty must have no more than {QUANTITY_PLACES_MAX} decimal places")
    return quantity


def read_size(body: dict[str, Any]) -> tuple[Decimal | None, Decimal | None]:
    """Return shares or USD: an order says one of the two, the other is None.

    Raises:
        Refusal: neither or both, or the one is no sensible number.
    """
    quantity, notional = body.get("qty"), body.get("notional")
    if quantity is None and notional is None:
        raise malformed("qty or notional is required")
    if quantity is not None and notional is not None:
        raise malformed("only one of qty or notional is accepted")
    if notional is None:
        return read_quantity(quantity), None
    amount = _above_zero(notional, "notional")
    if decimal_places(amount) > 2:
        raise unprocessable("notional value must be limited to 2 decimal places")
    if amount < NOTIONAL_USD_MIN:
        raise unprocessable("notional must be >= 1.00")
    return None, amount


def _above_zero(value: Any, name: str) -> Decimal:
    number = number_of(value)
    if number is None:
        raise malformed(f"invalid {name}: {value}")
    if number <= 0:
        raise malformed(f"{name} must be > 0")
    return number
