"""Puts the rows of a file into the partitions they belong to.

A row of the file takes the place of every stored row with the same symbol and time; the others
stay. Nothing is written here.
"""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from quantcli.shell.bar_faults import keys_of
from quantcli.shell.catalog import Catalog, Key, Shelf, read_frame

if TYPE_CHECKING:
    import polars as pl


class Merge(NamedTuple):
    """One partition after the import.

    `rows` are all its rows; `changed` are (symbol, session) of bars that are new or different;
    `added` and `corrected` count bars.
    """

    key: Key
    rows: pl.DataFrame
    changed: set[tuple[str, dt.date]]
    added: int
    corrected: int


def by_key(shelf: Shelf, rows: pl.DataFrame) -> list[tuple[Key, pl.DataFrame]]:
    """Return the rows of each partition, by symbol and period."""
    import polars as pl

    pattern = "%Y-%m" if shelf.series == "1Min" else "%Y"
    period = pl.col("session").dt.strftime(pattern).alias("period")
    owner = pl.lit("") if shelf.series == "1Day" else pl.col("symbol")
    parts = rows.with_columns(period, owner.alias("owner")).partition_by(
        "owner", "period", as_dict=True, include_key=False
    )
    return [(Key(shelf, str(o), str(p)), parts[o, p]) for o, p in sorted(parts)]


def merge(data: Path, catalog: Catalog, key: Key, rows: pl.DataFrame) -> Merge:
    """Return the partition of a key with the file's rows in place of the stored ones."""
    import polars as pl

    held = next((item for item in catalog.partitions if item.key == key), None)
    old = rows.clear() if held is None else read_frame(data, held.ref)
    keys = keys_of(key.shelf.series)
    if key.shelf.series == "1Day":
        rows = _with_actions(rows, old)
    names = list(dict.fromkeys(("symbol", "session", *keys)))
    fresh = rows.join(old, on=rows.columns, how="anti", nulls_equal=True).select(names).unique()
    merged = pl.concat([old.join(rows, on=keys, how="anti"), rows]).sort(rows.columns)
    # A bar that lost one of its duplicates is changed too, though all of its rows were held.
    if fresh.is_empty() and merged.height != old.height:
        fresh = rows.select(names).unique()
    added = fresh.join(old, on=keys, how="anti").height
    changed = set(fresh.select("symbol", "session").iter_rows())
    return Merge(key, merged, changed, added, fresh.height - added)


def _with_actions(rows: pl.DataFrame, old: pl.DataFrame) -> pl.DataFrame:
    """Return daily rows with split and dividend given: the file's, else the stored, else none.

    A ratio of 0 or 1 means no split; it is kept as 1.
    """
    import polars as pl

    held = old.unique(["symbol", "session"], keep="first").select(
        "symbol",
        "session",
        pl.col("split_ratio").alias("split_held"),
        pl.col("dividend").alias("dividend_held"),
    )
    joined = rows.join(held, on=["symbol", "session"], how="left", maintain_order="left")
    ratio = pl.coalesce("split_ratio", "split_held", pl.lit(1.0))
    return joined.with_columns(
        pl.when(ratio == 0).then(1.0).otherwise(ratio).alias("split_ratio"),
        pl.coalesce("dividend", "dividend_held", pl.lit(0.0)).alias("dividend"),
    ).select(rows.columns)
