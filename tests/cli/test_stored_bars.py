"""The bar store as the exchange sees it, and the served exchange's own limit."""

import datetime as dt
import json
import subprocess
import sys

import pytest
import requests

from quantcli.cli.init_desk import make_desk
from quantcli.cli.venue import StoredBars
from quantcli.contracts.corporate_actions import split_of
from quantcli.shell.bar_store import BarStore
from tests.shell.bar_files import HEADING, daily_line, take, write_csv

FIRST, LAST = dt.date(2024, 1, 1), dt.date(2024, 12, 31)


@pytest.fixture
def store(tmp_path):
    """Return a store of raw bars: ten for one on the second day."""
    lines = [f"{daily_line('2024-11-25', close=1000.0)},1", f"{daily_line('2024-11-26')},10"]
    take(tmp_path / "data", write_csv(tmp_path, lines, f"{HEADING},split_ratio"), adjustment="raw")
    return BarStore(tmp_path / "data", "test", "raw")


def test_splits_happen_on_raw_prices(store):
    raw = StoredBars(store)

    assert raw.actions(FIRST, LAST) == (split_of("AAA", dt.date(2024, 11, 26), 10),)
    assert raw.actions(FIRST, dt.date(2024, 11, 25)) == ()
    assert raw.session_row(dt.date(2024, 11, 26)) == store.session_row(dt.date(2024, 11, 26))


@pytest.mark.slow
def test_the_served_exchange_takes_a_limit(tmp_path):
    root = tmp_path / "desk"
    make_desk(root, name="desk", git=False)
    keys = json.loads((root / "exchange/keys.json").read_text())
    sent = {"APCA-API-KEY-ID": keys["key_id"], "APCA-API-SECRET-KEY": keys["secret"]}
    words = ["exchange", "serve", "--desk", str(root), "--requests-per-minute", "2"]
    with subprocess.Popen(
        [sys.executable, "-m", "quantcli", *words], stdout=subprocess.PIPE, text=True
    ) as process:
        url = json.loads(process.stdout.readline())["url"]
        with requests.Session() as session:
            session.trust_env = False
            answers = [session.get(f"{url}/v2/clock", headers=sent, timeout=10) for _ in range(3)]
        process.kill()

    assert [each.status_code for each in answers] == [200, 200, 429]
    assert answers[0].headers["X-Ratelimit-Limit"] == "2"
