"""The exchange over HTTP, on this machine's loopback only."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
from collections.abc import Callable, Generator
from types import FrameType

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response

from quantcli.contracts.errors import UsageError
from quantcli.exchange.faults import ConnectionDropped
from quantcli.exchange.front import routes
from quantcli.exchange.venue import Exchange

HOST = "127.0.0.1"
#: Address and port of the other end of a connection.
Client = tuple[str, int]


def serve(exchange: Exchange, port: int, on_ready: Callable[[str], None]) -> None:
    """Serve until SIGTERM or SIGINT, then finish the running request and return.

    Args:
        exchange: Answers one request at a time, whatever the number of connections.
        port: TCP port on 127.0.0.1; 0 takes a free one.
        on_ready: Called once with the base address as soon as connections are taken.

    Raises:
        UsageError: the port is taken, or not ours to open.
    """
    with _listener(port) as listener:
        # Head and body of an answer leave in two packets; without this the second waits 40 ms
        # for the first to be acknowledged. Accepted sockets inherit it.
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        address = f"http://{HOST}:{listener.getsockname()[1]}"

        def drop(client: Client | None) -> None:
            server.drop(client)

        server = _Server(application(exchange, drop), lambda: on_ready(address))
        server.run(sockets=[listener])


def _listener(port: int) -> socket.socket:
    try:
        return socket.create_server((HOST, port))
    except OSError as error:
        raise UsageError(
            f"the port cannot be opened: {os.strerror(error.errno or 0)}", value=port,
            hint="another exchange may be serving there; --port 0 takes a free one",
        ) from error  # fmt: skip


def application(exchange: Exchange, drop: Callable[[Client | None], None]) -> Starlette:
    """Return the ASGI application: every path goes to `Exchange.handle`.

    Args:
        exchange: Answers.
        drop: Ends the connection of a client, or all connections, without a word.
    """

    async def answer(request: Request) -> Response:
        path = request.scope["raw_path"].partition(b"?")[0].decode("latin-1")
        sent_headers = dict(request.headers)
        body = await request.body()
        if exchange.faults.faults:
            await asyncio.sleep(exchange.seconds_before(request.method, path, sent_headers))
        try:
            # Called on the loop itself: the exchange answers one request at a time anyway.
            status, headers, data = exchange.handle(
                request.method, path, request.url.query, body, sent_headers
            )
        except ConnectionDropped as dropped:
            drop(None if dropped.is_everybodys else request.scope["client"])
            # The connection's end is noticed on the loop's next turn; then no answer can leave.
            await asyncio.sleep(0)
            return Response()
        response = Response(data, status_code=status)
        for name, value in headers:
            response.headers[name] = value
        return response

    return Starlette(routes=routes(exchange, answer))


class _Server(uvicorn.Server):
    """Says when it is ready, and takes a stop signal for what it is: a wish, not a crash."""

    def __init__(self, app: Starlette, on_ready: Callable[[], None]) -> None:
        config = uvicorn.Config(
            app, log_config=None, access_log=False, lifespan="off", ws="websockets-sansio",
            server_header=False, timeout_graceful_shutdown=5,
        )  # fmt: skip
        super().__init__(config)
        self._on_ready = on_ready

    def drop(self, client: Client | None) -> None:
        """End the connection of a client at once; None: everybody's."""
        for each in [*self.server_state.connections]:
            if client in (None, getattr(each, "client", None)):
                each.transport.abort()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start to take connections, then say so."""
        await super().startup(sockets=sockets)
        self._on_ready()

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        """Stop on a signal, and give the signals back without raising them again."""

        def stop(number: int, frame: FrameType | None) -> None:
            self.handle_exit(number, frame)

        before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
