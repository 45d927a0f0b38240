"""The wire to Alpaca: alpaca-py's REST client with one hardened adapter.

alpaca-py as it comes retries POSTs, has no timeout, follows proxy variables and parses floats.
Here it sends each request exactly once, under a deadline, to known hosts, with the bytes we
chose; and we keep status and body as they came.
"""

from __future__ import annotations

import time
from typing import Any
from urllib.parse import urlsplit

from alpaca.common.exceptions import APIError
from alpaca.common.rest import RESTClient
from requests import PreparedRequest
from requests import Response as WireResponse
from requests.adapters import BaseAdapter, HTTPAdapter
from requests.exceptions import ConnectionError as RequestsConnectionError
from requests.exceptions import ConnectTimeout, ReadTimeout, RequestException

from quantcli.contracts.errors import ConfigError
from quantcli.ports.broker import Request, Response, TransportFailure

BODY_BYTES_MAX = 10 * 1024 * 1024
LIVE_HOST = "api.alpaca.markets"
PAPER_HOST = "paper-api.alpaca.markets"
_LOOPBACK_HOSTS = ("127.0.0.1", "localhost", "::1")
_CHUNK_BYTES = 65_536


class AlpacaTransport:
    """Sends one request at a time; never retries."""

    def __init__(
        self,
        url: str,
        key_id: str,
        secret: str,
        *,
        connect_seconds: float = 5,
        read_seconds: float = 15,
        total_seconds: float = 30,
        inner: BaseAdapter | None = None,
    ) -> None:
        """Prepare the client.

        Args:
            url: Base address without the version, e.g. of the paper API or of loopback.
            key_id: The key id.
            secret: The secret key.
            connect_seconds: Limit for the connection.
            read_seconds: Limit for each read.
            total_seconds: Limit for the whole answer.
            inner: Adapter that reaches the exchange in process; None: the network.

        Raises:
            ConfigError: the host is neither Alpaca's nor loopback, or not over HTTPS.
        """
        self._adapter = _HardenedAdapter(
            inner or HTTPAdapter(max_retries=0), (connect_seconds, read_seconds), total_seconds
        )
        self._client = _Client(checked_url(url), key_id, secret, raw_data=True)
        # The constructor takes no zero: its own default of three retries would stand.
        self._client._retry = 0
        self._client._session.trust_env = False
        self._client._session.adapters.clear()
        self._client._session.mount("http://", self._adapter)
        self._client._session.mount("https://", self._adapter)

    def send(self, request: Request) -> Response:
        """Return the answer, whatever its status.

        Raises:
            TransportFailure: no whole answer arrived in time.
        """
        self._adapter.begin(request.body)
        # Queries go into the path: alpaca-py would spell them in its own way.
        path = request.path + (f"?{request.query}" if request.query else "")
        try:
            self._client._request(request.method, path, {} if request.body else None)
        except (APIError, ValueError):
            pass  # status and body were kept by the adapter; their reading is not ours
        except RequestException as error:
            raise _failure_of(error) from error
        return self._adapter.taken()

    def simulate(self, method: str, body: bytes = b"") -> Response:
        """Read (GET) or move (POST) the clock of a local exchange, outside the trading API.

        Raises:
            TransportFailure: no whole answer arrived in time.
        """
        self._adapter.begin(body)
        try:
            self._client._request(method, "/clock", {} if body else None, api_version="_sim")
        except (APIError, ValueError):
            pass  # as in `send`
        except RequestException as error:
            raise _failure_of(error) from error
        return self._adapter.taken()


class _Client(RESTClient):  # type: ignore[misc]
    """RESTClient is abstract in name only; paths here carry their own version prefix."""

    def __init__(self, url: str, key_id: str, secret: str, *, raw_data: bool) -> None:
        base, version = url, "v2"
        super().__init__(
            base_url=base,
            api_key=key_id,
            secret_key=secret,
            api_version=version,
            raw_data=raw_data,
        )


class _HardenedAdapter(BaseAdapter):
    """Sets timeouts, the body's bytes and the byte cap; keeps what came back."""

    def __init__(
        self, inner: BaseAdapter, timeout: tuple[float, float], total_seconds: float
    ) -> None:
        super().__init__()
        self._inner, self._timeout, self._total = inner, timeout, total_seconds
        self._body = b""
        self._response: Response | None = None

    def begin(self, body: bytes) -> None:
        self._body, self._response = body, None

    def taken(self) -> Response:
        if self._response is None:
            raise TransportFailure("no-answer", was_sent=True)
        return self._response

    def send(self, request: PreparedRequest, **kwargs: Any) -> WireResponse:  # type: ignore[override]
        if self._body:
            request.body = self._body
            request.headers["Content-Length"] = str(len(self._body))
        deadline = time.monotonic() + self._total
        kwargs.update(timeout=self._timeout, stream=True)
        response = self._inner.send(request, **kwargs)
        content = self._content(response, deadline)
        # requests would guess the encoding from the bytes, which is slow.
        response.encoding = "utf-8"
        response._content = content
        self._response = Response(response.status_code, tuple(response.headers.items()), content)
        return response

    def _content(self, response: WireResponse, deadline: float) -> bytes:
        if isinstance(response._content, bytes):
            return response._content
        parts, size = [], 0
        for part in response.iter_content(_CHUNK_BYTES):
            parts.append(part)
            size += len(part)
            if size > BODY_BYTES_MAX:
                raise TransportFailure("answer-too-large", was_sent=True)
            if time.monotonic() > deadline:
                raise TransportFailure("deadline", was_sent=True)
        return b"".join(parts)

    def close(self) -> None:
        self._inner.close()


def checked_url(url: str) -> str:
    """Return a base address without a trailing slash or version.

    Raises:
        ConfigError: an unknown host, or plain HTTP to anything but loopback.
    """
    trimmed = url.rstrip("/").removesuffix("/v2")
    parts = urlsplit(trimmed)
    host = parts.hostname or ""
    is_loopback = host in _LOOPBACK_HOSTS and parts.scheme == "http"
    if not is_loopback and not (host in (LIVE_HOST, PAPER_HOST) and parts.scheme == "https"):
        raise ConfigError(
            "broker.url names neither Alpaca nor this machine",
            value=url,
            hint=f"use https://{PAPER_HOST}, https://{LIVE_HOST} or http://127.0.0.1:PORT",
        )
    return trimmed


def _failure_of(error: RequestException) -> TransportFailure:
    """Tell whether the request certainly never left; in doubt it did."""
    if isinstance(error, ConnectTimeout):
        return TransportFailure("connect-timeout", was_sent=False)
    if isinstance(error, ReadTimeout):
        return TransportFailure("read-timeout", was_sent=True)
    if isinstance(error, RequestsConnectionError) and "NewConnectionError" in repr(error):
        return TransportFailure("connect-failed", was_sent=False)
    return TransportFailure("connection-lost", was_sent=True)
