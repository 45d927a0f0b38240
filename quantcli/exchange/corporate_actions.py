"""What a corporate action does to the account: shares, open orders, prices, activities.

It happens at the first instant of its ex-date in New York, once: the clock passes that instant
once. Orders are handled as the broker's documentation says, and where it leaves the broker free
to cancel or to adjust, they are cancelled; `runbook/fill-rules.md` has the table.
"""

from __future__ import annotations

import datetime as dt
from decimal import ROUND_DOWN, Decimal

from quantcli.exchange.bars import CorporateAction, ExchangeBars
from quantcli.exchange.book import Book, LastPrint, Position
from quantcli.exchange.figures import CENT, EXACT, ZERO, cents_down, cents_up, spelled, to_cents
from quantcli.exchange.identities import asset_id
from quantcli.exchange.order_groups import cancel
from quantcli.exchange.order_record import Order
from quantcli.exchange.settings import ExchangeSettings
from quantcli.exchange.settlement import book_activity, fill_amount, held_quantity
from quantcli.exchange.trading_hours import Micros, midnight

_SHARE_QUANTUM = Decimal("1e-9")
_DAY = dt.timedelta(days=1)


def apply_actions(
    book: Book, bars: ExchangeBars, settings: ExchangeSettings, after: dt.date, through: dt.date
) -> None:
    """Let the actions with ex-date in (after, through] happen, in their order.

    Args:
        book: The book.
        bars: Tell the actions.
        settings: Whether dividends are paid.
        after: New York date on which the clock stood.
        through: New York date that it comes to.
    """
    if through <= after:
        return
    for action in bars.actions(after + _DAY, through, has_dividends=settings.pays_dividends):
        at = midnight(action.ex_date)
        if action.kind == "split":
            _split(book, action, at)
        elif action.kind == "rename":
            _rename(book, action, at)
        elif action.kind == "dividend" and settings.pays_dividends:
            _pay(book, action, at)


def _times(number: Decimal, action: CorporateAction) -> Decimal:
    """Return a number of shares as it is after a split, unrounded."""
    rate = action.ratio
    shares = EXACT.multiply(number, Decimal(rate.numerator))
    return EXACT.divide(shares, Decimal(rate.denominator))


def _per_new_share(price: Decimal, action: CorporateAction) -> Decimal:
    """Return USD per share as it is after a split, unrounded."""
    rate = action.ratio
    return EXACT.divide(EXACT.multiply(price, Decimal(rate.denominator)), Decimal(rate.numerator))


def _split(book: Book, action: CorporateAction, at: Micros) -> None:
    newest = book.last_print(action.symbol)
    price = None if newest is None else _per_new_share(newest.price, action)
    if newest is not None:
        book.restate_print(_print_after(newest, action))
    held = book.position(action.symbol)
    if held is not None:
        _split_position(book, held, action, at, price or held.average_price)
    _follow(book, action, at)


def _print_after(newest: LastPrint, action: CorporateAction) -> LastPrint:
    before = newest.close_before
    return newest._replace(
        price=max(to_cents(_per_new_share(newest.price, action)), CENT),
        close_before=None if before is None else to_cents(_per_new_share(before, action)),
    )


def _split_position(
    book: Book, held: Position, action: CorporateAction, at: Micros, price: Decimal
) -> None:
    """Give new shares for the old ones; what is no whole share of whole ones is paid out."""
    whole = held.quantity == held.quantity.to_integral_value()
    exact = _times(held.quantity, action)
    quantity = exact.quantize(Decimal(1) if whole else _SHARE_QUANTUM, ROUND_DOWN)
    average = _per_new_share(held.average_price, action)
    kind = "FSPLIT" if action.ratio > 1 else "RSPLIT"
    words = f"{action.new_rate} for {action.old_rate} of {spelled(held.quantity)} {action.symbol}"
    _swap(book, "SPLIT", kind, (held, held._replace(quantity=quantity, average_price=average)),
          f"split: {words}", at)  # fmt: skip
    fraction = exact - quantity
    amount = fill_amount(fraction, price)
    if amount:
        book.add_cash(amount)
        book_activity(
            book, at, activity_type="CIL", net_amount=amount, symbol=action.symbol,
            quantity=fraction.quantize(_SHARE_QUANTUM, ROUND_DOWN),
            description=f"cash in lieu of a fraction: {words}",
        )  # fmt: skip


def _swap(
    book: Book, kind: str, sub_type: str, change: tuple[Position, Position], words: str, at: Micros
) -> None:
    """Take one position away and put another in its place, each told by a row of its own."""
    old, new = change
    book.put_position(old._replace(quantity=ZERO))
    book.put_position(new)
    for position, shares in ((old, -old.quantity), (new, new.quantity)):
        book_activity(
            book, at, activity_type=kind, sub_type=sub_type, net_amount=ZERO,
            symbol=position.symbol, quantity=shares,
            price=position.average_price.quantize(Decimal("0.0001")), description=words,
        )  # fmt: skip


def _follow(book: Book, action: CorporateAction, at: Micros) -> None:
    """Let the open orders of a symbol follow its split."""
    for order in book.open_orders(action.symbol):
        after = _adjusted(order, action, at)
        if order.order_class:
            continue  # sent not to be reduced and not to be cancelled
        if after is None:
            cancel(book, order, at)
        else:
            book.put_order(after)
    held = book.position(action.symbol)
    shares = ZERO if held is None else abs(held.quantity)
    for order in book.open_orders(action.symbol):
        too_many = held_quantity(book.open_orders(action.symbol)) > shares
        if too_many and not order.is_opening and order.status != "held":
            cancel(book, order, at)


def _adjusted(order: Order, action: CorporateAction, at: Micros) -> Order | None:
    """Return an order in new shares; None if it is one that ends."""
    is_kept = order.order_type == "limit" and order.time_in_force == "gtc"
    quantity = _times(order.quantity, action).quantize(Decimal(1), ROUND_DOWN)
    if not is_kept or order.filled_quantity or order.limit_price is None or not quantity:
        return None
    exact = _per_new_share(order.limit_price, action)
    limit = cents_down(exact) if order.side == "buy" else cents_up(exact)
    if limit <= 0:
        return None
    reserve = None if order.reserve_price is None else limit
    return order._replace(quantity=quantity, limit_price=limit, reserve_price=reserve, updated=at)


def _rename(book: Book, action: CorporateAction, at: Micros) -> None:
    """Move a position to its new symbol; orders in the old one end."""
    venue = book.venue()
    assert venue is not None
    new = action.new_symbol or action.symbol
    book.add_assets([(new, asset_id(venue.seed, new))])
    for order in book.open_orders(action.symbol):
        if (book.order(order.order_id) or order).is_open:
            cancel(book, order, at)
    newest = book.last_print(action.symbol)
    if newest is not None and book.last_print(new) is None:
        book.restate_print(newest._replace(symbol=new))
    held = book.position(action.symbol)
    if held is None:
        return
    there = book.position(new) or Position(new, ZERO, ZERO)
    words = f"symbol change: {action.symbol} to {new}"
    _swap(book, "NC", "SNC", (held, held._replace(symbol=new)), words, at)
    together = held.quantity + there.quantity
    if there.quantity and not together:
        book.put_position(Position(new, ZERO, ZERO))
    elif there.quantity:
        cost = EXACT.multiply(held.quantity, held.average_price) + EXACT.multiply(
            there.quantity, there.average_price
        )
        book.put_position(Position(new, together, EXACT.divide(cost, together)))


def _pay(book: Book, action: CorporateAction, at: Micros) -> None:
    """Pay a dividend on the shares held before its ex-date, on that day; short ones owe it."""
    held = book.position(action.symbol)
    if held is None or action.amount is None:
        return
    amount = to_cents(EXACT.multiply(held.quantity, action.amount))
    if amount:
        book.add_cash(amount)
        book_activity(
            book, at, activity_type="DIV", sub_type="CDIV", net_amount=amount,
            symbol=action.symbol, quantity=held.quantity,
            description=f"dividend of {spelled(action.amount)} USD per share",
        )  # fmt: skip
