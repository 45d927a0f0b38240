"""`quantcli exchange serve`."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Annotated

import typer

from quantcli.cli.console import emit
from quantcli.cli.options import DeskOption, JsonOption, QuietOption
from quantcli.cli.wiring import Workspace, find_desk


def command(
    desk: DeskOption = None,
    port: Annotated[
        int, typer.Option("--port", min=0, max=65535, help="TCP port on loopback; 0: a free one.")
    ] = 0,
    requests_per_minute: Annotated[
        int | None,
        typer.Option(
            "--requests-per-minute",
            min=1,
            help="Refuse more in one minute; else 200 of trading, 10,000 of data.",
        ),
    ] = None,
    volume_share: Annotated[
        float | None,
        typer.Option(
            "--volume-share",
            min=0.000001,
            max=1,
            help="Orders get this part of each print's shares; else all they ask for.",
        ),
    ] = None,
    cancel_after: Annotated[
        int,
        typer.Option(
            "--cancel-after",
            min=0,
            help="So many requests find an order pending_cancel before its cancel is done.",
        ),
    ] = 0,
    as_json: JsonOption = False,  # the line for machines is all there is
    quiet: QuietOption = False,  # without the address nobody could connect
) -> int:
    """Serve the desk's local exchange over HTTP on loopback, until SIGTERM or Ctrl-C.

    Prints one JSON line with its address as soon as it takes connections. Clients need the keys
    of exchange/keys.json. The book is the same one that the embedded exchange uses.
    """
    from quantcli.exchange.http_server import serve

    def tell(url: str) -> None:
        emit({"exchange": "ready", "url": url}, "", as_json=True)

    with Workspace(find_desk(desk)) as workspace:
        exchange = workspace.exchange
        exchange.settings = replace(exchange.settings, cancel_requests=cancel_after)
        if requests_per_minute is not None:
            exchange.settings = replace(
                exchange.settings,
                requests_per_minute=requests_per_minute,
                data_requests_per_minute=requests_per_minute,
            )
        if volume_share is not None:
            share = Decimal(repr(volume_share))
            exchange.settings = replace(exchange.settings, volume_share_max=share)
        serve(exchange, port, tell)
    return 0
