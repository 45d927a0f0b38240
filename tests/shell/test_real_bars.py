"""The real files: what their own description says of them, found again after import."""

import datetime as dt
import time

import numpy as np
import polars as pl
import pytest

from quantcli.contracts.corporate_actions import split_of
from quantcli.contracts.errors import MarketDataError
from quantcli.core.sessions import sessions_between
from quantcli.shell.bar_check import check_store
from quantcli.shell.bar_import import import_file
from quantcli.shell.bar_store import BarStore

pytestmark = [pytest.mark.data, pytest.mark.slow]

SPLIT_ADJUSTED = "daily/us_daily_split_adjusted_20111128_20250131.parquet"
RAW = "daily/us_daily_raw_20120103_20210421.parquet"
VIX = "vix/vix_daily_20110103_20250131.parquet"
SPY_MINUTES = "minute/SPY_1m_20240326_20250131.parquet"
LEAN = "minute/lean_1m_samples.parquet"
FIVE_MINUTES = "minute/SPY_5m_20180102_20201231.parquet"


@pytest.fixture(scope="module")
def data(data_dir, tmp_path_factory):
    """Return a store with the split-adjusted bars, VIX and a file of minutes."""
    folder = tmp_path_factory.mktemp("real") / "data"
    options = {"adjustment": "split", "feed": "real"}
    daily = import_file(folder, data_dir / SPLIT_ADJUSTED, **options)
    assert (daily.bars_added, len(daily.symbols), daily.quarantined) == (456_596, 138, ())
    index = import_file(folder, data_dir / VIX, kind="index", **options)
    assert index.bars_added == 3563
    minutes = import_file(folder, data_dir / SPY_MINUTES, timeframe="1Min", **options)
    assert (minutes.bars_added, minutes.rows_outside_hours) == (82_920, 607)
    return folder


@pytest.fixture(scope="module")
def store(data):
    return BarStore(data, "real", "split")


def test_every_float_of_the_daily_file_comes_out_as_it_went_in(store, data_dir):
    source = pl.read_parquet(data_dir / SPLIT_ADJUSTED)
    last = dt.date(2025, 1, 31)
    matrix = store.daily(last, len(sessions_between(dt.date(2011, 11, 28), last)))
    rows = {session: row for row, session in enumerate(matrix.sessions)}
    columns = {symbol: column for column, symbol in enumerate(matrix.symbols)}
    at = [rows[day] for day in source["date"]], [columns[name] for name in source["symbol"]]
    for name in ("open", "high", "low", "close", "volume"):
        ours = getattr(matrix, name)
        np.testing.assert_array_equal(ours[at], source[name].to_numpy().astype(float))
        assert np.isfinite(ours).sum() == source.height


def test_importing_again_is_no_change(data, data_dir):
    again = import_file(data, data_dir / SPLIT_ADJUSTED, adjustment="split", feed="real")
    assert again.is_unchanged
    assert again.bars_unchanged == 456_596


def test_the_real_bars_pass_the_check(data):
    report = check_store(data)
    assert report.exit_code == 0
    severities = {item.severity for item in report.findings}
    assert severities <= {"warning", "note"}
    # The oil price war's Monday is a true fall: told, not quarantined.
    jumps = {(item.subject, item.session) for item in report.findings if item.code == "jump"}
    assert {("APA", dt.date(2020, 3, 9)), ("OXY", dt.date(2020, 3, 9))} <= jumps
    assert not [item for item in report.findings if item.code == "gap"]


def test_vix_on_the_day_of_the_yen_unwinding(store):
    (value,) = store.index("VIX", dt.date(2024, 8, 5), 1).values
    assert value == (dt.date(2024, 8, 5), 38.57)


def test_values_on_holidays_are_never_given(store):
    series = store.index("VIX", dt.date(2025, 1, 31), 300)
    assert [value.session for value in series.values] == list(
        sessions_between(series.values[0].session, dt.date(2025, 1, 31))
    )


@pytest.mark.parametrize(
    ("session", "bars", "first", "last"),
    [
        (dt.date(2024, 7, 3), 210, "13:30", "16:59"),  # half day in summer
        (dt.date(2024, 11, 29), 210, "14:30", "17:59"),  # half day in winter
        (dt.date(2024, 11, 1), 390, "13:30", "19:59"),
        (dt.date(2024, 11, 4), 390, "14:30", "20:59"),
    ],
)
def test_minutes_are_those_of_regular_hours(store, session, bars, first, last):
    found, _ = store.minutes("SPY", session, session)
    assert len(found) == bars
    assert (f"{found[0].start:%H:%M}", f"{found[-1].start:%H:%M}") == (first, last)


def test_minutes_agree_with_the_daily_bar(store):
    session = dt.date(2024, 12, 18)
    bars, _ = store.minutes("SPY", session, session)
    daily = store.session_row(session)["SPY"]
    assert max(bar.high for bar in bars) == pytest.approx(daily[1], rel=5e-4)
    assert min(bar.low for bar in bars) == pytest.approx(daily[2], rel=5e-4)


def test_minutes_over_a_split_are_in_the_shares_of_the_last_day(tmp_path, data_dir):
    folder = tmp_path / "data"
    lean = import_file(folder, data_dir / LEAN, timeframe="1Min", adjustment="raw", feed="real")
    assert (lean.bars_added, lean.rows_outside_hours) == (10_917, 16_679 - 10_917)
    import_file(folder, data_dir / RAW, adjustment="raw", feed="real")
    raw = BarStore(folder, "real", "raw")
    before, after = dt.date(2014, 6, 6), dt.date(2014, 6, 9)
    bars, _ = raw.minutes("AAPL", before, after)
    alone, _ = raw.minutes("AAPL", before, before)
    assert 640 < alone[0].open < 660
    assert bars[0].open == pytest.approx(alone[0].open / 7)
    assert bars[0].volume == pytest.approx(alone[0].volume * 7)
    assert 90 < bars[-1].close < 95
    told = raw.actions(before, after).actions
    assert [each for each in told if each.symbol == "AAPL"] == [split_of("AAPL", after, 7)]


def test_splits_are_known_by_ex_date_and_daily_rows_are_rebased(tmp_path, data_dir):
    folder = tmp_path / "data"
    import_file(folder, data_dir / RAW, adjustment="raw", feed="real")
    raw = BarStore(folder, "real", "raw")
    friday, monday = dt.date(2020, 8, 28), dt.date(2020, 8, 31)
    told = raw.actions(monday, monday, kinds=frozenset({"split"}))
    assert told.actions == (split_of("AAPL", monday, 4), split_of("TSLA", monday, 5))
    before = raw.daily(friday, 2)
    on_the_day = raw.daily(friday, 2, in_shares_of=monday)
    for symbol, ratio in (("AAPL", 4), ("TSLA", 5), ("MSFT", 1)):
        place = before.symbols.index(symbol)
        assert on_the_day.close[:, place] == pytest.approx(before.close[:, place] / ratio)
        assert on_the_day.volume[:, place] == pytest.approx(before.volume[:, place] * ratio)
    over = raw.daily(monday, 2)
    place = over.symbols.index("AAPL")
    # Monday's own row is in Monday's shares: 127.58 at the open, and its volume as it was.
    assert over.open[1, place] == 127.58
    assert over.open[0, place] == pytest.approx(raw.session_row(friday)["AAPL"][0] / 4)
    pinned = raw.pinned(on_the_day.refs).daily(friday, 2, in_shares_of=monday)
    assert np.array_equal(pinned.close, on_the_day.close, equal_nan=True)


@pytest.mark.parametrize(
    ("file", "options", "words"),
    [
        (FIVE_MINUTES, {"timeframe": "1Min"}, "5 minutes apart"),
        (FIVE_MINUTES, {}, "not midnights"),
        (SPLIT_ADJUSTED, {"timeframe": "1Min"}, "its times are dates"),
        (SPLIT_ADJUSTED, {"adjustment": "raw"}, "at 47 of its 47 splits the price ignores"),
        (RAW, {}, "at 26 of its 26 splits the price falls by"),
        (VIX, {}, "no column for volume"),
    ],
)
def test_a_file_that_is_not_what_it_is_said_to_be(tmp_path, data_dir, file, options, words):
    with pytest.raises(MarketDataError, match=words) as caught:
        import_file(
            tmp_path / "data", data_dir / file, **{"adjustment": "split", "feed": "r", **options}
        )
    assert "\n" not in caught.value.line()
    assert not (tmp_path / "data" / "catalog.json").exists()


def test_a_replay_reads_each_partition_once(store):
    """Successive windows are views: far below the millisecond a session may spend on them."""
    sessions = sessions_between(dt.date(2024, 8, 1), dt.date(2025, 1, 31))
    store.daily(sessions[-1], 260)
    store.daily(sessions[0], 260)
    started = time.perf_counter()
    for session in sessions:
        store.daily(session, 260)
    assert (time.perf_counter() - started) / len(sessions) < 0.005
