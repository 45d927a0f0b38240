"""Minute bars: the same four prints within each minute, and the daily bar is not used."""

import pytest

from tests.exchange.market import customer

DAILY = {"2024-11-25": {"MIN": (50, 50, 50, 50)}, "2024-11-26": {"MIN": (50, 90, 10, 50)}}
MINUTES = {
    ("2024-11-26", "MIN"): [
        ("2024-11-26T14:29:00Z", 1, 1, 1, 1),  # before the open: no print
        ("2024-11-26T14:30:00Z", 50, 52, 49, 51),
        ("2024-11-26T14:31:00Z", 48, 49, 47, 48.5),  # gaps down from 51
        ("2024-11-26T20:59:00Z", 60, 61, 59, 60.5),
        ("2024-11-26T21:00:00Z", 99, 99, 99, 99),  # the closing auction's bar: outside
    ]
}


@pytest.fixture
def trader():
    return customer(DAILY, MINUTES)


def test_stamps_within_the_minute(trader):
    seen = []
    trader.send("MIN", 1, "buy")
    for second in ("30:00", "30:20", "30:39", "30:40", "31:00", "31:20"):
        trader.to(f"2024-11-26T14:{second}Z")
        seen.append(trader.position("MIN")["current_price"])

    # 49 is the low at 20 seconds, 52 the high at 40; at 31:00 the close of the first minute
    # prints before the open of the second.
    assert seen == ["50", "49", "49", "52", "48", "47"]


@pytest.mark.parametrize(
    ("kind", "price", "at", "fill"),
    [
        ("market", None, "2024-11-26T14:30:00Z", "50"),
        ("limit", "49.5", "2024-11-26T14:30:20Z", "49.5"),
        ("limit", "48.5", "2024-11-26T14:31:00Z", "48"),  # the gap gives a better price
        ("limit", "12", None, None),  # the daily bar's low of 10 never printed
        ("stop", "51.5", "2024-11-26T14:30:40Z", "51.5"),
        ("stop", "55", "2024-11-26T20:59:00Z", "60"),  # the gap gives a worse one
        ("stop", "98", None, None),
    ],
)
def test_buys(trader, kind, price, at, fill):
    trader.send("MIN", 1, "buy", kind, price)
    trader.to("2024-11-26T22:00:00Z")

    assert trader.fills() == ([(at, "buy", "1", fill)] if at else [])


def test_stop_in_a_gap_between_minutes_fills_at_the_worse_open(trader):
    trader.send("MIN", 1, "buy")
    trader.to("2024-11-26T14:30:10Z")
    trader.send("MIN", 1, "sell", "stop", "48.9")
    trader.to("2024-11-26T14:31:00Z")

    assert trader.fills()[1:] == [("2024-11-26T14:31:00Z", "sell", "1", "48")]


def test_close_is_the_last_minutes_close(trader):
    trader.send("MIN", 1, "buy")
    trader.to("2024-11-26T21:00:00Z")

    assert trader.position("MIN")["current_price"] == "60.5"


def test_stepping_and_leaping_agree(trader):
    leaper = customer(DAILY, MINUTES)
    for someone in (trader, leaper):
        someone.send("MIN", 3, "buy", "limit", "48.5")
        someone.send("MIN", 2, "buy", "stop", "51.5")
    for step in range(0, 30 * 60, 7):
        trader.to(f"2024-11-26T14:{30 + step // 60}:{step % 60:02d}Z")
    for someone in (trader, leaper):
        someone.to("2024-11-26T22:00:00Z")

    for path in ("/v2/account", "/v2/positions", "/v2/account/activities"):
        assert trader.get(path) == leaper.get(path)
