"""What makes a bar unbelievable on its own: the row rules of import and check.

A fault never changes or drops a row. It names the bar, so that it is left out of everything
that decides, until a corrected bar is imported.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from quantcli.contracts.session_table import FIRST, LAST
from quantcli.core.sessions import sessions_between
from quantcli.shell.catalog import QuarantineEntry, Series

if TYPE_CHECKING:
    import polars as pl

#: Found by comparing neighbours, in `bar_check`.
SPIKE = "spike"

_KEYS: dict[Series, tuple[str, ...]] = {
    "1Day": ("symbol", "session"),
    "1Min": ("symbol", "start"),
    "index": ("symbol", "session"),
}


def keys_of(series: Series) -> list[str]:
    """Return the columns that identify a bar."""
    return list(_KEYS[series])


def row_faults(frame: pl.DataFrame, series: Series) -> set[QuarantineEntry]:
    """Return every fault of the rows: one entry per symbol, session and code.

    Args:
        frame: Rows of the partition schema, all rows of each bar's key included.
        series: Whose rules hold. An index needs only its close, and may have values on
            dates without a session.
    """
    found: set[QuarantineEntry] = set()
    for code, is_faulty in _rules(series).items():
        rows = frame.filter(is_faulty)
        if rows.is_empty():
            continue
        first = rows.unique(["symbol", "session"], keep="first", maintain_order=True)
        for row in first.iter_rows(named=True):
            found.add(
                QuarantineEntry(
                    symbol=row["symbol"],
                    session=row["session"],
                    code=code,
                    observed=_observed(row),
                )
            )
    return found


def _rules(series: Series) -> dict[str, pl.Expr]:
    """Return code -> the expression that is true for a faulty row; null counts as faulty.

    `price-invalid`: a price is missing, not finite, zero or negative. `ohlc-inconsistent`: the
    high is not the highest or the low not the lowest of the four. `volume-invalid`: the volume
    is missing, not finite or negative. `duplicate-bar`: two bars of the same time say different
    things. `not-a-session`: the exchange held no session on that date.
    """
    import polars as pl

    prices = ["close"] if series == "index" else ["open", "high", "low", "close"]
    is_bad_price = pl.any_horizontal(
        (~(pl.col(name).is_finite() & (pl.col(name) > 0))).fill_null(value=True) for name in prices
    )
    rules = {
        "price-invalid": is_bad_price,
        "duplicate-bar": pl.struct(_KEYS[series]).is_duplicated(),
    }
    if series == "index":
        return rules
    is_ordered = (pl.col("high") >= pl.max_horizontal("open", "low", "close")) & (
        pl.col("low") <= pl.min_horizontal("open", "close")
    )
    is_volume = pl.col("volume").is_finite() & (pl.col("volume") >= 0)
    rules["ohlc-inconsistent"] = ~is_bad_price & ~is_ordered
    rules["volume-invalid"] = (~is_volume).fill_null(value=True)
    if series == "1Day":
        rules["not-a-session"] = ~pl.col("session").is_in(list(sessions_between(FIRST, LAST)))
    return rules


def _observed(row: dict[str, object]) -> str:
    """Return the numbers of a row as `open/high/low/close volume`, unrounded."""
    prices = "/".join(repr(row[name]) for name in ("open", "high", "low", "close"))
    at = f"{row['start']:%H:%M}Z " if "start" in row else ""
    return f"{at}{prices} {row['volume']!r}" if "volume" in row else prices
