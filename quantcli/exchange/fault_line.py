"""The line between wire and exchange while faults are set: what strikes, and in which order.

First what keeps a request from being heard; then the exchange answers as it always does, or as
the fault has it; then what has become of the order; last what happens to the answer on its way.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import orjson

from quantcli.contracts.scalars import instant
from quantcli.exchange.calls import encoded
from quantcli.exchange.fault_answers import changed, rate_limited
from quantcli.exchange.fault_orders import as_taken, fill_part, reject
from quantcli.exchange.faults import CONTROL_PATH, ConnectionDropped, Fault
from quantcli.exchange.order_record import OPEN_STATUSES, Order
from quantcli.exchange.order_view import PENDING_CANCEL
from quantcli.exchange.refusals import malformed, not_found, unprocessable
from quantcli.exchange.trading_hours import Micros, micros
from quantcli.exchange.wire_answers import WireAnswer, gateway_page, refused, said

if TYPE_CHECKING:
    from quantcli.exchange.venue import Exchange

_ONE_ORDER = re.compile(r"/v2/orders/([^/]+)")
_SECOND: Micros = 1_000_000
_LOOK_UPS = ("/v2/orders:by_client_order_id", "/v2/orders")


def answer_faultily(
    exchange: Exchange, method: str, path: str, query: str, body: bytes
) -> WireAnswer:
    """Answer one authorised request, with the faults that strike at it.

    Args:
        exchange: Its lock is held.
        method: Upper case.
        path: Without doubled slashes.
        query: As sent.
        body: As sent.

    Raises:
        ConnectionDropped: no answer may leave.
    """
    if path.startswith(CONTROL_PATH):
        return _controlled(exchange, method, path, query, body)
    met = exchange.faults.met(method, path)
    struck = {fault.kind: fault for fault in met}
    unheard = _unheard(exchange, struck)
    if unheard is not None:
        return unheard
    if "account-reset" in struck:
        exchange.open_other_account()
    answer = _carried_out(exchange, struck, method, path, query, body)
    if "late-visibility" in struck and answer[0] == 200:
        _hide(exchange, struck["late-visibility"], answer)
    answer = _as_shown(exchange, method, path, answer)
    for fault in met:
        answer = changed(fault, answer)
    if "gateway-timeout-after-accept" in struck:
        return gateway_page(504, "Gateway Time-out")
    if "drop-after-accept" in struck:
        raise ConnectionDropped
    return answer


def _controlled(exchange: Exchange, method: str, path: str, query: str, body: bytes) -> WireAnswer:
    """Answer a request to the simulation itself; faults do not touch it, but it may end them."""
    if (method, path) == ("POST", CONTROL_PATH + "clock"):
        end_parts(exchange, _target(body))
    answer = exchange.answer(method, path, query, body)
    if exchange.is_other_account and all(
        fault.kind != "account-reset" for fault in exchange.faults.faults.values()
    ):
        exchange.close_other_account()
    return answer


def end_parts(exchange: Exchange, until: Micros | None) -> None:
    """Carry out the partial fills that are due before the clock reaches an instant."""
    parts = exchange.faults.parts
    if not parts or until is None:
        return
    with exchange.change() as book:
        for order_id, (quantity, _) in [*parts.items()]:
            order = book.order(order_id)
            is_waiting = False
            if order is not None and order.is_open:
                is_waiting = not fill_part(book, exchange.market, order, quantity, until)
            if not is_waiting:
                del parts[order_id]


def _target(body: bytes) -> Micros | None:
    """Return the instant that a request wants the clock moved to; None if it names none."""
    try:
        return micros(instant(orjson.loads(body)["to"]))
    except (ValueError, KeyError, TypeError):
        return None


def _unheard(exchange: Exchange, struck: dict[str, Fault]) -> WireAnswer | None:
    """Return the answer of somebody before the exchange; None: the request gets through."""
    for kind, fault in struck.items():
        if kind == "drop-before-accept":
            raise ConnectionDropped
        if kind == "broker-restart":
            exchange.restart()
            raise ConnectionDropped(is_everybodys=True)
        if kind == "bad-gateway":
            return gateway_page(502, "Bad Gateway")
        if kind == "rate-limited":
            return rate_limited(fault, micros(exchange.clock) // _SECOND)
    return None


def _carried_out(
    exchange: Exchange, struck: dict[str, Fault], method: str, path: str, query: str, body: bytes
) -> WireAnswer:
    """Let the exchange answer, or do what the faults do in its place."""
    named = _ONE_ORDER.fullmatch(path)
    if "stale-positions" in struck:
        return said((200, struck["stale-positions"].kept))
    if "clock-skew" in struck:
        skew = int(struck["clock-skew"].settings["seconds"] * _SECOND)
        return exchange.answer_skewed(method, path, query, body, skew)
    if named is not None and method in {"DELETE", "PATCH"}:
        if named[1] in exchange.faults.stuck:
            return _refused_while_pending(method)
        if "stuck-pending-cancel" in struck and _is_open(exchange, path):
            exchange.faults.stuck[named[1]] = struck["stuck-pending-cancel"].number
            return said((204, b""))
    if "accepted-then-rejected" in struck or "partial-then-cancel" in struck:
        answer, order = exchange.answer_and_undo(method, path, query, body)
        if order is not None:
            status = orjson.loads(answer[2])["status"]
            _end_soon(exchange, as_taken(order, status), struck)
        return answer
    return exchange.answer(method, path, query, body)


def _end_soon(exchange: Exchange, order: Order, struck: dict[str, Fault]) -> None:
    """Book an order that was taken, together with how the fault makes it end."""
    with exchange.change() as book:
        venue = book.venue()
        assert venue is not None
        if "accepted-then-rejected" in struck:
            reject(book, order, venue.clock)
            return
        fault = struck["partial-then-cancel"]
        book.put_order(order)
        if not fill_part(book, exchange.market, order, fault.settings["qty"], venue.clock):
            exchange.faults.parts[order.order_id] = fault.settings["qty"], fault.number


def _is_open(exchange: Exchange, path: str) -> bool:
    status, _, body = exchange.answer("GET", path, "", b"")
    return status == 200 and orjson.loads(body)["status"] in OPEN_STATUSES


def _refused_while_pending(method: str) -> WireAnswer:
    if method == "PATCH":
        refusal = malformed("unable to replace order, order is pending cancel")
    else:
        refusal = unprocessable("order pending cancel")
    return said(refused(refusal))


def _hide(exchange: Exchange, fault: Fault, answer: WireAnswer) -> None:
    """Keep the order that was just taken from being found for a while."""
    order_id = orjson.loads(answer[2])["id"]
    exchange.faults.hidden[order_id] = fault.settings["calls"], fault.number


def _as_shown(exchange: Exchange, method: str, path: str, answer: WireAnswer) -> WireAnswer:
    """Return what a look at orders shows, with hidden orders left out and stuck ones pending."""
    board = exchange.faults
    is_look = method == "GET" and (path in _LOOK_UPS or _ONE_ORDER.fullmatch(path) is not None)
    if not is_look or answer[0] != 200 or not (board.hidden or board.stuck):
        return answer
    value = orjson.loads(answer[2])
    rows: list[dict[str, Any]] = value if isinstance(value, list) else [value]
    hidden = [row["id"] for row in rows if row["id"] in board.hidden]
    for row in rows:
        if row["id"] in board.stuck and row["status"] in OPEN_STATUSES:
            row["status"] = PENDING_CANCEL
    for order_id in hidden:
        left, number = board.hidden.pop(order_id)
        if left > 1:
            board.hidden[order_id] = left - 1, number
    if isinstance(value, list):
        return said((200, encoded([row for row in rows if row["id"] not in hidden])))
    if hidden:
        return said(refused(not_found(f"order not found for {_asked_for(path, value)}")))
    return said((200, encoded(value)))


def _asked_for(path: str, row: dict[str, Any]) -> str:
    return str(row["client_order_id"] if ":by_client" in path else row["id"])
