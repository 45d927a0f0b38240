"""Answers that Alpaca really gave are read whole, without a field nobody told us of."""

import datetime as dt
import json

import pytest

from quantcli.shell.fetch.alpaca_bars import AlpacaBars
from quantcli.shell.fetch.answers import Ask
from quantcli.shell.secrets import Keys
from tests.shell.fetch.vendors import line

ASK = Ask("1Day", ("AAPL",), dt.datetime(2020, 1, 1, tzinfo=dt.UTC),
          dt.datetime(2025, 1, 1, tzinfo=dt.UTC))  # fmt: skip


def pages_of_stocks(value):
    """Yield every page of stock bars within a JSON value."""
    if isinstance(value, dict):
        bars = value.get("bars")
        if isinstance(bars, dict) and {"AAPL", "TSLA"}.intersection(bars):
            yield value
        for each in value.values():
            yield from pages_of_stocks(each)
    elif isinstance(value, list):
        for each in value:
            yield from pages_of_stocks(each)


@pytest.mark.data
def test_recorded_pages_of_stock_bars(data_dir):
    source = AlpacaBars(line(), "http://127.0.0.1:1", Keys("k", "s"), "iex", "split")
    found = [
        source.read(ASK, json.dumps(value).encode())
        for path in sorted((data_dir / "alpaca_json").glob("*.json"))
        for value in pages_of_stocks(json.loads(path.read_bytes()))
        if isinstance(next(iter(value["bars"].values())), list)
    ]

    assert len(found) >= 3
    assert [page.faults for page in found if page.faults] == []
    assert {name for page in found for name in page.drift} <= {"currency"}
    assert all(page.bars for page in found)
