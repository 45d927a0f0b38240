"""A new desk, as `init` makes it, without git."""

import pytest

from quantcli.cli.init_desk import make_desk


@pytest.fixture
def desk(tmp_path):
    root = tmp_path / "desk"
    make_desk(root, name="desk", git=False)
    return root
