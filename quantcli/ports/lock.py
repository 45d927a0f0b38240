"""One writer per account."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Protocol


class Lock(Protocol):
    """A kernel lock: a dead holder's lock is released by the kernel."""

    def hold(self, *, wait_seconds: float = 0) -> AbstractContextManager[None]:
        """Hold the lock for the duration of the context.

        Raises:
            LockHeld: another command holds it.
        """
        ...
