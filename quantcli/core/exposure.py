"""What is at stake: exposure, drawdown and what may still be spent.

Owns the sums that sizing and gates hold against limits. Working orders and orders of unknown
outcome count as if they were filled at their limit price, and so do executions that an order
reports before the ledger has booked them (INV-08). Money is USD, unrounded.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

from quantcli.contracts.config import LimitsSection
from quantcli.contracts.orders import OrderRecord
from quantcli.contracts.scalars import ZERO
from quantcli.core import metrics

if TYPE_CHECKING:
    from quantcli.contracts.broker_views import Account

#: States in which the broker may not yet have set money aside for the order.
_UNSEEN_STATES = frozenset({"PENDING", "UNKNOWN"})


@dataclass(frozen=True, slots=True)
class Holding:
    """Shares held.

    Attributes:
        symbol: The stock.
        quantity: Signed shares.
        mark: USD per share; None: there is none to be had.
    """

    symbol: str
    quantity: Decimal
    mark: Decimal | None


@dataclass(frozen=True, slots=True)
class OpenEntry:
    """An entry that may still add shares, or has added some that are not booked yet.

    Attributes:
        symbol: The stock.
        quantity: Leaves plus executed but unbooked shares.
        limit_price: The most it may cost, USD per share.
        is_unseen: The broker may not yet have set money aside for it.
    """

    symbol: str
    quantity: Decimal
    limit_price: Decimal
    is_unseen: bool

    @property
    def notional(self) -> Decimal:
        """Return what it costs when it fills at its limit."""
        return self.quantity * self.limit_price


@dataclass(frozen=True, slots=True)
class Book:
    """Everything that ties up the account: shares held and open entries."""

    holdings: tuple[Holding, ...] = ()
    entries: tuple[OpenEntry, ...] = ()

    def symbols(self) -> frozenset[str]:
        """Return symbols with shares or with an open entry: one place of the limit each."""
        return frozenset(
            [*(held.symbol for held in self.holdings), *(entry.symbol for entry in self.entries)]
        )


def open_entry(order: OrderRecord, booked: Decimal) -> OpenEntry | None:
    """Return what an entry order still ties up beyond the shares already booked.

    Args:
        order: An entry, in whatever state.
        booked: Shares of it that the ledger holds as fills.

    Returns:
        None when nothing is left to come: terminal, and every execution is booked.
    """
    quantity = order.leaves_quantity + max(order.cumulative_quantity - booked, ZERO)
    limit = order.intent.limit_price
    if quantity <= 0 or limit is None:
        return None
    return OpenEntry(order.intent.symbol, quantity, limit, order.state in _UNSEEN_STATES)


def exposure_gross(book: Book) -> Decimal | None:
    """Return positions at mark plus open entries at their limits; None: a mark is missing.

    Examples:
        >>> held = Holding("AAPL", Decimal(10), Decimal("50.25"))
        >>> resting = OpenEntry("MSFT", Decimal(3), Decimal(100), is_unseen=True)
        >>> exposure_gross(Book((held,), (resting,)))
        Decimal('802.50')
    """
    total = sum((entry.notional for entry in book.entries), ZERO)
    for held in book.holdings:
        if held.mark is None:
            return None
        total += abs(held.quantity) * held.mark
    return total


def exposure_of(book: Book, symbol: str) -> Decimal:
    """Return one symbol's exposure, counting shares without a mark as nothing."""
    only = Book(
        tuple(held for held in book.holdings if held.symbol == symbol and held.mark is not None),
        tuple(entry for entry in book.entries if entry.symbol == symbol),
    )
    return exposure_gross(only) or ZERO


def exposure_gross_limit(limits: LimitsSection, equity: Decimal) -> Decimal:
    """Return the smaller of the absolute limit and the fraction of equity; never below zero."""
    fraction = limits.exposure_gross_fraction_max * max(equity, ZERO)
    return min(limits.exposure_gross_usd_max, fraction)


def drawdown(equity: Decimal, high_water_mark: Decimal) -> Decimal:
    """Return drawdown-1 as limits judge it, in [0, 1].

    To a limit a high-water mark that is not positive means that nothing is left to lose: 1. To
    a snapshot, which may be of an account not yet funded, it means nothing lost.

    Examples:
        >>> drawdown(Decimal(90_000), Decimal(100_000))
        Decimal('0.1')
        >>> drawdown(Decimal(110_000), Decimal(100_000))
        Decimal('0')
    """
    if high_water_mark <= 0:
        return Decimal(1)
    return metrics.drawdown(equity, high_water_mark)


def spending_power(account: Account, entries: Iterable[OpenEntry]) -> Decimal:
    """Return what may be spent: no borrowing, no unsettled proceeds, nothing spent twice.

    The smaller of buying power and non-marginable buying power, less entries that the broker may
    not know of yet. Negative when they already exceed it.
    """
    unseen = sum((entry.notional for entry in entries if entry.is_unseen), ZERO)
    return min(account.buying_power, account.non_marginable_buying_power) - unseen
