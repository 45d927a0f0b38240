"""Making the desks that the acceptance tests copy."""

import datetime as dt
import fcntl
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from quantcli.cli.init_desk import make_desk
from quantcli.lab.demo_desk import fill_desk
from tests.acceptance.typed import bare, typed

#: With this seed the days below hold entries, an entry that is never filled, refusals, stops
#: placed, raised and hit; `test_the_desk.py` says so if the market ever changes.
SEED = 2
MARKET_SESSIONS = 15
FIRST, LAST = "2024-11-19", "2024-12-03"
#: The session after which the first copy is taken: the next one sends two entries.
KEPT_AFTER = "2024-11-26"
#: All sessions of the replay.
SESSIONS = (
    "2024-11-19", "2024-11-20", "2024-11-21", "2024-11-22", "2024-11-25", "2024-11-26",
    "2024-11-27", "2024-11-29", "2024-12-02", "2024-12-03",
)  # fmt: skip

DAILY = "daily/us_daily_split_adjusted_20111128_20250131.parquet"
VIX = "vix/vix_daily_20110103_20250131.parquet"


class Desks(NamedTuple):
    """Two states of the same desk; read only.

    Attributes:
        before: Sealed up to and including KEPT_AFTER.
        whole: Sealed up to and including LAST.
    """

    before: Path
    whole: Path


def make_synthetic_desk(root: Path) -> None:
    """Make the desk with its market; nothing has been traded."""
    make_desk(root, name="acceptance", feed="synthetic", git=False)
    fill_desk(root, SEED, MARKET_SESSIONS)


def make_real_desk(root: Path, data: Path) -> None:
    """Make a desk on real bars, as a new user would."""
    assert bare("init", root, "--no-git", "--quiet").code == 0
    for words in (
        (data / DAILY, "--timeframe", "1Day", "--adjustment", "split"),
        (data / VIX, "--kind", "index"),
    ):
        outcome = typed(root, "data", "import", *words, "--quiet")
        assert outcome.code == 0, outcome.err


def replayed(root: Path, first: str, last: str) -> None:
    """Replay sessions; all must end well."""
    outcome = typed(root, "replay", "--from", first, "--to", last, "--json")
    assert outcome.code == 0, outcome.err


def once(shared: Path, make: Callable[[], None]) -> None:
    """Make a folder's content, by whichever of several processes comes first."""
    shared.mkdir(exist_ok=True)
    with (shared / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (shared / "done").exists():
            make()
            (shared / "done").touch()


def traded_once(shared: Path, make: Callable[[Path], None]) -> Desks:
    """Return two states of a desk."""
    made = Desks(shared / "before", shared / "whole")

    def trade() -> None:
        make(made.before)
        replayed(made.before, FIRST, KEPT_AFTER)
        shutil.copytree(made.before, made.whole)
        following = dt.date.fromisoformat(KEPT_AFTER) + dt.timedelta(days=1)
        replayed(made.whole, following.isoformat(), LAST)

    once(shared, trade)
    return made
