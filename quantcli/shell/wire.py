"""What every line to the outside has in common: limits on an answer, and what its failure means.

One request, one answer: no retry, no redirect, no proxy, no cookie. Timeouts, a deadline and a
cap on the size hold for all.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from requests import PreparedRequest
from requests import Response as WireResponse
from requests.adapters import BaseAdapter
from requests.exceptions import ConnectTimeout, ReadTimeout, RequestException

from quantcli.ports.broker import TransportFailure

BODY_BYTES_MAX = 10 * 1024 * 1024
_LOOPBACK_HOSTS = ("127.0.0.1", "localhost", "::1")
_CHUNK_BYTES = 65_536
#: What urllib3 calls failures to get a connection at all: refused, unknown host, bad certificate.
_BEFORE_SENDING = ("NewConnectionError", "NameResolutionError", "CERTIFICATE_VERIFY_FAILED")


class HardenedAdapter(BaseAdapter):
    """Sets timeouts, and a cap on the answer's size."""

    def __init__(self, inner: BaseAdapter, timeout: tuple[float, float]) -> None:
        """Wrap an adapter.

        Args:
            inner: What reaches the other side.
            timeout: Limits in seconds for the connection and for each read.
        """
        super().__init__()
        self._inner, self._timeout = inner, timeout

    def send(self, request: PreparedRequest, **kwargs: Any) -> WireResponse:  # type: ignore[override]
        """Return the whole answer.

        Raises:
            TransportFailure: it is larger than we read.
            RequestException: none arrived in time.
        """
        response = self._inner.send(request, timeout=self._timeout, stream=True)
        try:
            response._content = _content(response)  # noqa: SLF001 - read by parts
        except (TransportFailure, RequestException):
            response.close()
            raise
        return response

    def close(self) -> None:
        """Close the wrapped adapter."""
        self._inner.close()


def _content(response: WireResponse) -> bytes:
    parts, size = [], 0
    for part in response.iter_content(_CHUNK_BYTES):
        parts.append(part)
        size += len(part)
        if size > BODY_BYTES_MAX:
            raise TransportFailure("answer-too-large", was_sent=True)
    return b"".join(parts)


def failure_of(error: RequestException) -> TransportFailure:
    """Tell whether the request certainly never left; in doubt it did."""
    told = repr(error)
    if isinstance(error, ConnectTimeout):
        return TransportFailure("connect-timeout", was_sent=False)
    if any(name in told for name in _BEFORE_SENDING):
        return TransportFailure("connect-failed", was_sent=False)
    if isinstance(error, ReadTimeout) or "ReadTimeoutError" in told:
        return TransportFailure("read-timeout", was_sent=True)
    return TransportFailure("connection-lost", was_sent=True)


def host_of(url: str) -> str:
    """Return the host of an address, in lower case; empty if it names none."""
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""


def is_plain_loopback(url: str) -> bool:
    """Return whether an address is plain HTTP to this machine, without a user or a query."""
    return _is_bare(url) and url.startswith("http://") and host_of(url) in _LOOPBACK_HOSTS


def is_https_of(url: str, hosts: tuple[str, ...]) -> bool:
    """Return whether an address is HTTPS, on its usual port, to one of `hosts`."""
    if not _is_bare(url):
        return False
    parts = urlsplit(url)
    return parts.scheme == "https" and parts.hostname in hosts and parts.port in (None, 443)


def _is_bare(url: str) -> bool:
    """Return whether an address is scheme, host, port and path, and nothing more."""
    try:
        parts = urlsplit(url)
        parts.port  # noqa: B018 - raises for what is no port
    except ValueError:
        return False
    has_more = bool(parts.username or parts.password or parts.query or parts.fragment)
    return not has_more and url.isascii() and url.isprintable() and " " not in url
