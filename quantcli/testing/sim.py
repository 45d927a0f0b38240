"""`python -m quantcli.testing.sim`: try to break the desk, and say how to see it again."""

from __future__ import annotations

import argparse
import io
import os
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass, field
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from quantcli.testing import enumerated
from quantcli.testing.desks import FAULTY_SESSIONS
from quantcli.testing.enumerated import Count
from quantcli.testing.simulate import Result, run_world
from quantcli.testing.swarm import FAULT_SETTINGS, FOCUS

#: Sessions of one world: those under faults, and the quiet one.
WORLD_SESSIONS = FAULTY_SESSIONS + 1
#: Every so many worlds one is run twice, the second time elsewhere; the bytes must be equal.
TWIN_EVERY = 10
#: Days whose moments are enumerated: market, session. A first entry; entries beside positions.
DAYS = ((6, 2), (4, 1))
#: The day whose pairs and choices are enumerated: one symbol, one order.
SMALL_DAY = (6, 2)
CHOICE_FAULTS_MAX = 3
_MEMORY = Path("/dev/shm")  # noqa: S108 - only if it is there; the folder below it is our own


@dataclass(slots=True)
class Tally:
    """What a run came to."""

    worlds: int = 0
    sessions: int = 0
    commands: int = 0
    deaths: int = 0
    faults: int = 0
    signals: int = 0
    fills: int = 0
    twins: int = 0
    mismatches: int = 0
    unsettled: int = 0
    broken: list[Result] = field(default_factory=list)

    def add(self, result: Result) -> None:
        """Count one world."""
        self.worlds += 1
        for name in ("sessions", "commands", "deaths", "faults", "signals", "fills"):
            setattr(self, name, getattr(self, name) + getattr(result, name))
        if result.violations:
            self.broken.append(result)
            self.unsettled += any(text.startswith("INV-30") for text in result.violations)
            self.mismatches += any(
                text.startswith(("INV-24", "INV-26")) for text in result.violations
            )


def main(arguments: Sequence[str] | None = None) -> int:
    """Run worlds, or one world again; return 0 if nothing was broken."""
    options = _options(arguments)
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(line_buffering=True)  # whoever waits for hours wants to see lines
    with tempfile.TemporaryDirectory(
        prefix="quantcli-sim-", dir=options.folder or memory_folder()
    ) as name:
        folder = Path(name)
        if options.world:
            return _one_world(folder, options.world, keep=options.keep)
        return _many_worlds(folder, options)


def memory_folder() -> Path | None:
    """Return a folder whose files lie in memory; None if there is none: flushing costs time."""
    return _MEMORY if os.access(_MEMORY, os.W_OK) else None


def _options(arguments: Sequence[str] | None) -> Any:
    parser = argparse.ArgumentParser(prog="python -m quantcli.testing.sim", description=__doc__)
    parser.add_argument("--sessions", type=int, default=500, help="sessions to simulate")
    parser.add_argument("--seed", type=int, default=1, help="first part of every world's name")
    parser.add_argument("--world", default="", help="run one world again, e.g. 1-29")
    parser.add_argument("--keep", type=Path, help="with --world: leave its desk in this folder")
    parser.add_argument(
        "--workers", type=int, default=os.cpu_count() or 1, help="processes at work"
    )
    parser.add_argument("--folder", type=Path, help="where desks are made; memory if there is some")
    parser.add_argument(
        "--no-enumeration", action="store_true", help="worlds only, not every crash point"
    )
    return parser.parse_args(arguments)


def _one_world(folder: Path, name: str, *, keep: Path | None) -> int:
    try:
        result = run_world(name, keep or folder, keeps=keep is not None)
    except KeyError as error:
        known = ", ".join(sorted((*FAULT_SETTINGS, *FOCUS)))
        print(f"no such trouble: {error}; there are {known}", file=sys.stderr)
        return 2
    for line in result.lines:
        print(line)
    for text in result.violations:
        print(text)
    print(f"world {name}: {len(result.violations)} violations, artifacts {result.digest[:16]}")
    return int(bool(result.violations))


def _many_worlds(folder: Path, options: Any) -> int:
    count = -(-options.sessions // WORLD_SESSIONS)
    names = [f"{options.seed}-{number}" for number in range(count)]
    started, tally = time.monotonic(), Tally()
    context = get_context("spawn")
    with ProcessPoolExecutor(options.workers, mp_context=context) as pool:
        for result, digest in _parallel(pool, folder, names):
            tally.add(result)
            if digest is not None:
                tally.twins += 1
                if digest != result.digest:
                    tally.mismatches += 1
                    print(f"world {result.name}: the same seed made other bytes")
            _show(result)
            _progress(tally, count)
        _finish_line(tally, time.monotonic() - started)
        counts = [] if options.no_enumeration else _enumerate(pool, folder)
    is_whole = all(each.found == each.crashed and not each.violations for each in counts)
    return 0 if is_whole and not tally.broken and not tally.mismatches else 1


def _parallel(
    pool: ProcessPoolExecutor, folder: Path, names: Iterable[str]
) -> Iterator[tuple[Result, str | None]]:
    jobs = [
        pool.submit(_worlds, folder, name, is_twin=number % TWIN_EVERY == 0)
        for number, name in enumerate(names)
    ]
    for job in as_completed(jobs):
        yield job.result()


def _worlds(folder: Path, name: str, *, is_twin: bool) -> tuple[Result, str | None]:
    """Run one world in a worker, and maybe its twin elsewhere."""
    own = folder / f"worker-{os.getpid()}"
    own.mkdir(exist_ok=True)
    try:
        result = run_world(name, own)
    except Exception as error:  # noqa: BLE001 - one world that cannot be judged must not end all
        return Result(name, [f"the world itself broke: {type(error).__name__}: {error}"]), None
    if not is_twin:
        return result, None
    elsewhere = own / "another place" / "\u00e9"
    elsewhere.mkdir(parents=True, exist_ok=True)
    with _another_zone():
        return result, run_world(name, elsewhere).digest


class _another_zone:  # noqa: N801 - used like a function
    """This process believes to be in Auckland."""

    def __enter__(self) -> None:
        self._before = os.environ.get("TZ")
        os.environ["TZ"] = "Pacific/Auckland"
        time.tzset()

    def __exit__(self, *_: object) -> None:
        if self._before is None:
            del os.environ["TZ"]
        else:
            os.environ["TZ"] = self._before
        time.tzset()


def _show(result: Result) -> None:
    for text in result.violations[:1]:
        print(f"seed={result.name} {text}")
        print(f"  again: python -m quantcli.testing.sim --world {result.name}")


def _progress(tally: Tally, count: int) -> None:
    if sys.stderr.isatty():
        broken = f", {len(tally.broken)} broken" if tally.broken else ""
        print(f"\r{tally.worlds} of {count} worlds{broken} ", end="", file=sys.stderr)


def _finish_line(tally: Tally, seconds: float) -> None:
    print(
        f"{tally.sessions} sessions in {tally.worlds} worlds, {60 * tally.sessions / seconds:.0f} "
        f"a minute: {tally.commands} commands, {tally.deaths} deaths, {tally.faults} faults at the "
        f"broker, {tally.signals} signals, {tally.fills} fills"
    )
    print(
        f"{len(tally.broken)} worlds with a violation, {tally.unsettled} that did not settle, "
        f"{tally.mismatches} byte mismatches ({tally.twins} worlds run twice)"
    )


def _enumerate(pool: ProcessPoolExecutor, folder: Path) -> list[Count]:
    """Run the enumerations, and print how many crash points were found and crashed."""
    found = []
    for title, tasks in _enumerations(folder):
        total = Count()
        for job in as_completed([pool.submit(task) for task in tasks]):
            total.add(job.result())
        found.append(total)
        print(
            f"{title}: {total.found} found, {total.crashed} crashed, {total.runs} runs, "
            f"{len(total.violations)} violations"
        )
        for text in total.violations[:5]:
            print(f"  {text}")
    return found


def _enumerations(folder: Path) -> list[tuple[str, list[Any]]]:
    own = folder / "enumerated"
    parts = 4
    return [
        (
            "crash points",
            [
                partial(enumerated.every_moment, own / f"moments-{market}-{session}-{part}",
                        market, session, part=part, parts=parts)
                for market, session in DAYS for part in range(parts)
            ],
        ),
        (
            "pairs of crash points",
            [
                partial(enumerated.every_pair, own / f"pairs-{part}", *SMALL_DAY,
                        part=part, parts=parts)
                for part in range(parts)
            ],
        ),
        (
            f"choices of at most {CHOICE_FAULTS_MAX} faults",
            [
                partial(enumerated.every_choice, own / f"choices-{part}", *SMALL_DAY,
                        CHOICE_FAULTS_MAX, part=part, parts=parts)
                for part in range(parts)
            ],
        ),
    ]  # fmt: skip


if __name__ == "__main__":
    sys.exit(main())
