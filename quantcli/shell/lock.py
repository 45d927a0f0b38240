"""One writer per desk: a kernel lock that dies with its holder."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from quantcli.contracts.errors import LockHeld
from quantcli.shell.files import make_directory, storage

_POLL_SECONDS = 0.05


class FileLock:
    """An flock on `<desk>/state/lock`. Never deleted: a deleted lock file locks nothing."""

    def __init__(self, path: Path) -> None:
        """Name the lock file."""
        self._path = path

    @contextmanager
    def hold(self, *, wait_seconds: float = 0) -> Iterator[None]:
        """Hold the lock for the duration of the context.

        Raises:
            LockHeld: another command holds it, and still did after `wait_seconds`.
        """
        make_directory(self._path.parent)
        with storage(self._path):
            flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
            descriptor = os.open(self._path, flags, 0o600)
        try:
            self._acquire(descriptor, time.monotonic() + wait_seconds)
            yield
        finally:
            os.close(descriptor)

    def _acquire(self, descriptor: int, deadline: float) -> None:
        while not self._is_taken(descriptor):
            if time.monotonic() >= deadline:
                raise LockHeld(
                    "another command is working on this account; nothing was done",
                    hint="run it again when the other has ended",
                )
            time.sleep(_POLL_SECONDS)

    def _is_taken(self, descriptor: int) -> bool:
        with storage(self._path):
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return False
        return True
