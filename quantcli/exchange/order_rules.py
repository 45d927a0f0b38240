"""What the account allows: no borrowing, no trading with itself, shorts only if asked for.

Written from the broker's published rules. They look at the account as it is now, open orders
included, and change nothing.
"""

from __future__ import annotations

from decimal import Decimal

from quantcli.exchange.book import Book
from quantcli.exchange.figures import EXACT, ZERO, cents_up, decimal_places, spelled
from quantcli.exchange.matching import slipped
from quantcli.exchange.order_record import Order, OrderType, Side
from quantcli.exchange.refusals import forbidden, unprocessable
from quantcli.exchange.settlement import held_quantity, spendable

#: A market or stop buy sets aside more than the price: up to its collar.
COLLAR_CHEAP, COLLAR = Decimal("1.04"), Decimal("1.025")
_CHEAP_BELOW_USD = Decimal(50)
SHORT_COLLAR = Decimal("1.03")
#: A part of a share must cost something, or rounding to cents would give shares away.
FRACTION_USD_MIN = Decimal(1)


def is_opening(book: Book, symbol: str, side: Side) -> bool:
    """Return whether an order would open a position or add to one; the other side closes it."""
    position = book.position(symbol)
    return position is None or (position.quantity > 0) is (side == "buy")


def reserve_price(
    book: Book,
    symbol: str,
    side: Side,
    limit_price: Decimal | None,
    stop_price: Decimal | None,
    slippage_bps: Decimal,
) -> Decimal:
    """Return what an order that opens sets aside in USD per share until it fills.

    A short sale is worth its limit, and at least 3 % more than the last price.

    Raises:
        Refusal: a market order for a symbol that never traded: nobody knows what it will cost.
    """
    last = book.last_print(symbol)
    if side == "buy" and limit_price is not None:
        return limit_price
    if side == "buy" and stop_price is not None:
        return _collared(stop_price)
    if last is None:
        raise unprocessable(f'asset "{symbol}" has no price to value a market order with')
    if side == "sell":
        return max(limit_price or ZERO, cents_up(last.price * SHORT_COLLAR))
    return max(_collared(last.price), slipped(last.price, "buy", slippage_bps))


def check_buying_power(book: Book, order: Order, *, without: Order | None = None) -> None:
    """Refuse an opening order that costs more than the cash that no other one has set aside.

    Args:
        book: The book.
        order: It opens, and is not booked yet.
        without: An order that the new one takes the place of.

    Raises:
        Refusal: 403, with the buying power and the cost; or a fraction worth less than a dollar.
    """
    assert order.reserve_price is not None, "it opens"
    value = EXACT.multiply(order.leaves_quantity, order.reserve_price)
    if order.notional is None and value < FRACTION_USD_MIN and decimal_places(order.quantity):
        raise forbidden(f"cost basis must be >= minimal amount of order {FRACTION_USD_MIN}")
    cost = order.reserved
    available = max(spendable(book, without=without), ZERO)
    if cost > available:
        raise forbidden(
            "insufficient buying power", buying_power=spelled(available), cost_basis=spelled(cost)
        )


def check_short(quantity: Decimal, *, is_by_value: bool, is_allowed: bool) -> None:
    """Refuse to sell what is not there, unless the account may and whole shares are asked for.

    Raises:
        Refusal: 422 for parts of shares; 403 for an account that may not.
    """
    if is_by_value or decimal_places(quantity):
        raise unprocessable("fractional orders cannot be sold short")
    if not is_allowed:
        raise forbidden("account is not allowed to short")


def check_opposite(book: Book, order: Order) -> None:
    """Refuse to open one way while an open order would open the other way.

    Raises:
        Refusal: 403.
    """
    if any(each.is_opening and each.side != order.side for each in book.open_orders(order.symbol)):
        if order.side == "buy":
            raise forbidden("cannot open a long buy while a short sell order is open")
        raise forbidden("cannot open a short sell while a long buy order is open")


def check_shares(
    book: Book, symbol: str, quantity: Decimal, *, without: Order | None = None
) -> None:
    """Refuse to close more of a position than is there and no open order holds.

    So no order turns a position into one of the other side.

    Raises:
        Refusal: 403, with what is held and by which orders.
    """
    position = book.position(symbol)
    assert position is not None, "something to close"
    holding = [each for each in _others(book, symbol, without) if not each.is_opening]
    held = held_quantity(holding)
    available = abs(position.quantity) - held
    if quantity > available:
        raise forbidden(
            f"insufficient qty available for order (requested: {spelled(quantity)},"
            f" available: {spelled(available)})",
            available=spelled(available),
            existing_qty=spelled(abs(position.quantity)),
            held_for_orders=spelled(held),
            related_orders=[each.order_id for each in holding],
            symbol=symbol,
        )


def check_wash(
    book: Book,
    symbol: str,
    side: Side,
    order_type: OrderType,
    limit_price: Decimal | None,
    *,
    is_complex: bool = False,
    without: Order | None = None,
) -> None:
    """Refuse an order that could trade with an open order of the same account.

    Two limits are apart when the buy's is below the sell's; a market or stop order is never
    apart from anything. Trailing stops and orders of a class are free of the rule.

    Raises:
        Refusal: 403, naming the order in the way.
    """
    if is_complex or order_type == "trailing_stop":
        return
    for each in _others(book, symbol, without):
        if each.side == side or each.order_class or each.order_type == "trailing_stop":
            continue
        kind = "market/stop"
        if limit_price is not None and each.limit_price is not None:
            buy, sell = (
                (limit_price, each.limit_price)
                if side == "buy"
                else (each.limit_price, limit_price)
            )
            if buy < sell:
                continue
            kind = "limit"
        raise forbidden(
            "potential wash trade detected. use complex orders",
            existing_order_id=each.order_id,
            reject_reason=f"opposite side {kind} order exists",
        )


def _others(book: Book, symbol: str, without: Order | None) -> list[Order]:
    return [
        each for each in book.open_orders(symbol) if without is None or each.group != without.group
    ]


def _collared(price: Decimal) -> Decimal:
    return cents_up(price * (COLLAR_CHEAP if price < _CHEAP_BELOW_USD else COLLAR))
