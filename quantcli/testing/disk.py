"""A disk that forgets: real files, and a record of what a power cut may take back.

Python's calls are watched, so that each is a crash point. What was written and not flushed, and
what was linked, made, replaced or unlinked in a folder that was not flushed since, is in doubt: a
power cut takes any part of it back. SQLite's own files are trusted to be what it promises: a
committed transaction is durable, one that was not committed never happened.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random
from typing import Any

from quantcli.testing.points import Points

#: SQLite's files, and the lock, whose content is nothing.
_NOT_OURS = ("desk.sqlite3", "lock")

Undo = Callable[[], None]


class WatchedDisk:
    """The files below one folder.

    Attributes:
        points: The running command's moments; replaced for each command.
    """

    def __init__(self, root: Path) -> None:
        """Watch a folder; everything that is there is durable."""
        self._root = f"{root}/"
        self.points = Points()
        self._paths: dict[int, str] = {}
        self._doubtful_bytes: dict[str, int] = {}
        self._doubtful_entries: dict[str, list[Undo]] = {}
        self._real = {name: getattr(os, name) for name in _WATCHED}

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Watch the calls of this process."""
        for name in _WATCHED:
            setattr(os, name, getattr(self, f"_{name}"))
        try:
            yield
        finally:
            for name, real in self._real.items():
                setattr(os, name, real)

    def let_go(self) -> None:
        """Close what a dead command left open, as the kernel does."""
        for descriptor in list(self._paths):
            self._close(descriptor)

    def settle(self) -> None:
        """Let time pass: the kernel has flushed everything."""
        self._doubtful_bytes.clear()
        self._doubtful_entries.clear()

    def cut_power(self, chance: Random | None = None) -> int:
        """Take back what is in doubt, a part of it by chance or all; return how much was lost."""
        lost = 0
        for path, durable in sorted(self._doubtful_bytes.items()):
            if os.path.lexists(path):
                size = Path(path).stat().st_size
                least = min(durable, size)
                os.truncate(path, least if chance is None else chance.randint(least, size))
                lost += 1
        for _, undos in sorted(self._doubtful_entries.items(), reverse=True):
            for undo in reversed(undos):
                if chance is None or chance.random() < 0.5:
                    undo()
                    lost += 1
        self.settle()
        return lost

    def _is_ours(self, path: Any) -> bool:
        text = os.fspath(path)
        return (
            isinstance(text, str)
            and f"{text}/".startswith(self._root)
            and not Path(text).name.startswith(_NOT_OURS)
        )

    def _in_doubt(self, path: str, undo: Undo) -> None:
        self._doubtful_entries.setdefault(str(Path(path).parent), []).append(undo)

    def _name(self, path: str) -> str:
        return path.removeprefix(self._root)

    def _open(self, path: Any, flags: int, *rest: Any, **more: Any) -> int:
        is_ours = self._is_ours(path)
        is_new = is_ours and bool(flags & os.O_CREAT) and not os.path.lexists(path)
        descriptor: int = self._real["open"](path, flags, *rest, **more)
        if is_ours:
            self._paths[descriptor] = os.fspath(path)
            if is_new:
                self._in_doubt(os.fspath(path), lambda: _remove(os.fspath(path)))
        return descriptor

    def _close(self, descriptor: int) -> None:
        self._paths.pop(descriptor, None)
        self._real["close"](descriptor)

    def _write(self, descriptor: int, data: Any) -> int:
        path = self._paths.get(descriptor)
        if path is not None:
            self._doubtful_bytes.setdefault(path, os.fstat(descriptor).st_size)
            self.points.passed(f"write {self._name(path)}", is_disk=True)
            if self.points.is_next_deadly:
                self._real["write"](descriptor, bytes(data)[: len(data) // 2])
            self.points.passed(f"half a write {self._name(path)}", is_disk=True)
        written: int = self._real["write"](descriptor, data)
        return written

    def _fsync(self, descriptor: int) -> None:
        path = self._paths.get(descriptor)
        if path is None:
            self._real["fsync"](descriptor)
            return
        self.points.passed(f"fsync {self._name(path)}", is_disk=True)
        self._doubtful_bytes.pop(path, None)
        self._doubtful_entries.pop(path.rstrip("/"), None)

    def _link(self, source: Any, target: Any, **more: Any) -> None:
        if self._is_ours(target):
            self.points.passed(f"link {self._name(os.fspath(target))}", is_disk=True)
        self._real["link"](source, target, **more)
        if self._is_ours(target):
            path, doubtful = os.fspath(target), self._doubtful_bytes.get(os.fspath(source))
            if doubtful is not None:
                self._doubtful_bytes[path] = doubtful
            self._in_doubt(path, lambda: _remove(path))

    def _unlink(self, path: Any, **more: Any) -> None:
        if not self._is_ours(path) or not os.path.lexists(path):
            self._real["unlink"](path, **more)
            return
        text = os.fspath(path)
        self.points.passed(f"unlink {self._name(text)}", is_disk=True)
        kept = Path(text).read_bytes()
        self._real["unlink"](path, **more)
        self._doubtful_bytes.pop(text, None)
        self._in_doubt(text, lambda: _put_back(text, kept))

    def _replace(self, source: Any, target: Any, **more: Any) -> None:
        if not self._is_ours(target):
            self._real["replace"](source, target, **more)
            return
        text, came_from = os.fspath(target), os.fspath(source)
        self.points.passed(f"replace {self._name(text)}", is_disk=True)
        kept = Path(text).read_bytes() if os.path.lexists(text) else None
        self._real["replace"](source, target, **more)
        doubtful = self._doubtful_bytes.pop(came_from, None)
        if doubtful is not None:
            self._doubtful_bytes[text] = doubtful
        self._in_doubt(text, lambda: _put_back(text, kept))

    def _mkdir(self, path: Any, *rest: Any, **more: Any) -> None:
        if self._is_ours(path):
            self.points.passed(f"mkdir {self._name(os.fspath(path))}", is_disk=True)
        self._real["mkdir"](path, *rest, **more)
        if self._is_ours(path):
            text = os.fspath(path)
            self._in_doubt(text, lambda: shutil.rmtree(text, ignore_errors=True))


_WATCHED = ("open", "close", "write", "fsync", "link", "unlink", "replace", "mkdir")


def _remove(path: str) -> None:
    if os.path.lexists(path):
        Path(path).unlink()


def _put_back(path: str, kept: bytes | None) -> None:
    if kept is None:
        _remove(path)
    elif Path(path).parent.is_dir():
        Path(path).write_bytes(kept)
