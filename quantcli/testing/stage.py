"""The stage: the world's exchange, disk and clock in the places where the program looks for them.

The program runs in this process, unchanged, through its command line. Replaced is what lies
outside it: the exchange is the world's, which outlives every command; waiting takes no time; the
disk is watched. Two pure steps of each start are remembered, so that a session costs milliseconds:
building a command's parser, and reading the same desk.toml.
"""

from __future__ import annotations

import io
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import lru_cache
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, Literal

from requests import PreparedRequest, Response
from requests.exceptions import ConnectionError, RequestException  # noqa: A004 (the library's name)

import quantcli.cli.app as command_line
import quantcli.cli.venue as cli_venue
from quantcli.cli import desk_file, wiring
from quantcli.exchange import clock_reading, in_process
from quantcli.exchange.venue import Exchange
from quantcli.shell import journal_db, lock
from quantcli.shell.clock import WallClock

if TYPE_CHECKING:
    from quantcli.testing.world import World

#: What becomes of one request. Hidden: done, unanswered, and long not to be found.
Fate = Literal["carried", "lost", "answer lost", "timed out", "hidden"]


class LastingExchange(Exchange):
    """An exchange that outlives the commands which open and close it."""

    def twin(self) -> LastingExchange:
        """Return an exchange of its own with the same book."""
        made = LastingExchange(None, self._bars, self.settings)
        self._book._db.backup(made._book._db)
        return made

    def close(self) -> None:
        """Leave it open: a broker does not end with its customer's command."""

    def end(self) -> None:
        """Release the book."""
        super().close()


class WorldAdapter(in_process.InProcessAdapter):
    """The line to the world's exchange: every request is a crash point and a line of history."""

    world: World

    def send(self, request: PreparedRequest, *rest: Any, **more: Any) -> Response:
        """Carry one request, and note what was asked and what came back."""
        world = self.world
        method, path = request.method or "GET", request.path_url
        shape = path.split("?")[0]
        world.points.passed(f"{method} {_shape(shape)}")
        body = request.body if isinstance(request.body, bytes) else (request.body or "").encode()
        note = world.history.request(method, shape, body)
        try:
            answer = self._carried(world.chosen(method, shape), request, *rest, **more)
        except RequestException as error:
            note.outcome = type(error).__name__
            world.points.passed(f"no answer {method} {_shape(shape)}")
            raise
        note.outcome = str(answer.status_code)
        if shape == "/v2/clock":
            note.is_skewed = world.is_skewed(answer.content)
        world.points.passed(f"answered {method} {_shape(shape)}")
        return answer

    def _carried(self, fate: Fate, request: PreparedRequest, *rest: Any, **more: Any) -> Response:
        """Carry a request as its fate has it."""
        if fate == "lost":
            raise ConnectionError("the request was lost")
        if fate == "hidden":
            self.exchange.faults.add({"kind": "late-visibility", "calls": 20})
        answer = super().send(request, *rest, **more)
        if fate in {"answer lost", "hidden"}:
            raise ConnectionError("the answer was lost")
        if fate == "timed out":
            answer.status_code = 504
            answer.raw = io.BytesIO(b"<html>504 Gateway Time-out</html>")
        return answer


def _shape(path: str) -> str:
    """Return a path without the ids in it, so that equal moments have equal names."""
    parts = path.split("/")
    return "/".join("*" if len(part) == 36 and part.count("-") == 4 else part for part in parts)


class _Commits(sqlite3.Connection):
    """A journal's connection: before and after each commit is a crash point."""

    world: World

    def execute(self, sql: str, *rest: Any) -> sqlite3.Cursor:
        """Run a statement."""
        if sql != "COMMIT":
            return super().execute(sql, *rest)
        points = self.world.points
        try:
            points.passed("commit", is_disk=True)
        except OSError as error:
            raise sqlite3.OperationalError("database or disk is full") from error
        done = super().execute(sql, *rest)
        points.passed("committed")
        return done


class _Instead:
    """A module with some of its names replaced, for one module that imported it."""

    def __init__(self, module: ModuleType, **names: Any) -> None:
        self._module = module
        self.__dict__.update(names)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._module, name)


@contextmanager
def set_for(world: World) -> Iterator[None]:
    """Put a world where the program looks for one, until the context ends."""
    adapter = type("Adapter", (WorldAdapter,), {"world": world})
    with ExitStack() as stack:
        for owner, name, value in (
            (in_process, "InProcessAdapter", adapter),
            (cli_venue, "open_exchange", lambda *_, **__: world.exchange),
            (clock_reading, "book_clock", lambda _: world.exchange.clock),
            (WallClock, "now", lambda _: world.now()),
            (WallClock, "sleep", lambda _, seconds: world.wait(seconds)),
            (lock, "time", _Instead(time, monotonic=world.monotonic, sleep=world.wait)),
            (journal_db, "sqlite3", _Instead(sqlite3, connect=_connector(world))),
            (command_line, "_load", _load),
            (wiring, "load_config", _load_config),
        ):
            stack.callback(setattr, owner, name, getattr(owner, name))
            setattr(owner, name, value)
        stack.enter_context(world.disk.watched())
        yield


def _connector(world: World) -> Callable[..., sqlite3.Connection]:
    kind = type("Commits", (_Commits,), {"world": world})

    def connect(database: str, **more: Any) -> sqlite3.Connection:
        if database == ":memory:" or "mode=ro" in database:
            plain: sqlite3.Connection = sqlite3.connect(database, **more)
            return plain
        opened: sqlite3.Connection = sqlite3.connect(database, factory=kind, **more)
        return opened

    return connect


_load = lru_cache(maxsize=None)(command_line._load)
_read_config = desk_file.load_config


@lru_cache(maxsize=64)
def _config_of(root: Path, content: bytes) -> Any:
    return _read_config(root)


def _load_config(root: Path) -> Any:
    """Read desk.toml; the same bytes say the same."""
    return _config_of(root, (root / "desk.toml").read_bytes())
