"""`make bench`: start-up against bare imports, and sessions a second of a replay.

Every ratio comes from one run on one machine, command and baseline in turn, so that a machine
whose speed drifts slows both. Nothing is asserted: machines are noisy.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import orjson

from tests.real_data import locate

MODEL = "\nclass Model(pydantic.BaseModel):\n    quantity: int\n"
BARE = f"import typer, orjson, sqlite3, pydantic{MODEL}"
COLUMNS = BARE + "import polars, numpy\n"
BROKER = BARE + "import alpaca.common.rest\n"
#: What each command needs. Bars are read by polars and computed on by numpy.
NEEDS = {
    "reconcile": ("broker", BROKER),
    "scan": ("columns", COLUMNS),
    "decide": ("bare", BARE),
    "enforce": ("broker", BROKER),
    "execute": ("broker", BROKER),
    "exits": ("broker + columns", BROKER + "import polars, numpy\n"),
    "snapshot": ("bare", BARE),
    "report": ("bare", BARE),
}
HELP_TARGET, COMMAND_TARGET, SESSIONS_TARGET = 1.5, 1.6, 10.0


class Pair(NamedTuple):
    """Wall milliseconds of a command and of its baseline, and the ratio of the medians."""

    command_ms: float
    baseline_ms: float

    @property
    def ratio(self) -> float:
        return self.command_ms / self.baseline_ms


def main() -> None:
    """Run the benchmarks and print them."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--runs", type=int, default=9, help="counted runs of each command")
    parser.add_argument("--only", choices=("startup", "replay"), help="one part only")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=os.environ.get("BENCH_FOLDER")) as folder:
        root = Path(folder)
        print(f"file system: {file_system(root)}; {os.cpu_count()} cores; load {load()}")
        if options.only != "replay":
            startup(root, options.runs)
        if options.only != "startup":
            replay(root)
        if options.only is None:
            adversary()


def startup(root: Path, runs: int) -> None:
    """Print start-up ratios on a demo desk."""
    print(f"\nstart-up, wall ms, medians of {runs}, command and baseline in turn")
    line("quantcli --help", "import typer", help_pair(runs), HELP_TARGET)
    desk = demo_desk(root)
    for step, (name, code) in NEEDS.items():
        # A desk of its own for each: the next must not wade through what the last one wrote.
        own = Path(shutil.copytree(desk, root / step))
        line(f"quantcli {step}", name, step_pair(own, step, code, runs), COMMAND_TARGET)


def help_pair(runs: int) -> Pair:
    return in_turn(lambda _: [sys.executable, "-m", "quantcli", "--help"], "import typer", runs)


def step_pair(desk: Path, step: str, code: str, runs: int) -> Pair:
    """Time a step; each run is a cycle of its own, so that none finds its work done."""

    def words(run: int) -> list[str]:
        as_of = f"2024-12-10T15:{run:02d}:00Z"
        return [sys.executable, "-m", "quantcli", step, "-C", str(desk), "--as-of", as_of]

    return in_turn(words, code, runs)


def in_turn(words: Callable[[int], list[str]], baseline: str, runs: int) -> Pair:
    """Run command and baseline in turn; the first of each warms the file cache, uncounted."""
    commands, baselines = [], []
    for run in range(runs + 1):
        baselines.append(wall_ms([sys.executable, "-c", baseline]))
        commands.append(wall_ms(words(run)))
    return Pair(statistics.median(commands[1:]), statistics.median(baselines[1:]))


def wall_ms(words: list[str]) -> float:
    started = time.perf_counter()
    done = subprocess.run(words, capture_output=True, check=False)
    elapsed = (time.perf_counter() - started) * 1000
    if done.returncode not in (0, 4, 5, 8):
        raise SystemExit(f"{' '.join(words)}: exit {done.returncode}: {done.stderr.decode()}")
    return elapsed


def demo_desk(root: Path) -> Path:
    """Return a demo desk whose exchange stands before the open of the session after the last."""
    run("demo", "--into", str(root / "demo"), "--quiet")
    desk = root / "demo" / "001"
    run("exchange", "advance", "--to", "2024-12-10T13:25:00Z", "-C", str(desk))
    return desk


def replay(root: Path) -> None:
    """Print the sessions a second of the 126-session replay, in process, synced to disk."""
    desk, data = root / "desk", locate(os.environ, Path(__file__).parents[2])
    if data is None:
        print("\nreplay: no real bars here (QUANTCLI_TEST_DATA), not measured")
        return
    run("init", str(desk), "--no-git")
    bars = next((data / "daily").glob("us_daily_split_adjusted_*.parquet"))
    index = next((data / "vix").glob("*.parquet"))
    run(
        "data", "import", str(bars), "--timeframe", "1Day", "--adjustment", "split", "-C", str(desk)
    )
    run("data", "import", str(index), "--kind", "index", "-C", str(desk))
    words = ("replay", "--from", "2024-08-01", "--to", "2025-01-31", "-C", str(desk), "--json")
    started = time.perf_counter()
    value = orjson.loads(run(*words))
    wall = time.perf_counter() - started
    inside = value["milliseconds"] / 1000
    print(
        f"\nreplay of {value['sessions']} sessions on {file_system(desk)}: "
        f"{value['sessions'] / inside:.1f} a second in process (target {SESSIONS_TARGET:.0f}), "
        f"{value['sessions'] / wall:.1f} as a whole process; {value['signals']} signals, "
        f"{value['trades_closed']} trades closed"
    )
    shutil.rmtree(desk)


def adversary() -> None:
    """Print the sessions a minute of the simulation, on all cores."""
    words = ("--sessions", "200", "--seed", "9", "--no-enumeration")
    done = subprocess.run(
        [sys.executable, "-m", "quantcli.testing.sim", *words], capture_output=True, check=False
    )
    if done.returncode != 0:
        raise SystemExit(f"the simulation broke: {done.stdout.decode()}{done.stderr.decode()}")
    print(f"\nsimulation: {done.stdout.decode().splitlines()[0]}")


def run(*words: str) -> bytes:
    done = subprocess.run(
        [sys.executable, "-m", "quantcli", *words], capture_output=True, check=False
    )
    if done.returncode != 0:
        raise SystemExit(
            f"quantcli {' '.join(words)}: exit {done.returncode}: {done.stderr.decode()}"
        )
    return done.stdout


def line(command: str, baseline: str, pair: Pair, target: float) -> None:
    verdict = "ok" if pair.ratio <= target else "over"
    print(
        f"{command:<20} {pair.command_ms:7.0f}   {baseline:<18} {pair.baseline_ms:7.0f}   "
        f"x {pair.ratio:.2f}  (target {target}: {verdict})"
    )


def file_system(path: Path) -> str:
    """Return the type of the file system a path lies on."""
    best, kind = "", "unknown"
    for mount in Path("/proc/mounts").read_text().splitlines():
        _, point, name, *_ = mount.split()
        point = re.sub(r"\\040", " ", point)
        if str(path.resolve()).startswith(point) and len(point) >= len(best):
            best, kind = point, name
    return kind


def load() -> str:
    return " ".join(f"{value:.1f}" for value in os.getloadavg())


if __name__ == "__main__":
    main()
