"""Reading: windows, quarantine, pins, verification; expected values stand in the test."""

import datetime as dt
import hashlib
from pathlib import Path

import numpy as np
import pytest

from quantcli.contracts.bars import IndexValue
from quantcli.contracts.corporate_actions import split_of
from quantcli.contracts.envelope import InputRef
from quantcli.contracts.errors import BarsMissing, MarketDataError, SessionError
from quantcli.ports.market_data import MarketData
from quantcli.shell.bar_store import BarStore
from tests.shell.bar_files import HEADING, daily_file, daily_line, minute_lines, take, write_csv

NAN = float("nan")
DEC_02 = dt.date(2024, 12, 2)


@pytest.fixture
def data(tmp_path):
    """Return a store: AAA with a hole and a bad bar, BBB from the third session on."""
    folder = tmp_path / "desk" / "data"
    lines = [
        daily_line("2024-11-25", "AAA", 100.0),
        daily_line("2024-11-27", "AAA", 102.0),
        "2024-11-29,AAA,9,8,7,8,1",
        daily_line("2024-12-02", "AAA", 104.0),
        daily_line("2024-11-27", "BBB", 50.0, volume=7),
        daily_line("2024-11-29", "BBB", 51.0),
        daily_line("2024-12-02", "BBB", 52.0),
    ]
    take(folder, write_csv(tmp_path, lines))
    return folder


@pytest.fixture
def store(data):
    return BarStore(data, "test", "split")


def names(refs):
    return [ref.name.rsplit("/", 1)[0] for ref in refs]


def test_rows_are_sessions_columns_are_symbols_and_no_bar_is_nan(store):
    matrix = store.daily(DEC_02, 5)
    assert matrix.symbols == ("AAA", "BBB")
    assert [f"{session:%m-%d}" for session in matrix.sessions] == [
        "11-25", "11-26", "11-27", "11-29", "12-02",
    ]  # fmt: skip
    np.testing.assert_array_equal(
        matrix.close, [[100, NAN], [NAN, NAN], [102, 50], [NAN, 51], [104, 52]]
    )
    np.testing.assert_array_equal(matrix.open[2], [101, 49])
    np.testing.assert_array_equal(matrix.high[2], [104, 52])
    np.testing.assert_array_equal(matrix.low[2], [99, 47])
    np.testing.assert_array_equal(matrix.volume[2], [1000, 7])
    assert (matrix.feed, matrix.adjustment) == ("test", "split")


def test_a_quarantined_bar_is_nan_in_every_column(store):
    matrix = store.daily(DEC_02, 2)
    for column in (matrix.open, matrix.high, matrix.low, matrix.close, matrix.volume):
        assert np.isnan(column[0, 0])
        assert not np.isnan(column[0, 1])
    assert store.quarantined() == {"AAA": [dt.date(2024, 11, 29)]}


def test_the_window_ends_at_the_last_session_not_after_the_date(store):
    sunday = store.daily(dt.date(2024, 12, 1), 2)
    assert sunday.sessions == (dt.date(2024, 11, 27), dt.date(2024, 11, 29))
    np.testing.assert_array_equal(sunday.close, [[102, 50], [NAN, 51]])


def test_sessions_after_the_last_bar_are_rows_of_nan(store):
    matrix = store.daily(dt.date(2024, 12, 4), 3)
    np.testing.assert_array_equal(matrix.close, [[104, 52], [NAN, NAN], [NAN, NAN]])


def test_the_answer_names_its_partitions_and_the_quarantine_list(store, data):
    refs = store.daily(DEC_02, 5).refs
    assert names(refs) == ["bars/1Day/test/split/2024", "quarantine/1Day/test/split"]
    assert all((data / ref.name).stem.split(".")[0] == ref.sha256 for ref in refs)


def test_a_window_over_new_year_names_both_years_and_only_those(store, data, tmp_path):
    take(data, daily_file(tmp_path, (90.0,), "OLD", ("2022-06-01",)))
    take(data, daily_file(tmp_path, (95.0,), "ODD", ("2023-12-29",)))
    take(data, daily_file(tmp_path, (96.0,), "AAA", ("2024-01-02",)))
    fresh = BarStore(data, "test", "split")
    matrix = fresh.daily(dt.date(2024, 1, 2), 2)
    assert names(matrix.refs) == [
        "bars/1Day/test/split/2023", "bars/1Day/test/split/2024", "quarantine/1Day/test/split",
    ]  # fmt: skip
    assert matrix.symbols == ("AAA", "BBB", "ODD")
    np.testing.assert_array_equal(matrix.close, [[NAN, NAN, 95], [96, NAN, NAN]])


def test_a_year_without_partition_is_nan(store):
    matrix = store.daily(dt.date(2025, 1, 3), 3)
    assert names(matrix.refs)[0] == "bars/1Day/test/split/2024"
    assert np.isnan(matrix.close).all()


def test_nothing_can_be_written_into_an_answer(store):
    with pytest.raises(ValueError, match="read-only"):
        store.daily(DEC_02, 5).close[0, 0] = 1.0


def test_a_store_reads_its_catalog_once(store, data, tmp_path):
    before = store.daily(DEC_02, 5)
    take(data, daily_file(tmp_path, (10.0,), "AAA", ("2024-12-02",)))
    assert store.daily(DEC_02, 5).refs == before.refs
    assert BarStore(data, "test", "split").daily(DEC_02, 1).close[0, 0] == 10.0


def test_a_pinned_store_answers_as_on_the_day_whatever_was_imported_since(store, data, tmp_path):
    before = store.daily(DEC_02, 5)
    other = InputRef(name="2024-12-02/083000/scan.json", sha256="0" * 64)
    take(data, write_csv(tmp_path, [daily_line("2024-11-29", "AAA", 10.0)]))
    take(data, daily_file(tmp_path, (10.0,), "CCC", ("2024-12-02",)))
    now = BarStore(data, "test", "split")
    assert now.quarantined() == {}
    (data / "catalog.json").unlink()
    pinned = now.pinned((*before.refs, other))
    again = pinned.daily(DEC_02, 5)
    assert (again.symbols, again.refs) == (before.symbols, before.refs)
    np.testing.assert_array_equal(again.close, before.close)
    assert pinned.quarantined() == {"AAA": [dt.date(2024, 11, 29)]}
    assert pinned.summary("1Day") == (("AAA", "BBB"), dt.date(2024, 11, 25), DEC_02)


def test_a_store_pinned_to_nothing_has_no_bars(store):
    with pytest.raises(BarsMissing):
        store.pinned(()).daily(DEC_02, 5)


def test_pins_of_another_feed_or_two_for_one_year_are_refused(store, data, tmp_path):
    (ref, *_) = store.daily(DEC_02, 5).refs
    foreign = BarStore(data, "other", "split").pinned((ref,))
    with pytest.raises(MarketDataError, match="another feed"):
        foreign.daily(DEC_02, 5)
    take(data, daily_file(tmp_path, (10.0,), "AAA", ("2024-12-02",)))
    newer = BarStore(data, "test", "split").daily(DEC_02, 5).refs[0]
    with pytest.raises(MarketDataError, match="two pinned files"):
        store.pinned((ref, newer)).daily(DEC_02, 5)


@pytest.mark.parametrize(
    "name",
    [
        "bars/1Day/test/split/../../../secret/{0}.parquet",
        "bars/1Day/test/split/2024/{1}.parquet",
    ],
)
def test_a_pin_cannot_leave_the_store_or_lie_about_its_digest(store, name):
    ref = InputRef(name=name.format("a" * 64, "b" * 64), sha256="a" * 64)
    with pytest.raises(MarketDataError):
        store.pinned((ref,)).daily(DEC_02, 5)


def test_a_copy_under_another_name_is_not_the_partition(store, data):
    ref = store.daily(DEC_02, 5).refs[0]
    other = InputRef(name=f"bars/1Day/test/split/2023/{'b' * 64}.parquet", sha256=ref.sha256)
    (data / other.name).parent.mkdir(parents=True)
    (data / other.name).write_bytes((data / ref.name).read_bytes())
    with pytest.raises(MarketDataError, match="not the name of a file"):
        BarStore(data, "test", "split").pinned((other,)).daily(dt.date(2023, 12, 29), 5)


def test_a_flipped_byte_is_found_on_first_reading_and_named(store, data):
    name = BarStore(data, "test", "split").daily(DEC_02, 1).refs[0].name
    content = bytearray((data / name).read_bytes())
    content[len(content) // 2] ^= 1
    (data / name).write_bytes(content)
    with pytest.raises(MarketDataError) as caught:
        store.daily(DEC_02, 5)
    assert (caught.value.code, caught.value.exit_code) == ("bars-invalid", 4)
    assert caught.value.value == name
    assert caught.value.found_sha256 is not None


def test_a_file_that_is_its_digest_but_not_parquet(store, data):
    content = b"not parquet"
    sha256 = hashlib.sha256(content).hexdigest()
    ref = InputRef(name=f"bars/1Day/test/split/2024/{sha256}.parquet", sha256=sha256)
    (data / ref.name).write_bytes(content)
    with pytest.raises(MarketDataError, match="not Parquet") as caught:
        store.pinned((ref,)).daily(DEC_02, 5)
    assert caught.value.value == ref.name


def test_many_windows_keep_their_answers(store, data, tmp_path):
    """More stacks of years than are kept at once: the oldest is laid out again, alike."""
    years = (2012, 2013, 2014, 2015, 2017, 2018, 2019, 2024)
    for year in years[:-1]:
        take(data, daily_file(tmp_path, (float(year),), "OLD", (f"{year}-06-05",)))
    fresh = BarStore(data, "test", "split")
    for _ in range(2):
        for year in years[:-1]:
            matrix = fresh.daily(dt.date(year, 12, 29), 200)
            (column,) = (i for i, symbol in enumerate(matrix.symbols) if symbol == "OLD")
            assert np.nanmax(matrix.close[:, column]) == year


def test_a_missing_partition_is_named(store, data):
    name = BarStore(data, "test", "split").daily(DEC_02, 1).refs[0].name
    (data / name).unlink()
    with pytest.raises(MarketDataError, match="missing") as caught:
        store.session_row(DEC_02)
    assert caught.value.value == name


@pytest.mark.parametrize("index", [0, 1])
def test_a_missing_quarantine_list_is_not_an_empty_one(store, data, index):
    name = BarStore(data, "test", "split").daily(DEC_02, 1).refs[1].name
    (data / name).unlink()
    asks = (lambda: store.daily(DEC_02, 5), store.quarantined)
    with pytest.raises(MarketDataError, match="missing"):
        asks[index]()


@pytest.mark.parametrize("content", [b"", b"{}\n", b'{"a":1}', b"[]\n"])
def test_a_broken_catalog_is_an_error_and_never_an_empty_store(store, data, content):
    (data / "catalog.json").write_bytes(content)
    if content == b"{}\n":
        content = b'{"schema":{"name":"bar-catalog","version":2}}\n'
        (data / "catalog.json").write_bytes(content)
    with pytest.raises(MarketDataError, match="catalog"):
        store.daily(DEC_02, 5)


def test_no_bars_says_what_there_is(data):
    with pytest.raises(BarsMissing) as caught:
        BarStore(data, "test", "raw").daily(DEC_02, 5)
    assert caught.value.value == "held: test/split"
    with pytest.raises(BarsMissing, match="no daily bars of feed iex"):
        BarStore(data / "none", "iex", "split").daily(DEC_02, 5)


def test_the_session_table_bounds_the_window(store):
    with pytest.raises(SessionError):
        store.daily(DEC_02, 6000)


def test_a_bar_on_a_holiday_takes_no_other_sessions_place(tmp_path):
    data = tmp_path / "data"
    lines = [daily_line("2024-11-28", close=7.0), daily_line("2024-12-31", close=8.0),
             daily_line("2024-12-29", close=9.0)]  # fmt: skip
    take(data, write_csv(tmp_path, lines))
    store = BarStore(data, "test", "split")
    for session in (dt.date(2024, 11, 27), dt.date(2024, 11, 29), dt.date(2024, 12, 30)):
        assert store.session_row(session) == {}
    assert store.session_row(dt.date(2024, 12, 31))["AAA"][3] == 8.0


def test_a_session_row_has_the_believable_bars(store):
    assert store.session_row(dt.date(2024, 11, 29)) == {"BBB": (50.0, 53.0, 48.0, 51.0, 1000.0)}
    assert store.session_row(dt.date(2024, 11, 26)) == {}
    assert store.session_row(dt.date(2024, 11, 28)) == {}
    assert store.session_row(dt.date(2019, 11, 29)) == {}


def test_splits_by_date_and_symbol_on_raw_bars_only(tmp_path):
    data = tmp_path / "data"
    lines = [
        daily_line("2024-11-26", "BBB") + ",2",
        daily_line("2024-11-26", "AAA", close=1000.0) + ",0.5",
        daily_line("2024-11-25", "CCC") + ",3",
        daily_line("2024-11-27", "CCC") + ",1",
        daily_line("2025-01-02", "AAA") + ",10",
    ]
    heading = HEADING + ",split"
    take(data, write_csv(tmp_path, lines, heading=heading), adjustment="raw")
    take(data, write_csv(tmp_path, lines[:1], heading=heading), adjustment="split")
    store = BarStore(data, "test", "raw")
    first, last = dt.date(2024, 11, 26), dt.date(2025, 1, 2)
    assert store.actions(first, last).actions == (
        split_of("AAA", first, 0.5), split_of("BBB", first, 2), split_of("AAA", last, 10),
    )  # fmt: skip
    assert store.actions(dt.date(2024, 11, 27), dt.date(2025, 1, 1)).actions == ()
    assert BarStore(data, "test", "split").actions(first, last).actions == ()


@pytest.fixture
def minutes(tmp_path):
    data = tmp_path / "data"
    lines = minute_lines(["2024-11-29T14:31:00Z", "2024-11-29T14:30:00Z", "2024-12-02T14:30:00Z"])
    lines += ["2024-12-03T14:30:00Z,AAA,9,8,7,8,1", *minute_lines(["2024-12-03T14:31:00Z"])]
    lines += minute_lines(["2024-11-29T14:30:00Z"], "BBB", 5.0)
    take(data, write_csv(tmp_path, lines), timeframe="1Min")
    return BarStore(data, "test", "split")


def test_minutes_of_sessions_oldest_first(minutes):
    bars, refs = minutes.minutes("AAA", dt.date(2024, 11, 29), DEC_02)
    assert [f"{bar.start:%m-%d %H:%M %Z}" for bar in bars] == [
        "11-29 14:30 UTC", "11-29 14:31 UTC", "12-02 14:30 UTC",
    ]  # fmt: skip
    assert bars[0][1:] == (100.0, 101.0, 99.0, 100.0, 10.0)
    assert names(refs) == [
        "bars/1Min/test/split/AAA/2024-11", "bars/1Min/test/split/AAA/2024-12",
        "quarantine/1Min/test/split",
    ]  # fmt: skip


def test_a_session_with_a_wrong_minute_has_no_minutes(minutes):
    bars, refs = minutes.minutes("AAA", dt.date(2024, 12, 3), dt.date(2024, 12, 3))
    assert bars == ()
    assert names(refs) == ["bars/1Min/test/split/AAA/2024-12", "quarantine/1Min/test/split"]
    assert minutes.quarantined() == {}  # of daily bars


def test_a_symbol_without_minutes(minutes):
    assert minutes.minutes("ZZZ", dt.date(2024, 11, 29), DEC_02) == ((), ())


def test_pinned_minutes(minutes):
    bars, refs = minutes.minutes("AAA", dt.date(2024, 11, 29), DEC_02)
    pinned = minutes.pinned(refs)
    assert pinned.minutes("AAA", dt.date(2024, 11, 29), DEC_02) == (bars, refs)
    assert pinned.minutes("BBB", dt.date(2024, 11, 29), DEC_02) == ((), ())
    assert pinned.summary("1Min").symbols == ("AAA",)
    assert minutes.summary("1Min").symbols == ("AAA", "BBB")


def test_index_values_of_sessions_only_and_believable_ones_only(tmp_path):
    data = tmp_path / "data"
    lines = ["2024-11-26,14.1", "2024-11-27,14.2", "2024-11-28,99", "2024-11-29,-1",
             "2024-12-02,13.3"]  # fmt: skip
    take(data, write_csv(tmp_path, lines, heading="date,close"), kind="index", symbol="VIX")
    store = BarStore(data, "test", "raw")  # adjustment is no matter
    series = store.index("VIX", DEC_02, 3)
    assert series.values == (IndexValue(dt.date(2024, 11, 27), 14.2), IndexValue(DEC_02, 13.3))
    assert names(series.refs) == ["index/test/VIX/2024", "quarantine/index/test/none"]
    assert store.pinned(series.refs).index("VIX", DEC_02, 3) == series
    assert store.index("VXN", DEC_02, 3).values == ()
    assert store.index("VXN", DEC_02, 3).refs == ()


def test_the_store_is_market_data(store):
    market: MarketData = store
    assert market.summary("1Day") == (("AAA", "BBB"), dt.date(2024, 11, 25), DEC_02)
    assert market.summary("1Min") == ((), None, None)


class TestLists:
    def write(self, data, text, name="lists/earnings.csv"):
        path = data.parent / name
        path.parent.mkdir(exist_ok=True, parents=True)
        path.write_bytes(text)

    def test_a_list_is_read_and_its_bytes_are_kept(self, store, data):
        self.write(data, b"\xef\xbb\xbfsymbol,date\nAAA,2024-12-05\n\n")
        rows, ref = store.table("lists/earnings.csv")
        assert rows == (("symbol", "date"), ("AAA", "2024-12-05"))
        assert ref.name == f"lists/lists/earnings.csv/{ref.sha256}.csv"
        self.write(data, b"symbol,date\n")
        assert store.pinned((ref,)).table("lists/earnings.csv") == (rows, ref)
        assert store.table("lists/earnings.csv")[0] == (("symbol", "date"),)

    def test_nothing_is_kept_in_a_dry_run(self, data):
        self.write(data, b"a,b\n")
        _, ref = BarStore(data, "test", "split", keeps_lists=False).table("lists/earnings.csv")
        assert not (data / ref.name).exists()

    @pytest.mark.parametrize("file", ["/etc/passwd", "../x.csv", "lists/../../x.csv", "none.csv"])
    def test_a_list_lies_in_the_desk(self, store, file):
        with pytest.raises(MarketDataError) as caught:
            store.table(file)
        assert caught.value.value == file

    def test_one_file_has_one_spelling(self, store, data):
        self.write(data, b"a\n")
        with pytest.raises(MarketDataError, match="must lie in"):
            store.table("lists/../lists/earnings.csv")

    def test_a_link_out_of_the_desk_is_not_followed(self, store, data, tmp_path):
        secret = tmp_path / "secret.csv"
        secret.write_text("key\n")
        self.write(data, b"")
        Path(data.parent / "lists" / "link.csv").symlink_to(secret)
        with pytest.raises(MarketDataError):
            store.table("lists/link.csv")

    def test_a_list_of_any_size_is_not_read(self, store, data):
        self.write(data, b"a,b\n" * (5 * 1024 * 1024))
        with pytest.raises(MarketDataError, match="too large"):
            store.table("lists/earnings.csv")

    def test_two_lists_are_told_apart(self, store, data):
        self.write(data, b"a\n", "lists/one.csv")
        self.write(data, b"b\n", "lists/two.csv")
        refs = [store.table(f"lists/{name}.csv")[1] for name in ("one", "two")]
        assert store.pinned(refs).table("lists/two.csv") == ((("b",),), refs[1])

    def test_not_csv_in_utf8(self, store, data):
        self.write(data, b"\xff\xfe")
        with pytest.raises(MarketDataError, match="UTF-8"):
            store.table("lists/earnings.csv")

    def test_a_changed_or_missing_copy(self, store, data):
        self.write(data, b"a,b\n")
        _, ref = store.table("lists/earnings.csv")
        (data / ref.name).write_bytes(b"a,c\n")
        with pytest.raises(MarketDataError, match="changed"):
            store.pinned((ref,)).table("lists/earnings.csv")
        with pytest.raises(MarketDataError, match="no copy"):
            store.pinned(()).table("lists/earnings.csv")
