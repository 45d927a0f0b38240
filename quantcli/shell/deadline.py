"""An HTTP adapter whose answers end at one instant, however slowly their bytes come.

A socket's timeout starts anew with every byte, in the headers as in the body; a peer that sends
one byte every ten seconds would hold the desk for ever. Here each read waits for what is left
of the whole answer's time.
"""

from __future__ import annotations

import http.client
import io
import time
from typing import Any, BinaryIO

from requests import PreparedRequest, Response
from requests.adapters import HTTPAdapter
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool


class DeadlineAdapter(HTTPAdapter):
    """One connection at a time, no retries, one deadline for each answer."""

    def __init__(self, total_seconds: float) -> None:
        """Set the limit for a whole answer."""
        self._total_seconds = total_seconds
        self._deadline = 0.0
        super().__init__(pool_connections=1, pool_maxsize=1, max_retries=0)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        """Make the pools, with connections that read against the deadline."""
        super().init_poolmanager(*args, **kwargs)

        class Timed(_TimedResponse):
            adapter = self

        pools = {"http": HTTPConnectionPool, "https": HTTPSConnectionPool}
        self.poolmanager.pool_classes_by_scheme = {
            scheme: _pool_reading_with(pool, Timed) for scheme, pool in pools.items()
        }

    def send(self, request: PreparedRequest, *args: Any, **kwargs: Any) -> Response:
        """Send a request; its answer must be whole within the limit from now."""
        self._deadline = time.monotonic() + self._total_seconds
        return super().send(request, *args, **kwargs)

    def seconds_left(self) -> float:
        """Return how long the answer under way may still take."""
        return self._deadline - time.monotonic()


def _pool_reading_with(pool: type[Any], response: type[http.client.HTTPResponse]) -> type[Any]:
    connection = type("TimedConnection", (pool.ConnectionCls,), {"response_class": response})
    return type("TimedPool", (pool,), {"ConnectionCls": connection})


class _TimedResponse(http.client.HTTPResponse):
    """An answer read through a file that knows the deadline."""

    adapter: DeadlineAdapter

    def __init__(self, sock: Any, *args: Any, **kwargs: Any) -> None:
        super().__init__(sock, *args, **kwargs)
        self.fp = io.BufferedReader(_TimedFile(sock, self.fp, self.adapter))


class _TimedFile(io.RawIOBase):
    """A socket as a file: each read waits for its own limit or for the deadline, if nearer."""

    def __init__(self, sock: Any, file: BinaryIO, adapter: DeadlineAdapter) -> None:
        super().__init__()
        self._sock, self._file, self._adapter = sock, file, adapter

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        left = self._adapter.seconds_left()
        if left <= 0:
            raise TimeoutError("deadline")
        limit = self._sock.gettimeout()
        self._sock.settimeout(left if limit is None else min(left, limit))
        try:
            return int(self._sock.recv_into(buffer))
        finally:
            self._sock.settimeout(limit)

    def close(self) -> None:
        # The socket counts its files and closes with the last of them.
        self._file.close()
        super().close()
