"""The line to the broker: in process when desk.toml names no address, else over HTTP."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from quantcli.contracts.errors import ConfigError
from quantcli.shell.alpaca.http import LIVE_HOST, PAPER_HOST, AlpacaTransport
from quantcli.shell.wire import host_of

if TYPE_CHECKING:
    from quantcli.cli.wiring import Workspace

#: The address under which the embedded exchange is mounted; nothing listens there.
EMBEDDED_URL = "http://127.0.0.1"


def open_transport(workspace: Workspace) -> AlpacaTransport:
    """Return the transport of a workspace.

    Raises:
        ConfigError: mode and address contradict each other.
        CredentialMissing: no keys.
    """
    from quantcli.cli.venue import exchange_keys
    from quantcli.shell.secrets import broker_keys

    _check_mode(workspace)
    broker = workspace.config.broker
    if not workspace.url:
        from quantcli.exchange.in_process import InProcessAdapter

        adapter = InProcessAdapter(workspace.exchange)
        key_id, secret = exchange_keys(workspace.root)
        return AlpacaTransport(EMBEDDED_URL, key_id, secret, inner=adapter)
    if workspace.mode == "local":
        key_id, secret = exchange_keys(workspace.root)
    else:
        key_id, secret = broker_keys(_keys_file(workspace.root, broker.keys_file))
    return AlpacaTransport(
        workspace.url,
        key_id,
        secret,
        connect_seconds=broker.connect_timeout_seconds,
        read_seconds=broker.read_timeout_seconds,
        total_seconds=broker.total_timeout_seconds,
    )


def _keys_file(root: Path, named: str) -> str:
    """Return the path of the key file, a relative one from the desk's folder; empty: none."""
    return str(root / Path(named).expanduser()) if named else ""


def _check_mode(workspace: Workspace) -> None:
    mode, url = workspace.mode, workspace.url
    if mode == "live":
        raise ConfigError(
            "live trading cannot be armed by this version", value=mode,
            hint="use mode paper or local; the roadmap says what is missing",
        )  # fmt: skip
    host = host_of(url)
    if host == LIVE_HOST:
        raise ConfigError("broker.url is the live host, mode is not live")
    is_paper = host == PAPER_HOST
    if (mode == "paper") != is_paper:
        raise ConfigError(
            f"mode {mode} does not go with broker.url", value=host or "(embedded exchange)",
            hint="paper needs the paper host; local needs an empty url or loopback",
        )  # fmt: skip
