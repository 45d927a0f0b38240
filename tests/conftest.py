"""Fixtures that every test may rely on: a clean environment and, where present, real bars."""

import os
from pathlib import Path

import pytest
from hypothesis import settings

ROOT = Path(__file__).resolve().parents[1]
DATA_VARIABLE = "QUANTCLI_TEST_DATA"

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
        if name.startswith(("APCA_", "ALPACA_", "QUANTCLI_")) and name != DATA_VARIABLE:
            monkeypatch.delenv(name)


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """Return the folder of real bars, or skip; a folder that was named must exist."""
    named = os.environ.get(DATA_VARIABLE)
    if named:
        folder = Path(named)
        if not folder.is_dir():
            pytest.fail(f"{DATA_VARIABLE} names {folder}, which is not a folder")
        return folder.resolve()
    beside = ROOT.parent / "shared" / "data"
    if not beside.is_dir():
        pytest.skip(f"no real bars: {DATA_VARIABLE} is unset and {beside} does not exist")
    return beside


@pytest.fixture(scope="session")
def root() -> Path:
    """Return the top folder of the repository."""
    return ROOT
