"""Faults at the k-th call to the operating system: the process dies there, or the disk says no."""

import os
from contextlib import suppress

CALLS = (
    "open",
    "write",
    "fsync",
    "link",
    "unlink",
    "replace",
    "mkdir",
    "chmod",
    "fchmod",
    "close",
    "scandir",
    "stat",
    "lstat",
    "fstat",
)


class Died(BaseException):
    """The process is gone; nothing may catch it, and nothing happens after it."""


class Trouble:
    """Counts calls to the operating system and spoils the chosen one.

    `kind` is "before" or "after" (the process dies there), "torn" (it dies, half a write done),
    or an errno; with `lasting` every later call fails with the same errno.
    """

    def __init__(self, monkeypatch, at=None, kind="before", lasting=False):
        self.log = []
        self.at, self.kind, self.lasting = at, kind, lasting
        self.is_dead = False
        for name in CALLS:
            monkeypatch.setattr(os, name, self._spoiled(name, getattr(os, name)))

    def _spoiled(self, name, real):
        def call(*args, **kwargs):
            if self.is_dead:
                raise Died
            self.log.append((name, *args))
            number = len(self.log)
            is_struck = self.at is not None and (
                number == self.at or (self.lasting and number > self.at)
            )
            if not is_struck:
                return real(*args, **kwargs)
            if isinstance(self.kind, int):
                # A close that fails has closed all the same.
                if name == "close":
                    real(*args, **kwargs)
                raise OSError(self.kind, os.strerror(self.kind))
            if self.kind == "torn" and name == "write":
                real(args[0], bytes(args[1])[: len(args[1]) // 2])
            if self.kind == "after":
                with suppress(OSError):
                    result = real(*args, **kwargs)
                    if name == "scandir":
                        result.close()
            self.is_dead = True
            raise Died

        return call

    @property
    def names(self):
        return [name for name, *_ in self.log]
