"""The demo's desk: a made-up market, imported like any other."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

from quantcli.core.sessions import sessions_ending
from quantcli.lab.demo_market import BENCHMARK, FEED, INDEX, bars_csv, index_csv, make_market
from quantcli.shell.bar_import import import_file
from quantcli.shell.files import replace_file

#: The demo's newest session; the fifteen before it hold a holiday and a half day.
LAST_SESSION = dt.date(2024, 12, 9)


def fill_desk(root: Path, seed: int, sessions: int) -> tuple[dt.date, dt.date]:
    """Make a market, import it into a desk and point desk.toml at it.

    Returns:
        The first and the last session to trade.
    """
    market = make_market(seed, LAST_SESSION, sessions)
    folder = root / "data"
    bars, index = folder / "synthetic-bars.csv", folder / "synthetic-index.csv"
    replace_file(bars, bars_csv(market).encode())
    replace_file(index, index_csv(market).encode())
    import_file(folder, bars, kind="bars", timeframe="1Day", adjustment="split", feed=FEED)
    import_file(folder, index, kind="index", timeframe="1Day", adjustment="split", feed=FEED)
    path = root / "desk.toml"
    text = path.read_text()
    text = text.replace('benchmark = "SPY"', f'benchmark = "{BENCHMARK}"')
    text = text.replace('volatility_index = "VIX"', f'volatility_index = "{INDEX}"')
    text = text.replace('"ARKK", "DIA"', f'"{BENCHMARK}", "ARKK", "DIA"')
    replace_file(path, text.encode())
    traded = sessions_ending(LAST_SESSION, sessions)
    return traded[0], traded[-1]
