"""Commands as they are typed, in this process or another, and folders compared byte for byte."""

import contextlib
import io
import json
import os
import subprocess
import sys
import urllib.error
import urllib.request
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple, Self

from quantcli.cli.app import main
from quantcli.cli.venue import exchange_keys
from quantcli.cli.wiring import Workspace

ROOT = Path(__file__).resolve().parents[2]
WAIT_SECONDS = 120

#: SQLite's own files beside a book that was only read.
INDEXES = ("state/desk.sqlite3-shm", "state/desk.sqlite3-wal")

#: The three cycles of a session, by name; a half day closes three hours sooner.
OPEN, AFTER_OPEN, CLOSE, HALF_DAY_CLOSE = "083000", "093500", "160500", "130500"
STEPS_OF = {
    OPEN: ("reconcile", "scan", "decide", "enforce", "execute"),
    AFTER_OPEN: ("execute", "exits"),
    CLOSE: ("exits", "reconcile", "snapshot", "report"),
    HALF_DAY_CLOSE: ("exits", "reconcile", "snapshot", "report"),
}


class Outcome(NamedTuple):
    """What a command printed and returned."""

    code: int
    out: str
    err: str

    @property
    def value(self) -> Any:
        """The JSON object on stdout."""
        return json.loads(self.out)


def typed(desk: Path, *words: object) -> Outcome:
    """Type a command at a desk, in this process."""
    return bare(*words, "--desk", desk)


def bare(*words: object) -> Outcome:
    """Type a command that names no desk, in this process."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = main([str(word) for word in words])
    return Outcome(code, out.getvalue(), err.getvalue())


def command_line(*words: object) -> list[str]:
    """Return the words that start a command in another process."""
    return [sys.executable, "-m", "quantcli", *(str(word) for word in words)]


def environment(**more: str) -> dict[str, str]:
    """Return an environment that finds this source and nothing of the machine's desk."""
    plain = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    return {**plain, "PYTHONPATH": str(ROOT), **more}


def spawned(desk: Path, *words: object, **more: str) -> Outcome:
    """Type a command at a desk, in a process of its own."""
    done = subprocess.run(
        command_line(*words, "--desk", desk),
        capture_output=True, text=True, timeout=WAIT_SECONDS, check=False, env=environment(**more),
    )  # fmt: skip
    return Outcome(done.returncode, done.stdout, done.stderr)


def at(session: str, cycle: str) -> str:
    """Return the instant of a cycle in winter, when New York is five hours behind UTC."""
    return f"{session}T{int(cycle[:2]) + 5:02d}:{cycle[2:4]}:{cycle[4:]}Z"


def advance(desk: Path, session: str, cycle: str) -> None:
    """Move the exchange's clock to a cycle."""
    outcome = typed(desk, "exchange", "advance", "--to", at(session, cycle))
    assert outcome.code == 0, outcome.err


def run_cycle(desk: Path, session: str, cycle: str, *, through: str = "") -> dict[str, Outcome]:
    """Move the clock to a cycle and type its commands, the last being `through`."""
    advance(desk, session, cycle)
    steps = STEPS_OF[cycle]
    wanted = steps[: steps.index(through) + 1] if through else steps
    return {step: typed(desk, step) for step in wanted}


def artifact(desk: Path, session: str, cycle: str, step: str) -> dict[str, Any]:
    """Return an artifact's JSON value."""
    value: dict[str, Any] = json.loads(path_of(desk, session, cycle, step).read_bytes())
    return value


def path_of(desk: Path, session: str, cycle: str, step: str) -> Path:
    """Return the path of an artifact."""
    return desk / "artifacts" / session / cycle / f"{step}.json"


def tree(folder: Path, *, without: tuple[str, ...] = ()) -> dict[str, str]:
    """Return relative path -> SHA-256 of every file below a folder.

    Args:
        folder: Where to look.
        without: Relative paths, of files or folders, that are left out.
    """
    found = {}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.is_file() and not any(name == out or name.startswith(f"{out}/") for out in without):
            found[name] = sha256(path.read_bytes()).hexdigest()
    return found


def difference(ours: dict[str, str], theirs: dict[str, str]) -> list[str]:
    """Return the paths of two trees whose bytes differ, or that only one of them has."""
    return sorted(name for name in {*ours, *theirs} if ours.get(name) != theirs.get(name))


class Served:
    """The desk's exchange, served over HTTP by another process."""

    def __init__(self, desk: Path) -> None:
        self._desk = desk
        keys = json.loads((desk / "exchange" / "keys.json").read_bytes())
        self._headers = {
            "APCA-API-KEY-ID": keys["key_id"],
            "APCA-API-SECRET-KEY": keys["secret"],
            "Content-Type": "application/json",
        }
        self.url = ""

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            command_line("exchange", "serve", "--port", "0", "--desk", self._desk),
            stdout=subprocess.PIPE, env=environment(),
        )  # fmt: skip
        assert self._process.stdout is not None
        self.url = json.loads(self._process.stdout.readline())["url"]
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.communicate(timeout=WAIT_SECONDS)

    def ask(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        """Send one request as another client of the same account would; return the JSON answer."""
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(
            self.url + path, data=data, method=method, headers=self._headers
        )
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                text = answer.read()
        except urllib.error.HTTPError as refusal:
            with refusal:
                raise AssertionError(f"{refusal.code} {refusal.read()!r}") from None
        return json.loads(text) if text else None


def orders_in_book(desk: Path, *, shadow: bool = False) -> list[dict[str, Any]]:
    """Return every order in the exchange's book, of any state; the desk is not asked.

    `shadow` looks at the book of the desk's dry runs instead.
    """
    with Workspace(desk, dry_run=shadow) as workspace:
        key_id, secret = exchange_keys(desk)
        keys = {"APCA-API-KEY-ID": key_id, "APCA-API-SECRET-KEY": secret}
        status, _, body = workspace.exchange.handle(
            "GET", "/v2/orders", "status=all&limit=500", b"", keys
        )
    assert status == 200, body
    found: list[dict[str, Any]] = json.loads(body)
    return found
