"""The made-up market: the same everywhere and for ever, well-formed, and marked as made up."""

import datetime as dt
import hashlib
import subprocess
import sys

import pytest

from quantcli.core.sessions import is_session, sessions_ending
from quantcli.lab.demo_desk import LAST_SESSION
from quantcli.lab.demo_market import (
    BENCHMARK,
    HISTORY_SESSIONS,
    INDEX,
    bars_csv,
    index_csv,
    make_market,
)

#: Of the files that `demo` imports with its default seed; a change here changes every demo.
GOLDEN = {
    "bars": "8b8f04c3b3cef93c014af2692e9894e6068b10bc5299f50c45d2a69b838477d6",
    "index": "aa228dc3a0175c26e46ddf698140c4c549da13c49b1dc058d0e304fcebcb525d",
}

PRINT = """
import hashlib
from quantcli.lab.demo_desk import LAST_SESSION
from quantcli.lab.demo_market import bars_csv, index_csv, make_market
market = make_market(7, LAST_SESSION, 15)
for text in (bars_csv(market), index_csv(market)):
    print(hashlib.sha256(text.encode()).hexdigest())
"""


def digests(market):
    texts = {"bars": bars_csv(market), "index": index_csv(market)}
    return {name: hashlib.sha256(text.encode()).hexdigest() for name, text in texts.items()}


@pytest.fixture(scope="module")
def market():
    return make_market(7, LAST_SESSION, 15)


def test_the_same_as_ever(market):
    assert digests(market) == GOLDEN


def test_the_same_in_another_process_and_environment(root):
    environment = {"PYTHONHASHSEED": "7", "TZ": "Pacific/Auckland", "LC_ALL": "C", "PATH": ""}
    done = subprocess.run(
        [sys.executable, "-c", PRINT],
        env=environment,
        cwd=root,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.stdout.split() == list(GOLDEN.values()), done.stderr


def test_another_seed_is_another_market(market):
    assert digests(make_market(8, LAST_SESSION, 15)) != digests(market)


def test_more_sessions_end_on_the_same_day():
    market = make_market(7, LAST_SESSION, 3)

    assert max(bar.session for bar in market.bars) == LAST_SESSION
    assert {bar.session for bar in market.bars} == set(
        sessions_ending(LAST_SESSION, HISTORY_SESSIONS + 3)
    )


def test_every_symbol_has_a_bar_in_every_session(market):
    days = {bar.session for bar in market.bars}
    symbols = {bar.symbol for bar in market.bars}

    assert len(symbols) == 25
    assert len(market.bars) == len(days) * len(symbols)
    assert all(is_session(day) for day in days)
    assert [day for day, _ in market.index_values] == sorted(days)
    assert list(market.bars) == sorted(market.bars)


def test_bars_are_bars(market):
    for bar in market.bars:
        assert 0 < bar.low <= min(bar.open, bar.close), bar
        assert bar.high >= max(bar.open, bar.close), bar
        assert bar.volume > 0
        assert all(round(each, 2) == each for each in bar[2:6])


def test_everything_is_marked_as_made_up(market):
    assert all(bar.symbol.startswith("SYN") for bar in market.bars)
    assert BENCHMARK.startswith("SYN")
    assert INDEX.startswith("SYN")


def test_fewer_symbols_do_not_change_the_others(market):
    few = make_market(7, LAST_SESSION, 15, symbols=3)
    kept = {bar.symbol for bar in few.bars}

    assert len(kept) == 4
    assert few.bars == tuple(bar for bar in market.bars if bar.symbol in kept)


def test_files_by_hand(market):
    small = market._replace(bars=market.bars[:1], index_values=market.index_values[:1])
    bar = small.bars[0]

    assert bars_csv(small) == (
        "symbol,date,open,high,low,close,volume\n"
        f"SYNA,{bar.session.isoformat()},{bar.open},{bar.high},{bar.low},{bar.close},{bar.volume}\n"
    )
    assert index_csv(small).splitlines()[0] == "symbol,date,close"
    assert bar.session == dt.date(2023, 8, 11)
