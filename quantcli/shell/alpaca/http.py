"""The wire to Alpaca: alpaca-py's REST client with one hardened adapter.

alpaca-py as it comes retries POSTs, has no timeout, follows proxy variables and parses floats.
Here it sends each request exactly once, under a deadline, to known hosts, with the bytes we
chose; and we keep status and body as they came.
"""

from __future__ import annotations

from typing import Any

from alpaca.common.rest import RESTClient
from requests import PreparedRequest
from requests.adapters import BaseAdapter
from requests.exceptions import RequestException
from requests.hooks import default_hooks
from requests.structures import CaseInsensitiveDict

from quantcli.contracts.errors import ConfigError
from quantcli.ports.broker import Request, Response
from quantcli.shell.deadline import DeadlineAdapter
from quantcli.shell.wire import HardenedAdapter, failure_of, is_https_of, is_plain_loopback

LIVE_HOST = "api.alpaca.markets"
PAPER_HOST = "paper-api.alpaca.markets"


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
        adapter = HardenedAdapter(
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
            raise failure_of(error) from error
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


def _is_allowed(url: str) -> bool:
    return is_plain_loopback(url) or is_https_of(url, (LIVE_HOST, PAPER_HOST))
