"""/stream: the trade_updates of the account, over a websocket, in binary frames of JSON.

One listener at a time, as the broker has it; the next is refused until the first is gone. What
happened while nobody listened is not told again.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from typing import Any

from starlette.responses import Response
from starlette.websockets import WebSocket, WebSocketDisconnect

from quantcli.exchange.calls import encoded
from quantcli.exchange.order_events import Mark
from quantcli.exchange.venue import Exchange

#: How often the book is looked at for changes that no request of this server made.
LOOK_SECONDS = 0.1

_STREAM = "trade_updates"


class TradeStream:
    """The one line on which events leave the exchange."""

    def __init__(self, exchange: Exchange) -> None:
        """Keep the exchange; nobody listens yet."""
        self._exchange = exchange
        self._news = asyncio.Event()
        self._holder: _Listener | None = None

    def wake(self) -> None:
        """Say that the book may have changed."""
        self._news.set()

    async def serve(self, socket: WebSocket) -> None:
        """Serve one connection until it ends."""
        if self._holder is not None:
            await socket.send_denial_response(
                Response(encoded({"message": "connection limit exceeded"}), status_code=429)
            )
            return
        await socket.accept()
        listener = _Listener(self._exchange, socket)
        telling = asyncio.create_task(self._tell(listener))
        try:
            while True:
                message = await socket.receive()
                if message["type"] == "websocket.disconnect":
                    return
                answer = self._answer(listener, message.get("text") or message.get("bytes") or "")
                await listener.send(answer)
                self._news.set()
        except WebSocketDisconnect:
            return
        finally:
            telling.cancel()
            with contextlib.suppress(asyncio.CancelledError, WebSocketDisconnect):
                await telling
            if self._holder is listener:
                self._holder = None

    async def _tell(self, listener: _Listener) -> None:
        """Send the news, when woken and every now and then."""
        while True:
            await listener.send_news()
            self._news.clear()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._news.wait(), LOOK_SECONDS)

    def _answer(self, listener: _Listener, message: str | bytes) -> dict[str, Any]:
        """Return the answer to a message of the customer."""
        action, data = _read(message)
        if action in {"authenticate", "auth"}:
            is_free = self._holder in {None, listener}
            if is_free and self._exchange.admits(*_keys(data)):
                self._holder = listener
                return _authorization("authenticate", "authorized")
            return _authorization("authenticate", "unauthorized")
        if action == "listen":
            if self._holder is not listener:
                return _authorization("listen", "unauthorized")
            return listener.listen(data.get("streams"))
        return {"stream": "error", "data": {"error": "invalid action"}}


class _Listener:
    """One connection, and how much it has been told."""

    def __init__(self, exchange: Exchange, socket: WebSocket) -> None:
        self._exchange = exchange
        self._socket = socket
        self._mark: Mark | None = None
        self._line = asyncio.Lock()

    def listen(self, streams: object) -> dict[str, Any]:
        """Listen to the known ones among some streams, instead of those before."""
        is_wanted = isinstance(streams, list) and _STREAM in streams
        if not is_wanted:
            self._mark = None
        elif self._mark is None:
            self._mark, _ = self._exchange.updates(None)
        return {"stream": "listening", "data": {"streams": [_STREAM] if is_wanted else []}}

    async def send(self, value: dict[str, Any]) -> None:
        """Send one frame."""
        async with self._line:
            await self._socket.send_bytes(encoded(value))

    async def send_news(self) -> None:
        """Send a frame for each event that was not told yet."""
        if self._mark is None:
            return
        self._mark, events = self._exchange.updates(self._mark)
        for event in events:
            await self.send({"stream": _STREAM, "data": event})


def _read(message: str | bytes) -> tuple[str, dict[str, Any]]:
    """Return action and data of a message; the newer form has its data beside the action."""
    try:
        value = json.loads(message)
    except (ValueError, RecursionError):
        return "", {}
    if not isinstance(value, dict):
        return "", {}
    data = value.get("data")
    return str(value.get("action")), data if isinstance(data, dict) else value


def _keys(data: dict[str, Any]) -> tuple[str, str]:
    key_id, secret = data.get("key_id", data.get("key")), data.get("secret_key", data.get("secret"))
    return str(key_id), str(secret)


def _authorization(action: str, status: str) -> dict[str, Any]:
    return {"stream": "authorization", "data": {"action": action, "status": status}}
