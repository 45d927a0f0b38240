"""Two commands at once on one desk: one works, the other exits 5 and has done nothing."""

import subprocess
import sys
import threading

import pytest

from tests.acceptance.typed import (
    AFTER_OPEN,
    OPEN,
    ROOT,
    advance,
    artifact,
    command_line,
    difference,
    environment,
    orders_in_book,
    run_cycle,
    tree,
    typed,
)  # fmt: skip

SESSION = "2024-11-27"
#: Runs a command whose every request waits until a line arrives on stdin.
SLOW = """
import sys
from quantcli.cli.app import main
from quantcli.shell.alpaca.http import AlpacaTransport
send = AlpacaTransport.send
def waiting(self, request):
    AlpacaTransport.send = send
    print("inside", flush=True)
    sys.stdin.readline()
    return send(self, request)
AlpacaTransport.send = waiting
sys.exit(main(sys.argv[1:]))
"""


class Slow:
    """A command in another process that stands still in the middle of its work."""

    def __init__(self, desk, step):
        words = [sys.executable, "-c", SLOW, step, "--desk", str(desk)]
        self.process = subprocess.Popen(
            words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            env=environment(), cwd=ROOT,
        )  # fmt: skip

    def __enter__(self):
        assert self.process.stdout.readline() == "inside\n"
        return self

    def go_on(self):
        self.process.stdin.write("\n")
        self.process.stdin.flush()

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
        self.process.communicate()

    def end(self):
        self.go_on()
        self.process.communicate(timeout=60)
        return self.process.returncode


def test_the_second_execute_gives_way_and_does_nothing(before):
    run_cycle(before, SESSION, OPEN, through="enforce")
    with Slow(before, "execute") as first:
        earlier = tree(before)
        second = typed(before, "execute")
        assert second.code == 5
        assert second.err.startswith("lock-held")
        assert difference(tree(before), earlier) == []
        assert first.end() == 0
    assert len(artifact(before, SESSION, OPEN, "execute")["orders"]) == 2
    names = [order["client_order_id"] for order in orders_in_book(before)]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("step", ["scan", "decide", "enforce", "reconcile", "snapshot"])
def test_every_step_but_exits_and_report_gives_way_at_once(step, before):
    run_cycle(before, SESSION, OPEN, through="enforce")
    with Slow(before, "execute") as first:
        outcome = typed(before, step)
        assert (outcome.code, outcome.err.split(":")[0]) == (5, "lock-held")
        assert first.end() == 0


def test_exits_waits_for_its_turn(before):
    run_cycle(before, SESSION, OPEN)
    advance(before, SESSION, AFTER_OPEN)
    with Slow(before, "execute") as first:
        waiting = subprocess.Popen(
            command_line("exits", "--desk", before), env=environment(), stdout=subprocess.DEVNULL
        )
        with pytest.raises(subprocess.TimeoutExpired):
            waiting.wait(timeout=1.5)
        assert first.end() == 0
        assert waiting.wait(timeout=60) == 0
    assert artifact(before, SESSION, AFTER_OPEN, "exits")["exit_code"] == 0


def test_two_at_once_without_arrangement(before):
    """Whichever comes first: nothing is sent twice, and both end well or one gives way."""
    run_cycle(before, SESSION, OPEN, through="enforce")
    codes = []

    def run():
        words = command_line("execute", "--desk", before)
        done = subprocess.run(words, env=environment(), capture_output=True, check=False)
        codes.append(done.returncode)

    threads = [threading.Thread(target=run) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(codes) in ([0, 0], [0, 5])
    names = [order["client_order_id"] for order in orders_in_book(before)]
    assert len(names) == len(set(names))
    assert len(artifact(before, SESSION, OPEN, "execute")["orders"]) == 2


def test_a_lock_whose_holder_died_locks_nothing(before):
    run_cycle(before, SESSION, OPEN, through="enforce")
    with Slow(before, "execute") as first:
        first.process.kill()
        first.process.wait()
    assert typed(before, "execute").code == 0
