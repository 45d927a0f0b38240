"""What the shared fixtures promise: where bars are looked for, and an environment without keys."""

import os

import pytest

from tests.real_data import VARIABLE, NamedFolderAbsent, locate


def test_named_folder_wins_over_the_one_beside(tmp_path):
    (tmp_path / "shared/data").mkdir(parents=True)
    (tmp_path / "elsewhere").mkdir()

    found = locate({VARIABLE: str(tmp_path / "elsewhere")}, tmp_path / "repository")

    assert found == tmp_path / "elsewhere"


@pytest.mark.parametrize("environment", [{}, {VARIABLE: ""}])
def test_folder_beside_the_repository_is_found(tmp_path, environment):
    (tmp_path / "shared/data").mkdir(parents=True)

    assert locate(environment, tmp_path / "repository") == tmp_path / "shared/data"


def test_no_folder_is_no_error(tmp_path):
    assert locate({}, tmp_path / "repository") is None


def test_named_but_absent_folder_is_an_error(tmp_path):
    (tmp_path / "shared/data").mkdir(parents=True)

    with pytest.raises(NamedFolderAbsent, match="gone"):
        locate({VARIABLE: str(tmp_path / "gone")}, tmp_path / "repository")


@pytest.fixture(scope="module")
def machine_with_keys():
    """Plant keys before the function-scoped cleaning runs, as a real machine would."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("APCA_API_KEY_ID", "real")
        patch.setenv("ALPACA_SECRET_KEY", "real")
        patch.setenv("QUANTCLI_DESK", "real")
        yield


def test_keys_and_desk_are_hidden(machine_with_keys):
    prefixes = ("APCA_", "ALPACA_", "QUANTCLI_")

    assert [name for name in os.environ if name.startswith(prefixes) and name != VARIABLE] == []
