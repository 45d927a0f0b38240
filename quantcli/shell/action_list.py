"""The list of corporate actions of a desk: one immutable file, named by its digest.

An import merges a CSV or Parquet file into the list in force and writes a new one; the catalog
names it and keeps the digest of the old, so that a past day can be proven again. What is
imported is believed over what bars tell of themselves.
"""

from __future__ import annotations

import datetime as dt
import re
from contextlib import nullcontext
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from pydantic import ValidationError

from quantcli.contracts.canonical import canonical_bytes, parse_canonical, sha256_hex
from quantcli.contracts.corporate_actions import (
    ActionKind,
    CorporateAction,
    factor_between,
    together,
    whole_rates,
)
from quantcli.contracts.envelope import Frozen, InputRef
from quantcli.contracts.errors import MarketDataError
from quantcli.contracts.session_table import LAST
from quantcli.shell.bar_source import read_columns
from quantcli.shell.catalog import (
    ActionsInForce,
    actions_name,
    load_catalog,
    read_verified,
    save_catalog,
)
from quantcli.shell.files import publish_once
from quantcli.shell.lock import FileLock

if TYPE_CHECKING:
    import polars as pl

_KINDS: dict[str, ActionKind] = {
    "split": "split", "forward_split": "split", "reverse_split": "split",
    "dividend": "dividend", "cash_dividend": "dividend",
    "rename": "rename", "name_change": "rename", "none": "none",
}  # fmt: skip
_COLUMNS = ("symbol", "ex_date", "type", "ratio", "amount", "new_symbol")
_RATIO = re.compile(r"(?P<new>[0-9]+(\.[0-9]+)?)(?:[:/](?P<old>[0-9]+(\.[0-9]+)?))?")


class ActionList(Frozen):
    """Every corporate action that was imported."""

    actions: tuple[CorporateAction, ...]


class ActionsImported(NamedTuple):
    """What one import did; `sha256` is that of the list now in force."""

    file: str
    rows: int
    added: int
    changed: int
    actions: int
    sha256: str

    @property
    def is_unchanged(self) -> bool:
        """Whether the list already said all of this."""
        return not self.added and not self.changed


def import_actions(data: Path, path: Path, *, is_dry_run: bool = False) -> ActionsImported:
    """Import a file of corporate actions.

    Args:
        data: The desk's data folder; made if absent.
        path: Parquet or CSV with symbol, ex_date, type and ratio, amount or new_symbol.
        is_dry_run: Read and merge, but write nothing.

    Raises:
        UsageError: no such file, or neither Parquet nor CSV.
        MarketDataError: a row cannot be read; nothing was imported.
        LockHeld: another import is running.
        StorageError: the disk refused.
    """
    with nullcontext() if is_dry_run else FileLock(data / "catalog.lock").hold():
        catalog = load_catalog(data)
        told = read_actions(path)
        held = load_actions(data, catalog.actions_ref) if catalog.actions_ref else ()
        merged = together(held, told)
        content = canonical_bytes(ActionList(actions=merged).as_json())
        sha256 = sha256_hex(content)
        if merged != held and not is_dry_run:
            publish_once(data / actions_name(sha256), content)
            before = catalog.actions
            old = () if before is None else (*before.superseded, before.sha256)
            kept = tuple(digest for digest in old if digest != sha256)
            in_force = ActionsInForce(sha256=sha256, superseded=kept)
            save_catalog(data, catalog.model_copy(update={"actions": in_force}))
    keys = {each.key for each in held}
    changed = sum(each.key in keys and each not in held for each in told)
    added = sum(each.key not in keys for each in told)
    return ActionsImported(path.name, len(told), added, changed, len(merged), sha256)


def load_actions(data: Path, ref: InputRef) -> tuple[CorporateAction, ...]:
    """Return the actions of a list, its digest verified.

    Raises:
        MarketDataError: the list is missing or changed.
    """
    value = parse_canonical(read_verified(data, ref), what=ref.name)
    return ActionList.model_validate(value).actions


def is_action_list(ref: InputRef) -> bool:
    """Return whether a reference names a list of corporate actions."""
    return ref.name == actions_name(ref.sha256)


def in_later_shares(
    told: tuple[CorporateAction, ...], listed: tuple[CorporateAction, ...]
) -> tuple[CorporateAction, ...]:
    """Return actions with each listed dividend per share as it is after all known splits.

    A list tells what was paid on the day; prices adjusted for splits hold that share to be
    several. What bars adjusted for splits tell of their dividends is adjusted already.
    """
    restated = []
    for each in told:
        if each.kind == "dividend" and each.amount is not None and each in listed:
            factor = factor_between(told, each.symbol, each.ex_date, LAST)
            amount = each.amount * factor.denominator / factor.numerator
            each = each.model_copy(update={"amount": amount})  # noqa: PLW2901 - the restated one
        restated.append(each)
    return tuple(restated)


def read_actions(path: Path) -> tuple[CorporateAction, ...]:
    """Return the actions that a file tells, by date, symbol and kind.

    Raises:
        UsageError: no such file, or neither Parquet nor CSV.
        MarketDataError: a column is missing, a row cannot be read, or two rows contradict.
    """
    frame = read_columns(path)
    names = {column.strip().lower(): column for column in frame.columns}
    missing = [name for name in _COLUMNS[:3] if name not in names]
    if missing or not frame.height:
        raise MarketDataError(
            f"{path.name} has no column for {', '.join(missing)}" if missing
            else f"{path.name} holds no rows",
            value=", ".join(frame.columns),
            hint=f"columns: {', '.join(_COLUMNS)}",
        )  # fmt: skip
    found: dict[tuple[dt.date, str, str], CorporateAction] = {}
    for number, row in enumerate(_rows(frame, names), start=1):
        action = _action(row, f"{path.name}, row {number}")
        if found.setdefault(action.key, action) != action:
            raise MarketDataError(
                f"{path.name}, row {number} contradicts an earlier row", value=_shown(row),
                hint="one row for each symbol, day and type; nothing was imported",
            )  # fmt: skip
    return together((), tuple(found.values()))


def _rows(frame: pl.DataFrame, names: dict[str, str]) -> list[dict[str, str]]:
    """Return rows as our names -> text, blanks left out."""
    rows = frame.select(names[name] for name in _COLUMNS if name in names).iter_rows()
    told = [name for name in _COLUMNS if name in names]
    return [
        {
            name: str(value).strip()
            for name, value in zip(told, row, strict=True)
            if value is not None and str(value).strip()
        }
        for row in rows
    ]


def _action(row: dict[str, str], where: str) -> CorporateAction:
    kind = _KINDS.get(row.get("type", "").lower())
    values: dict[str, Any] = {
        "symbol": row.get("symbol"), "ex_date": row.get("ex_date", "")[:10], "kind": kind,
    }  # fmt: skip
    try:
        if kind == "split":
            rate = _ratio(row.get("ratio", ""))
            values |= {"new_rate": rate.numerator, "old_rate": rate.denominator}
        elif kind == "dividend":
            values["amount"] = row.get("amount")
        elif kind == "rename":
            values["new_symbol"] = row.get("new_symbol")
        return CorporateAction.model_validate(values)
    except (ValidationError, ValueError) as error:
        raise MarketDataError(
            f"{where} is no corporate action", value=_shown(row),
            hint="e.g. AAPL,2020-08-31,split,4:1 or AAPL,2020-08-07,dividend,,0.82 or "
            "FB,2022-06-09,rename,,,META or XYZ,2024-03-04,none; nothing was imported",
        ) from error  # fmt: skip


def _ratio(text: str) -> Fraction:
    """Return new shares for each old one, from `4`, `4:1`, `1/20` or `0.05`.

    Raises:
        ValueError: no such number, or none that whole rates up to the limit can tell.
    """
    match = _RATIO.fullmatch(text)
    if match is None or not Fraction(match["old"] or "1"):
        raise ValueError(f"no ratio: {text!r}")
    told = Fraction(match["new"]) / Fraction(match["old"] or "1")
    return whole_rates(told)


def _shown(row: dict[str, str]) -> str:
    return ",".join(row.get(name, "") for name in _COLUMNS)
