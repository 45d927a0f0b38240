"""The rows of a file between reading and merging: which are kept, and is it what it says?

Rows that lie outside the session table or outside regular hours are dropped, and counted by the
caller. A file that contradicts what it was declared to be is refused as a whole.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from quantcli.contracts.errors import MarketDataError
from quantcli.contracts.session_table import FIRST, LAST, hours
from quantcli.core.sessions import sessions_between
from quantcli.shell.bar_source import MINUTE_US
from quantcli.shell.catalog import Series

if TYPE_CHECKING:
    import polars as pl

#: A split smaller than this moves the price no more than an ordinary day may.
_SPLIT_TELLING = 1.4


def within_table(rows: pl.DataFrame, series: Series) -> pl.DataFrame:
    """Return the rows that the session table can judge; of minute bars, those of its years."""
    import polars as pl

    date = pl.col("start").dt.date() if series == "1Min" else pl.col("session")
    return rows.filter(date.is_between(FIRST, LAST))


def in_regular_hours(rows: pl.DataFrame) -> pl.DataFrame:
    """Return minute bars with open <= start < close, with their session as a column."""
    import polars as pl

    if rows.is_empty():
        return rows.with_columns(pl.lit(None, pl.Date).alias("session"))
    first, last = rows["start"].dt.date().min(), rows["start"].dt.date().max()
    sessions = sessions_between(first, last)  # type: ignore[arg-type]
    opens = pl.DataFrame(
        {
            "session": sessions,
            "opens_at": [hours(session).opens_at for session in sessions],
            "closes_at": [hours(session).closes_at for session in sessions],
        },
        schema={
            "session": pl.Date,
            "opens_at": pl.Datetime("us", "UTC"),
            "closes_at": pl.Datetime("us", "UTC"),
        },
    )
    placed = rows.with_row_index("place").sort("start").join_asof(
        opens, left_on="start", right_on="opens_at", strategy="backward"
    )  # fmt: skip
    inside = placed.filter(pl.col("start") < pl.col("closes_at")).sort("place")
    return inside.select("symbol", "session", *[c for c in rows.columns if c != "symbol"])


def require_minute_spacing(rows: pl.DataFrame, name: str) -> None:
    """Refuse bars of another length: somewhere two bars must be one minute apart.

    Raises:
        MarketDataError: the closest two bars of a symbol in a session are further apart.
    """
    import polars as pl

    gaps = (
        rows.sort("symbol", "start")
        .select(pl.col("start").diff().over("symbol", "session").dt.total_microseconds())
        .to_series()
    )
    closest = gaps.filter(gaps > 0).min()
    if closest is not None and closest != MINUTE_US:
        raise MarketDataError(
            f"{name} does not hold minute bars: its bars are {closest // MINUTE_US} minutes apart",  # type: ignore[operator]
            value=name,
            hint="only 1Day and 1Min bars can be imported",
        )


def require_adjustment(rows: pl.DataFrame, adjustment: str, name: str) -> None:
    """Refuse daily bars that contradict their declared adjustment at their own splits.

    Where a row names a split, the price of raw bars falls by its ratio from the session before,
    that of adjusted bars does not. The majority of the telling splits decides; without any,
    nothing is refused.

    Raises:
        MarketDataError: most splits say the opposite of what was declared.
    """
    import polars as pl

    moves = (
        rows.sort("symbol", "session")
        .with_columns((pl.col("close").shift(1) / pl.col("close")).over("symbol").alias("fall"))
        .filter((pl.col("split_ratio") > 0) & (pl.col("fall") > 0) & pl.col("fall").is_finite())
        .filter(pl.col("split_ratio").log().abs() > math.log(_SPLIT_TELLING))
    )
    if moves.is_empty():
        return
    fall, ratio = pl.col("fall").log(), pl.col("split_ratio").log()
    falls = moves.filter((fall - ratio).abs() < fall.abs())
    is_raw = falls.height * 2 > moves.height
    if is_raw == (adjustment == "raw") or falls.height * 2 == moves.height:
        return
    contrary = falls.height if is_raw else moves.height - falls.height
    example = (falls if is_raw else moves).row(0, named=True)
    raise MarketDataError(
        f"{name} is declared {adjustment}, but at {contrary} of its {moves.height} splits"
        f" the price {'falls by' if is_raw else 'ignores'} the ratio",
        value=f"{example['symbol']} {example['session']} {example['split_ratio']:g}",
        hint=f"import it with --adjustment {'raw' if is_raw else 'split'}",
    )
