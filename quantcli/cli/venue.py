"""Putting the local exchange together: its book, its keys, and the desk's bars."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import orjson

from quantcli.contracts.bars import MinuteBar
from quantcli.contracts.canonical import canonical_bytes
from quantcli.contracts.config import DeskConfig
from quantcli.contracts.corporate_actions import ActionKind, CorporateAction
from quantcli.contracts.errors import CredentialMissing
from quantcli.shell.files import make_directory, replace_file

if TYPE_CHECKING:
    from quantcli.exchange.venue import Exchange
    from quantcli.shell.bar_store import BarStore


#: Actions that change shares, whether dividends are paid or not.
_KINDS: frozenset[ActionKind] = frozenset({"split", "rename", "none"})
_WITH_DIVIDENDS: frozenset[ActionKind] = frozenset({*_KINDS, "dividend"})


class StoredBars:
    """The bar store as the exchange wants it."""

    def __init__(self, store: BarStore) -> None:
        """Wrap a store."""
        self._store = store

    def session_row(self, session: dt.date) -> dict[str, tuple[float, float, float, float, float]]:
        """Return symbol -> (open, high, low, close, volume) of one session."""
        return self._store.session_row(session)

    def minutes(self, symbol: str, session: dt.date) -> Sequence[MinuteBar]:
        """Return minute bars of one symbol and session; empty if none."""
        return self._store.minutes(symbol, session, session)[0]

    def symbols(self) -> tuple[str, ...]:
        """Return symbols with daily bars."""
        return self._store.summary("1Day").symbols

    def last_session(self) -> dt.date | None:
        """Return the newest session with a daily bar."""
        return self._store.summary("1Day").last

    def actions(
        self, first: dt.date, last: dt.date, *, has_dividends: bool = True
    ) -> tuple[CorporateAction, ...]:
        """Return what happens to these shares, with ex-date in [first, last]."""
        kinds = _WITH_DIVIDENDS if has_dividends else _KINDS
        return self._store.actions(first, last, kinds=kinds).actions


def open_exchange(
    root: Path, home: Path, config: DeskConfig, market: BarStore, *, syncs_each_commit: bool
) -> Exchange:
    """Return the embedded exchange over `<home>/exchange/book.sqlite3`.

    Args:
        root: The desk's folder, which holds the keys.
        home: The folder the book lives under: the desk's, or its dry-run's.
        config: The desk's configuration.
        market: The bars that make the prints.
        syncs_each_commit: False in a replay, which syncs once per session.
    """
    from quantcli.exchange.settings import ExchangeSettings
    from quantcli.exchange.venue import Exchange

    folder = home / "exchange"
    make_directory(folder)
    key_id, secret = exchange_keys(root)
    settings = ExchangeSettings(
        seed=config.exchange.seed,
        cash=config.exchange.cash_usd,
        slippage_bps=config.exchange.slippage_bps,
        limit_fills_on=config.exchange.limit_fills_on,
        pays_dividends=config.exchange.pays_dividends,
        sec_usd_per_million=config.fees.sec_usd_per_million,
        taf_usd_per_share=config.fees.taf_usd_per_share,
        taf_usd_max=config.fees.taf_usd_max,
        key_id=key_id,
        secret=secret,
        is_synced_each_commit=syncs_each_commit,
    )
    return Exchange(folder / "book.sqlite3", StoredBars(market), settings)


def make_exchange_keys(root: Path) -> None:
    """Write fresh keys of the local exchange, readable by the owner only."""
    import secrets

    path = root / "exchange" / "keys.json"
    keys = {"key_id": "LX" + secrets.token_hex(9).upper(), "secret": secrets.token_urlsafe(30)}
    replace_file(path, canonical_bytes(keys))


def exchange_keys(root: Path) -> tuple[str, str]:
    """Return the key id and secret of the desk's local exchange.

    Raises:
        CredentialMissing: the file is missing or malformed.
    """
    path = root / "exchange" / "keys.json"
    try:
        value = orjson.loads(path.read_bytes())
        return str(value["key_id"]), str(value["secret"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise CredentialMissing(
            "the local exchange's keys cannot be read", value=path,
            hint="quantcli init makes them; restore the file",
        ) from error  # fmt: skip
