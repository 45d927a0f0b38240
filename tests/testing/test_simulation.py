"""Five hundred sessions under every kind of trouble, always the same ones; nothing is broken."""

import re
import subprocess
import sys

import pytest

from quantcli.testing import enumerated
from quantcli.testing.sim import DAYS, SMALL_DAY, WORLD_SESSIONS, main
from quantcli.testing.simulate import run_world
from tests.docs.required import ROOT

WORLDS = tuple(f"1-{number}" for number in range(50))
#: Worlds that once broke a promise.
REGRESSIONS = ("1-60", "1-72", "1-118", "1-169", "1-304", "3-9")


def test_there_are_enough_sessions():
    assert len(WORLDS) * WORLD_SESSIONS >= 500


@pytest.mark.parametrize("name", [*WORLDS, *REGRESSIONS])
def test_a_world_of_trouble_breaks_nothing(folder, name):
    result = run_world(name, folder)

    assert result.violations == []
    assert result.sessions == WORLD_SESSIONS


def test_the_same_seed_makes_the_same_bytes_elsewhere(folder, tmp_path):
    here, there = (run_world("1-5", each) for each in (folder, tmp_path / "a longer name \u00e9"))

    assert here.digest == there.digest
    assert (here.commands, here.deaths) == (there.commands, there.deaths)


@pytest.mark.parametrize(("market", "session"), DAYS)
def test_deaths_at_moments_of_a_day_change_nothing(folder, market, session):
    found = enumerated.every_moment(folder / "moments", market, session, stride=29)

    assert found.violations == []
    assert found.crashed >= 10


def test_deaths_in_pairs_change_nothing(folder):
    found = enumerated.every_pair(folder / "pairs", *SMALL_DAY, part=5, parts=40, stride=9)

    assert found.violations == []
    assert found.runs >= 10


def test_every_single_fault_of_a_send_changes_nothing(folder):
    found = enumerated.every_choice(folder / "choices", *SMALL_DAY, 1)

    assert found.violations == []
    assert found.runs >= 20


def test_the_command_says_what_it_did(folder):
    words = ["--sessions", "20", "--seed", "7", "--no-enumeration", "--workers", "1"]

    done = subprocess.run(
        [sys.executable, "-m", "quantcli.testing.sim", *words, "--folder", folder],
        capture_output=True, text=True, cwd=ROOT, check=False,
    )  # fmt: skip

    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"^20 sessions in 2 worlds, \d+ a minute: ", done.stdout, re.MULTILINE)
    assert "0 worlds with a violation, 0 that did not settle, 0 byte mismatches" in done.stdout


def test_a_world_of_a_trouble_that_there_is_not_is_refused(capsys):
    assert main(["--world", "1-3+earthquake"]) == 2

    assert "no such trouble: 'earthquake'" in capsys.readouterr().err
