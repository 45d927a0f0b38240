"""A made-up market that keeps a desk busy: rising waves, whose dips end setups and begin others.

Prices rise a little each session and swing around their own trend, so that every few sessions
some symbol leaves its averages and comes back: a signal. Sudden falls hit stops, jumps leave
limits behind. The same bars stand in the desk's bar store and behind the exchange.
"""

from __future__ import annotations

import datetime as dt
import math
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from quantcli.contracts.bars import MinuteBar
from quantcli.contracts.corporate_actions import CorporateAction
from quantcli.core.sessions import sessions_between

__all__ = ["BENCHMARK", "FEED", "INDEX", "SYMBOLS", "MadeBars", "make_bars"]

FEED = "simulated"
BENCHMARK = "SIMMK"
INDEX = "SIMVX"
SYMBOLS = tuple(f"SIM{letter}" for letter in "ABCDEFGH")
#: Sessions of history that a scan reads, and some more.
HISTORY_SESSIONS = 275

#: New shares for old ones.
RATES = ((2, 1), (4, 1), (3, 2), (1, 5))

DailyRow = tuple[float, float, float, float, float]


@dataclass(frozen=True, slots=True)
class MadeBars:
    """Daily bars by session and symbol; the shape that the exchange asks for.

    Attributes:
        rows: session -> symbol -> open, high, low, close in USD, volume in shares.
        index: session -> value of the made-up volatility index.
        splits: What happens to the shares, by date; prices are raw if there is any.
    """

    rows: Mapping[dt.date, Mapping[str, DailyRow]]
    index: Mapping[dt.date, float]
    splits: tuple[CorporateAction, ...] = ()

    @property
    def adjustment(self) -> str:
        """`raw` if shares are split, else `split`: the same prices, then and now."""
        return "raw" if self.splits else "split"

    def symbols(self) -> tuple[str, ...]:
        """Return all symbols, sorted."""
        return tuple(sorted((*SYMBOLS, BENCHMARK)))

    def last_session(self) -> dt.date | None:
        """Return the newest session."""
        return max(self.rows)

    def session_row(self, session: dt.date) -> Mapping[str, DailyRow]:
        """Return symbol -> bar of a session."""
        return self.rows.get(session, {})

    def minutes(self, symbol: str, session: dt.date) -> Sequence[MinuteBar]:
        """Return no minute bars: this market has daily ones."""
        return ()

    def actions(
        self, first: dt.date, last: dt.date, *, has_dividends: bool = True
    ) -> tuple[CorporateAction, ...]:
        """Return the splits in [first, last]; there is nothing else."""
        return tuple(each for each in self.splits if first <= each.ex_date <= last)

    def bars_csv(self) -> str:
        """Return the bars as the file that `data import` reads."""
        lines = ["symbol,date,open,high,low,close,volume"]
        for session, row in self.rows.items():
            for symbol, (opened, high, low, close, volume) in row.items():
                lines.append(f"{symbol},{session},{opened},{high},{low},{close},{int(volume)}")
        return "\n".join(lines) + "\n"

    def actions_csv(self) -> str:
        """Return the splits as the file that `data import --kind corporate-actions` reads."""
        lines = ["symbol,ex_date,type,ratio,amount,new_symbol"]
        lines += [
            f"{each.symbol},{each.ex_date},split,{each.new_rate}:{each.old_rate},,"
            for each in self.splits
        ]
        return "\n".join(lines) + "\n"

    def index_csv(self) -> str:
        """Return the index as the file that `data import --kind index` reads."""
        lines = ["symbol,date,close"]
        lines += [f"{INDEX},{session},{value}" for session, value in self.index.items()]
        return "\n".join(lines) + "\n"


def make_bars(seed: int, last: dt.date, sessions: int, *, has_splits: bool = False) -> MadeBars:
    """Return a market with history before the last `sessions` sessions, which end at `last`.

    Args:
        seed: Same seed, same bars.
        last: The newest session.
        sessions: Sessions that are traded.
        has_splits: Half of the symbols are split in one of them, or put together.
    """
    wanted = HISTORY_SESSIONS + sessions
    days = sessions_between(last - dt.timedelta(days=2 * wanted), last)[-wanted:]
    chance = random.Random(f"market-{seed}")
    rows: dict[dt.date, dict[str, DailyRow]] = {day: {} for day in days}
    for symbol in (*SYMBOLS, BENCHMARK):
        for day, row in zip(days, _walk(symbol, len(days), chance), strict=True):
            rows[day][symbol] = row
    index = {day: round(14 + 6 * chance.random(), 2) for day in days}
    if not has_splits:
        return MadeBars(rows, index)
    splits = tuple(
        CorporateAction(
            symbol=symbol, ex_date=chance.choice(days[1 - sessions :]), kind="split",
            new_rate=new, old_rate=old,
        )
        for symbol in SYMBOLS[::2]
        for new, old in [chance.choice(RATES)]
    )  # fmt: skip
    for split in splits:
        for day in days:
            if day < split.ex_date:
                rows[day][split.symbol] = _before(rows[day][split.symbol], float(split.ratio))
    return MadeBars(rows, index, tuple(sorted(splits, key=lambda each: each.ex_date)))


def _before(row: DailyRow, shares: float) -> DailyRow:
    """Return a bar in the shares of before a split."""
    opened, high, low, close, volume = row
    prices = (round(price * shares, 2) for price in (opened, high, low, close))
    return (*prices, float(int(volume / shares)))  # type: ignore[return-value]


def _walk(symbol: str, length: int, chance: random.Random) -> list[DailyRow]:
    """Return one symbol's bars: a trend, a wave on it, noise, and now and then a shock."""
    level = math.log(chance.uniform(20, 220))
    drift, noise = chance.uniform(0.0005, 0.002), chance.uniform(0.003, 0.009)
    period, phase = chance.uniform(4, 8), chance.uniform(0, math.tau)
    depth = 0.0 if symbol == BENCHMARK else chance.uniform(0.03, 0.06)
    close, found = math.exp(level), []
    for step in range(length):
        shock = chance.gauss(0, 0.05) if chance.random() < 0.03 else 0.0
        level += drift + chance.gauss(0, noise) + shock
        opened = close * (1 + chance.gauss(0, noise / 2) + shock / 2)
        close = math.exp(level + depth * math.sin(math.tau * step / period + phase))
        reach = noise * close
        high = max(opened, close) + abs(chance.gauss(0, reach))
        low = min(opened, close) - abs(chance.gauss(0, reach))
        volume = float(int(2_000_000 * chance.uniform(0.5, 2.5)))
        found.append((round(opened, 2), round(high, 2), round(low, 2), round(close, 2), volume))
    return found
