"""The journal: what the desk has promised, sent and booked."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from contextlib import AbstractContextManager
from decimal import Decimal
from typing import TYPE_CHECKING, NamedTuple, Protocol

from quantcli.contracts.positions import PositionRecord

if TYPE_CHECKING:
    from quantcli.contracts.envelope import Frozen
    from quantcli.contracts.journal_rows import FlagRow, GenesisRow, RowKind, StopRow
    from quantcli.contracts.orders import Fill, OrderRecord, Purpose
    from quantcli.contracts.scalars import SessionDate

__all__ = ["Head", "Journal", "JournalRow", "Place", "PositionRecord"]


class Head(NamedTuple):
    """The newest row: its sequence number (0: none) and its hash."""

    seq: int
    sha256: str


class Place(NamedTuple):
    """Which step wrote a row."""

    session: dt.date
    cycle: str
    step: str


class JournalRow(NamedTuple):
    """A row as read back; `row` is one of the models in contracts.journal_rows."""

    seq: int
    place: Place
    kind: str
    row: Frozen


class Journal(Protocol):
    """Append-only rows, hash-chained, with tables derived in the same transaction.

    Attributes:
        appends: How often this object has appended. Under the account lock nobody else does:
            what was read stays true while this number stays the same.
    """

    appends: int

    def head(self) -> Head:
        """Return the newest row's number and hash."""
        ...

    def append(self, place: Place, rows: Sequence[Frozen]) -> None:
        """Append rows in one durable transaction and derive the tables.

        Raises:
            LedgerError: a row contradicts the stored state; nothing is written.
            StorageError: the disk refused.
        """
        ...

    def rows(
        self,
        *,
        session: dt.date | None = None,
        cycle: str | None = None,
        step: str | None = None,
        kind: RowKind | None = None,
    ) -> tuple[JournalRow, ...]:
        """Return rows in order, filtered by place and kind."""
        ...

    def transactions(self, session: dt.date) -> bytes:
        """Return a session's rows as JSON Lines, each with its place and its link of the chain.

        A line's `sha256` is the digest of the canonical JSON of `[previous, seq, session, cycle,
        step, kind, body as text]`, so that the log can be checked without the journal.
        """
        ...

    def genesis(self) -> GenesisRow | None:
        """Return the first row, if the journal has begun."""
        ...

    def order(self, client_order_id: str) -> OrderRecord | None:
        """Return one order."""
        ...

    def order_by_broker_id(self, broker_order_id: str) -> OrderRecord | None:
        """Return the order that the broker knows under this id."""
        ...

    def orders(
        self,
        *,
        purpose: Purpose | None = None,
        symbol: str | None = None,
        session: dt.date | None = None,
        since: dt.date | None = None,
        live_only: bool = False,
    ) -> tuple[OrderRecord, ...]:
        """Return orders in the sequence of their intents.

        Args:
            purpose: Only of this purpose.
            symbol: Only in this symbol.
            session: Only with intents formed in this session.
            since: Only with intents formed in this session or later.
            live_only: Only orders whose state is not terminal.
        """
        ...

    def sequence_max(self, session: SessionDate, strategy: str, symbol: str, purpose: str) -> int:
        """Return the highest intent sequence of a key; 0 if none."""
        ...

    def fills(self, *, symbol: str | None = None) -> tuple[Fill, ...]:
        """Return fills in booking order."""
        ...

    def has_activity(self, activity_id: str) -> bool:
        """Return whether a fill or cash movement with that id is booked."""
        ...

    def positions(self) -> tuple[PositionRecord, ...]:
        """Return open positions by symbol."""
        ...

    def stops(self) -> dict[str, StopRow]:
        """Return stop memory by symbol, of open positions only."""
        ...

    def cash(self) -> Decimal:
        """Return cash: opening balance, fills and activities; USD, to the cent."""
        ...

    def flags(self) -> dict[str, FlagRow]:
        """Return every flag's newest row."""
        ...

    def copy(self) -> AbstractContextManager[Journal]:
        """Return a private copy in memory, for trying out a sync."""
        ...
