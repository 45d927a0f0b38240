"""A process that runs one command and kills itself, with SIGKILL, at a chosen moment.

Run as a script, with nothing but this file's arguments, so that no test process is at risk. It
imports the program once and forks for each run; each child is a real process with its own desk.

A moment is: before a file is written to, in the middle of that write, before a file is flushed,
linked, renamed or unlinked, before and after a commit of the journal or of the exchange's book,
before a request that changes something at the broker and after any answer.
"""

import json
import os
import shutil
import signal
import sqlite3
import sys
from pathlib import Path


class Moments:
    """Counts the moments of a run; at the chosen one the process is gone."""

    def __init__(self, last=None):
        self.last = last
        self.names = []

    def passed(self, name, act=lambda: None):
        self.names.append(name)
        if len(self.names) - 1 == self.last:
            act()
            os.kill(os.getpid(), signal.SIGKILL)


def install(moments):
    """Put the moments around everything that leaves a trace outside the process."""
    write = os.write

    def watched_write(descriptor, data):
        moments.passed("write")
        moments.passed("half a write", lambda: write(descriptor, bytes(data)[: len(data) // 2]))
        return write(descriptor, data)

    os.write = watched_write
    for name in ("fsync", "link", "replace", "unlink"):
        setattr(os, name, _before(moments, name, getattr(os, name)))

    class Connection(sqlite3.Connection):
        def execute(self, sql, *rest):
            if sql != "COMMIT":
                return super().execute(sql, *rest)
            moments.passed("commit")
            done = super().execute(sql, *rest)
            moments.passed("committed")
            return done

        changes_before = 0

        def __exit__(self, *error):
            if self.total_changes == self.changes_before:
                return super().__exit__(*error)  # it only read
            moments.passed("commit of the book")
            done = super().__exit__(*error)
            self.changes_before = self.total_changes
            moments.passed("book committed")
            return done

    connect = sqlite3.connect
    sqlite3.connect = lambda *words, **more: connect(*words, **{**more, "factory": Connection})

    from quantcli.shell.alpaca.http import AlpacaTransport

    send = AlpacaTransport.send

    def watched_send(self, request):
        if request.method != "GET":
            moments.passed(f"{request.method} {request.path}")
        answer = send(self, request)
        moments.passed(f"answered {request.method} {request.path}")
        return answer

    AlpacaTransport.send = watched_send


def _before(moments, name, act):
    def watched(*words, **more):
        moments.passed(name)
        return act(*words, **more)

    return watched


def in_child(desk, step, moments, told):
    """Run a command in a forked child; return (exit code, None) or (None, signal)."""
    child = os.fork()
    if child:
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        return (None, -status) if status < 0 else (status, None)
    output = os.open(told, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(output, 1)
    os.dup2(output, 2)
    from quantcli.cli.app import main
    from quantcli.shell.clock import WallClock

    WallClock.sleep = lambda self, seconds: None  # the waits between look-ups
    if moments is not None:
        install(moments)
    code = main([step, "--desk", str(desk)])
    if moments is not None:
        Path(f"{desk}.moments").write_text(json.dumps(moments.names))
    os._exit(code)


def spread(items, wanted):
    """Return up to `wanted` of the items, evenly, the first and the last among them."""
    if len(items) <= wanted:
        return list(items)
    last = len(items) - 1
    return sorted({items[round(number * last / (wanted - 1))] for number in range(wanted)})


def chosen(names, wanted):
    """Return numbers of moments: half of them around requests that change the broker's book."""
    around = ("POST", "PATCH", "DELETE", "answered POST", "answered PATCH", "answered DELETE")
    requests = [n for n, name in enumerate(names) if name.startswith(around) or "book" in name]
    picked = spread(requests, wanted // 2)
    rest = [n for n in range(len(names)) if n not in picked]
    return sorted([*picked, *spread(rest, wanted - len(picked))])


def main(template, step, into, wanted):
    """Run a command whole once, then with a death at each of `wanted` moments, and again."""
    import quantcli.cli.chain
    import quantcli.exchange.venue
    import quantcli.shell.alpaca.broker
    import quantcli.shell.journal  # noqa: F401 - imported once, here, for all children

    whole = Path(into) / "whole"
    shutil.copytree(template, whole)
    code, died = in_child(whole, step, Moments(), f"{whole}.told")
    assert (code, died) == (0, None), Path(f"{whole}.told").read_text()
    names = json.loads(Path(f"{whole}.moments").read_text())
    runs = []
    for moment in chosen(names, int(wanted)):
        desk = Path(into) / f"died-{moment:03d}"
        shutil.copytree(template, desk)
        first = in_child(desk, step, Moments(moment), f"{desk}.told")
        second = in_child(desk, step, None, f"{desk}.told")
        runs.append({"desk": str(desk), "moment": names[moment], "first": first, "second": second,
                     "told": Path(f"{desk}.told").read_text()})  # fmt: skip
    print(json.dumps({"moments": names, "whole": str(whole), "runs": runs}))


if __name__ == "__main__":
    main(*sys.argv[1:])
