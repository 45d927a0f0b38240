"""Every planted bug is found where its row says, and none is gone from the source."""

import subprocess
import sys

import pytest

from quantcli.testing.planted import FOUND, NotPlantable, edited
from quantcli.testing.planted_bugs import BUGS, Edit
from tests.docs.required import ROOT

WANTED = 30


def source_of(module):
    path = ROOT.joinpath(*module.split("."))
    whole = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
    return whole.read_text()


def test_there_are_enough_bugs():
    assert len(BUGS) >= WANTED


@pytest.mark.parametrize("name", BUGS)
def test_each_bug_can_be_planted(name):
    for edit in BUGS[name].edits:
        changed = edited(source_of(edit.module), edit)
        compile(changed, edit.module, "exec")


def test_a_bug_that_is_no_longer_there_is_an_error():
    with pytest.raises(NotPlantable, match="holds 0 times"):
        edited("sound = 1\n", Edit("anywhere", "not there", "anything"))


@pytest.mark.parametrize("name", BUGS)
def test_each_bug_is_found(name):
    done = subprocess.run(
        [sys.executable, "-m", "quantcli.testing.planted", name],
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=False,
    )

    assert done.returncode == FOUND, done.stdout + done.stderr
    assert f"{name}: found in" in done.stdout
