"""Whether a print fills an order, and at which price.

Between the prints of a bar the price moves without jumps, so an order whose price is passed
fills at its own price. A bar's open is a jump: an order fills at the open itself, better than
its limit or worse than its stop. Every fill lies between the print before and the print, so no
order fills at a price that nobody could have traded at.
"""

from __future__ import annotations

from decimal import Decimal

from quantcli.exchange.figures import BASIS_POINTS, CENT, EXACT, cents_down, cents_up
from quantcli.exchange.order_record import Order, Side
from quantcli.exchange.prints import Print
from quantcli.exchange.settings import ExchangeSettings, LimitFillsOn


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
    is_jump = each.is_gap or before is None
    if order.order_type == "market":
        return each.price if is_jump else slipped(each.price, order.side, settings.slippage_bps)
    if order.limit_price is not None:
        if not _reaches(order.side, order.limit_price, each.price, settings.limit_fills_on):
            return None
        if is_jump or before is None:
            return each.price
        return _limit_on_path(order.side, order.limit_price, before, each.price)
    assert order.stop_price is not None
    if not is_triggered(order.side, order.stop_price, each.price):
        return None
    return each.price if is_jump else order.stop_price


def is_triggered(side: Side, stop_price: Decimal, price: Decimal) -> bool:
    """Return whether a price sets off a stop: at or below it for a sell, at or above for a buy."""
    return price <= stop_price if side == "sell" else price >= stop_price


def slipped(price: Decimal, side: Side, slippage_bps: Decimal) -> Decimal:
    """Return a market price moved against the customer and rounded to the cent against them.

    Never below a cent: nothing sells for nothing.
    """
    shift = EXACT.divide(EXACT.multiply(price, slippage_bps), BASIS_POINTS)
    if side == "buy":
        return cents_up(price + shift)
    return max(cents_down(price - shift), CENT)


def _reaches(side: Side, limit: Decimal, price: Decimal, fills_on: LimitFillsOn) -> bool:
    if price == limit:
        return fills_on == "touch"
    return price < limit if side == "buy" else price > limit


def _limit_on_path(side: Side, limit: Decimal, before: Decimal, price: Decimal) -> Decimal:
    """Return the limit, or for a limit beyond the whole path, the path's worse end."""
    if side == "buy":
        return min(limit, max(before, price))
    return max(limit, min(before, price))
