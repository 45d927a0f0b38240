"""`schedule`: the same table for people and for cron."""

import sys
from pathlib import Path

import pytest

from tests.cli.typing import say

TABLE = """\
cycle         regular   half day  steps (New York times)
open-60min    08:30     08:30     reconcile scan decide enforce execute
open+5min     09:35     09:35     execute exits
close+5min    16:05     13:05     exits reconcile snapshot report
"""


def cron(desk):
    said = say("schedule", "--cron", "-C", desk)
    assert (said.code, said.err) == (0, "")
    return said.out.splitlines()


def test_the_table(desk):
    assert say("schedule", "-C", desk) == (0, TABLE, "")


def test_crontab(desk):
    program = Path(sys.executable).with_name("quantcli")
    words = f"{program} day --quiet -C {desk}"

    assert cron(desk) == [
        "# For a cron that knows CRON_TZ; elsewhere run it in New York's time zone.",
        "CRON_TZ=America/New_York",
        f"30 8 * * 1-5 {words}",
        f"35 9 * * 1-5 {words}",
        f"5 13 * * 1-5 {words}",
        f"5 16 * * 1-5 {words}",
    ]


@pytest.mark.parametrize(
    ("folder", "spelled"), [("my desk", "'my desk'"), ("it's", "'it'\"'\"'s'"), ("50%", "50\\%")]
)
def test_odd_folders_survive_cron_and_shell(tmp_path, folder, spelled):
    say("init", tmp_path / folder, "--no-git", "--quiet")
    last = cron(tmp_path / folder)[-1]

    # The quotes go round the whole path.
    assert spelled.strip("'") in last


def test_json(desk):
    value = say("schedule", "-C", desk, "--json").value

    assert value["timezone"] == "America/New_York"
    assert value["cycles"][2] == {
        "cycle": "close+5min",
        "regular": "16:05",
        "half_day": "13:05",
        "steps": ["exits", "reconcile", "snapshot", "report"],
    }


def test_a_half_day_has_no_room_for_some_cycles(desk):
    file = desk / "desk.toml"
    old = '"open+5min" = ["execute", "exits"]'
    text = file.read_text().replace(old, f'{old}\n"open+300min" = ["exits"]')
    file.write_text(text)

    assert "open+300min   14:30     -         exits\n" in say("schedule", "-C", desk).out
    assert [line.split(" *")[0] for line in cron(desk)[2:]] == [
        "30 8", "35 9", "5 13", "30 14", "5 16",
    ]  # fmt: skip


def test_a_schedule_that_cannot_be_kept_is_told(desk):
    file = desk / "desk.toml"
    file.write_text(file.read_text().replace('"open+5min"', '"open+5"'))

    said = say("schedule", "-C", desk)
    assert (said.code, said.out) == (3, "")
    assert said.err.startswith("config-invalid: schedule in desk.toml: not an offset")
