"""What stands before the exchange over HTTP: the rate limit, and the door to the stream."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route, WebSocketRoute

from quantcli.exchange.calls import encoded
from quantcli.exchange.credentials import sent_keys
from quantcli.exchange.rate_limit import RateLimiter
from quantcli.exchange.stream import TradeStream
from quantcli.exchange.trading_hours import micros
from quantcli.exchange.venue import CONTROL, Exchange

METHODS = ["GET", "POST", "PATCH", "PUT", "DELETE"]

Endpoint = Callable[[Request], Awaitable[Response]]


def routes(exchange: Exchange, answer: Endpoint) -> list[BaseRoute]:
    """Return the routes of the server: the stream, and for all else one endpoint.

    Requests with the right keys count towards the limit; moving the clock never does.
    """
    stream = TradeStream(exchange)
    settings = exchange.settings
    limiter = RateLimiter(settings.requests_per_minute, settings.data_requests_per_minute)

    def is_customer(request: Request) -> bool:
        keys = sent_keys(request.headers)
        return keys is not None and exchange.admits(*keys)

    async def limits(request: Request) -> Response:
        """Show the limit, or set another one: `requests_per_minute`, null for none."""
        if not is_customer(request):
            return await answer(request)  # which refuses strangers
        if request.method == "POST" and not limiter.set_limit(await request.body()):
            return _json({"message": "requests_per_minute: a whole number above 0, or null"}, 422)
        return _json({"requests_per_minute": limiter.limit})

    async def endpoint(request: Request) -> Response:
        path = request.url.path
        allowance = None
        if not path.startswith(CONTROL) and is_customer(request):
            allowance = limiter.take(path, micros(exchange.clock))
        if allowance is not None and allowance.is_exceeded:
            response = _json(allowance.refusal, 429)
        else:
            response = await answer(request)
        if allowance is not None:
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
