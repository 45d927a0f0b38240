"""Exchanges over a small market written by hand."""

import datetime as dt
import subprocess
import sys
from pathlib import Path

import pytest
import requests

from tests.exchange.market import KEY, KEYS, SECRET, customer

ROOT = Path(__file__).resolve().parents[2]

# Tuesday, Wednesday, the half day after Thanksgiving, and Monday.
# XYZ on the Tuesday: open 100, then 94 at 11:40, 106 at 13:50, close 102 (New York time).
MARKET = {
    "2024-11-25": {"XYZ": (99, 101, 97, 98), "ABC": (40, 41, 39, 40)},
    "2024-11-26": {"XYZ": (100, 106, 94, 102), "ABC": (40, 44, 36, 42)},
    "2024-11-27": {"XYZ": (96, 99, 90, 95), "ABC": (42, 43, 41, 42)},
    "2024-11-29": {"XYZ": (95, 98, 93, 97), "ABC": (42, 43, 41, 42)},
    "2024-12-02": {"XYZ": (97, 104, 96, 103), "ABC": (42, 43, 41, 42)},
}
#: ABC halves on the half day; on the tape it does not show.
SPLITS = [("2024-11-29", "ABC", 2.0)]


@pytest.fixture
def market():
    return MARKET


@pytest.fixture
def queued():
    """Return a customer at 08:00 on the Tuesday, before the open, with 100,000 USD in cash."""
    return customer(MARKET)


@pytest.fixture
def holder():
    """Return a customer at 08:00 on the Tuesday who bought 10 XYZ at 99 at Monday's open."""
    someone = customer(MARKET, opening_at=dt.datetime(2024, 11, 25, 13, tzinfo=dt.UTC))
    someone.send("XYZ", 10, "buy", "limit", "99")
    someone.to("2024-11-26T13:00:00Z")
    return someone


@pytest.fixture
def start(tmp_path):
    """Return a function that starts a server over one book and returns process and address."""
    running = []

    def go(*more):
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.exchange.serving", str(tmp_path / "book.sqlite3"), *more],
            cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        running.append(process)
        return process, process.stdout.readline().strip()

    yield go
    for process in running:
        process.kill()
        process.wait()
        process.stdout.close()
        process.stderr.close()


@pytest.fixture
def url(start):
    return start()[1]


@pytest.fixture
def session():
    with requests.Session() as session:
        session.trust_env = False
        session.headers.update(KEYS)
        yield session


@pytest.fixture
def client(url):
    """Return alpaca-py's trading client."""
    from alpaca.trading.client import TradingClient

    client = TradingClient(KEY, SECRET, url_override=url)
    client._session.trust_env = False
    return client


@pytest.fixture
def data(url):
    """Return alpaca-py's client for stock data."""
    from alpaca.data.historical import StockHistoricalDataClient

    client = StockHistoricalDataClient(KEY, SECRET, url_override=url)
    client._session.trust_env = False
    return client


@pytest.fixture
def actions(url):
    """Return alpaca-py's client for corporate actions."""
    from alpaca.data.historical.corporate_actions import CorporateActionsClient

    client = CorporateActionsClient(KEY, SECRET, url_override=url)
    client._session.trust_env = False
    return client


@pytest.fixture
def advance(url, session):
    """Return a function that moves the served clock."""

    def move(to):
        session.post(f"{url}/_sim/clock", json={"to": to}, timeout=10).raise_for_status()

    return move
