"""Crash points: every moment at which a command touches something outside its own memory.

A moment is counted before each write, flush, link, replacement, unlinking and new folder, around
each commit of the journal, before each request to the broker and after its answer. At a chosen
one the command dies, its write is torn, or the disk says no.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from typing import Literal, NamedTuple

BlowKind = Literal["kill", "power", "no-space", "no-space-any-more", "overlap"]
#: Blows that end the command on the spot.
DEADLY: frozenset[BlowKind] = frozenset({"kill", "power"})


class Crash(BaseException):
    """The process is gone. Whatever runs while it unwinds may leave no trace."""


class Blow(NamedTuple):
    """What happens at one moment of a command; `at` counts from 0."""

    at: int
    kind: BlowKind


class Points:
    """Counts the moments of one command, and strikes at the planned ones.

    Attributes:
        names: What each moment passed so far was.
        struck: The blows that were struck.
    """

    def __init__(
        self, blows: tuple[Blow, ...] = (), overlap: Callable[[], None] | None = None
    ) -> None:
        """Plan the blows; `overlap` is what another process does at that moment."""
        self._blows = {blow.at: blow for blow in blows}
        self._overlap = overlap
        self._is_dead = False
        self._is_full = False
        self.names: list[str] = []
        self.struck: list[Blow] = []

    def passed(self, name: str, *, is_disk: bool = False) -> None:
        """Pass a moment.

        Raises:
            Crash: the command ends here, or ended before.
            OSError: the disk is full.
        """
        if self._is_dead:
            raise Crash
        number = len(self.names)
        self.names.append(name)
        blow = self._blows.get(number)
        if blow is not None:
            self._strike(blow, is_disk=is_disk)
        if self._is_full and is_disk:
            raise no_space()

    @property
    def has_begun(self) -> bool:
        """True once the command did more than to flush the folders that it found."""
        return any(not name.startswith("fsync ") for name in self.names)

    def die_after_next(self, *, skipped: bool) -> None:
        """Plan a death at the next moment, or at the one after a request's answer.

        Args:
            skipped: False: at once, in front of the request under way.
        """
        if not skipped:
            self._is_dead = True
            raise Crash
        self._blows[len(self.names)] = Blow(len(self.names), "kill")

    @property
    def is_next_deadly(self) -> bool:
        """True if the moment that comes next is the last one."""
        blow = self._blows.get(len(self.names))
        return blow is not None and blow.kind in DEADLY

    def _strike(self, blow: Blow, *, is_disk: bool) -> None:
        self.struck.append(blow)
        if blow.kind in DEADLY:
            self._is_dead = True
            raise Crash
        if blow.kind == "overlap" and self._overlap is not None:
            self._overlap()
        elif blow.kind == "no-space-any-more":
            self._is_full = True
        elif blow.kind == "no-space" and is_disk:
            raise no_space()


def no_space() -> OSError:
    """Return the error of a full disk."""
    return OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
