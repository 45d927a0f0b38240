"""What stands before the exchange over HTTP: the rate limit, and the door to the stream."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route, WebSocketRoute

from quantcli.exchange.calls import encoded
from quantcli.exchange.rate_limit import RateLimiter
from quantcli.exchange.stream import TradeStream
from quantcli.exchange.trading_hours import micros
from quantcli.exchange.venue import Exchange

METHODS = ["GET", "POST", "PATCH", "PUT", "DELETE"]

Endpoint = Callable[[Request], Awaitable[Response]]

_UNLIMITED = "/_sim/"


def routes(exchange: Exchange, answer: Endpoint) -> list[BaseRoute]:
    """Return the routes of the server: the stream, and for all else one endpoint.

    Requests with the right keys count towards the limit; moving the clock never does.
    """
    stream = TradeStream(exchange)
    limiter = RateLimiter(exchange.settings.requests_per_minute)

    def is_customer(request: Request) -> bool:
        sent = request.headers
        return exchange.admits(sent.get("apca-api-key-id", ""), sent.get("apca-api-secret-key", ""))

    async def limits(request: Request) -> Response:
        """Show the limit, or set another one: `requests_per_minute`, null for none."""
        if not is_customer(request):
            return await answer(request)  # which refuses strangers
        if request.method == "POST" and not limiter.set_limit(await request.body()):
            return _json({"message": "requests_per_minute: a whole number above 0, or null"}, 422)
        return _json({"requests_per_minute": limiter.limit})

    async def endpoint(request: Request) -> Response:
        path = request.url.path
        if limiter.limit is None or path.startswith(_UNLIMITED) or not is_customer(request):
            response = await answer(request)
        else:
            allowance = limiter.take(path, micros(exchange.clock))
            if allowance.is_exceeded:
                response = _json(allowance.refusal, 429)
            else:
                response = await answer(request)
            response.headers.update(dict(allowance.headers))
        if request.method != "GET":
            stream.wake()
        return response

    return [
        WebSocketRoute("/stream", stream.serve),
        Route("/_sim/limits", limits, methods=["GET", "POST"]),
        Route("/{path:path}", endpoint, methods=METHODS),
    ]


def _json(value: Any, status: int = 200) -> Response:
    return Response(encoded(value), status, media_type="application/json; charset=UTF-8")
