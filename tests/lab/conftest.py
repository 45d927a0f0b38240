"""A desk on the made-up market, traded for four sessions; whoever changes it works on a copy."""

import shutil
from pathlib import Path

import pytest

from quantcli.cli.init_desk import make_desk
from quantcli.cli.replay_run import run_replay
from quantcli.cli.wiring import Workspace
from quantcli.contracts.envelope import CodeId
from quantcli.lab.demo_desk import fill_desk

SEED = 2
SESSIONS = 4
CODE = CodeId(version="0", digest="c" * 64)


def opened(root, **options):
    return Workspace(root, code=CODE, **options)


@pytest.fixture(scope="session")
def empty(tmp_path_factory):
    """A desk with bars on which nothing was traded, and its first and last session."""
    root = tmp_path_factory.mktemp("lab") / "empty"
    make_desk(root, name="lab", feed="synthetic", git=False)
    first, last = fill_desk(root, SEED, SESSIONS)
    return root, first, last


@pytest.fixture(scope="session")
def traded(empty, tmp_path_factory):
    root, first, last = empty
    copy = Path(shutil.copytree(root, tmp_path_factory.mktemp("lab") / "traded"))
    with opened(copy) as workspace:
        workspace.syncs_together = True
        tally = run_replay(workspace, first, last, quiet=True)
    assert tally.exit_code == 0, tally.problems
    assert tally.signals > 0
    return copy


@pytest.fixture
def fresh(empty, tmp_path):
    """A copy of the desk on which nothing was traded."""
    return Path(shutil.copytree(empty[0], tmp_path / "desk"))


@pytest.fixture
def desk(traded, tmp_path):
    """A copy of the traded desk."""
    return Path(shutil.copytree(traded, tmp_path / "desk"))
