"""Reads a file of bars or index values as it is: names and types are recognised, never guessed.

What a file must say and does not, or says twice, is one clear error. Prices and volumes keep
the file's float64 values; whether they are believable is judged elsewhere (`bar_faults`).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from quantcli.contracts.errors import MarketDataError, UsageError
from quantcli.shell.catalog import Series

if TYPE_CHECKING:
    import polars as pl

_ALIASES: dict[str, tuple[str, ...]] = {
    "time": ("time", "t", "ts", "timestamp", "date", "datetime", "session", "day", "start"),
    "symbol": ("symbol", "ticker", "sym"),
    "open": ("open", "o"),
    "high": ("high", "h"),
    "low": ("low", "l"),
    "close": ("close", "c", "value"),
    "volume": ("volume", "v", "vol"),
    "split_ratio": ("split", "splits", "split_ratio", "stock_splits", "split_coefficient"),
    "dividend": ("dividend", "dividends", "dividend_amount"),
}
_REQUIRED: dict[Series, tuple[str, ...]] = {
    "1Day": ("time", "open", "high", "low", "close", "volume"),
    "1Min": ("time", "open", "high", "low", "close", "volume"),
    "index": ("time", "close"),
}
_OPTIONAL: dict[Series, tuple[str, ...]] = {
    "1Day": ("split_ratio", "dividend"),
    "1Min": (),
    "index": ("open", "high", "low"),
}
_EQUITY = r"^[A-Z]{1,6}(\.[A-Z]{1,2})?$"
_INDEX = r"^[A-Z0-9]{1,10}$"
_ZONE = r"(Z|[+-][0-9]{2}:?[0-9]{2})$"
MINUTE_US = 60_000_000


def read_source(path: Path, series: Series, symbol: str | None) -> pl.DataFrame:
    """Return the rows of a file in our names and types, in the file's order.

    Args:
        path: A Parquet or CSV file; the ending says which.
        series: What it holds. `1Day` and `index` get a column `session` (date), `1Min` gets
            `start` (UTC instant of the bar's first second).
        symbol: For files without a symbol column; otherwise every row must agree with it.

    Returns:
        Columns symbol, session or start, open, high, low, close, and volume, split_ratio,
        dividend where the series has them; an absent optional column is all null.

    Raises:
        UsageError: no such file, an ending we do not read, or a symbol that is not the file's.
        MarketDataError: unreadable, a column missing or twice, times that are not of the series.
    """
    raw = read_columns(path)
    columns = _recognise(raw.columns, path)
    missing = [name for name in _REQUIRED[series] if name not in columns]
    if missing:
        raise MarketDataError(
            f"{path.name} has no column for {', '.join(missing)}",
            value=", ".join(raw.columns),
            hint=f"accepted names: {', '.join(_ALIASES[missing[0]])}",
        )
    if raw.is_empty():
        raise MarketDataError(f"{path.name} holds no rows", hint="nothing was imported")
    times = _minute_starts if series == "1Min" else _session_dates
    parts = [
        _symbols(raw, columns.get("symbol"), series, symbol, path),
        times(raw[columns["time"]], path),
        *(_numbers(raw, columns.get(name), name, path) for name in _number_columns(series)),
    ]
    return raw.select(parts)


def _number_columns(series: Series) -> list[str]:
    volume = [] if series == "index" else ["volume"]
    extras = [name for name in _OPTIONAL[series] if name in {"split_ratio", "dividend"}]
    return ["open", "high", "low", "close", *volume, *extras]


def read_columns(path: Path) -> pl.DataFrame:
    """Return a Parquet file as it is, or a CSV file as text.

    Raises:
        UsageError: no such file, or an ending that we do not read.
        MarketDataError: unreadable.
    """
    import polars as pl

    if not path.is_file():
        raise UsageError("no such file", value=path)
    readers: dict[str, Callable[[], pl.DataFrame]] = {
        ".parquet": lambda: pl.read_parquet(path),
        # Everything as text: a column is converted by what it means, not by its first rows.
        ".csv": lambda: pl.read_csv(path, infer_schema=False),
    }
    reader = readers.get(path.suffix.lower())
    if reader is None:
        raise UsageError("only .parquet and .csv files can be imported", value=path.name)
    try:
        return reader()
    except (pl.exceptions.PolarsError, OSError) as error:
        raise MarketDataError(
            f"{path.name} cannot be read: {str(error).splitlines()[0]}", value=path
        ) from error


def _recognise(columns: list[str], path: Path) -> dict[str, str]:
    """Return our name -> the file's name, for the columns we know; the others are ignored."""
    found: dict[str, str] = {}
    for column in columns:
        spelled = re.sub(r"[\s-]+", "_", column.strip().lower())
        ours = next((name for name, aliases in _ALIASES.items() if spelled in aliases), None)
        if ours is None:
            continue
        if ours in found:
            raise MarketDataError(
                f"{path.name} has two columns for {ours}",
                value=f"{found[ours]}, {column}",
                hint="leave one of them out",
            )
        found[ours] = column
    return found


def _symbols(
    raw: pl.DataFrame, column: str | None, series: Series, symbol: str | None, path: Path
) -> pl.Series | pl.Expr:
    import polars as pl

    pattern = _INDEX if series == "index" else _EQUITY
    if column is None:
        if symbol is None:
            raise UsageError(
                f"{path.name} has no symbol column", hint="name the symbol with --symbol"
            )
        if re.fullmatch(pattern, symbol) is None:
            raise UsageError("not a symbol such as AAPL or BRK.B", value=symbol)
        return pl.lit(symbol).alias("symbol")
    found = raw[column].cast(pl.String)
    wrong = found.filter(~found.str.contains(pattern).fill_null(value=False))
    if not wrong.is_empty():
        raise MarketDataError(
            f"{path.name} holds {len(wrong)} rows without a symbol such as AAPL or BRK.B",
            value=wrong[0],
            hint="symbols are upper case, share classes after a dot",
        )
    others = found.filter(found != symbol) if symbol else found.clear()
    if not others.is_empty():
        raise UsageError(
            f"{path.name} holds {others[0]} too, not only what --symbol says", value=symbol
        )
    return found.alias("symbol")


def _numbers(raw: pl.DataFrame, column: str | None, name: str, path: Path) -> pl.Series | pl.Expr:
    import polars as pl

    if column is None:
        return pl.lit(None, pl.Float64).alias(name)
    try:
        return raw[column].cast(pl.Float64).alias(name)
    except pl.exceptions.PolarsError as error:
        bad = raw[column].filter(raw[column].cast(pl.Float64, strict=False).is_null())
        raise MarketDataError(
            f"column {column} of {path.name} holds something that is not a number",
            value=bad.drop_nulls()[0],
        ) from error


def _session_dates(times: pl.Series, path: Path) -> pl.Series:
    """Return session dates: dates as they are, instants only if they are a midnight."""
    import polars as pl

    if times.dtype == pl.String:
        times = _parsed(times, path)
    if times.dtype == pl.Date:
        dates = times
    elif isinstance(times.dtype, pl.Datetime):
        # Vendors stamp a daily bar with midnight, in UTC or in New York; nothing else is daily.
        local = times.dt.convert_time_zone("America/New_York") if times.dtype.time_zone else times
        is_local = _is_midnight(local)
        dates = (local if is_local else times).dt.date()
        if not (is_local or _is_midnight(times)):
            raise MarketDataError(
                f"{path.name} does not hold daily values: its times are not midnights",
                value=times.filter(times.is_not_null())[0],
                hint="import minute bars with --timeframe 1Min",
            )
    else:
        raise _not_times(times, path)
    _require_all(dates, path)
    return dates.alias("session")


def _minute_starts(times: pl.Series, path: Path) -> pl.Series:
    """Return bar starts in UTC; the file must say its zone."""
    import polars as pl

    if times.dtype == pl.String:
        times = _parsed(times, path)
    if times.dtype == pl.Date:
        raise MarketDataError(
            f"{path.name} does not hold minute bars: its times are dates",
            value=times.drop_nulls()[0] if times.count() else None,
            hint="import daily bars with --timeframe 1Day",
        )
    if not isinstance(times.dtype, pl.Datetime):
        raise _not_times(times, path)
    if times.dtype.time_zone is None:
        raise MarketDataError(
            f"{path.name} does not say in which time zone its times are",
            value=times.drop_nulls()[0] if times.count() else None,
            hint="write them in UTC with a zone, e.g. 2024-08-01T13:30:00Z",
        )
    starts = times.dt.convert_time_zone("UTC").cast(pl.Datetime("us", "UTC"))
    _require_all(starts, path)
    off = starts.filter(starts.to_physical() % MINUTE_US != 0)
    if not off.is_empty():
        raise MarketDataError(
            f"{path.name} does not hold minute bars: a time is not a whole minute", value=off[0]
        )
    return starts.alias("start")


def _parsed(times: pl.Series, path: Path) -> pl.Series:
    """Return text as dates, or as instants in UTC when every row names its zone."""
    import polars as pl

    try:
        if bool((times.str.len_chars() == 10).all()):
            return times.str.to_date("%Y-%m-%d")
        if bool(times.str.contains(_ZONE).all()):
            return times.str.to_datetime(time_unit="us", time_zone="UTC")
        return times.str.to_datetime(time_unit="us")
    except pl.exceptions.PolarsError as error:
        raise _not_times(times, path) from error


def _is_midnight(times: pl.Series) -> bool:
    import datetime as dt

    return bool((times.dt.time() == dt.time(0)).all())


def _require_all(times: pl.Series, path: Path) -> None:
    if times.null_count():
        raise MarketDataError(
            f"{path.name} holds {times.null_count()} rows without a time", hint="repair the file"
        )


def _not_times(times: pl.Series, path: Path) -> MarketDataError:
    return MarketDataError(
        f"the time column {times.name} of {path.name} holds no dates or instants",
        value=times.drop_nulls()[0] if times.count() else None,
        hint="e.g. 2024-08-01, or 2024-08-01T13:30:00Z for minute bars",
    )
