"""What the store holds of the symbols that are to be fetched."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from quantcli.shell.catalog import Shelf, load_catalog, load_quarantine, read_frame
from quantcli.shell.fetch.answers import midnight

if TYPE_CHECKING:
    import polars as pl


class Held(NamedTuple):
    """What is held of one symbol: its first session, and its newest believable bar, if any.

    `newest` is the instant the bar begins.
    """

    first: dt.date
    newest: dt.datetime | None


class Stored:
    """The bars of one shelf, of some symbols."""

    def __init__(self, data: Path, shelf: Shelf, symbols: Iterable[str]) -> None:
        """Read them.

        Raises:
            MarketDataError: the catalog or a partition cannot be believed.
        """
        catalog = load_catalog(data)
        self._shelf, wanted = shelf, set(symbols)
        partitions = [item for item in catalog.of(shelf) if not wanted.isdisjoint(item.symbols)]
        frames = [_bars(read_frame(data, item.ref), shelf) for item in partitions]
        wrong = load_quarantine(data, catalog.quarantine_ref(shelf))
        self._wrong = {(entry.symbol, entry.session) for entry in wrong}
        self._frame = _joined(frames, wanted)

    def held(self) -> dict[str, Held]:
        """Return symbol -> what is held of it."""
        import polars as pl

        if self._frame is None:
            return {}
        firsts = self._frame.group_by("symbol").agg(pl.col("session").min()).iter_rows()
        wrong = pl.DataFrame(
            sorted(self._wrong), schema={"symbol": pl.String, "session": pl.Date}, orient="row"
        )
        sound = self._frame.join(wrong, on=["symbol", "session"], how="anti")
        newest = dict(sound.group_by("symbol").agg(pl.col("at").max()).iter_rows())
        return {symbol: Held(first, self._instant(newest.get(symbol))) for symbol, first in firsts}

    def closes(self, firsts: Mapping[str, dt.date]) -> dict[str, dict[dt.datetime, float]]:
        """Return symbol -> begin -> close of the bars from a session of each symbol on."""
        import polars as pl

        found: dict[str, dict[dt.datetime, float]] = {symbol: {} for symbol in firsts}
        if self._frame is None or not firsts:
            return found
        recent = self._frame.filter(
            pl.col("session") >= min(firsts.values()), pl.col("symbol").is_in(list(firsts))
        )
        for symbol, session, at, close in recent.iter_rows():
            if session >= firsts[symbol] and (symbol, session) not in self._wrong:
                begin = self._instant(at)
                assert begin is not None, "a stored bar has a time"
                found[symbol][begin] = close
        return found

    def _instant(self, at: dt.date | dt.datetime | None) -> dt.datetime | None:
        return at if at is None or isinstance(at, dt.datetime) else midnight(at)


def _bars(frame: pl.DataFrame, shelf: Shelf) -> pl.DataFrame:
    import polars as pl

    at = "start" if shelf.series == "1Min" else "session"
    return frame.select("symbol", "session", pl.col(at).alias("at"), "close")


def _joined(frames: list[pl.DataFrame], wanted: set[str]) -> pl.DataFrame | None:
    import polars as pl

    if not frames:
        return None
    return pl.concat(frames).filter(pl.col("symbol").is_in(list(wanted)))
