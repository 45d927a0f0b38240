"""The exchange without a network: a requests adapter that calls it in this process.

Mounted on the session of a broker client, it takes the place of the socket; everything above
it, and everything below `Exchange.handle`, is the same as over HTTP.
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from urllib.parse import urlsplit

from requests import PreparedRequest, Response
from requests.adapters import BaseAdapter
from requests.exceptions import ConnectionError, ReadTimeout  # noqa: A004 (the library's name)
from requests.structures import CaseInsensitiveDict

from quantcli.exchange.faults import ConnectionDropped
from quantcli.exchange.venue import Exchange


class InProcessAdapter(BaseAdapter):
    """Answers every request of a session from one exchange."""

    def __init__(self, exchange: Exchange) -> None:
        """Keep the exchange; closing the adapter leaves it open."""
        super().__init__()
        self.exchange = exchange

    def send(
        self,
        request: PreparedRequest,
        stream: bool = False,  # noqa: FBT001, FBT002  (the signature is the library's)
        timeout: float | tuple[float, float] | tuple[float, None] | None = None,
        verify: bool | str = True,  # noqa: FBT001, FBT002
        cert: bytes | str | tuple[bytes | str, bytes | str] | None = None,
        proxies: Mapping[str, str] | None = None,
    ) -> Response:
        """Return the exchange's answer, at once: nobody waits for a delay in this process.

        Raises:
            ReadTimeout: a delay is longer than the timeout; the request is heard all the same.
            ConnectionError: the exchange drops the connection.
        """
        parts = urlsplit(request.url or "")
        method, sent = request.method or "GET", request.headers.items()
        sent_headers = {str(name): _text_of(value) for name, value in sent}
        is_late = bool(self.exchange.faults.faults) and _is_longer(
            self.exchange.seconds_before(method, parts.path, sent_headers), timeout
        )
        try:
            status, headers, body = self.exchange.handle(
                method, parts.path, parts.query, _bytes_of(request.body), sent_headers
            )
        except ConnectionDropped as dropped:
            raise ConnectionError("connection aborted by the exchange") from dropped
        if is_late:
            raise ReadTimeout("the exchange did not answer in time")
        response = Response()
        response.status_code = status
        response.headers = CaseInsensitiveDict(headers)
        response.raw = io.BytesIO(body)
        response.encoding = "utf-8"
        response.url = request.url or ""
        response.request = request
        return response

    def close(self) -> None:
        """Do nothing: the exchange belongs to whoever opened it."""


def _is_longer(
    seconds: float, timeout: float | tuple[float, float] | tuple[float, None] | None
) -> bool:
    limit = timeout[1] if isinstance(timeout, tuple) else timeout
    return limit is not None and seconds > limit


def _bytes_of(body: object) -> bytes:
    if body is None:
        return b""
    if isinstance(body, str):
        return body.encode()
    assert isinstance(body, (bytes, bytearray)), "the clients send no streams"
    return bytes(body)


def _text_of(value: str | bytes) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else value
