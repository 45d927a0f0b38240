"""Corporate actions from a file: merged, immutable, believed over the bars."""

import datetime as dt
from decimal import Decimal

import pytest

from quantcli.contracts.corporate_actions import CorporateAction, dividend_of, split_of
from quantcli.contracts.errors import MarketDataError
from quantcli.shell.action_list import import_actions
from quantcli.shell.bar_check import check_store
from quantcli.shell.bar_store import BarStore
from quantcli.shell.catalog import load_catalog
from tests.shell.bar_files import HEADING, daily_line, take, write_csv

COLUMNS = "symbol,ex_date,type,ratio,amount,new_symbol"
DAY = dt.date(2024, 11, 26)
YEAR = dt.date(2024, 1, 1), dt.date(2024, 12, 31)


def listed(data, *lines):
    """Import lines of corporate actions."""
    return import_actions(data, write_csv(data.parent, lines, COLUMNS, "actions.csv"))


def told(data, adjustment="raw"):
    return BarStore(data, "test", adjustment).actions(*YEAR).actions


@pytest.fixture
def data(tmp_path):
    return tmp_path / "data"


@pytest.mark.parametrize(
    ("words", "ratio"),
    [("4", 4), ("4:1", 4), ("1:20", 0.05), ("3/2", 1.5), ("0.05", 0.05), ("1.281", 1.281)],
)
def test_ratios_as_people_write_them(data, words, ratio):
    listed(data, f"AAA,2024-11-26,split,{words},,")
    assert told(data) == (split_of("AAA", DAY, ratio),)


def test_each_kind(data):
    listed(
        data,
        "AAA,2024-11-26,forward_split,4,,",
        "BBB,2024-11-26,cash_dividend,,0.8225,",
        "CCC,2024-11-26,name_change,,,DDD",
        "EEE,2024-11-26,none,,,",
    )
    assert told(data) == (
        split_of("AAA", DAY, 4),
        dividend_of("BBB", DAY, Decimal("0.8225")),
        CorporateAction(symbol="CCC", ex_date=DAY, kind="rename", new_symbol="DDD"),
        CorporateAction(symbol="EEE", ex_date=DAY, kind="none"),
    )


def test_parquet_says_the_same(data):
    import polars as pl

    path = data.parent / "actions.parquet"
    row = {"symbol": ["AAA"], "ex_date": [DAY], "type": ["split"], "ratio": [4.0]}
    pl.DataFrame(row).write_parquet(path)
    import_actions(data, path)
    assert told(data) == (split_of("AAA", DAY, 4),)


@pytest.mark.parametrize(
    "line",
    [
        "AAA,2024-11-26,split,,,", "AAA,2024-11-26,split,0,,", "AAA,2024-11-26,split,1,,",
        "AAA,2024-11-26,split,four,,", "AAA,2024-11-26,dividend,,-1,", "AAA,2024-11-26,dividend,,,",
        "AAA,2024-11-26,rename,,,AAA", "AAA,2024-11-26,rename,,,", "AAA,2024-11-26,merger,,,",
        "aaa,2024-11-26,none,,,", "AAA,26.11.2024,none,,,", ",2024-11-26,none,,,",
        "AAA,2024-11-26,split,NaN,,", "AAA,2024-11-26,split,1:0,,",
    ],
)  # fmt: skip
def test_a_row_that_says_nothing_refuses_the_file(data, line):
    with pytest.raises(MarketDataError, match=r"actions.csv, row 2"):
        listed(data, "BBB,2024-11-26,split,2,,", line)
    assert not (data / "catalog.json").exists()


def test_rows_that_contradict_each_other_refuse_the_file(data):
    with pytest.raises(MarketDataError, match="contradicts an earlier row"):
        listed(data, "AAA,2024-11-26,split,2,,", "AAA,2024-11-26,split,3,,")


def test_a_newer_row_takes_the_place_and_the_old_list_can_be_opened(data):
    first = listed(data, "AAA,2024-11-26,split,4,,", "BBB,2024-11-26,split,2,,")
    before = BarStore(data, "test", "raw").actions(*YEAR)
    again = listed(data, "AAA,2024-11-26,split,5,,")
    assert (again.added, again.changed, again.actions) == (0, 1, 2)
    assert told(data) == (split_of("AAA", DAY, 5), split_of("BBB", DAY, 2))
    assert BarStore(data, "test", "raw").pinned(before.refs).actions(*YEAR) == before
    assert load_catalog(data).actions.superseded == (first.sha256,)
    assert listed(data, "AAA,2024-11-26,split,5,,").is_unchanged
    assert load_catalog(data).actions.superseded == (first.sha256,)


def test_a_store_pinned_to_bars_alone_knows_no_list(data):
    listed(data, "AAA,2024-11-26,split,4,,")
    assert BarStore(data, "test", "raw").pinned(()).actions(*YEAR) == ((), ())


def test_a_list_is_believed_over_the_bars(data):
    lines = [
        f"{daily_line('2024-11-25', close=1000.0)},1,0",
        f"{daily_line('2024-11-26')},10,0.5",
    ]
    take(data, write_csv(data.parent, lines, f"{HEADING},split,dividend"), adjustment="raw")
    assert told(data) == (dividend_of("AAA", DAY, 0.5), split_of("AAA", DAY, 10))
    listed(data, "AAA,2024-11-26,split,5,,")
    assert told(data) == (dividend_of("AAA", DAY, 0.5), split_of("AAA", DAY, 5))
    listed(data, "AAA,2024-11-26,none,,,")
    assert told(data) == (CorporateAction(symbol="AAA", ex_date=DAY, kind="none"),)
    listed(data, "AAA,2024-11-26,split,20,,")
    assert told(data) == (dividend_of("AAA", DAY, 0.5), split_of("AAA", DAY, 20))


def test_prices_adjusted_for_splits_show_no_split_and_dividends_of_smaller_shares(data):
    listed(data, "AAA,2024-11-25,dividend,,1,", "AAA,2024-11-26,split,4,,",
           "AAA,2024-11-27,dividend,,1,", "BBB,2024-11-26,rename,,,CCC")  # fmt: skip
    rename = CorporateAction(symbol="BBB", ex_date=DAY, kind="rename", new_symbol="CCC")
    paid = [dt.date(2024, 11, 25), dt.date(2024, 11, 27)]
    assert told(data, "split") == (
        dividend_of("AAA", paid[0], 0.25), rename, dividend_of("AAA", paid[1], 1.0),
    )  # fmt: skip
    assert told(data, "all") == (rename,)


def test_a_changed_list_is_found(data):
    take(data, write_csv(data.parent, [daily_line("2024-11-26")]))
    listed(data, "AAA,2024-11-26,split,4,,")
    listed(data, "AAA,2024-11-26,split,5,,")
    for path in (data / "corporate-actions").iterdir():
        path.chmod(0o600)
        path.write_bytes(path.read_bytes().replace(b"AAA", b"ABA"))
    with pytest.raises(MarketDataError, match="not what was imported"):
        told(data)
    report = check_store(data)
    assert report.exit_code == 4
    assert sum(item.severity == "damaged" for item in report.findings) == 2


def test_rows_before_a_rename_are_found_under_the_new_symbol(data):
    lines = [daily_line("2024-11-25", "BBB"), daily_line("2024-11-26", "CCC", close=101.0)]
    take(data, write_csv(data.parent, lines), adjustment="raw")
    listed(data, "BBB,2024-11-26,rename,,,CCC")
    matrix = BarStore(data, "test", "raw").daily(DAY, 2)
    assert matrix.close[:, matrix.symbols.index("CCC")].tolist() == [100.0, 101.0]
