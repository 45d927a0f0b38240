"""One writer per desk: a kernel lock that dies with its holder."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from quantcli.contracts.errors import LockHeld
from quantcli.shell.files import make_directory, storage

_POLL_SECONDS = 0.05


class FileLock:
    """An flock on `<desk>/state/lock`. Never deleted: a deleted lock file locks nothing.

    Attributes:
        is_lost: The lock was given up for a wait and not had again: nothing may be written.
    """

    def __init__(self, path: Path) -> None:
        """Name the lock file."""
        self._path = path
        self._descriptor: int | None = None
        self.is_lost = False

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
            self._descriptor, self.is_lost = descriptor, False
            yield
        finally:
            self._descriptor = None
            os.close(descriptor)

    def require(self) -> None:
        """Refuse to go on without a lock that was given up.

        Raises:
            LockHeld: it was not had again.
        """
        if self.is_lost:
            raise LockHeld(
                "another command took the account over while this one waited",
                hint="run it again when the other has ended",
            )

    def step_aside(self, wait: Callable[[], None], *, wait_seconds: float) -> None:
        """Give the lock up while `wait` runs, and take it again; without it only wait.

        Args:
            wait: Returns when the wait is over.
            wait_seconds: How long another command may keep the lock after that.

        Raises:
            LockHeld: another command has it, and still did after `wait_seconds`.
        """
        if self._descriptor is None:
            wait()
            return
        self.is_lost = True
        with storage(self._path):
            fcntl.flock(self._descriptor, fcntl.LOCK_UN)
        wait()
        self._acquire(self._descriptor, time.monotonic() + wait_seconds)
        self.is_lost = False

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
