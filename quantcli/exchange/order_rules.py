"""What the account allows: no borrowing, no shorting, no trading with itself.

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
#: A part of a share must cost something, or rounding to cents would give shares away.
FRACTION_USD_MIN = Decimal(1)


def reserve_price(
    book: Book,
    symbol: str,
    side: Side,
    limit_price: Decimal | None,
    stop_price: Decimal | None,
    slippage_bps: Decimal,
) -> Decimal | None:
    """Return what a buy sets aside in USD per share until it fills; None for a sell.

    Raises:
        Refusal: a market buy of a symbol that never traded: nobody knows what it will cost.
    """
    if side == "sell":
        return None
    if limit_price is not None:
        return limit_price
    if stop_price is not None:
        return _collared(stop_price)
    last = book.last_print(symbol)
    if last is None:
        raise unprocessable(f'asset "{symbol}" has no price to value a market order with')
    return max(_collared(last.price), slipped(last.price, "buy", slippage_bps))


def check_buying_power(book: Book, order: Order, *, without: Order | None = None) -> None:
    """Refuse a buy that costs more than the cash that no open buy has set aside.

    Args:
        book: The book.
        order: The buy, not booked yet.
        without: An order that the new one takes the place of.

    Raises:
        Refusal: 403, with the buying power and the cost; or a fraction worth less than a dollar.
    """
    assert order.reserve_price is not None, "a buy"
    value = EXACT.multiply(order.leaves_quantity, order.reserve_price)
    if order.notional is None and value < FRACTION_USD_MIN and decimal_places(order.quantity):
        raise forbidden(f"cost basis must be >= minimal amount of order {FRACTION_USD_MIN}")
    cost = order.reserved
    available = max(spendable(book, without=without), ZERO)
    if cost > available:
        raise forbidden(
            "insufficient buying power", buying_power=spelled(available), cost_basis=spelled(cost)
        )


def check_shares(
    book: Book, symbol: str, quantity: Decimal, *, without: Order | None = None
) -> None:
    """Refuse a sell of shares that are not there or that an open sell holds.

    Raises:
        Refusal: 403, with what is held and by which orders.
    """
    position = book.position(symbol)
    if position is None:
        if decimal_places(quantity):
            raise unprocessable("fractional orders cannot be sold short")
        raise forbidden("account is not allowed to short")
    holding = [each for each in _others(book, symbol, without) if each.side == "sell"]
    held = held_quantity(holding)
    available = position.quantity - held
    if quantity > available:
        raise forbidden(
            f"insufficient qty available for order (requested: {spelled(quantity)},"
            f" available: {spelled(available)})",
            available=spelled(available),
            existing_qty=spelled(position.quantity),
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
