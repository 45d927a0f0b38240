"""What a fill changes: cash, position, activities and the order itself. And the day's fees."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import ROUND_DOWN, Decimal

from quantcli.exchange.book import Book, Position
from quantcli.exchange.figures import EXACT, ZERO, cents_up, spelled, to_cents
from quantcli.exchange.identities import activity_id
from quantcli.exchange.order_record import FOLLOWERS, Order, Status
from quantcli.exchange.settings import ExchangeSettings
from quantcli.exchange.trading_hours import Micros, Span, instant_of, local_date

_MILLION = Decimal(1_000_000)
_SHARE_QUANTUM = Decimal("1e-9")


def fill_amount(quantity: Decimal, price: Decimal) -> Decimal:
    """Return what a fill moves in USD, half-even to the cent."""
    return to_cents(EXACT.multiply(quantity, price))


def fill(
    book: Book, order: Order, price: Decimal, at: Micros, quantity: Decimal | None = None
) -> Order:
    """Fill an order at a price in USD; return the order as it is then.

    A buy that would cost more than the account has is rejected instead, or cancelled if a part
    of it has filled: nothing is borrowed. Buying back what was sold short is never rejected.

    Args:
        book: The book.
        order: Open.
        price: USD per share.
        at: When.
        quantity: Shares, above zero and no more than are left; None: all that are left.
    """
    if order.notional is not None:
        order = order._replace(quantity=_quantity_by_value(book, order, order.notional, price))
    if quantity is None:
        quantity = order.leaves_quantity
    amount = fill_amount(quantity, price)
    is_bought = order.side == "buy" and order.is_opening
    if is_bought and amount > spendable(book, without=order):
        return move(book, order, "canceled" if order.filled_quantity else "rejected", at)
    book.add_cash(amount if order.side == "sell" else -amount)
    _change_position(book, order, quantity, price)
    is_whole = quantity == order.leaves_quantity
    changed = move(book, order, "filled" if is_whole else "partially_filled", at)._replace(
        filled_quantity=order.filled_quantity + quantity,
        filled_cost=order.filled_cost + EXACT.multiply(quantity, price),
        filled=at if is_whole else None,
    )
    book.put_order(changed)
    _book_fill(book, changed, quantity, price, amount, at)
    return changed


def shares_worth(notional: Decimal, price: Decimal) -> Decimal:
    """Return how many shares an amount in USD buys, down to nine places."""
    return EXACT.divide(notional, price).quantize(_SHARE_QUANTUM, ROUND_DOWN)


def held_quantity(orders: Iterable[Order]) -> Decimal:
    """Return the shares that the closing ones among some open orders hold.

    The exits of one group hold the same shares; legs that wait for their entry hold none.
    """
    held = ZERO
    groups: dict[str, Decimal] = {}
    for each in orders:
        if each.is_opening or each.status == "held":
            continue
        if each.order_class:
            groups[each.group] = max(groups.get(each.group, ZERO), each.leaves_quantity)
        else:
            held += each.leaves_quantity
    return held + sum(groups.values(), ZERO)


def spendable(book: Book, *, without: Order | None = None) -> Decimal:
    """Return the cash in USD that nothing keeps back; one order's own part may be left out.

    Open orders keep back what they set aside, shares sold short twice what they are worth: the
    proceeds, and as much again to buy them back with.
    """
    reserved = sum(
        (
            each.reserved
            for each in book.opening_orders()
            if without is None or each.sequence != without.sequence
        ),
        ZERO,
    )
    sold_short = market_values(book)[1] if book.is_short() else ZERO
    return book.cash() + 2 * sold_short - reserved


def move(book: Book, order: Order, status: Status, at: Micros) -> Order:
    """Change an order's state and stamp the change; return the order as it is then."""
    assert status in FOLLOWERS[order.status], f"{order.status} -> {status}"
    moved = order._replace(status=status, updated=at)
    if status == "canceled":
        moved = moved._replace(canceled=at)
    elif status == "expired":
        moved = moved._replace(expired=at)
    elif status == "rejected":
        moved = moved._replace(failed=at)
    elif status == "replaced":
        moved = moved._replace(replaced=at)
    book.put_order(moved)
    return moved


def book_fees(book: Book, span: Span, settings: ExchangeSettings) -> Decimal:
    """Book the fees of a session's sales at its close, one row for each kind; return the sum.

    The SEC's fee is on the proceeds of the whole session, rounded up to the cent; FINRA's is on
    the shares of each trade, rounded up to the cent and limited per trade.
    """
    sales = book.activities(
        "activity_type = 'FILL' AND side = 'sell' AND date = ?",
        (span.session.isoformat(),),
        "ORDER BY sequence",
    )
    if not sales:
        return ZERO
    proceeds = sum((Decimal(row["net_amount"]) for row in sales), ZERO)
    shares = sum((Decimal(row["quantity"]) for row in sales), ZERO)
    sec = cents_up(EXACT.divide(EXACT.multiply(proceeds, settings.sec_usd_per_million), _MILLION))
    taf = sum((_taf(Decimal(row["quantity"]), settings) for row in sales), ZERO)
    what = f"{len(sales)} sales of {span.session}"
    _book_fee(book, span, sec, "REG", f"SEC fee on {spelled(proceeds)} USD in {what}")
    _book_fee(book, span, taf, "TAF", f"TAF on {spelled(shares)} shares in {what}")
    return sec + taf


def equity(book: Book) -> Decimal:
    """Return cash plus the shares held, less those sold short, at their last prints, in USD."""
    return book.cash() + sum(market_values(book))


def market_values(book: Book) -> tuple[Decimal, Decimal]:
    """Return what long and short positions are worth at their last prints, in USD.

    The second one is never above zero.
    """
    worth = [fill_amount(held.quantity, newest.price) for held, newest in book.holdings()]
    return sum((w for w in worth if w > 0), ZERO), sum((w for w in worth if w < 0), ZERO)


def _quantity_by_value(book: Book, order: Order, notional: Decimal, price: Decimal) -> Decimal:
    """Return the shares of an order by value at a price; none closes more than is free."""
    shares = shares_worth(notional, price)
    if order.is_opening:
        return shares
    position = book.position(order.symbol)
    assert position is not None, "its shares were held"
    others = [each for each in book.open_orders(order.symbol) if each.sequence != order.sequence]
    return min(shares, abs(position.quantity) - held_quantity(others))


def _change_position(book: Book, order: Order, quantity: Decimal, price: Decimal) -> None:
    """Adding to a position averages its cost; closing it leaves the average as it is."""
    held = book.position(order.symbol) or Position(order.symbol, ZERO, ZERO)
    change = quantity if order.side == "buy" else -quantity
    after = held.quantity + change
    if not order.is_opening:
        assert held.quantity * after >= 0, "no order turns a position around"
        assert abs(after) < abs(held.quantity), "it closes"
        book.put_position(held._replace(quantity=after))
        return
    cost = EXACT.multiply(held.quantity, held.average_price) + EXACT.multiply(change, price)
    book.put_position(Position(order.symbol, after, EXACT.divide(cost, after)))


def _book_fill(
    book: Book, order: Order, quantity: Decimal, price: Decimal, amount: Decimal, at: Micros
) -> None:
    book_activity(
        book,
        at,
        activity_type="FILL",
        **({"sub_type": "sell_short"} if order.intent == "sell_to_open" else {}),
        net_amount=amount if order.side == "sell" else -amount,
        symbol=order.symbol,
        side=order.side,
        quantity=quantity,
        price=price,
        order_id=order.order_id,
        cumulative_quantity=order.filled_quantity,
        leaves_quantity=order.leaves_quantity,
        order_status=order.status,
    )


def _book_fee(book: Book, span: Span, amount: Decimal, sub_type: str, description: str) -> None:
    if amount == 0:
        return
    book.add_cash(-amount)
    book_activity(
        book,
        span.closes,
        activity_type="FEE",
        net_amount=-amount,
        sub_type=sub_type,
        description=description,
    )


def book_activity(book: Book, at: Micros, **columns: Decimal | str) -> None:
    """Append an activity of an instant: column -> value. Cash is changed by the caller."""
    sequence = book.next_activity()
    venue = book.venue()
    assert venue is not None
    identity = activity_id(venue.seed, sequence, instant_of(at))
    book.put_activity(
        {
            "sequence": sequence,
            "activity_id": identity,
            "at": at,
            "date": local_date(at).isoformat(),
            **columns,
        }
    )


def _taf(shares: Decimal, settings: ExchangeSettings) -> Decimal:
    return min(cents_up(EXACT.multiply(shares, settings.taf_usd_per_share)), settings.taf_usd_max)
