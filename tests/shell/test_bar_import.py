"""Importing: merging, corrections, quarantine, refusals, and what is on the disk afterwards."""

import datetime as dt
import hashlib
import os
import random
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest

from quantcli.contracts.errors import LockHeld, MarketDataError, UsageError
from quantcli.shell.bar_import import import_to, shelf_of
from quantcli.shell.catalog import Shelf, load_catalog, load_quarantine
from quantcli.shell.lock import FileLock
from tests.shell.bar_files import (
    HEADING,
    SESSIONS,
    daily_file,
    daily_line,
    minute_lines,
    partition,
    take,
    write_csv,
)

SHELF = Shelf("1Day", "test", "split")
CLOSES = (100.0, 101.0, 102.0, 103.0, 104.0)


@pytest.fixture
def data(tmp_path):
    return tmp_path / "desk" / "data"


def tree(data):
    return {
        str(path.relative_to(data)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(data.rglob("*"))
        if path.is_file()
    }


def faults(data, shelf=SHELF):
    catalog = load_catalog(data)
    entries = load_quarantine(data, catalog.quarantine_ref(shelf))
    return {(entry.symbol, entry.session.isoformat(), entry.code) for entry in entries}


def test_a_first_import(data, tmp_path):
    summary = take(data, daily_file(tmp_path, CLOSES))
    assert (summary.bars_added, summary.bars_changed, summary.bars_unchanged) == (5, 0, 0)
    assert (summary.first, summary.last) == (dt.date(2024, 11, 25), dt.date(2024, 12, 2))
    assert summary.symbols == ("AAA",)
    assert not summary.quarantined
    assert partition(data, summary)["close"].to_list() == list(CLOSES)


def test_a_partition_is_named_by_its_place_and_its_digest(data, tmp_path):
    summary = take(data, daily_file(tmp_path, CLOSES))
    (name,) = summary.partitions
    folder, file = name.rsplit("/", 1)
    assert folder == "bars/1Day/test/split/2024"
    content = (data / name).read_bytes()
    assert file == hashlib.sha256(content).hexdigest() + ".parquet"


def test_an_identical_import_changes_nothing_and_says_so(data, tmp_path):
    path = daily_file(tmp_path, CLOSES)
    take(data, path)
    before = tree(data)
    summary = take(data, path)
    assert summary.is_unchanged
    assert summary.bars_unchanged == 5
    assert tree(data) == before


def test_the_order_of_rows_does_not_matter(data, tmp_path):
    lines = [daily_line(s, x, 50.0) for s in SESSIONS for x in ("AAA", "BBB", "CC.B")]
    first = take(data, write_csv(tmp_path, lines))
    random.Random(7).shuffle(lines)
    second = take(tmp_path / "other", write_csv(tmp_path, lines))
    assert first.partitions == second.partitions


def test_the_same_bytes_in_another_process(data, tmp_path):
    path = daily_file(tmp_path, CLOSES)
    summary = take(data, path)
    code = (
        "import sys; from pathlib import Path; from quantcli.shell.bar_import import import_file;"
        "s = import_file(Path(sys.argv[1]), Path(sys.argv[2]), adjustment='split', feed='test');"
        "print(s.partitions[0])"
    )
    environment = {**os.environ, "TZ": "Pacific/Auckland", "PYTHONHASHSEED": "7",
                   "POLARS_MAX_THREADS": "1", "LC_ALL": "C"}  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "twin"), str(path)],
        capture_output=True, text=True, check=True, env=environment,
    )  # fmt: skip
    assert done.stdout.strip() == summary.partitions[0]


def test_a_correction_makes_a_new_partition_and_keeps_the_old(data, tmp_path):
    old = take(data, daily_file(tmp_path, CLOSES)).partitions[0]
    content = (data / old).read_bytes()
    summary = take(data, daily_file(tmp_path, (90.0,), sessions=("2024-11-27",)))
    assert (summary.bars_added, summary.bars_changed, summary.bars_unchanged) == (0, 1, 0)
    assert partition(data, summary)["close"].to_list() == [100.0, 101.0, 90.0, 103.0, 104.0]
    (held,) = load_catalog(data).partitions
    assert held.ref.name == summary.partitions[0] != old
    assert held.superseded == (Path(old).stem,)
    assert (data / old).read_bytes() == content


def test_a_correction_taken_back_restores_the_first_digest(data, tmp_path):
    first = take(data, daily_file(tmp_path, CLOSES)).partitions[0]
    second = take(data, daily_file(tmp_path, (90.0,), sessions=("2024-11-27",))).partitions[0]
    third = take(data, daily_file(tmp_path, CLOSES)).partitions[0]
    (held,) = load_catalog(data).partitions
    assert third == first
    assert held.superseded == (Path(second).stem,)


def test_years_and_symbols_are_merged_where_they_belong(data, tmp_path):
    take(data, daily_file(tmp_path, CLOSES))
    summary = take(data, write_csv(tmp_path, [
        daily_line("2024-12-02", "BBB", 7.0), daily_line("2025-01-02", "BBB", 8.0),
    ]))  # fmt: skip
    assert [name.split("/")[4] for name in summary.partitions] == ["2024", "2025"]
    assert partition(data, summary, 0)["symbol"].to_list() == ["AAA"] * 5 + ["BBB"]
    assert partition(data, summary, 1)["symbol"].to_list() == ["BBB"]


def test_feeds_and_adjustments_are_never_mixed(data, tmp_path):
    path = daily_file(tmp_path, CLOSES)
    for feed, adjustment in (("test", "split"), ("test", "raw"), ("other", "split")):
        assert take(data, path, feed=feed, adjustment=adjustment).bars_added == 5
    shelves = {item.key.shelf for item in load_catalog(data).partitions}
    assert shelves == {SHELF, Shelf("1Day", "test", "raw"), Shelf("1Day", "other", "split")}


@pytest.mark.parametrize(
    ("bar", "code"),
    [
        ("2024-11-26,AAA,0,102,97,100,1000", "price-invalid"),
        ("2024-11-26,AAA,-1,102,97,100,1000", "price-invalid"),
        ("2024-11-26,AAA,99,102,97,NaN,1000", "price-invalid"),
        ("2024-11-26,AAA,99,inf,97,100,1000", "price-invalid"),
        ("2024-11-26,AAA,99,102,,100,1000", "price-invalid"),
        ("2024-11-26,AAA,99,99.5,97,100,1000", "ohlc-inconsistent"),  # high below close
        ("2024-11-26,AAA,103,102,97,100,1000", "ohlc-inconsistent"),  # high below open
        ("2024-11-26,AAA,99,102,99.5,100,1000", "ohlc-inconsistent"),  # low above open
        ("2024-11-26,AAA,101,102,100.5,100,1000", "ohlc-inconsistent"),  # low above close
        ("2024-11-26,AAA,99,102,97,100,-1", "volume-invalid"),
        ("2024-11-26,AAA,99,102,97,100,", "volume-invalid"),
        ("2024-11-28,AAA,99,102,97,100,1000", "not-a-session"),
    ],
)
def test_a_bar_that_cannot_be_believed_is_kept_and_quarantined(data, tmp_path, bar, code):
    summary = take(data, write_csv(tmp_path, [daily_line("2024-11-25"), bar]))
    session = bar[:10]
    assert [(e.symbol, e.session.isoformat(), e.code) for e in summary.quarantined] == [
        ("AAA", session, code)
    ]
    assert faults(data) == {("AAA", session, code)}
    assert partition(data, summary).height == 2


@pytest.mark.parametrize("bar", ["2024-11-26,AAA,1,1,1,1,0", "2024-11-26,AAA,99,102,97,97,5"])
def test_a_flat_bar_and_a_close_at_the_low_are_sound(data, tmp_path, bar):
    assert not take(data, write_csv(tmp_path, [bar])).quarantined


def test_two_different_bars_of_one_time_are_both_kept_and_quarantined(data, tmp_path):
    lines = [daily_line("2024-11-25", close=100.0), daily_line("2024-11-25", close=101.0)]
    summary = take(data, write_csv(tmp_path, lines))
    assert faults(data) == {("AAA", "2024-11-25", "duplicate-bar")}
    assert partition(data, summary).height == 2
    assert take(data, write_csv(tmp_path, lines)).is_unchanged


def test_a_row_said_twice_is_one_bar(data, tmp_path):
    summary = take(data, write_csv(tmp_path, [daily_line("2024-11-25")] * 3))
    assert summary.rows_repeated == 2
    assert summary.bars_added == 1
    assert not summary.quarantined


def test_a_corrected_bar_is_released(data, tmp_path):
    take(data, write_csv(tmp_path, ["2024-11-25,AAA,9,8,7,8,1", "2024-11-26,AAA,9,8,7,8,1"]))
    take(data, write_csv(tmp_path, [daily_line("2024-11-25")]))
    assert faults(data) == {("AAA", "2024-11-26", "ohlc-inconsistent")}


def test_one_of_two_duplicates_is_a_correction(data, tmp_path):
    one, two = daily_line("2024-11-25", close=100.0), daily_line("2024-11-25", close=101.0)
    take(data, write_csv(tmp_path, [one, two]))
    summary = take(data, write_csv(tmp_path, [two]))
    assert summary.bars_changed == 1
    assert partition(data, summary)["close"].to_list() == [101.0]
    assert faults(data) == set()


def test_rows_beyond_the_session_table_are_dropped_and_counted(data, tmp_path):
    lines = [daily_line("2006-12-29"), daily_line("2024-11-25"), daily_line("2028-01-03")]
    summary = take(data, write_csv(tmp_path, lines))
    assert (summary.rows_outside_table, summary.bars_added) == (2, 1)


def test_splits_and_dividends_stay_when_a_file_does_not_speak_of_them(data, tmp_path):
    heading = HEADING + ",split,dividend"
    take(data, write_csv(tmp_path, [daily_line("2024-11-25") + ",4,0.5"], heading=heading))
    summary = take(data, write_csv(tmp_path, [daily_line("2024-11-25", close=99.0)]))
    row = partition(data, summary).row(0, named=True)
    assert (row["close"], row["split_ratio"], row["dividend"]) == (99.0, 4.0, 0.5)


@pytest.mark.parametrize("ratio", ["0", "1", ""])
def test_no_split_has_one_spelling(data, tmp_path, ratio):
    line = daily_line("2024-11-25") + f",{ratio}"
    summary = take(data, write_csv(tmp_path, [line], heading=HEADING + ",split"))
    assert partition(data, summary)["split_ratio"].to_list() == [1.0]


def split_file(folder, closes):
    """Three bars; the second is at a 4:1 split."""
    lines = [
        daily_line(session, close=close) + f",{ratio}"
        for session, close, ratio in zip(SESSIONS[:3], closes, (0, 4, 0), strict=True)
    ]
    return write_csv(folder, lines, heading=HEADING + ",split")


@pytest.mark.parametrize(
    ("closes", "said", "is_believed"),
    [
        ((400.0, 101.0, 102.0), "raw", True),
        ((400.0, 101.0, 102.0), "split", False),
        ((400.0, 101.0, 102.0), "all", False),
        ((100.0, 101.0, 102.0), "split", True),
        ((100.0, 101.0, 102.0), "all", True),
        ((100.0, 101.0, 102.0), "raw", False),
    ],
)
def test_a_file_must_be_adjusted_as_it_is_said_to_be(data, tmp_path, closes, said, is_believed):
    path = split_file(tmp_path, closes)
    if is_believed:
        assert take(data, path, adjustment=said).bars_added == 3
        return
    with pytest.raises(MarketDataError, match=f"declared {said}") as caught:
        take(data, path, adjustment=said)
    assert caught.value.value == "AAA 2024-11-26 4"
    assert not (data / "catalog.json").exists()


MINUTES = [f"2024-11-29T{hhmm}:00Z" for hhmm in ("14:29", "14:30", "14:31", "17:59", "18:00")]


def test_minute_bars_outside_regular_hours_are_dropped_half_days_respected(data, tmp_path):
    lines = minute_lines([*MINUTES, "2024-11-28T15:00:00Z", "2024-11-30T15:00:00Z"])
    summary = take(data, write_csv(tmp_path, lines), timeframe="1Min")
    assert summary.rows_outside_hours == 4
    rows = partition(data, summary)
    assert [f"{start:%H:%M}" for start in rows["start"]] == ["14:30", "14:31", "17:59"]
    assert set(rows["session"]) == {dt.date(2024, 11, 29)}


def test_minute_partitions_are_by_symbol_and_month_of_the_session(data, tmp_path):
    lines = minute_lines(["2024-11-29T14:30:00Z", "2024-11-29T14:31:00Z", "2024-12-02T14:30:00Z"])
    lines += minute_lines(["2024-12-02T14:30:00Z"], symbol="BRK.B")
    summary = take(data, write_csv(tmp_path, lines), timeframe="1Min")
    assert [name.rsplit("/", 1)[0] for name in summary.partitions] == [
        "bars/1Min/test/split/AAA/2024-11",
        "bars/1Min/test/split/AAA/2024-12",
        "bars/1Min/test/split/BRK.B/2024-12",
    ]


def test_bars_of_five_minutes_are_refused(data, tmp_path):
    starts = [f"2024-11-29T14:{minute}:00Z" for minute in (30, 35, 40)]
    with pytest.raises(MarketDataError, match="5 minutes apart"):
        take(data, write_csv(tmp_path, minute_lines(starts)), timeframe="1Min")


def test_minute_bars_with_holes_are_minute_bars(data, tmp_path):
    starts = [f"2024-11-29T14:{minute}:00Z" for minute in (30, 35, 36)]
    summary = take(data, write_csv(tmp_path, minute_lines(starts)), timeframe="1Min")
    assert summary.bars_added == 3


def test_a_file_wholly_outside_regular_hours_imports_nothing(data, tmp_path):
    summary = take(data, write_csv(tmp_path, minute_lines(MINUTES[:1])), timeframe="1Min")
    assert (summary.rows_outside_hours, summary.symbols, summary.first) == (1, (), None)
    assert summary.is_unchanged


def test_minutes_wholly_outside_the_session_table_import_nothing(data, tmp_path):
    path = write_csv(tmp_path, minute_lines(["2006-12-29T15:00:00Z"]))
    summary = take(data, path, timeframe="1Min")
    assert (summary.rows_outside_table, summary.bars_added, summary.is_unchanged) == (1, 0, True)


def test_a_wrong_minute_puts_its_session_in_quarantine(data, tmp_path):
    lines = [*minute_lines(MINUTES[1:3]), "2024-11-29T14:32:00Z,AAA,9,8,7,8,1"]
    take(data, write_csv(tmp_path, lines), timeframe="1Min")
    shelf = Shelf("1Min", "test", "split")
    assert faults(data, shelf) == {("AAA", "2024-11-29", "ohlc-inconsistent")}


def test_index_values_may_stand_on_dates_without_session(data, tmp_path):
    lines = ["2024-11-27,14.1", "2024-11-28,13.9", "2024-11-29,0"]
    path = write_csv(tmp_path, lines, heading="date,close")
    summary = take(data, path, kind="index", symbol="VIX")
    assert summary.partitions[0].startswith("index/test/VIX/2024/")
    assert faults(data, Shelf("index", "test", "none")) == {("VIX", "2024-11-29", "price-invalid")}


@pytest.mark.parametrize(
    "wrong",
    [
        {"kind": "news"}, {"timeframe": "5Min"}, {"adjustment": "dividend"}, {"feed": "IEX Feed"},
        {"feed": "../x"}, {"kind": "index", "timeframe": "1Min"},
    ],
)  # fmt: skip
def test_arguments_that_we_do_not_know(data, tmp_path, wrong):
    with pytest.raises(UsageError) as caught:
        take(data, daily_file(tmp_path, CLOSES), **wrong)
    assert caught.value.exit_code == 2
    assert not data.exists()


def test_a_refused_file_leaves_the_store_as_it_was(data, tmp_path):
    take(data, daily_file(tmp_path, CLOSES))
    before = tree(data)
    with pytest.raises(MarketDataError):
        take(data, write_csv(tmp_path, [daily_line("2024-11-25").replace("100.0", "x")]))
    assert tree(data) == before


def test_a_dry_run_judges_and_writes_nothing(data, tmp_path):
    path = write_csv(tmp_path, ["2024-11-25,AAA,9,8,7,8,1"])
    summary = import_to(data, path, shelf_of("bars", "1Day", "split", "test"), is_dry_run=True)
    assert summary.bars_added == 1
    assert len(summary.quarantined) == 1
    assert not data.exists()


def test_two_imports_at_once(data, tmp_path):
    path = daily_file(tmp_path, CLOSES)
    with FileLock(data / "catalog.lock").hold(), pytest.raises(LockHeld):
        take(data, path)


def test_a_crash_before_the_catalog_leaves_the_old_store_in_force(data, tmp_path, monkeypatch):
    take(data, daily_file(tmp_path, CLOSES))
    before = load_catalog(data)
    with monkeypatch.context() as patch:
        patch.setattr("quantcli.shell.bar_import.save_catalog", _crash)
        with pytest.raises(KeyboardInterrupt):
            take(data, daily_file(tmp_path, (90.0,), sessions=("2024-11-27",)))
    assert load_catalog(data) == before
    again = take(data, daily_file(tmp_path, (90.0,), sessions=("2024-11-27",)))
    assert partition(data, again)["close"][2] == 90.0


def _crash(*_):
    raise KeyboardInterrupt


def test_the_stored_partition_is_verified_before_it_is_merged(data, tmp_path):
    (name,) = take(data, daily_file(tmp_path, CLOSES)).partitions
    (data / name).write_bytes(b"x" + (data / name).read_bytes()[1:])
    with pytest.raises(MarketDataError, match="not what was imported") as caught:
        take(data, daily_file(tmp_path, (90.0,), sessions=("2024-11-27",)))
    assert caught.value.value == name


def test_the_import_is_on_record(data, tmp_path):
    path = daily_file(tmp_path, CLOSES)
    take(data, path)
    take(data, path)  # changed nothing, so it is not
    (record,) = load_catalog(data).imports
    assert (record.file, record.rows) == ("bars.csv", 5)
    assert record.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()


def test_progress_counts_the_partitions(data, tmp_path):
    told = []
    path = write_csv(tmp_path, [daily_line("2024-11-25"), daily_line("2023-11-27")])
    import_to(data, path, SHELF, progress=lambda done, total: told.append((done, total)))
    assert told == [(1, 2), (2, 2)]


def test_prices_and_volumes_are_the_files_floats(data, tmp_path):
    line = "2024-11-25,AAA,0.1,1e3,0.09999999999999999,0.30000000000000004,9007199254740993"
    rows = partition(data, take(data, write_csv(tmp_path, [line])))
    row = rows.row(0, named=True)
    assert (row["open"], row["high"]) == (0.1, 1000.0)
    assert (row["low"], row["close"]) == (0.09999999999999999, 0.1 + 0.2)
    assert row["volume"] == 9007199254740992.0  # the nearest float64
    assert set(rows.dtypes) == {pl.String, pl.Date, pl.Float64}
