"""The broker, in three outcomes: accepted, definitely refused, unknown.

Reads raise `BrokerUnreachable` (no answer, nothing happened), `BrokerRefused` (a definite no)
or `ContractDrift` (an answer without a required field); they never return "nothing" for
"no answer". `submit`, `replace` and `cancel` return values, because an unknown outcome is a
fact to record, not an error to handle.
"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from quantcli.contracts.broker_views import (
        Account,
        Activity,
        Asset,
        BrokerClock,
        BrokerOrder,
        BrokerPosition,
        CalendarDay,
        Submission,
    )
    from quantcli.contracts.envelope import CallCount, Finding


class Request(NamedTuple):
    """One request: method, path under the version prefix's host, query and body as sent."""

    method: str
    path: str
    query: str
    body: bytes


class Response(NamedTuple):
    """One answer, as raw as it came."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes


class TransportFailure(Exception):
    """No whole answer arrived. `was_sent` False: the request certainly never left."""

    def __init__(self, why: str, *, was_sent: bool) -> None:
        """Keep the reason and whether the request may have been carried out."""
        super().__init__(why)
        self.why = why
        self.was_sent = was_sent


class Transport(Protocol):
    """Carries one request; never retries. The recorder and the player of tapes wrap it."""

    def send(self, request: Request) -> Response:
        """Return the answer, whatever its status.

        Raises:
            TransportFailure: no whole answer arrived in time.
        """
        ...


class Broker(Protocol):
    """What the desk needs of a broker."""

    def account(self) -> Account:
        """Return the account."""
        ...

    def clock(self) -> BrokerClock:
        """Return the broker's clock."""
        ...

    def calendar(self, first: dt.date, last: dt.date) -> tuple[CalendarDay, ...]:
        """Return the broker's sessions in [first, last]."""
        ...

    def asset(self, symbol: str) -> Asset | None:
        """Return what the broker says of a symbol; None if it says that it has none such."""
        ...

    def positions(self) -> tuple[BrokerPosition, ...]:
        """Return all positions, by symbol."""
        ...

    def open_orders(self) -> tuple[BrokerOrder, ...]:
        """Return all open orders, paged to exhaustion, oldest first."""
        ...

    def order_by_client_id(self, client_order_id: str) -> BrokerOrder | None:
        """Return an order, open or closed; None if the broker says it has none."""
        ...

    def activities(self, after: str | None) -> tuple[Activity, ...]:
        """Return the account's activities dated `after` (YYYY-MM-DD) or later, oldest first."""
        ...

    def submit(self, payload: bytes) -> Submission:
        """Send one order request, once."""
        ...

    def replace(self, broker_order_id: str, payload: bytes) -> Submission:
        """Ask for an atomic replacement, once."""
        ...

    def drift(self) -> tuple[Finding, ...]:
        """Return where the answers so far differ from the contract, each once, sorted."""
        ...

    def calls(self) -> tuple[CallCount, ...]:
        """Return how often each kind of thing was asked for so far, sorted by kind."""
        ...

    def cancel(self, broker_order_id: str) -> bool | None:
        """Ask to cancel: True taken, False refused (re-read the order), None unknown."""
        ...
