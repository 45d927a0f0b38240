"""A stored config is what its name says, or it is named as gone or as other bytes."""

import pytest

from quantcli.contracts.errors import ArtifactMissing, ArtifactTampered
from quantcli.contracts.stored_config import check_config, config_name, config_path

NAMED, OTHER = "a" * 64, "b" * 64


def test_the_path_names_the_digest():
    assert config_path(NAMED) == f"config/{NAMED}.json"
    assert config_name(f"config/{NAMED}.json") == NAMED


def test_whole():
    check_config(NAMED, NAMED)


def test_gone():
    with pytest.raises(ArtifactMissing, match=f"config/{NAMED}.json was stored and is gone"):
        check_config(NAMED, None)


def test_other_bytes_are_told_with_their_digest():
    with pytest.raises(ArtifactTampered, match=OTHER) as told:
        check_config(NAMED, OTHER)
    assert f"config/{NAMED}.json" in told.value.line()
    assert told.value.found_sha256 == OTHER
