"""What a file of bars may look like, and how each other kind is refused in one line."""

import datetime as dt

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from quantcli.contracts.errors import MarketDataError, UsageError
from quantcli.shell.bar_source import read_source
from tests.shell.bar_files import HEADING, daily_line, minute_lines, write_csv

LINE = daily_line("2024-11-25")


def test_names_are_recognised_in_any_case_and_spelling(tmp_path):
    path = write_csv(
        tmp_path,
        ["2024-11-25,AAA,99,102,97,100,1000,55,0.25,2"],
        heading="Timestamp,TICKER,O,H,L,C,Vol,Adj Close,Dividends,Stock Splits",
    )
    row = read_source(path, "1Day", None).row(0, named=True)
    assert row == {
        "symbol": "AAA", "session": dt.date(2024, 11, 25), "open": 99.0, "high": 102.0,
        "low": 97.0, "close": 100.0, "volume": 1000.0, "split_ratio": 2.0, "dividend": 0.25,
    }  # fmt: skip


def test_absent_optional_columns_are_null(tmp_path):
    rows = read_source(write_csv(tmp_path, [LINE]), "1Day", None)
    assert rows["split_ratio"].to_list() == [None]
    assert rows["dividend"].to_list() == [None]


@pytest.mark.parametrize(
    "stamp",
    [
        "2024-11-25",
        "2024-11-25T00:00:00",
        "2024-11-25T00:00:00Z",
        "2024-11-25T05:00:00Z",  # midnight in New York, in winter
        "2024-11-25T00:00:00-05:00",
    ],
)
def test_a_daily_bar_is_stamped_with_a_date_or_a_midnight(tmp_path, stamp):
    path = write_csv(tmp_path, [LINE.replace("2024-11-25", stamp)])
    assert read_source(path, "1Day", None)["session"].to_list() == [dt.date(2024, 11, 25)]


def test_midnight_in_new_york_in_summer(tmp_path):
    path = write_csv(tmp_path, [LINE.replace("2024-11-25", "2024-07-01T04:00:00Z")])
    assert read_source(path, "1Day", None)["session"].to_list() == [dt.date(2024, 7, 1)]


def test_instants_in_parquet_keep_their_zone(tmp_path):
    path = tmp_path / "bars.parquet"
    stamps = pl.Series([dt.datetime(2024, 11, 25, 14, 30, tzinfo=dt.UTC)]).dt.convert_time_zone(
        "Pacific/Auckland"
    )
    ones = {name: [1.0] for name in ("open", "high", "low", "close", "volume")}
    pl.DataFrame({"ts": stamps, "symbol": ["AAA"], **ones}).write_parquet(path)
    rows = read_source(path, "1Min", None)
    assert rows["start"].to_list() == [dt.datetime(2024, 11, 25, 14, 30, tzinfo=dt.UTC)]
    assert rows.schema["start"] == pl.Datetime("us", "UTC")


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_text_becomes_the_nearest_float(tmp_path_factory, number):
    line = f"2024-11-25,AAA,{number!r},1,1,1,1"
    path = write_csv(tmp_path_factory.mktemp("floats"), [line])
    assert read_source(path, "1Day", None)["open"][0] == number


def refused(path, series="1Day", symbol=None):
    with pytest.raises((MarketDataError, UsageError)) as caught:
        read_source(path, series, symbol)
    line = caught.value.line()
    assert "\n" not in line
    return caught.value.code, line


@pytest.mark.parametrize("missing", ["open", "volume", "date"])
def test_a_missing_column_is_named(tmp_path, missing):
    frame = pl.read_csv(write_csv(tmp_path, [LINE])).drop(missing)
    path = tmp_path / "less.csv"
    frame.write_csv(path)
    code, line = refused(path)
    assert code == "bars-invalid"
    assert f"less.csv has no column for {'time' if missing == 'date' else missing}" in line
    assert "accepted names" in line


def test_two_columns_for_one_thing(tmp_path):
    path = write_csv(tmp_path, ["2024-11-25," + LINE], heading="ts," + HEADING)
    assert "two columns for time [ts, date]" in refused(path)[1]


@pytest.mark.parametrize(
    ("name", "content", "code", "words"),
    [
        ("bars.parquet", b"not parquet", "bars-invalid", "cannot be read"),
        ("bars.csv", b"", "bars-invalid", "cannot be read"),
        ("bars.csv", HEADING.encode(), "bars-invalid", "holds no rows"),
        ("bars.xlsx", b"x", "usage", "only .parquet and .csv"),
    ],
)
def test_an_unreadable_file(tmp_path, name, content, code, words):
    path = tmp_path / name
    path.write_bytes(content)
    found, line = refused(path)
    assert found == code
    assert words in line


def test_no_such_file(tmp_path):
    assert refused(tmp_path / "none.csv")[0] == "usage"


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        (",100.0,", ",abc,", "not a number [abc]"),
        ("AAA", "aaa", "without a symbol such as AAPL or BRK.B [aaa]"),
        ("AAA", "BRK-B", "[BRK-B]"),
        ("AAA", "", "1 rows without a symbol"),
        ("2024-11-25", "25/11/24", "holds no dates or instants [25/11/24]"),
        ("2024-11-25", "2024-11-25T14:30:00Z", "not midnights"),
        ("2024-11-25", "1732545000", "holds no dates"),
    ],
)
def test_a_wrong_value_is_shown(tmp_path, old, new, words):
    assert words in refused(write_csv(tmp_path, [LINE.replace(old, new)]))[1]


def test_a_row_without_date(tmp_path):
    path = write_csv(tmp_path, [LINE, LINE.replace("2024-11-25", "")])
    assert "1 rows without a time" in refused(path)[1]


def test_the_symbol_of_a_file_without_symbols(tmp_path):
    heading = HEADING.replace("symbol,", "")
    path = write_csv(tmp_path, [LINE.replace("AAA,", "")], heading=heading)
    assert refused(path)[1].endswith("name the symbol with --symbol")
    assert "not a symbol" in refused(path, symbol="../etc")[1]
    assert read_source(path, "1Day", "BRK.B")["symbol"].to_list() == ["BRK.B"]


def test_the_named_symbol_must_be_the_files(tmp_path):
    path = write_csv(tmp_path, [LINE, LINE.replace("AAA", "BBB")])
    code, line = refused(path, symbol="AAA")
    assert code == "usage"
    assert "holds BBB too" in line


@pytest.mark.parametrize(
    ("stamp", "words"),
    [
        ("2024-11-25T14:30:00", "time zone"),
        ("2024-11-25", "its times are dates"),
        ("2024-11-25T14:30:30Z", "not a whole minute"),
    ],
)
def test_minute_bars_say_when_they_start(tmp_path, stamp, words):
    code, line = refused(write_csv(tmp_path, minute_lines([stamp])), "1Min")
    assert code == "bars-invalid"
    assert words in line


def test_an_index_needs_its_close_only(tmp_path):
    path = write_csv(tmp_path, ["2024-11-25,14.6"], heading="DATE,CLOSE")
    rows = read_source(path, "index", "VIX")
    assert rows.row(0) == ("VIX", dt.date(2024, 11, 25), None, None, None, 14.6)


@pytest.mark.parametrize("series", ["1Day", "1Min"])
def test_a_number_is_not_a_time(tmp_path, series):
    path = tmp_path / "bars.parquet"
    ones = {name: [1.0] for name in ("open", "high", "low", "close", "volume")}
    pl.DataFrame({"ts": [1732545000], "symbol": ["AAA"], **ones}).write_parquet(path)
    assert "holds no dates or instants [1732545000]" in refused(path, series)[1]
