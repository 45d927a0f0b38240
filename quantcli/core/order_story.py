"""What became of one order in one pass, in plain sentences.

Told from the journal rows that the pass wrote about the order, so that a pass that was killed
and resumed tells the same as one that was not disturbed.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import NamedTuple

from quantcli.contracts.journal_rows import FillRow, OrderRow
from quantcli.contracts.orders import OrderIntent
from quantcli.contracts.scalars import ZERO, plain
from quantcli.core.words import meaning, price_words, shares_words, time_words


class Sentence(NamedTuple):
    """One sentence; `is_trouble` if an operator should notice it."""

    text: str
    is_trouble: bool = False


class OrderPass(NamedTuple):
    """What one pass wrote about one order.

    Attributes:
        intent: What the order is for.
        rows: Its changes, in order; none if only fills were booked.
        fills: Executions that the pass booked for it; late ones are told apart.
        unbooked: Shares that the order tells of and no fill has booked yet.
        replaced: The order that it replaces, if it does.
    """

    intent: OrderIntent
    rows: tuple[OrderRow, ...]
    fills: tuple[FillRow, ...] = ()
    unbooked: Decimal = ZERO
    replaced: OrderIntent | None = None

    @property
    def last(self) -> OrderRow:
        """The newest change."""
        return self.rows[-1]

    @property
    def was_sent(self) -> bool:
        """True if a request went out in this pass."""
        return any(row.cause == "send" and row.to_state == "UNKNOWN" for row in self.rows)

    @property
    def was_asked_to_cancel(self) -> bool:
        """True if the desk asked to cancel it, in this pass or before."""
        return any("PENDING_CANCEL" in (row.from_state, row.to_state) for row in self.rows)


def thing(intent: OrderIntent) -> str:
    """Return an order in words, e.g. `the purchase of 51 SYNN at up to 193.64`."""
    shares = shares_words(intent.quantity, intent.symbol)
    if intent.purpose == "entry":
        limit = "" if intent.limit_price is None else f" at up to {price_words(intent.limit_price)}"
        return f"the purchase of {shares}{limit}"
    if intent.purpose == "stop" and intent.stop_price is not None:
        return f"the stop under {shares} at {price_words(intent.stop_price)}"
    return f"the sale of {shares} at market"


def order_sentences(told: OrderPass) -> Iterator[Sentence]:
    """Yield what became of an order in a pass: how it got to the broker, fills, its end."""
    if told.rows:
        yield from _beginning(told)
    yield from _fills(told)
    if told.rows:
        yield from _ending(told)


def _beginning(told: OrderPass) -> Iterator[Sentence]:
    first, last = told.rows[0], told.last
    if told.was_sent:
        yield _sending(told)
    elif first.from_state == "UNKNOWN" and last.code != "order-missing" and _is_there(last):
        again = " was sent again under the same id, and the broker took it."
        found = " was found at the broker, once."
        yield Sentence(f"{_opening(told.intent)}, whose outcome was unknown,"
                       f"{again if first.cause == 'send' else found}", is_trouble=True)  # fmt: skip
    elif last.to_state == "UNKNOWN" != first.from_state and last.code != "order-missing":
        yield Sentence(f"What the broker said of {thing(told.intent)} cannot be read: nobody "
                       "knows whether it still stands, until it is looked up again.",
                       is_trouble=True)  # fmt: skip
    for row in told.rows:
        if row.code == "order-missing" and row.to_state == "UNKNOWN":
            yield Sentence(f"The broker shows {thing(told.intent)} nowhere any more, though it "
                           "had taken it. It covers nothing until it is found.",
                           is_trouble=True)  # fmt: skip


def _is_there(row: OrderRow) -> bool:
    return row.to_state not in {"UNKNOWN", "PENDING", "REJECTED", "EXPIRED"}


def _sending(told: OrderPass) -> Sentence:
    """Return how sending went."""
    intent, last = told.intent, told.last
    if last.to_state == "UNKNOWN":
        meanwhile = "Its shares count as uncovered until that is known."
        if intent.side == "buy":
            meanwhile = (f"It counts as bought, and nothing more is bought in {intent.symbol}, "
                         "until that is known.")  # fmt: skip
        elif told.replaced is not None:
            meanwhile = "Either it or the stop that it replaces stands."
        return Sentence(f"Sent {thing(intent)}. No usable answer came and no look-up found it: "
                        f"nobody knows whether the broker has it. {meanwhile}",
                        is_trouble=True)  # fmt: skip
    if last.to_state == "PENDING":
        return Sentence(f"{_opening(intent)} could not be sent: the broker was not reached.",
                        is_trouble=True)  # fmt: skip
    if last.code == "order-differs":
        return Sentence(f"{_opening(intent)} is not at the broker: {_said(last)}. Nothing was "
                        "bought under that name by the desk.", is_trouble=True)  # fmt: skip
    if any(row.cause == "look-up" and row.from_state == "UNKNOWN" for row in told.rows):
        return Sentence(f"{_sent(told)} The broker's answer was lost; looked up by its id, the "
                        "order was there, once.", is_trouble=True)  # fmt: skip
    if any(row.cause == "send" and row.to_state == "REJECTED" for row in told.rows):
        return Sentence(f"The broker refused {thing(intent)}: {_said(last)}.", is_trouble=True)
    return Sentence(_sent(told))


def _sent(told: OrderPass) -> str:
    intent = told.intent
    if told.replaced is not None and told.replaced.stop_price is not None:
        before = f"{plain(told.replaced.quantity)} at {price_words(told.replaced.stop_price)}"
        return f"Replaced the stop of {intent.symbol}, {before}, by {thing(intent)}."
    if intent.purpose == "stop":
        return f"Placed {thing(intent)}."
    return f"Sent {thing(intent)}."


def _fills(told: OrderPass) -> Iterator[Sentence]:
    intent = told.intent
    verb = "Bought" if intent.side == "buy" else "Sold"
    by = {"stop": " by its stop", "exit": " at market"}.get(intent.purpose, "")
    in_time = [row.fill for row in told.fills if not row.is_late]
    filled = sum((fill.last_quantity for fill in in_time), ZERO)
    if filled > 0:
        paid = sum((fill.last_quantity * fill.last_price for fill in in_time), ZERO)
        of = "" if filled == intent.quantity else f" of {plain(intent.quantity)}"
        at = time_words(max(fill.filled_at for fill in in_time))
        price = price_words(paid / filled)
        yield Sentence(f"{verb} {plain(filled)}{of} {intent.symbol} at {price}{by} ({at}).")
    for fill in (row.fill for row in told.fills if row.is_late):
        what = (
            f"{shares_words(fill.last_quantity, intent.symbol)} at {price_words(fill.last_price)}"
        )
        yield Sentence(f"A fill of {what} ({time_words(fill.filled_at)}) came after its order had "
                       "ended: it is booked all the same, and is a break.",
                       is_trouble=True)  # fmt: skip
    if told.unbooked > 0:
        what = shares_words(told.unbooked, intent.symbol)
        yield Sentence(f"The broker's order tells of {what} that its list of fills does not show "
                       "yet: they are not booked.", is_trouble=True)  # fmt: skip


def _ending(told: OrderPass) -> Iterator[Sentence]:
    last = told.last
    if last.to_state == "PENDING_CANCEL" and last.cause != "replace":
        yield Sentence(f"Asked to cancel {thing(told.intent)}; the broker has not confirmed it.",
                       is_trouble=True)  # fmt: skip
    elif last.to_state == "CANCELLED":
        yield from _cancelled(told)
    elif last.to_state == "EXPIRED":
        yield from _expired(told)
    elif last.to_state == "REJECTED" and not _was_refused_at_once(told):
        yield from _rejected(told)


def _cancelled(told: OrderPass) -> Iterator[Sentence]:
    intent, last = told.intent, told.last
    rest = intent.quantity - last.cumulative_quantity
    is_part = last.cumulative_quantity > ZERO
    part = f"the rest, {plain(rest)} shares," if is_part else "it"
    of = f"the rest, {plain(rest)} shares, of " if is_part else ""
    if last.code == "order-missing":
        yield Sentence(f"{_opening(intent)} is gone at the broker, and the shares that it held "
                       "are free: it counts as cancelled.", is_trouble=True)  # fmt: skip
    elif last.code == "stop-outdated":
        yield Sentence(f"{_opening(intent)} ended with the shares that it was told in.")
    elif told.was_asked_to_cancel and intent.purpose == "entry":
        yield Sentence(f"The time of {thing(intent)} was over: the desk cancelled {part} and the "
                       "broker confirmed it.")  # fmt: skip
    elif told.was_asked_to_cancel:
        yield Sentence(f"Cancelled {thing(intent)}; the broker confirmed it.")
    elif intent.purpose == "entry":
        yield Sentence(f"The broker cancelled {of}{thing(intent)}: the desk had not asked "
                       "for it.", is_trouble=True)  # fmt: skip
    else:
        yield Sentence(f"{_opening(intent)} was cancelled at the broker, not by the desk.",
                       is_trouble=True)  # fmt: skip


def _expired(told: OrderPass) -> Iterator[Sentence]:
    intent, last = told.intent, told.last
    if last.code == "outcome-unknown":
        yield Sentence(f"{_opening(intent)}, whose outcome was unknown, is nowhere at the broker "
                       "after the close: it counts as never there.", is_trouble=True)  # fmt: skip
    elif last.cause == "expire":
        yield Sentence(f"{_opening(intent)} was never sent: {meaning(last.code or '')}.",
                       is_trouble=True)  # fmt: skip
    elif intent.purpose == "entry":
        rest = intent.quantity - last.cumulative_quantity
        yield Sentence(f"{_opening(intent)} ended with the session; {plain(rest)} shares were "
                       "not bought.")  # fmt: skip
    else:
        yield Sentence(f"{_opening(intent)} expired at the broker, not by the desk.",
                       is_trouble=True)  # fmt: skip


def _rejected(told: OrderPass) -> Iterator[Sentence]:
    intent, last = told.intent, told.last
    if last.code == "order-differs":
        if not told.was_sent:
            yield Sentence(f"{_opening(intent)} is not at the broker: {_said(last)}.",
                           is_trouble=True)  # fmt: skip
    elif last.code == "order-missing":
        yield Sentence(f"{_opening(intent)} is gone at the broker: it counts as rejected.",
                       is_trouble=True)  # fmt: skip
    else:
        yield Sentence(f"The broker took {thing(intent)} and rejected it afterwards.",
                       is_trouble=True)  # fmt: skip


def _was_refused_at_once(told: OrderPass) -> bool:
    return any(row.cause == "send" and row.to_state == "REJECTED" for row in told.rows)


def _said(row: OrderRow) -> str:
    return row.message or meaning(row.code or "order-refused")


def _opening(intent: OrderIntent) -> str:
    words = thing(intent)
    return words[:1].upper() + words[1:]
