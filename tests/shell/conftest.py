"""What the tests of the shell share."""

import pytest

from quantcli.shell import files


class _Settled(set):
    """Holds every folder: its name is durable."""

    def __contains__(self, folder):
        return True


@pytest.fixture(autouse=True)
def folders_are_durable(monkeypatch):
    """Each run of a test makes the same calls; `test_files.py` tests the folders that are not."""
    monkeypatch.setattr(files, "_SETTLED", _Settled())
