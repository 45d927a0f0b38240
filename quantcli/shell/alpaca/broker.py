"""The Broker port over Alpaca's trading API, on any transport: HTTP, in process, or a tape."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any, TypeVar
from urllib.parse import quote, urlencode

import orjson

from quantcli.contracts.broker_views import (
    Accepted,
    Account,
    Activity,
    Asset,
    BrokerClock,
    BrokerOrder,
    BrokerPosition,
    CalendarDay,
    Refused,
    Submission,
    Unknown,
)
from quantcli.contracts.envelope import CallCount, Finding
from quantcli.contracts.errors import (
    BrokerError,
    BrokerRefused,
    BrokerUnreachable,
    ContractDrift,
)
from quantcli.ports.broker import Request, Response, Transport, TransportFailure
from quantcli.shell.alpaca import translate
from quantcli.shell.alpaca.calls import CountedLine
from quantcli.shell.alpaca.drift import DriftLog

_PAGE_ORDERS = 500
_PAGE_ACTIVITIES = 100
_PAGES_MAX = 200
#: Statuses that, with a JSON object as body, say that nothing was done.
_DEFINITE = (400, 401, 403, 404, 409, 422, 429)
#: Either is told of an id that is taken, which proves that the order is there.
_DUPLICATE = (409, 422)
ValueT = TypeVar("ValueT")


class AlpacaBroker:
    """What the desk needs of Alpaca, in three outcomes."""

    def __init__(self, transport: Transport) -> None:
        """Use a transport; the caller decides whether it is recorded."""
        self._line = CountedLine(transport)
        self._log = DriftLog()

    def calls(self) -> tuple[CallCount, ...]:
        """Return how often each kind of thing was asked for so far, sorted by kind."""
        return self._line.counts()

    def drift(self) -> tuple[Finding, ...]:
        """Return where the answers so far differ from the contract, each once, sorted."""
        return self._log.findings()

    def account(self) -> Account:
        """Return the account."""
        self._line.ask("account")
        return self._get("/account", {}, translate.account_of)

    def clock(self) -> BrokerClock:
        """Return the broker's clock."""
        self._line.ask("clock")
        return self._get("/clock", {}, translate.clock_of)

    def calendar(self, first: dt.date, last: dt.date) -> tuple[CalendarDay, ...]:
        """Return the broker's sessions in [first, last]."""
        self._line.ask("calendar")
        query = {"start": first.isoformat(), "end": last.isoformat()}
        return self._get_list("/calendar", query, translate.calendar_day_of)

    def asset(self, symbol: str) -> Asset | None:
        """Return what the broker says of a symbol; None if it says that it has none such."""
        self._line.ask("asset")
        path = f"/assets/{quote(symbol, safe='')}"
        response = self._send(Request("GET", path, "", b""))
        if response.status == 404 and _is_answer(response.body):
            return None
        found: Asset = self._log.read(translate.asset_of, self._value(response, "asset"))
        if found.symbol != symbol:
            raise ContractDrift("the broker answers with another asset", value=found.symbol)
        return found

    def positions(self) -> tuple[BrokerPosition, ...]:
        """Return all positions, by symbol."""
        self._line.ask("positions")
        found = self._get_list("/positions", {}, translate.position_of)
        return tuple(sorted(found, key=lambda position: position.symbol))

    def open_orders(self) -> tuple[BrokerOrder, ...]:
        """Return all open orders, oldest first, every page of them."""
        self._line.ask("open-orders")
        found: dict[str, BrokerOrder] = {}
        query = {"status": "open", "limit": str(_PAGE_ORDERS), "direction": "asc"}
        for _ in range(_PAGES_MAX):
            page = self._get_list("/orders", query, translate.order_of)
            before = len(found)
            found.update((order.broker_order_id, order) for order in page)
            if len(page) < _PAGE_ORDERS:
                return tuple(found.values())
            if len(found) == before:
                break
            # By id, not by instant: orders may share one.
            query["after_order_id"] = page[-1].broker_order_id
        raise ContractDrift("the list of open orders does not end", value=len(found))

    def order_by_client_id(self, client_order_id: str) -> BrokerOrder | None:
        """Return an order, open or closed; None if the broker says it has none."""
        self._line.ask("order-look-up")
        query = urlencode({"client_order_id": client_order_id})
        response = self._send(Request("GET", "/orders:by_client_order_id", query, b""))
        if response.status == 404:
            if _is_answer(response.body):
                return None
            raise BrokerUnreachable("a gateway answered the order look-up", value=404)
        order: BrokerOrder = self._log.read(
            translate.order_of, self._value(response, "order look-up")
        )
        if order.client_order_id != client_order_id:
            raise ContractDrift(
                "the broker answers with another order", value=order.client_order_id
            )
        return order

    def activities(self, after: str | None) -> tuple[Activity, ...]:
        """Return the account's activities dated `after` (YYYY-MM-DD) or later, oldest first."""
        self._line.ask("activities")
        found: dict[str, Activity] = {}
        query = {"direction": "asc", "page_size": str(_PAGE_ACTIVITIES)}
        if after is not None:
            # `after` is exclusive at the broker.
            query["after"] = (dt.date.fromisoformat(after) - dt.timedelta(days=1)).isoformat()
        for _ in range(_PAGES_MAX):
            page = self._get_list("/account/activities", query, translate.activity_of)
            found.update((activity.activity_id, activity) for activity in page)
            if len(page) < _PAGE_ACTIVITIES:
                return tuple(found.values())
            query["page_token"] = page[-1].activity_id
        raise ContractDrift("the list of activities does not end", value=len(found))

    def submit(self, payload: bytes) -> Submission:
        """Send one order request, once.

        Raises:
            BrokerUnreachable: the request certainly never left.
        """
        self._line.ask("order-submit")
        return self._submission(Request("POST", "/orders", "", payload))

    def replace(self, broker_order_id: str, payload: bytes) -> Submission:
        """Ask for an atomic replacement, once.

        Raises:
            BrokerUnreachable: the request certainly never left.
        """
        self._line.ask("order-replace")
        return self._submission(Request("PATCH", _order_path(broker_order_id), "", payload))

    def cancel(self, broker_order_id: str) -> bool | None:
        """Ask to cancel: True taken, False refused (re-read the order), None unknown."""
        self._line.ask("order-cancel")
        try:
            response = self._line.send(Request("DELETE", _order_path(broker_order_id), "", b""))
        except TransportFailure:
            return None
        if response.status in (200, 204, 207):
            return True
        return False if response.status in (404, 422) else None

    def _submission(self, request: Request) -> Submission:
        asked = str(orjson.loads(request.body)["client_order_id"])
        try:
            response = self._line.send(request)
        except TransportFailure as failure:
            if not failure.was_sent:
                raise BrokerUnreachable(
                    f"the order was not sent: {failure.why}", hint="run the step again"
                ) from failure
            return Unknown(failure.why)
        is_done = 200 <= response.status < 300
        try:
            if is_done:
                value = self._parsed(response, request.method)
                return _accepted(asked, self._log.read(translate.order_of, value))
            value = translate.parse(response.body, what=request.method)
        except BrokerError as error:
            # A 200 that cannot be read may well be an order.
            return Unknown(f"status {response.status}: {error.message}")
        if response.status in _DEFINITE and isinstance(value, dict):
            return _refusal(response.status, value)
        return Unknown(f"status {response.status}")

    def _get(self, path: str, query: dict[str, str], read: Callable[[Any], ValueT]) -> ValueT:
        value = self._value(self._send(Request("GET", path, urlencode(query), b"")), path)
        found: ValueT = self._log.read(read, value)
        return found

    def _get_list(
        self, path: str, query: dict[str, str], read: Callable[[Any], ValueT]
    ) -> tuple[ValueT, ...]:
        value = self._value(self._send(Request("GET", path, urlencode(query), b"")), path)
        if not isinstance(value, list):
            error = ContractDrift(f"the broker's answer to {path} is not a list")
            self._log.note_unusable(path, error)
            raise error
        return tuple(self._log.read(read, item) for item in value)

    def _send(self, request: Request) -> Response:
        try:
            return self._line.send(request)
        except TransportFailure as failure:
            raise BrokerUnreachable(
                f"no answer to {request.method} {request.path}: {failure.why}",
                hint="is the exchange running? see broker.url in desk.toml",
            ) from failure

    def _value(self, response: Response, what: str) -> Any:
        if 200 <= response.status < 300:
            return self._parsed(response, what)
        if response.status in _DEFINITE:
            raise BrokerRefused(
                f"the broker refused {what}: {_message(response.body)}",
                value=response.status,
                hint="check the keys and the account",
            )
        raise BrokerUnreachable(f"the broker failed at {what}", value=response.status)

    def _parsed(self, response: Response, what: str) -> Any:
        try:
            return translate.parse(response.body, what=what)
        except ContractDrift as error:
            self._log.note_unusable(what, error)
            raise


def _accepted(client_order_id: str, order: BrokerOrder) -> Submission:
    """Return the order as taken, if it is the one that was asked for."""
    if order.client_order_id != client_order_id:
        return Unknown("the answer is about another order")
    return Accepted(order)


def _order_path(broker_order_id: str) -> str:
    return f"/orders/{quote(broker_order_id, safe='')}"


def _is_answer(body: bytes) -> bool:
    """Return whether a refusal is the broker's own: a JSON object, no gateway's page."""
    try:
        return isinstance(translate.parse(body, what="error"), dict)
    except ContractDrift:
        return False


def _refusal(status: int, value: dict[str, Any]) -> Refused:
    message = str(value.get("message", ""))
    # The code has changed over time; the words have not.
    is_duplicate = status in _DUPLICATE and "client_order_id must be unique" in message
    return Refused(status, str(value.get("code", "")), message, is_duplicate)


def _message(body: bytes) -> str:
    try:
        value = translate.parse(body, what="error")
    except ContractDrift:
        return "no readable message"
    return str(value.get("message", "")) if isinstance(value, dict) else ""
