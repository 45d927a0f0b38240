"""The wire to Alpaca: alpaca-py's REST client with one hardened adapter.

alpaca-py as it comes retries POSTs, has no timeout, follows proxy variables and parses floats.
Here it sends each request exactly once, under a deadline, to known hosts, with the bytes we
chose; and we keep status and body as they came.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from alpaca.common.rest import RESTClient
from requests import PreparedRequest
from requests import Response as WireResponse
from requests.adapters import BaseAdapter
from requests.exceptions import ConnectTimeout, ReadTimeout, RequestException
from requests.hooks import default_hooks
from requests.structures import CaseInsensitiveDict

from quantcli.contracts.errors import ConfigError
from quantcli.ports.broker import Request, Response, TransportFailure
from quantcli.shell.alpaca.deadline import DeadlineAdapter

BODY_BYTES_MAX = 10 * 1024 * 1024
LIVE_HOST = "api.alpaca.markets"
PAPER_HOST = "paper-api.alpaca.markets"
_LOOPBACK_HOSTS = ("127.0.0.1", "localhost", "::1")
_CHUNK_BYTES = 65_536
#: What urllib3 calls failures to get a connection at all: refused, unknown host, bad certificate.
_BEFORE_SENDING = ("NewConnectionError", "NameResolutionError", "CERTIFICATE_VERIFY_FAILED")


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
        adapter = _HardenedAdapter(
            inner or DeadlineAdapter(total_seconds), (connect_seconds, read_seconds)
        )
        self._client = _Client(checked_url(url), key_id, secret, adapter)

    def send(self, request: Request) -> Response:
        """Return the answer, whatever its status.

        Raises:
            TransportFailure: no whole answer arrived in time.
        """
        # Queries go into the path: alpaca-py would spell them in its own way.
        path = request.path + (f"?{request.query}" if request.query else "")
        return self._client.exchange(request.method, path, request.body, "v2")

    def simulate(self, method: str, body: bytes = b"") -> Response:
        """Read (GET) or move (POST) the clock of a local exchange, outside the trading API.

        Raises:
            TransportFailure: no whole answer arrived in time.
        """
        return self._client.exchange(method, "/clock", body, "_sim")


class _Client(RESTClient):
    """alpaca-py's client: its address, its headers, one request; our bytes in, raw bytes out.

    Only the innermost step is ours: it sends the body as it is, once, through the mounted
    adapter, and keeps status and bytes without reading them. A session would merge cookies and
    environment into every request, which must not be and costs more than all the rest.
    """

    def __init__(self, url: str, key_id: str, secret: str, adapter: BaseAdapter) -> None:
        super().__init__(
            base_url=url, api_key=key_id, secret_key=secret, api_version="v2", raw_data=True
        )
        # The constructor takes no zero: its own default of three retries would stand.
        self._retry = 0
        self._session.trust_env = False
        self._session.adapters.clear()
        self._session.mount("http://", adapter)
        self._session.mount("https://", adapter)
        self._body = b""
        self._answer = Response(0, (), b"")

    def exchange(self, method: str, path: str, body: bytes, version: str) -> Response:
        self._body = body
        try:
            self._request(method, path, api_version=version)
        except RequestException as error:
            raise _failure_of(error) from error
        return self._answer

    def _one_request(
        self, method: str, url: str, opts: dict[str, Any], retry: int
    ) -> dict[str, Any]:
        request = PreparedRequest()
        request.method, request.url, request.hooks = method, url, default_hooks()
        request.headers = CaseInsensitiveDict(opts["headers"])
        request.headers["Accept-Encoding"] = "gzip, deflate"
        if self._body:
            request.body = self._body
            request.headers["Content-Type"] = "application/json"
            request.headers["Content-Length"] = str(len(self._body))
        wire = self._session.get_adapter(url).send(request)
        self._answer = Response(wire.status_code, tuple(wire.headers.items()), wire.content)
        return {}


class _HardenedAdapter(BaseAdapter):
    """Sets timeouts, and a cap on the answer's size."""

    def __init__(self, inner: BaseAdapter, timeout: tuple[float, float]) -> None:
        super().__init__()
        self._inner, self._timeout = inner, timeout

    def send(self, request: PreparedRequest, **kwargs: Any) -> WireResponse:  # type: ignore[override]
        response = self._inner.send(request, timeout=self._timeout, stream=True)
        try:
            response._content = _content(response)  # noqa: SLF001 - read by parts
        except (TransportFailure, RequestException):
            response.close()
            raise
        return response

    def close(self) -> None:
        self._inner.close()


def _content(response: WireResponse) -> bytes:
    parts, size = [], 0
    for part in response.iter_content(_CHUNK_BYTES):
        parts.append(part)
        size += len(part)
        if size > BODY_BYTES_MAX:
            raise TransportFailure("answer-too-large", was_sent=True)
    return b"".join(parts)


def checked_url(url: str) -> str:
    """Return a base address without a trailing slash or version.

    Raises:
        ConfigError: an unknown host, plain HTTP to anything but loopback, or more in it than
            scheme, host, port and path.
    """
    trimmed = url.rstrip("/").removesuffix("/v2")
    if not _is_allowed(trimmed):
        # Not the address itself: it may hold a password.
        raise ConfigError(
            "broker.url names neither Alpaca nor this machine",
            hint=f"use https://{PAPER_HOST}, https://{LIVE_HOST} or http://127.0.0.1:PORT",
        )
    return trimmed


def host_of(url: str) -> str:
    """Return the host of an address, in lower case; empty if it names none."""
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""


def _is_allowed(url: str) -> bool:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return False
    has_more = bool(parts.username or parts.password or parts.query or parts.fragment)
    if has_more or not url.isascii() or not url.isprintable() or " " in url:
        return False
    if parts.scheme == "http":
        return parts.hostname in _LOOPBACK_HOSTS
    is_known = parts.hostname in (LIVE_HOST, PAPER_HOST) and port in (None, 443)
    return parts.scheme == "https" and is_known


def _failure_of(error: RequestException) -> TransportFailure:
    """Tell whether the request certainly never left; in doubt it did."""
    told = repr(error)
    if isinstance(error, ConnectTimeout):
        return TransportFailure("connect-timeout", was_sent=False)
    if any(name in told for name in _BEFORE_SENDING):
        return TransportFailure("connect-failed", was_sent=False)
    if isinstance(error, ReadTimeout) or "ReadTimeoutError" in told:
        return TransportFailure("read-timeout", was_sent=True)
    return TransportFailure("connection-lost", was_sent=True)
