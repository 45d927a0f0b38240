"""Lists of earnings and sectors: unreadable is an error, uncovered is blocked."""

import datetime as dt

import pytest

from quantcli.contracts.errors import MarketDataError
from quantcli.core.listings import earnings_of, screen_earnings, sectors_of
from quantcli.core.sieve import Drop, Sieve

SESSION = dt.date(2024, 8, 2)


def test_earnings_are_sorted_by_symbol():
    table = [
        ["Symbol", "Date"],
        ["msft ", "2024-10-30"],
        ["AAPL", "2024-08-01"],
        ["", ""],
        ["MSFT", "2024-07-30"],
    ]

    assert earnings_of(table) == {
        "MSFT": (dt.date(2024, 7, 30), dt.date(2024, 10, 30)),
        "AAPL": (dt.date(2024, 8, 1),),
    }


def test_sectors_may_repeat_themselves_but_not_contradict():
    table = [["symbol", "sector"], ["AAPL", "Tech"], ["AAPL", "Tech"], ["XOM", "Energy"]]

    assert sectors_of(table) == {"AAPL": "Tech", "XOM": "Energy"}
    with pytest.raises(MarketDataError, match="line 5 of the sector list"):
        sectors_of([*table, ["AAPL", "Energy"]])


@pytest.mark.parametrize(
    "row",
    [["MSFT", "30.10.2024"], ["MSFT", "20241030"], ["MSFT"], ["", "2024-10-30"], ["A", "B", "C"]],
)
def test_a_line_that_cannot_be_read_is_an_error(row):
    with pytest.raises(MarketDataError, match="line 3 of the") as error:
        earnings_of([["symbol", "date"], ["AAPL", "2024-08-01"], row])

    assert row[0] in error.value.value


@pytest.mark.parametrize("table", [[], [["symbol", "when"]], [["MSFT", "2024-10-30"]], [["", ""]]])
def test_a_list_needs_its_heading(table):
    with pytest.raises(MarketDataError, match="heading symbol,date"):
        earnings_of(table)


def test_an_empty_sector_is_an_error():
    with pytest.raises(MarketDataError, match="line 2 of the sector list"):
        sectors_of([["symbol", "sector"], ["AAPL", ""]])


@pytest.mark.parametrize(
    ("dates", "drop"),
    [
        (["2024-08-01", "2024-08-05"], None),  # three days ahead
        (["2024-08-04"], Drop("earnings-near", "2024-08-04", "more than 2 days after 2024-08-02")),
        (["2024-08-02"], Drop("earnings-near", "2024-08-02", "more than 2 days after 2024-08-02")),
        (["2024-08-01"], Drop("earnings-missing", None, "a date from 2024-08-02 on")),
        ([], Drop("earnings-missing", None, "a date from 2024-08-02 on")),
    ],
)
def test_earnings_blackout(dates, drop):
    sieve = Sieve(("AAPL",))

    screen_earnings(sieve, {"AAPL": [dt.date.fromisoformat(each) for each in dates]}, SESSION, 2)

    assert sieve.drops == ({} if drop is None else {"AAPL": drop})
