"""`data import`, `data check`, `data ls` and `calendar`, as they are typed."""

import json
from pathlib import Path

import pytest

from quantcli.cli.app import main
from tests.shell.bar_files import SESSIONS, daily_file, minute_lines, write_csv


@pytest.fixture
def desk(tmp_path, monkeypatch):
    """Make a desk and stand in it."""
    folder = tmp_path / "desk"
    assert main(["init", str(folder), "--no-git", "--quiet"]) == 0
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def run(capsys):
    """Run a command; return its exit code, its stdout and its stderr."""

    def _run(*words):
        capsys.readouterr()
        code = main([str(word) for word in words])
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return _run


CLOSES = (100.0, 101.0, 1010.0, 103.0, 104.0)


def test_a_store_from_import_to_listing(desk, run, tmp_path):
    path = daily_file(tmp_path, CLOSES)
    code, out, err = run("data", "import", path)
    assert (code, err) == (0, "")
    assert out == (
        "bars.csv: 1Day, feed local, adjustment split: 1 symbols, 2024-11-25 to 2024-12-02: "
        "5 bars added, 0 changed, 0 already held\n"
    )
    assert "all 5 bars already held, nothing changed" in run("data", "import", path)[1]
    code, out, _ = run("data", "check")
    assert code == 0
    assert "spike" in out
    assert "1 bars in quarantine" in out
    row = json.loads(run("data", "ls", "--json")[1])["series"][0]
    assert row["quarantined"] == [
        {"symbol": "AAA", "session": "2024-11-27", "code": "spike",
         "observed": "closes 101, 1010, 103"},
    ]  # fmt: skip
    assert (row["bars"], row["symbols"], row["files"]) == (5, ["AAA"], 1)
    assert "local  split" in run("data", "ls")[1]


def test_quiet_prints_nothing(desk, run, tmp_path):
    path = daily_file(tmp_path, CLOSES)
    for words in (("data", "import", path), ("data", "check"), ("data", "ls"), ("calendar",
                  "--from", "2024-11-25")):  # fmt: skip
        assert run(*words, "-q") == (0, "", "")


def test_several_files_and_one_json_object(desk, run, tmp_path):
    one = daily_file(tmp_path, CLOSES, name="one.csv")
    two = daily_file(tmp_path, CLOSES, "BBB", name="two.csv")
    code, out, _ = run("data", "import", one, two, "--feed", "iex", "--adjustment", "raw", "--json")
    assert code == 0
    imports = json.loads(out)["imports"]
    assert [(i["file"], i["feed"], i["adjustment"], i["bars_added"]) for i in imports] == [
        ("one.csv", "iex", "raw", 5), ("two.csv", "iex", "raw", 5),
    ]  # fmt: skip


def test_dropped_and_quarantined_rows_are_told(desk, run, tmp_path):
    lines = [*minute_lines(["2024-11-29T14:29:00Z", "2024-11-29T14:30:00Z"]),
             "2024-11-29T14:31:00Z,AAA,9,8,7,8,1"]  # fmt: skip
    code, out, err = run("data", "import", write_csv(tmp_path, lines), "--timeframe", "1Min")
    assert code == 0
    assert "2 bars added, 0 changed, 0 already held, 1 quarantined" in out
    assert "dropped 1 rows outside regular hours" in out
    assert err == "quarantined: AAA 2024-11-29: ohlc-inconsistent: 14:31Z 9.0/8.0/7.0/8.0 1.0\n"


def test_a_bar_of_progress_stays_off_stdout(desk, run, tmp_path, monkeypatch):
    monkeypatch.setattr("quantcli.cli.commands.data_import.is_terminal", lambda: True)
    code, out, _ = run("data", "import", daily_file(tmp_path, CLOSES))
    assert (code, out.count("\n")) == (0, 1)


def test_a_file_without_a_usable_row(desk, run, tmp_path):
    path = write_csv(tmp_path, minute_lines(["2024-11-29T20:00:00Z"]))
    code, out, _ = run("data", "import", path, "--timeframe", "1Min")
    assert code == 0
    assert "none of 1 rows can be used; dropped 1 rows outside regular hours" in out


def test_an_index_for_a_named_symbol(desk, run, tmp_path):
    path = write_csv(tmp_path, ["2024-11-25,14.6"], heading="date,close")
    assert run("data", "import", path, "--kind", "index", "--symbol", "VIX")[0] == 0
    assert (desk / "data" / "index" / "local" / "VIX" / "2024").is_dir()


@pytest.mark.parametrize(
    ("words", "code", "error"),
    [
        (("none.csv",), 2, "usage"),
        (("bars.csv", "--timeframe", "5Min"), 2, "usage"),
        (("bars.csv", "--adjustment", "some"), 2, "usage"),
        (("bars.csv", "--kind", "news"), 2, "usage"),
        (("bars.csv", "--timeframe", "1Min"), 4, "bars-invalid"),
        (("desk.toml",), 2, "usage"),
    ],
)
def test_what_cannot_be_imported(desk, run, words, code, error):
    daily_file(desk, CLOSES)
    found, out, err = run("data", "import", *words)
    assert (found, out) == (code, "")
    assert err.startswith(f"{error}: ")
    assert err.count("\n") == 1
    found, out, _ = run("data", "import", *words, "--json")
    assert found == code
    assert json.loads(out)["error"] == error


def test_a_dry_run_changes_no_byte_of_the_desk(desk, run, tmp_path):
    run("data", "import", daily_file(tmp_path, CLOSES))
    before = tree(desk)
    other = daily_file(tmp_path, CLOSES, "BBB", name="other.csv")
    code, out, _ = run("data", "import", other, "--dry-run")
    assert (code, out.startswith("DRY RUN other.csv")) == (0, True)
    assert "would be 1 quarantined" in run("data", "check", "--dry-run")[1]
    assert tree(desk) == before


def tree(folder: Path):
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_flipped_byte_fails_the_check_and_names_the_file(desk, run, tmp_path):
    run("data", "import", daily_file(tmp_path, CLOSES))
    (victim,) = (desk / "data" / "bars").rglob("*.parquet")
    content = bytearray(victim.read_bytes())
    content[100] ^= 1
    victim.write_bytes(content)
    code, out, _ = run("data", "check", "--json")
    assert code == 4
    (finding,) = json.loads(out)["findings"]
    assert finding["severity"] == "damaged"
    assert finding["subject"] == str(victim.relative_to(desk / "data"))


def test_the_check_counts_notes_and_lists_them_when_asked(desk, run, tmp_path):
    lines = [f"{session},AAA,100,101,99,100,0" for session in SESSIONS]
    run("data", "import", write_csv(tmp_path, lines))
    assert "no-volume" not in run("data", "check")[1]
    assert "1 notes (--all lists them)" in run("data", "check")[1]
    assert "no-volume" in run("data", "check", "--all")[1]


def test_nothing_imported_yet(desk, run):
    told = "nothing is held yet: quantcli data import FILE..., or quantcli data fetch\n"
    assert run("data", "ls")[:2] == (0, told)
    code, _, err = run("data", "check")
    assert code == 4
    assert err.startswith("bars-missing: ")


def test_the_calendar_marks_half_days_and_passes_over_holidays(desk, run):
    code, out, _ = run("calendar", "--from", "2024-11-27", "--to", "2024-12-02")
    assert code == 0
    rows = [line.split() for line in out.splitlines()[1:]]
    assert rows == [
        ["2024-11-27", "Wed", "09:30-16:00", "14:30-21:00"],
        ["2024-11-29", "Fri", "09:30-13:00", "14:30-18:00", "half", "day"],
        ["2024-12-02", "Mon", "09:30-16:00", "14:30-21:00"],
    ]


def test_the_calendar_over_a_change_of_clocks(desk, run):
    out = run("calendar", "--from", "2024-11-01", "--to", "2024-11-04", "--json")[1]
    assert [(row["session"], row["opens_at"]) for row in json.loads(out)["sessions"]] == [
        ("2024-11-01", "2024-11-01T13:30:00Z"), ("2024-11-04", "2024-11-04T14:30:00Z"),
    ]  # fmt: skip


def test_the_calendar_begins_at_the_instant(desk, run):
    out = run("calendar", "--as-of", "2024-11-30T03:00:00Z", "--to", "2024-12-02", "--json")[1]
    # Still the 29th in New York.
    assert [row["session"] for row in json.loads(out)["sessions"]] == ["2024-11-29", "2024-12-02"]


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("--from", "2024-12-02", "--to", "2024-11-27"), 2),
        (("--from", "yesterday"), 2),
        (("--from", "2030-01-02"), 5),
        (("--from", "2027-12-01", "--to", "2028-01-03"), 5),
    ],
)
def test_a_range_that_cannot_be(desk, run, words, code):
    found, out, err = run("calendar", *words)
    assert (found, out) == (code, "")
    assert err.count("\n") == 1


def test_a_range_without_sessions(desk, run):
    code, out, _ = run("calendar", "--from", "2024-11-30", "--to", "2024-12-01")
    assert (code, out) == (0, "no sessions from 2024-11-30 to 2024-12-01\n")


def test_the_calendar_ends_with_the_table(desk, run):
    out = run("calendar", "--from", "2027-12-30", "--json")[1]
    assert [row["session"] for row in json.loads(out)["sessions"]] == ["2027-12-30", "2027-12-31"]
