"""One synthetic desk for all acceptance tests; whoever changes it works on a copy."""

import shutil
from pathlib import Path

import pytest

from quantcli.shell.clock import WallClock
from tests.acceptance.made import Desks, make_real_desk, make_synthetic_desk, traded_once


@pytest.fixture(scope="session")
def shared_folder(tmp_path_factory) -> Path:
    """Return a folder that all workers of this run share."""
    base = tmp_path_factory.getbasetemp()
    return base.parent if base.name.startswith("popen-") else base


@pytest.fixture(scope="session")
def desks(shared_folder) -> Desks:
    """Return the two states of the synthetic desk."""
    return traded_once(shared_folder / "synthetic", make_synthetic_desk)


@pytest.fixture(scope="session")
def real_desks(shared_folder, data_dir) -> Desks:
    """Return the two states of a desk on real bars."""
    return traded_once(shared_folder / "real", lambda root: make_real_desk(root, data_dir))


@pytest.fixture
def before(desks, tmp_path) -> Path:
    """Return a copy of the desk as it was left after KEPT_AFTER."""
    return Path(shutil.copytree(desks.before, tmp_path / "desk"))


@pytest.fixture
def whole(desks, tmp_path) -> Path:
    """Return a copy of the desk with all its sessions."""
    return Path(shutil.copytree(desks.whole, tmp_path / "desk"))


@pytest.fixture
def no_waits(monkeypatch):
    """Look-ups of unknown outcomes need not wait: nobody else is at work on these desks."""
    monkeypatch.setattr(WallClock, "sleep", lambda self, seconds: None)
