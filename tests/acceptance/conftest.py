"""One synthetic desk for all acceptance tests; whoever changes it works on a copy."""

import datetime as dt
import fcntl
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest
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


def replayed(root: Path, first: str, last: str) -> None:
    """Replay sessions; all must end well."""
    outcome = typed(root, "replay", "--from", first, "--to", last, "--json")
    assert outcome.code == 0, outcome.err


def made_once(factory, name: str, make: Callable[[Desks], None]) -> Desks:
    """Return two states of a desk, made by whichever worker comes first."""
    base = factory.getbasetemp()
    shared = (base.parent if base.name.startswith("popen-") else base) / name
    shared.mkdir(exist_ok=True)
    made = Desks(shared / "before", shared / "whole")
    with (shared / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (shared / "done").exists():
            make(made)
            (shared / "done").touch()
    return made


def trade(made: Desks) -> None:
    """Replay both stretches, and keep the state between them."""
    replayed(made.before, FIRST, KEPT_AFTER)
    shutil.copytree(made.before, made.whole)
    following = dt.date.fromisoformat(KEPT_AFTER) + dt.timedelta(days=1)
    replayed(made.whole, following.isoformat(), LAST)


@pytest.fixture(scope="session")
def desks(tmp_path_factory) -> Desks:
    """Return the two states of the synthetic desk."""

    def make(made: Desks) -> None:
        make_synthetic_desk(made.before)
        trade(made)

    return made_once(tmp_path_factory, "synthetic", make)


@pytest.fixture(scope="session")
def real_desks(tmp_path_factory, data_dir) -> Desks:
    """Return the two states of a desk on real bars, made as a new user would."""

    def make(made: Desks) -> None:
        assert bare("init", made.before, "--no-git", "--quiet").code == 0
        for words in (
            (data_dir / DAILY, "--timeframe", "1Day", "--adjustment", "split"),
            (data_dir / VIX, "--kind", "index"),
        ):
            outcome = typed(made.before, "data", "import", *words, "--quiet")
            assert outcome.code == 0, outcome.err
        trade(made)

    return made_once(tmp_path_factory, "real", make)


@pytest.fixture
def before(desks, tmp_path) -> Path:
    """Return a copy of the desk as it was left after KEPT_AFTER."""
    return Path(shutil.copytree(desks.before, tmp_path / "desk"))


@pytest.fixture
def whole(desks, tmp_path) -> Path:
    """Return a copy of the desk with all its sessions."""
    return Path(shutil.copytree(desks.whole, tmp_path / "desk"))
