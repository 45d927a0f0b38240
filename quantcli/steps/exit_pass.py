"""What one pass of `exits` carries along: what it saw, what it may do, what it has to write.

Books are read from the journal once and again only after something was written.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field

from quantcli.contracts.envelope import Finding, Frozen
from quantcli.contracts.errors import BrokerError
from quantcli.contracts.journal_rows import ActionRow, ReviewRow, StopRow
from quantcli.contracts.orders import OrderRecord
from quantcli.contracts.positions import PositionRecord
from quantcli.core.corporate_actions import Terms, is_outdated, terms_since
from quantcli.core.sessions import is_regular_hours
from quantcli.steps.corporate_actions import booked
from quantcli.steps.desk import Desk
from quantcli.steps.order_protocol import Patience
from quantcli.steps.structure import Structure
from quantcli.steps.sync import Synced


@dataclass(frozen=True, slots=True)
class Books:
    """Live orders, positions and stop memory, as of so many appends to the journal."""

    appends: int
    live: tuple[OrderRecord, ...]
    positions: dict[str, PositionRecord]
    stops: dict[str, StopRow]
    actions: tuple[ActionRow, ...]


@dataclass(slots=True)
class Pass:
    """One pass of `exits`.

    Attributes:
        desk: The running step.
        patience: The waits left for look-ups.
        synced: What the broker showed at the start.
        structure: Stop candidates from bars.
        reviewed: Symbols that an earlier attempt of this pass came to a conclusion about.
        codes: Codes collected on the way.
        withheld: What a full halt stopped.
        conclusions: Rows that wait for the end of the pass: nothing was done because of them.
        has_sold: An exit was sent: fills must be booked again.
        unconfirmed: Ids of stops that the broker took in this pass and does not know at its end.
    """

    desk: Desk
    patience: Patience
    synced: Synced
    structure: Structure
    reviewed: frozenset[str]
    codes: set[str] = field(default_factory=set)
    withheld: dict[str, Finding] = field(default_factory=dict)
    conclusions: list[Frozen] = field(default_factory=list)
    has_sold: bool = False
    unconfirmed: set[str] = field(default_factory=set)
    _books: Books | None = None
    _is_open: bool | None = None

    def books(self) -> Books:
        """Return the books, read again if anything was written since."""
        journal = self.desk.journal
        appends = journal.appends
        if self._books is None or self._books.appends != appends:
            self._books = Books(
                appends,
                journal.orders(live_only=True),
                {position.symbol: position for position in journal.positions()},
                journal.stops(),
                booked(self.desk),
            )
        return self._books

    def is_outdated(self, order: OrderRecord) -> bool:
        """Return whether an order was formed in shares that a corporate action has ended."""
        actions = self.books().actions
        return bool(actions) and is_outdated(order.intent, actions)

    def is_believed(self, order: OrderRecord) -> bool:
        """Return whether an order may count as cover: told in shares of now, and confirmed."""
        in_doubt = self.unconfirmed | self.synced.unseen
        return order.intent.client_order_id not in in_doubt and not self.is_outdated(order)

    def outdated(self, symbol: str) -> tuple[OrderRecord, ...]:
        """Return live sells, formed in older shares, of what is a position in `symbol` now."""
        return tuple(
            order
            for order in self.books().live
            if order.intent.side == "sell"
            and self.is_outdated(order)
            and self.terms(order.intent.symbol, order.intent.session).symbol == symbol
        )

    def terms(self, symbol: str, day: dt.date) -> Terms:
        """Return what a share of `symbol` on `day` is now."""
        return terms_since(symbol, day, self.books().actions)

    def sells(self, symbol: str) -> tuple[OrderRecord, ...]:
        """Return live sells in a symbol that are told in its shares of now."""
        return tuple(order for order in self.live(symbol, "sell") if not self.is_outdated(order))

    def live(self, symbol: str, side: str) -> tuple[OrderRecord, ...]:
        """Return live orders of one side in a symbol, in the sequence of their intents."""
        return tuple(
            order
            for order in self.books().live
            if (order.intent.symbol, order.intent.side) == (symbol, side)
        )

    @property
    def is_open(self) -> bool:
        """Whether these are regular hours: the broker's newest word, else the calendar's."""
        if self._is_open is None:
            self._read_clock()
        is_regular = is_regular_hours(self.desk.stamp.as_of)
        return is_regular if self._is_open is None else self._is_open

    def may_send(self, order: OrderRecord) -> bool:
        """Return whether a stop or an exit may go out: only a full halt says no."""
        self._read_clock()
        return self.may_act(order.intent.symbol)

    def may_act(self, symbol: str) -> bool:
        """Return whether anything may be done at the broker; if not, keep the reason."""
        is_halted = self.desk.halts.read().all
        if is_halted:
            self.withheld[symbol] = Finding(code="halted", observed=symbol)
        return not is_halted

    def _read_clock(self) -> None:
        # A clock that does not answer must not stop an exit.
        try:
            self._is_open = self.desk.broker.clock().is_open
        except BrokerError as error:
            self.codes.add(error.code)


def symbols_reviewed(desk: Desk) -> frozenset[str]:
    """Return the symbols that this pass, in all attempts, has concluded about."""
    rows = (entry.row for entry in desk.my_rows())
    return frozenset(row.symbol for row in rows if isinstance(row, ReviewRow))
