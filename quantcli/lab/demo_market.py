"""A made-up market: seeded random walks that look enough like stocks to trade.

Nothing here is real. The symbols begin with SYN, the feed is called `synthetic`, and every
report of such a desk says SYNTHETIC.
"""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Iterator
from typing import NamedTuple

from quantcli.core.sessions import sessions_ending

FEED = "synthetic"
BENCHMARK = "SYNMK"
INDEX = "SYNVIX"
HISTORY_SESSIONS = 320
_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


class DemoBar(NamedTuple):
    """One made-up daily bar; USD per share, shares."""

    symbol: str
    session: dt.date
    open: float
    high: float
    low: float
    close: float
    volume: int


class DemoMarket(NamedTuple):
    """Bars of all symbols, and the made-up volatility index."""

    bars: tuple[DemoBar, ...]
    index_values: tuple[tuple[dt.date, float], ...]


class _Character(NamedTuple):
    """How a symbol moves: drift and noise per session, share of the market's move."""

    start: float
    drift: float
    noise: float
    beta: float
    volume: float


def make_market(seed: int, last: dt.date, sessions: int, symbols: int = 24) -> DemoMarket:
    """Return a market whose newest session is `last`.

    Args:
        seed: Same seed, same bars.
        last: The newest session.
        sessions: Sessions that will be traded; history comes before them.
        symbols: Number of stocks besides the benchmark, at most 26.
    """
    days = sessions_ending(last, HISTORY_SESSIONS + sessions)
    chance = random.Random(f"market-{seed}")  # noqa: S311 - a made-up market, not a secret
    moves = [chance.gauss(0.0007, 0.006) for _ in days]
    bars = list(_walk(BENCHMARK, days, moves, _Character(400.0, 0.0, 0.001, 1.0, 9e6), chance))
    for letter in _LETTERS[:symbols]:
        own = random.Random(f"{letter}-{seed}")  # noqa: S311 - as above
        bars.extend(_walk(f"SYN{letter}", days, moves, _character(own), own))
    index = [
        (day, round(15 + 4 * chance.random() - 120 * move, 2))
        for day, move in zip(days, moves, strict=True)
    ]
    return DemoMarket(tuple(sorted(bars)), tuple(index))


def _character(chance: random.Random) -> _Character:
    return _Character(
        start=chance.uniform(40, 160),
        drift=chance.gauss(0.0006, 0.0006),
        noise=chance.uniform(0.008, 0.016),
        beta=chance.uniform(0.5, 1.3),
        volume=chance.uniform(1.2e6, 5e6),
    )


def _walk(
    symbol: str,
    days: tuple[dt.date, ...],
    moves: list[float],
    character: _Character,
    chance: random.Random,
) -> Iterator[DemoBar]:
    close = character.start
    for day, move in zip(days, moves, strict=True):
        opened = close * (1 + chance.gauss(0, character.noise / 3))
        step = character.drift + character.beta * move + chance.gauss(0, character.noise)
        close = max(close * (1 + step), 5.0)
        reach = character.noise * close
        high = max(opened, close) + abs(chance.gauss(0, reach / 2))
        low = min(opened, close) - abs(chance.gauss(0, reach / 2))
        # A volume spike now and then, with a wide range: breakouts need one.
        spike = 2.5 if chance.random() < 0.03 else 1.0
        volume = int(character.volume * spike * chance.uniform(0.7, 1.3))
        yield DemoBar(
            symbol, day, round(opened, 2), round(high, 2), round(low, 2), round(close, 2), volume
        )


def bars_csv(market: DemoMarket) -> str:
    """Return the bars as the CSV that `data import` reads."""
    lines = ["symbol,date,open,high,low,close,volume"]
    lines += [
        f"{bar.symbol},{bar.session},{bar.open},{bar.high},{bar.low},{bar.close},{bar.volume}"
        for bar in market.bars
    ]
    return "\n".join(lines) + "\n"


def index_csv(market: DemoMarket) -> str:
    """Return the index values as the CSV that `data import --kind index` reads."""
    lines = ["symbol,date,close"]
    lines += [f"{INDEX},{day},{value}" for day, value in market.index_values]
    return "\n".join(lines) + "\n"
