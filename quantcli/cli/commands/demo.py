"""`quantcli demo`."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Annotated

import typer

from quantcli.cli.console import emit, is_terminal, warn
from quantcli.cli.init_desk import make_desk
from quantcli.cli.options import JsonOption, QuietOption
from quantcli.cli.replay_run import run_replay
from quantcli.cli.wiring import Workspace
from quantcli.contracts.errors import BrokerUnreachable
from quantcli.lab.demo_desk import fill_desk
from quantcli.lab.demo_market import FEED

#: How long the exchange may take to say that it is ready.
_READY_SECONDS = 30


def command(
    folder: Annotated[
        Path, typer.Option("--into", metavar="DIR", help="Where the demo desks go.")
    ] = Path("demo"),
    sessions: Annotated[int, typer.Option(min=1, max=60, help="Sessions to trade.")] = 15,
    seed: Annotated[int, typer.Option(help="Of the made-up market.")] = 2,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> int:
    """Make a desk with a made-up market, run it against the exchange over HTTP, and report.

    Every run makes a new desk in a numbered folder; nothing is overwritten.
    """
    root = _next_folder(folder)
    told = not (quiet or as_json)
    if told:
        warn(f"SYNTHETIC market, seed {seed}: a demonstration, nothing in it is real")
    make_desk(root, name="demo", feed=FEED, git=False)
    first, last = fill_desk(root, seed, sessions)
    with _served(root) as url, Workspace(root, url=url) as workspace:
        if told:
            warn(f"exchange ready at {url}; desk in {root}")
        tally = run_replay(workspace, first, last, quiet=not told or not is_terminal())
    for line in tally.problems:
        warn(line)
    value = tally.as_object() | {"desk": str(root), "label": "SYNTHETIC"}
    emit(value, tally.table, as_json, quiet)
    return tally.exit_code


def _next_folder(folder: Path) -> Path:
    taken = [int(path.name) for path in folder.glob("[0-9][0-9][0-9]") if path.is_dir()]
    return (folder / f"{max(taken, default=0) + 1:03d}").resolve()


@contextmanager
def _served(root: Path) -> Iterator[str]:
    """Run `quantcli exchange serve` in another process for as long as the context lasts."""
    import subprocess

    import orjson

    words = [sys.executable, "-m", "quantcli", "exchange", "serve", "--desk", str(root)]
    # Weeks pass in seconds here, and whole cycles within one instant: no limit fits that.
    words += ["--port", "0", "--requests-per-minute", "100000"]
    server = subprocess.Popen(words, stdout=subprocess.PIPE)  # noqa: S603 - ourselves
    try:
        assert server.stdout is not None
        line = _first_line(server.stdout)
        yield str(orjson.loads(line)["url"])
    finally:
        server.terminate()
        try:
            server.wait(timeout=_READY_SECONDS)
        except subprocess.TimeoutExpired:
            server.kill()


def _first_line(stream: IO[bytes]) -> bytes:
    import select

    ready, _, _ = select.select([stream], [], [], _READY_SECONDS)
    line = stream.readline() if ready else b""
    if not line:
        raise BrokerUnreachable("the exchange did not start", hint="quantcli exchange serve")
    return line
