"""Which source bars and index values come from, and with which keys.

The feed in desk.toml names the source: feeds are never mixed. Keys of Alpaca and Polygon go to
their own hosts only; a source on this machine gets those of the local exchange.
"""

from __future__ import annotations

from pathlib import Path

from quantcli.cli.wiring import Workspace
from quantcli.contracts.errors import ConfigError, UsageError
from quantcli.shell.fetch import alpaca_bars, index_values, polygon_bars
from quantcli.shell.fetch.answers import Source
from quantcli.shell.fetch.line import Line, checked_address
from quantcli.shell.secrets import Keys, broker_keys, polygon_key
from quantcli.shell.wire import host_of, is_plain_loopback


class Sources:
    """The sources of one desk, made when asked for; all share one line and its patience.

    Attributes:
        are_local: No source outside this machine was made: its instants may be anybody's.
    """

    def __init__(self, workspace: Workspace) -> None:
        """Prepare; nothing is sent."""
        self._root = workspace.root
        self._config = workspace.config
        broker = self._config.broker
        self._line = Line(
            workspace.clock,
            connect_seconds=broker.connect_timeout_seconds,
            read_seconds=broker.read_timeout_seconds,
            total_seconds=broker.total_timeout_seconds,
        )
        self.are_local = True

    def told(self) -> tuple[str, ...]:
        """Return what went wrong on the way and was made good by asking again."""
        return tuple(self._line.told)

    def bars(self, asked: str | None) -> Source:
        """Return the source that the desk's feed names.

        Args:
            asked: The source typed, if any.

        Raises:
            ConfigError: the feed names none, or one that has no such adjustment, or the address
                leads elsewhere.
            CredentialMissing: no keys.
            UsageError: the source typed is not the feed's.
        """
        feed = self._config.data.feed
        name = "alpaca" if feed in alpaca_bars.FEEDS else "polygon" if feed == "polygon" else None
        if name is None:
            raise ConfigError(
                "data.feed names no source to fetch from", value=feed,
                hint=f"one of {', '.join(alpaca_bars.FEEDS)} for Alpaca, polygon for Polygon",
            )  # fmt: skip
        if asked not in {None, name}:
            raise UsageError(
                f"bars of feed {feed} come from {name}", value=asked,
                hint="feeds are never mixed: change data.feed in desk.toml",
            )  # fmt: skip
        return self._alpaca() if name == "alpaca" else self._polygon()

    def index(self) -> Source | None:
        """Return the source of the volatility index; None if desk.toml names none.

        Raises:
            ConfigError: the address leads elsewhere.
        """
        named = self._config.data.fetch_index_from
        if not named:
            return None
        if "://" not in named:
            return index_values.IndexFile(self._root / Path(named).expanduser())
        url = self._address(named, index_values.HOSTS, "data.fetch_index_from")
        return index_values.IndexAddress(self._line, url)

    def _alpaca(self) -> Source:
        data = self._config.data
        url = self._address(data.fetch_alpaca_url, (alpaca_bars.HOST,), "data.fetch_alpaca_url")
        if is_plain_loopback(url):
            from quantcli.cli.venue import exchange_keys

            keys = Keys(*exchange_keys(self._root))
        else:
            keys = broker_keys(self._keys_file())
        trimmed = url.removesuffix("/v2")
        return alpaca_bars.AlpacaBars(self._line, trimmed, keys, data.feed, data.adjustment)

    def _polygon(self) -> Source:
        data = self._config.data
        if data.adjustment == "all":
            raise ConfigError(
                "Polygon adjusts for splits only", value=data.adjustment,
                hint='adjustment = "split" or "raw"',
            )  # fmt: skip
        url = self._address(data.fetch_polygon_url, polygon_bars.HOSTS, "data.fetch_polygon_url")
        key = "local" if is_plain_loopback(url) else polygon_key(self._keys_file())
        return polygon_bars.PolygonBars(self._line, url, key, data.adjustment)

    def _address(self, url: str, hosts: tuple[str, ...], key: str) -> str:
        checked = checked_address(url, hosts, key)
        self.are_local = self.are_local and host_of(checked) not in hosts
        return checked

    def _keys_file(self) -> str:
        """Return the path of the key file, a relative one from the desk's folder; empty: none."""
        named = self._config.broker.keys_file
        return str(self._root / Path(named).expanduser()) if named else ""
