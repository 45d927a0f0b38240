"""Fixtures that every test may rely on: a clean environment and, where present, real bars."""

import os
from pathlib import Path

import pytest
from hypothesis import settings

from tests.real_data import VARIABLE, NamedFolderAbsent, locate

ROOT = Path(__file__).resolve().parents[1]
PRIVATE_PREFIXES = ("APCA_", "ALPACA_", "POLYGON_", "QUANTCLI_")

# A machine must see the same examples on every run; a person gains from fresh ones.
settings.register_profile("dev", max_examples=50, deadline=None)
settings.register_profile(
    "ci", max_examples=100, deadline=None, derandomize=True, database=None, print_blob=True
)
settings.load_profile("ci" if os.environ.get("CI", "").lower() in {"1", "true"} else "dev")


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch):
    """Hide the machine's own desk and broker keys: no test may reach either by accident."""
    for name in list(os.environ):
        if name.startswith(PRIVATE_PREFIXES) and name != VARIABLE:
            monkeypatch.delenv(name)


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """Return the folder of real bars; skip where there is none, fail where a named one is gone."""
    try:
        folder = locate(os.environ, ROOT)
    except NamedFolderAbsent as error:
        pytest.fail(str(error))
    if folder is None:
        pytest.skip(
            f"no real bars: {VARIABLE} is unset and no shared/data lies beside the repository"
        )
    return folder


@pytest.fixture(scope="session")
def root() -> Path:
    """Return the top folder of the repository."""
    return ROOT
