"""The check: each finding on bars made for it, and what it does to the quarantine."""

import datetime as dt

import pytest

from quantcli.contracts.errors import BarsMissing, LockHeld, MarketDataError
from quantcli.shell.bar_check import check_store
from quantcli.shell.bar_store import BarStore
from quantcli.shell.catalog import load_catalog, save_catalog
from quantcli.shell.lock import FileLock
from tests.shell.bar_files import (
    HEADING,
    SESSIONS,
    daily_file,
    daily_line,
    minute_lines,
    take,
    write_csv,
)


@pytest.fixture
def data(tmp_path):
    return tmp_path / "data"


def told(data, **options):
    """Return the findings as (severity, code, subject, MM-DD, count)."""
    return [
        (
            item.severity,
            item.code,
            item.subject,
            f"{item.session:%m-%d}" if item.session else "",
            item.occurrences,
        )
        for item in check_store(data, **options).findings
    ]


def quarantined(data):
    return BarStore(data, "test", "split").quarantined()


def test_a_clean_store(data, tmp_path):
    take(data, daily_file(tmp_path, (100.0, 101.0, 102.0, 103.0, 104.0)))
    report = check_store(data)
    assert report == ((), 1, 5, 0, 0)
    assert report.exit_code == 0


def test_a_gap_between_first_and_last_is_told(data, tmp_path):
    sessions = ("2024-11-25", "2024-11-29", "2024-12-02")
    take(data, daily_file(tmp_path, (100.0, 101.0, 102.0), sessions=sessions))
    assert told(data) == [("warning", "gap", "AAA", "11-26", 2)]


def gap_details(data):
    found = [item for item in check_store(data).findings if item.code == "gap"]
    return [(f"{item.session:%m-%d}", item.occurrences, item.detail) for item in found]


def test_each_gap_says_only_what_is_absent(data, tmp_path):
    """Bars lie between the two gaps: no sentence may span them."""
    sessions = ("2024-11-25", "2024-11-29", "2024-12-02", "2024-12-04")
    take(data, daily_file(tmp_path, (100.0,) * 4, sessions=sessions))
    assert gap_details(data) == [
        ("11-26", 2, "no bars in the 2 sessions from 2024-11-26 to 2024-11-27"),
        ("12-03", 1, "no bar"),
    ]


def test_many_gaps_are_counted_in_one_line(data, tmp_path):
    """Every other session from December 2 to 16, the 14th and 15th being a weekend."""
    days = (2, 4, 6, 10, 12, 16)
    sessions = [f"2024-12-{day:02}" for day in days]
    take(data, daily_file(tmp_path, (100.0,) * 6, sessions=sessions))
    assert [row[:2] for row in gap_details(data)] == [
        ("12-03", 1), ("12-05", 1), ("12-09", 1), ("12-11", 1), ("12-13", 1),
    ]  # fmt: skip
    take(data, daily_file(tmp_path, (100.0,), sessions=["2024-12-19"]))
    assert gap_details(data) == [
        ("12-03", 7, "7 sessions in 6 gaps without bars, the first 2024-12-03, the last 2024-12-18")
    ]


def test_a_symbol_that_ends_early_is_stale(data, tmp_path):
    take(data, daily_file(tmp_path, (100.0,) * 5))
    take(data, daily_file(tmp_path, (50.0,) * 3, "BBB", SESSIONS[:3]))
    assert told(data) == [("warning", "stale", "BBB", "11-27", 2)]


@pytest.mark.parametrize(
    ("closes", "found"),
    [
        ((100, 101, 1010, 102, 103), [("quarantined", "spike", "AAA", "11-27", 1)]),
        ((100, 101, 10.2, 102, 103), [("quarantined", "spike", "AAA", "11-27", 1)]),
        ((100, 100, 141, 109, 109), [("quarantined", "spike", "AAA", "11-27", 1)]),
        ((100, 100, 139, 109, 109), []),  # not 40 %
        ((100, 100, 55, 50, 52), [("warning", "jump", "AAA", "11-27", 1)]),  # it stays there
        ((100, 100, 55, 80, 79), [("warning", "jump", "AAA", "11-27", 1),
                                  ("warning", "jump", "AAA", "11-29", 1)]),  # half the way back
        ((100, 101, 102, 103, 1030), [("warning", "jump", "AAA", "12-02", 1)]),  # nothing after
    ],
)  # fmt: skip
def test_a_close_that_jumps(data, tmp_path, closes, found):
    take(data, daily_file(tmp_path, [float(close) for close in closes]))
    assert told(data) == found


def test_a_spike_is_quarantined_and_the_bar_stays_as_it_is(data, tmp_path):
    (name,) = take(data, daily_file(tmp_path, (100.0, 101.0, 1010.0, 102.0, 103.0))).partitions
    before = (data / name).read_bytes()
    assert check_store(data)[3:] == (1, 0)
    assert quarantined(data) == {"AAA": [dt.date(2024, 11, 27)]}
    assert (data / name).read_bytes() == before
    assert [item.ref.name for item in load_catalog(data).partitions] == [name]
    assert check_store(data)[3:] == (0, 0)  # a second check moves nothing


def test_a_corrected_spike_is_released_at_once(data, tmp_path):
    take(data, daily_file(tmp_path, (100.0, 101.0, 1010.0, 102.0, 103.0)))
    check_store(data)
    take(data, daily_file(tmp_path, (1010.0,), sessions=("2024-11-27",)))
    assert quarantined(data) == {"AAA": [dt.date(2024, 11, 27)]}  # the same again corrects nothing
    take(data, daily_file(tmp_path, (101.5,), sessions=("2024-11-27",)))
    assert quarantined(data) == {}


def test_a_spike_explained_by_later_bars_is_released_by_the_next_check(data, tmp_path):
    take(data, daily_file(tmp_path, (100.0, 101.0, 1010.0, 102.0, 103.0)))
    check_store(data)
    take(data, daily_file(tmp_path, (1000.0, 1001.0), sessions=SESSIONS[3:]))
    assert check_store(data)[3:] == (0, 1)
    assert quarantined(data) == {}


@pytest.mark.parametrize(
    ("adjustment", "found"),
    [("raw", []), ("split", [("warning", "jump", "AAA", "11-27", 1)])],
)
def test_a_split_explains_a_move_of_raw_bars_only(data, tmp_path, adjustment, found):
    closes = (400.0, 404.0, 101.0, 102.0, 103.0)
    ratios = (0, 0, 4, 0, 0)
    lines = [
        daily_line(session, close=close) + f",{ratio}"
        for session, close, ratio in zip(SESSIONS, closes, ratios, strict=True)
    ]
    # Two more splits that were applied outvote the one that was not, or the file is refused.
    lines += [daily_line(s, x, 10.0) + ",2" for s in SESSIONS[1:] for x in ("BBB", "CCC")]
    lines += [daily_line(SESSIONS[0], x, 10.0) + ",0" for x in ("BBB", "CCC")]
    if adjustment == "raw":
        lines = lines[:5]
    path = write_csv(tmp_path, lines, heading=HEADING + ",split")
    take(data, path, adjustment=adjustment)
    assert told(data) == found


def test_a_spike_of_raw_bars_on_the_eve_of_a_split(data, tmp_path):
    closes, ratios = (100.0, 100.0, 1000.0, 25.0, 25.0), (0, 0, 0, 4, 0)
    lines = [
        daily_line(session, close=close) + f",{ratio}"
        for session, close, ratio in zip(SESSIONS, closes, ratios, strict=True)
    ]
    # A split that shows in its price, or the file is not taken for raw.
    closes, ratios = (80.0, 80.0, 20.0, 20.0, 20.0), (0, 0, 4, 0, 0)
    lines += [
        daily_line(session, "BBB", close) + f",{ratio}"
        for session, close, ratio in zip(SESSIONS, closes, ratios, strict=True)
    ]
    take(data, write_csv(tmp_path, lines, heading=HEADING + ",split"), adjustment="raw")
    assert told(data) == [("quarantined", "spike", "AAA", "11-27", 1)]


def test_wicks_and_bars_without_volume_are_told(data, tmp_path):
    lines = [
        "2024-11-25,AAA,100,101,99,100,0",
        "2024-11-26,AAA,100,141,99,100,5",
        "2024-11-27,AAA,100,101,59,100,5",
        "2024-11-29,AAA,100,139,61,100,0",
    ]
    take(data, write_csv(tmp_path, lines))
    assert told(data) == [
        ("warning", "long-wick", "AAA", "11-26", 2),
        ("note", "no-volume", "AAA", "11-25", 2),
    ]


def test_faults_of_single_bars_are_listed_and_left_out_of_the_rest(data, tmp_path):
    take(data, write_csv(tmp_path, [
        daily_line("2024-11-25"), "2024-11-26,AAA,1000,900,1000,1000,1", daily_line("2024-11-27"),
    ]))  # fmt: skip
    assert told(data) == [("quarantined", "ohlc-inconsistent", "AAA", "11-26", 1)]


def test_minutes_that_are_absent_are_told(data, tmp_path):
    starts = [f"2024-11-29T{14 + n // 60:02}:{n % 60:02}:00Z" for n in range(30, 240)]
    assert len(starts) == 210  # all of the half day
    lines = minute_lines(starts) + minute_lines(["2024-12-03T14:30:00Z"])
    take(data, write_csv(tmp_path, lines), timeframe="1Min")
    assert told(data) == [
        ("warning", "gap", "AAA", "12-02", 1),
        ("note", "minutes-missing", "AAA", "12-03", 1),
    ]


def minute_jumps(data):
    found = [item for item in check_store(data).findings if item.code == "jump"]
    return [
        (item.severity, item.subject, f"{item.session:%m-%d}", item.occurrences, item.detail)
        for item in found
    ]


def two_minutes(session, price, symbol="AAA"):
    return minute_lines([f"{session}T14:30:00Z", f"{session}T14:31:00Z"], symbol, price)


@pytest.mark.parametrize(
    ("adjustment", "cause"),
    [("split", "no split explains it"), ("raw", "a split may explain raw bars")],
)
def test_a_split_that_minute_bars_jump_at(data, tmp_path, adjustment, cause):
    """Four for one overnight, in one symbol of two; the other moves by less than 40 %."""
    lines = two_minutes("2024-11-26", 404.0) + two_minutes("2024-11-27", 101.0)
    lines += two_minutes("2024-11-26", 100.0, "BBB") + two_minutes("2024-11-27", 139.0, "BBB")
    take(data, write_csv(tmp_path, lines), timeframe="1Min", adjustment=adjustment)
    detail = f"close 404 of 2024-11-26 then 101, {cause}"
    assert minute_jumps(data) == [("warning", "AAA", "11-27", 1, detail)]


def test_a_minute_that_jumps_away_and_back(data, tmp_path):
    starts = [f"2024-11-26T14:3{minute}:00Z" for minute in range(4)]
    lines = [
        line
        for start, price in zip(starts, (100.0, 101.0, 1010.0, 102.0), strict=True)
        for line in minute_lines([start], price=price)
    ]
    take(data, write_csv(tmp_path, lines), timeframe="1Min")
    detail = "close 101 of 2024-11-26 then 1010, no split explains it"
    assert minute_jumps(data) == [("warning", "AAA", "11-26", 2, detail)]


def test_index_values_without_session_are_a_note(data, tmp_path):
    lines = ["2024-11-26,14.1", "2024-11-28,13.9", "2024-11-29,13.5"]
    path = write_csv(tmp_path, lines, heading="date,close")
    take(data, path, kind="index", symbol="VIX")
    assert told(data) == [
        ("warning", "gap", "VIX", "11-27", 1),
        ("note", "not-a-session", "VIX", "11-28", 1),
    ]


def test_a_damaged_file_is_named_and_nothing_it_held_is_released(data, tmp_path):
    take(data, write_csv(tmp_path, ["2024-11-25,AAA,9,8,7,8,1"]))
    (name,) = take(data, daily_file(tmp_path, (5.0,), "BBB", ("2023-11-27",))).partitions
    kept = quarantined(data)
    victim = next(i.ref.name for i in load_catalog(data).partitions if i.period == "2024")
    (data / victim).write_bytes(b"x")
    report = check_store(data)
    assert report.exit_code == 4
    assert report.findings[0][:2] + report.findings[0][3:4] == ("damaged", "bars-invalid", victim)
    assert quarantined(data) == kept == {"AAA": [dt.date(2024, 11, 25)]}
    assert name != victim


def test_an_older_partition_must_be_there_to_prove_past_days(data, tmp_path):
    (old,) = take(data, daily_file(tmp_path, (100.0,) * 5)).partitions
    take(data, daily_file(tmp_path, (90.0,), sessions=("2024-12-02",)))
    assert check_store(data).exit_code == 0
    (data / old).unlink()
    assert told(data) == [("damaged", "bars-invalid", old, "", 1)]


def test_a_damaged_quarantine_list_is_told_and_made_anew(data, tmp_path):
    take(data, write_csv(tmp_path, ["2024-11-25,AAA,9,8,7,8,1"]))
    (ref,) = (item.ref for item in load_catalog(data).quarantine)
    (data / ref.name).unlink()
    assert check_store(data).exit_code == 4
    assert quarantined(data) == {"AAA": [dt.date(2024, 11, 25)]}
    assert check_store(data).exit_code == 0


def test_a_catalog_that_misstates_a_partition(data, tmp_path):
    take(data, daily_file(tmp_path, (100.0,) * 5))
    catalog = load_catalog(data)
    wrong = catalog.partitions[0].model_copy(update={"rows": 4})
    save_catalog(data, catalog.model_copy(update={"partitions": (wrong,)}))
    assert [row[:2] for row in told(data)] == [("damaged", "bars-invalid")]


def test_a_dry_run_finds_and_writes_nothing(data, tmp_path):
    take(data, daily_file(tmp_path, (100.0, 101.0, 1010.0, 102.0, 103.0)))
    before = (data / "catalog.json").read_bytes()
    assert check_store(data, is_dry_run=True).quarantined_added == 1
    assert (data / "catalog.json").read_bytes() == before
    assert not (data / "quarantine").exists()


def test_an_empty_store_and_a_broken_catalog(data):
    with pytest.raises(BarsMissing):
        check_store(data)
    data.mkdir()
    (data / "catalog.json").write_bytes(b"{")
    with pytest.raises(MarketDataError, match="catalog"):
        check_store(data)


def test_not_during_an_import(data, tmp_path):
    take(data, daily_file(tmp_path, (100.0,) * 5))
    with FileLock(data / "catalog.lock").hold(), pytest.raises(LockHeld):
        check_store(data)
