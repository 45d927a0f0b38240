"""What stands before the exchange over HTTP: the rate limit, and the door to the stream."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

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
    per_minute = exchange.settings.requests_per_minute
    limiter = None if per_minute is None else RateLimiter(per_minute)

    async def endpoint(request: Request) -> Response:
        path = request.url.path
        headers = request.headers
        is_counted = not path.startswith(_UNLIMITED) and exchange.admits(
            headers.get("apca-api-key-id", ""), headers.get("apca-api-secret-key", "")
        )
        if limiter is None or not is_counted:
            response = await answer(request)
        else:
            allowance = limiter.take(path, micros(exchange.clock))
            if allowance.is_exceeded:
                response = Response(
                    encoded(allowance.refusal), 429, media_type="application/json; charset=UTF-8"
                )
            else:
                response = await answer(request)
            response.headers.update(dict(allowance.headers))
        if request.method != "GET":
            stream.wake()
        return response

    return [
        WebSocketRoute("/stream", stream.serve),
        Route("/{path:path}", endpoint, methods=METHODS),
    ]
