"""What the desk published: whole, for ever, and without a secret."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from quantcli.testing.history import Typed
    from quantcli.testing.world import World


class Violation(NamedTuple):
    """One broken promise: which, and what was seen."""

    invariant: str
    detail: str


class Unreadable(Exception):
    """A published file is not whole."""


def read_json(path: Path) -> Any:
    """Return what a file says.

    Raises:
        Unreadable: it is no JSON.
    """
    try:
        return json.loads(path.read_bytes())
    except ValueError as error:
        raise Unreadable(f"{path.name} is not whole: {error}") from error


def newest(session: Path, step: str) -> Path | None:
    """Return the newest artifact of a step; None if there is none."""
    return max(session.glob(f"*/{step}.json"), default=None)


class Files:
    """A published file never changes and never vanishes; a tape only grows."""

    def __init__(self, root: Path) -> None:
        """Begin with nothing published."""
        self._root = str(root / "artifacts")
        self._known: dict[str, tuple[tuple[int, int, int], bytes, int]] = {}

    def judge(self, typed: Typed, *, whole: bool = False) -> list[Violation]:
        """Judge the newest two sessions after a command, or the whole tree."""
        found = []
        seen = set()
        sessions = sorted(self._sessions())
        looked_at = set(sessions if whole else sessions[-2:])
        for path, entry in self._files(looked_at):
            seen.add(path)
            found += self._judge_file(path, entry, typed)
        for path in [path for path in self._known if path.split("/")[0] in looked_at]:
            if path not in seen:
                del self._known[path]
                found.append(Violation("INV-23", f"{path} vanished"))
        return found

    def digest(self) -> str:
        """Return one digest of every published file."""
        whole = hashlib.sha256()
        for path, entry in sorted(self._files(self._sessions()), key=lambda each: each[0]):
            content = Path(entry.path).read_bytes()
            whole.update(path.encode() + b"\0" + hashlib.sha256(content).digest())
        return whole.hexdigest()

    def _sessions(self) -> set[str]:
        if not Path(self._root).is_dir():
            return set()
        with os.scandir(self._root) as entries:
            return {entry.name for entry in entries if entry.is_dir()}

    def _files(self, sessions: set[str]) -> Iterator[tuple[str, os.DirEntry[str]]]:
        """Yield every published file with its path below the artifacts."""
        waiting = sorted(sessions)
        while waiting:
            folder = waiting.pop()
            with os.scandir(f"{self._root}/{folder}") as entries:
                for entry in entries:
                    path = f"{folder}/{entry.name}"
                    if entry.is_dir():
                        waiting.append(path)
                    elif not entry.name.startswith("."):
                        yield path, entry

    def _judge_file(self, path: str, entry: os.DirEntry[str], typed: Typed) -> list[Violation]:
        stat = entry.stat()
        mark = (stat.st_ino, stat.st_size, stat.st_mtime_ns)
        known = self._known.get(path)
        if known is not None and known[0] == mark:
            return []
        content = Path(entry.path).read_bytes()
        if known is not None:
            before = content[: known[2]] if path.endswith(".jsonl") else content
            if hashlib.sha256(before).digest() != known[1]:
                return [Violation("INV-23", f"{path} changed")]
        if _vouches(typed, path):
            self._known[path] = (mark, hashlib.sha256(content).digest(), len(content))
        return []


def _vouches(typed: Typed, path: str) -> bool:
    """Return whether a command that ended promised a file: what a dead one left is in doubt."""
    *place_parts, name = path.split("/")
    step = name.split(".")[0]
    if step == "unsealed":
        return False  # it names what is open now, until the session is sealed
    owner = "report" if step in {"manifest", "transactions"} else step
    place = " ".join(part for part in place_parts if part[0].isdigit())
    return (
        typed.code is not None
        and place in typed.said
        and (owner in typed.words or "day" in typed.words)
    )


def judge_secrets(world: World) -> list[Violation]:
    """No key stands in anything that was written or said, but in the exchange's own key file."""
    secret = world.secret.encode()
    found = [
        Violation("INV-29", str(path.relative_to(world.root)))
        for path in world.root.rglob("*")
        if path.is_file() and path.name != "keys.json" and "data" not in path.parts
        and secret in path.read_bytes()
    ]  # fmt: skip
    found += [
        Violation("INV-29", typed.line())
        for typed in world.history.commands
        if world.secret in typed.said
    ]
    return found
