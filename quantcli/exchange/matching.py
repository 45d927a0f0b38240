"""Whether a print fills an order, at which price, and how many shares of it.

Between the prints of a bar the price moves without jumps, so an order whose price is passed
fills at its own price. A bar's open is a jump: an order fills at the open itself, better than
its limit or worse than its stop. Every fill lies between the print before and the print, so no
order fills at a price that nobody could have traded at. The auctions at open and close have one
price each, for all.
"""

from __future__ import annotations

import math
from decimal import ROUND_FLOOR, ROUND_HALF_EVEN, Decimal

from quantcli.exchange.figures import BASIS_POINTS, CENT, EXACT, ZERO, cents_down, cents_up
from quantcli.exchange.order_record import Order, Side
from quantcli.exchange.prints import Print
from quantcli.exchange.settings import ExchangeSettings, LimitFillsOn
from quantcli.exchange.trading_hours import Span

_HUNDRED = Decimal(100)
_RESTING = frozenset({"day", "gtc"})
_PRINTS_PER_BAR = 4
_WHOLE = Decimal(1)
#: A stop below a dollar is kept as finely as prices below a dollar are sent.
_FINE = Decimal("0.0001")


def is_shown(order: Order, each: Print, span: Span) -> bool:
    """Return whether an order takes part in a print.

    Orders for the opening auction, and those that were queued to be filled at once or never,
    take part in the open alone; those for the closing auction in the close.
    """
    if order.time_in_force in _RESTING:
        return True
    if order.time_in_force == "cls":
        return each.at == span.closes
    return each.at == span.opens and each.is_gap


def fill_price(
    order: Order, each: Print, before: Decimal | None, settings: ExchangeSettings
) -> Decimal | None:
    """Return the price in USD at which a print fills a resting order; None if it does not.

    Args:
        order: Open, and submitted before the print.
        each: The print.
        before: The symbol's print before it in the same session; None: the first one.
        settings: Slippage and the meaning of a limit that is only touched.
    """
    is_jump = each.is_gap or before is None or order.time_in_force == "cls"
    if order.order_type == "market":
        return each.price if is_jump else slipped(each.price, order.side, settings.slippage_bps)
    if order.limit_price is None or is_waiting(order):
        return _past_stop(order, each, None if is_jump else before, settings.limit_fills_on)
    if not _reaches(order.side, order.limit_price, each.price, settings.limit_fills_on):
        return None
    if is_jump or before is None:
        return each.price
    return _limit_on_path(order.side, order.limit_price, before, each.price)


def fill_at_once(order: Order, last: Decimal, settings: ExchangeSettings) -> Decimal | None:
    """Return the price in USD at which an order fills as it is sent; None: it waits for prints.

    Market orders, and stops that the price has passed already, fill at the last print less
    slippage. Of the limit orders only those that may not wait fill at once, at the last print;
    orders for the closing auction wait for it.
    """
    if order.time_in_force == "cls":
        return None
    if order.order_type == "market":
        return slipped(last, order.side, settings.slippage_bps)
    if order.time_in_force in {"ioc", "fok"} and order.limit_price is not None:
        is_reached = _reaches(order.side, order.limit_price, last, settings.limit_fills_on)
        return last if is_reached else None
    if order.limit_price is None and is_set_off(order, last):
        return slipped(last, order.side, settings.slippage_bps)
    return None


def is_waiting(order: Order) -> bool:
    """True for a stop-limit order whose stop has not been reached."""
    return order.order_type == "stop_limit" and order.triggered is None


def is_set_off(order: Order, price: Decimal) -> bool:
    """Return whether a price sets off an order's stop; an order without one is never set off."""
    return order.stop_price is not None and is_triggered(order.side, order.stop_price, price)


def is_triggered(side: Side, stop_price: Decimal, price: Decimal) -> bool:
    """Return whether a price sets off a stop: at or below it for a sell, at or above for a buy."""
    return price <= stop_price if side == "sell" else price >= stop_price


def trailed(order: Order, price: Decimal) -> Order:
    """Return a trailing stop after a print that did not set it off: its stop moves one way only.

    The stop follows the best price since the order was sent, rounded half-even to the cent.
    """
    best = order.high_water_mark
    if best is not None and (price <= best if order.side == "sell" else price >= best):
        return order
    distance = order.trail_price
    if distance is None:
        assert order.trail_percent is not None, "one of the two"
        distance = EXACT.divide(EXACT.multiply(price, order.trail_percent), _HUNDRED)
    stop = price - distance if order.side == "sell" else price + distance
    quantum = CENT if stop >= 1 else _FINE
    stop = max(stop.quantize(quantum, ROUND_HALF_EVEN), quantum)
    return order._replace(high_water_mark=price, stop_price=stop)


def shares_on_offer(each: Print, settings: ExchangeSettings) -> Decimal | None:
    """Return how many whole shares all of the customer's orders get of a print; None: any number.

    A bar's volume counts a quarter for each of its prints.
    """
    if settings.volume_share_max is None:
        return None
    if not 0 < each.volume < math.inf:
        return ZERO
    volume = EXACT.divide(Decimal(repr(each.volume)), Decimal(_PRINTS_PER_BAR))
    return EXACT.multiply(volume, settings.volume_share_max).quantize(_WHOLE, ROUND_FLOOR)


def slipped(price: Decimal, side: Side, slippage_bps: Decimal) -> Decimal:
    """Return a market price moved against the customer and rounded to the cent against them.

    Never below a cent: nothing sells for nothing.
    """
    shift = EXACT.divide(EXACT.multiply(price, slippage_bps), BASIS_POINTS)
    if side == "buy":
        return cents_up(price + shift)
    return max(cents_down(price - shift), CENT)


def _past_stop(
    order: Order, each: Print, before: Decimal | None, fills_on: LimitFillsOn
) -> Decimal | None:
    """Return the fill of an order whose stop a print reaches: at the stop, or worse at a jump.

    A stop-limit order fills there only if that is its limit or better; else it rests from then.

    Args:
        order: With a stop that was not set off before.
        each: The print.
        before: Where the path to the print began; None: the print is a jump.
        fills_on: The meaning of a limit that is only touched.
    """
    stop, limit = order.stop_price, order.limit_price
    if stop is None or not is_set_off(order, each.price):
        return None
    if before is None:
        reached = each.price
    elif order.side == "sell":
        reached = min(stop, max(before, each.price))
    else:
        reached = max(stop, min(before, each.price))
    if limit is not None and not _reaches(order.side, limit, reached, fills_on):
        return None
    return reached


def _reaches(side: Side, limit: Decimal, price: Decimal, fills_on: LimitFillsOn) -> bool:
    if price == limit:
        return fills_on == "touch"
    return price < limit if side == "buy" else price > limit


def _limit_on_path(side: Side, limit: Decimal, before: Decimal, price: Decimal) -> Decimal:
    """Return the limit, or for a limit beyond the whole path, the path's worse end."""
    if side == "buy":
        return min(limit, max(before, price))
    return max(limit, min(before, price))
