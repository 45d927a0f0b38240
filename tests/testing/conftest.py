"""Where the simulation's desks lie: in memory if there is some."""

import shutil
import tempfile
from pathlib import Path

import pytest

from quantcli.testing.sim import memory_folder


@pytest.fixture(scope="session")
def folder():
    found = Path(tempfile.mkdtemp(prefix="quantcli-tests-", dir=memory_folder()))
    yield found
    shutil.rmtree(found, ignore_errors=True)
