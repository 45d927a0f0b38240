"""The line to a source: one GET at a time, tried again where that can help, within bounds.

Known hosts over HTTPS, or this machine. No redirect is followed. What a source asks us to wait
is waited, up to a limit; the whole fetch ends at its own.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from typing import NamedTuple

import orjson
from requests import PreparedRequest
from requests.adapters import BaseAdapter
from requests.exceptions import RequestException
from requests.hooks import default_hooks
from requests.structures import CaseInsensitiveDict

from quantcli.contracts.errors import ConfigError, one_line
from quantcli.ports.broker import TransportFailure
from quantcli.ports.clock import Clock
from quantcli.shell.deadline import DeadlineAdapter
from quantcli.shell.fetch.answers import Fault, SourceFailed
from quantcli.shell.wire import HardenedAdapter, failure_of, is_https_of, is_plain_loopback

TRIES_MAX = 4
#: Longest single wait, in seconds, whatever a source asks for.
WAIT_SECONDS_MAX = 60.0
#: The whole fetch, in seconds: it must be over before the first cycle.
FETCH_SECONDS_MAX = 600.0
_MESSAGE_CHARACTERS = 160
#: Limits are mostly counted by the minute: whoever does not say how long is waited for longer.
_UNTOLD_FACTOR = 10


class _Trouble(NamedTuple):
    """What was wrong with one try; `wait` is None if another would be no better."""

    fault: Fault
    wait: float | None


class Line:
    """Reads addresses, patiently."""

    def __init__(
        self,
        clock: Clock,
        *,
        connect_seconds: float,
        read_seconds: float,
        total_seconds: float,
        inner: BaseAdapter | None = None,
    ) -> None:
        """Prepare; nothing is sent.

        Args:
            clock: For waiting, and for the end of the whole fetch.
            connect_seconds: Limit for the connection.
            read_seconds: Limit for each read.
            total_seconds: Limit for a whole answer.
            inner: What reaches the other side; None: the network.
        """
        self._clock = clock
        self._until = clock.now() + dt.timedelta(seconds=FETCH_SECONDS_MAX)
        reach = inner or DeadlineAdapter(total_seconds)
        self._adapter = HardenedAdapter(reach, (connect_seconds, read_seconds))
        #: What went wrong on the way and was made good by asking again.
        self.told: list[str] = []

    def get(self, url: str, headers: Mapping[str, str], *, is_json: bool) -> bytes:
        """Return the body of a whole, successful answer.

        Raises:
            SourceFailed: there is none, after as many tries as can help.
        """
        tried = 1
        while True:
            answer = self._once(url, headers, tried, is_json=is_json)
            if isinstance(answer, bytes):
                return answer
            fault, wait = answer
            if wait is None or tried == TRIES_MAX:
                raise SourceFailed(*fault)
            if self._clock.now() + dt.timedelta(seconds=wait) > self._until:
                raise SourceFailed("source-too-slow", f"{fault.code}: {fault.detail}")
            self.told.append(f"{fault.code}: {fault.detail}; asked again")
            self._clock.sleep(wait)
            tried += 1

    def _once(
        self, url: str, headers: Mapping[str, str], tried: int, *, is_json: bool
    ) -> bytes | _Trouble:
        if self._clock.now() >= self._until:
            return _Trouble(Fault("source-too-slow", f"{FETCH_SECONDS_MAX:g} s are over"), None)
        request = PreparedRequest()
        request.method, request.url, request.hooks = "GET", url, default_hooks()
        request.headers = CaseInsensitiveDict(headers)
        request.headers["Accept-Encoding"] = "gzip, deflate"
        try:
            answer = self._adapter.send(request)
        except TransportFailure as error:
            return _Trouble(Fault("source-unreachable", error.why), _pause(tried))
        except RequestException as error:
            return _Trouble(Fault("source-unreachable", failure_of(error).why), _pause(tried))
        if answer.status_code == 200:
            wrong = _wrong_with(answer.content, is_json=is_json)
            if wrong is None:
                return bytes(answer.content)
            return _Trouble(Fault("answer-malformed", wrong), _pause(tried))
        return self._trouble(answer.status_code, answer.headers, answer.content, tried)

    def _trouble(
        self, status: int, headers: Mapping[str, str], body: bytes, tried: int
    ) -> _Trouble:
        said = f"HTTP {status}{_message(body)}"
        if status == 429:
            wait = self._asked_wait(headers, tried)
            if wait <= WAIT_SECONDS_MAX:
                return _Trouble(Fault("source-rate-limited", said), wait)
            detail = f"{said}; wait {wait:.0f} s, of {WAIT_SECONDS_MAX:.0f} at most"
            return _Trouble(Fault("source-rate-limited", detail), None)
        if status >= 500:
            return _Trouble(Fault("source-failing", said), _pause(tried))
        is_question = status in {400, 404, 422}
        return _Trouble(Fault("question-refused" if is_question else "source-refused", said), None)

    def _asked_wait(self, headers: Mapping[str, str], tried: int) -> float:
        """Return the seconds that a source asks us to wait; ours if it says nothing readable."""
        text = headers.get("Retry-After", "").strip()
        now = self._clock.now()
        if text.isascii() and text.isdigit():
            return float(text[:9])
        try:
            if text:
                return max(0.0, (parsedate_to_datetime(text) - now).total_seconds())
        except (ValueError, TypeError, OverflowError):
            return _UNTOLD_FACTOR * _pause(tried)
        reset = headers.get("X-Ratelimit-Reset", "").strip()
        if reset.isascii() and reset.isdigit():
            return max(0.0, float(reset[:12]) - now.timestamp())
        return _UNTOLD_FACTOR * _pause(tried)


def checked_address(url: str, hosts: tuple[str, ...], key: str) -> str:
    """Return an address without a trailing slash.

    Args:
        url: The address.
        hosts: The vendor's hosts, over HTTPS.
        key: The key of desk.toml that holds it.

    Raises:
        ConfigError: it leads anywhere else than to those hosts or, over HTTP, to this machine.
    """
    trimmed = url.rstrip("/")
    bare = trimmed.partition("?")[0]
    if not (is_plain_loopback(bare) or is_https_of(bare, hosts)):
        # Not the address itself: it may hold a key.
        raise ConfigError(
            f"{key} names neither a known source nor this machine",
            hint=f"use https://{hosts[0]} or http://127.0.0.1:PORT",
        )
    return trimmed


def _pause(tried: int) -> float:
    """Return the seconds to wait after the n-th try when nobody says how long."""
    return float(2 ** (tried - 1))


def _wrong_with(body: bytes, *, is_json: bool) -> str | None:
    """Return what makes a body unreadable; None: nothing does."""
    if not body.strip():
        return "an empty answer"
    if body.lstrip()[:1] == b"<":
        return "HTML in place of data"
    if is_json:
        try:
            orjson.loads(body)
        except orjson.JSONDecodeError as error:
            return f"not JSON: {error}"
    return None


def _message(body: bytes) -> str:
    """Return what an error's body says, as the end of a line."""
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError:
        return ""
    found = value.get("message") or value.get("error") if isinstance(value, dict) else None
    return f": {one_line(found)[:_MESSAGE_CHARACTERS]}" if isinstance(found, str) else ""
