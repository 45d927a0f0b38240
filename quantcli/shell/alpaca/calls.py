"""Counting what the broker is asked: questions by kind, and the requests that they took."""

from __future__ import annotations

from quantcli.contracts.envelope import CallCount
from quantcli.ports.broker import Request, Response, Transport


class CountedLine:
    """Carries requests over a transport and counts them under the question in hand."""

    def __init__(self, transport: Transport) -> None:
        """Carry over this transport; nothing was asked yet."""
        self._transport = transport
        self._calls: dict[str, int] = {}
        self._requests: dict[str, int] = {}
        self._endpoint = ""

    def ask(self, endpoint: str) -> None:
        """Begin a question of one kind; requests belong to it until the next one begins."""
        self._endpoint = endpoint
        self._calls[endpoint] = self._calls.get(endpoint, 0) + 1

    def send(self, request: Request) -> Response:
        """Carry one request, counted whether or not it is answered.

        Raises:
            TransportFailure: no whole answer arrived.
        """
        self._requests[self._endpoint] = self._requests.get(self._endpoint, 0) + 1
        return self._transport.send(request)

    def counts(self) -> tuple[CallCount, ...]:
        """Return what was asked so far, sorted by kind."""
        return tuple(
            CallCount(endpoint=name, calls=self._calls[name], requests=self._requests.get(name, 0))
            for name in sorted(self._calls)
        )
