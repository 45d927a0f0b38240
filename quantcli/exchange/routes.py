"""The one table of routes: method, path, what the answer is made from, and who answers."""

from __future__ import annotations

import re
from importlib import import_module
from typing import Literal, NamedTuple

from quantcli.exchange import (
    account_api,
    activities_api,
    clock_api,
    configurations_api,
    faults_api,
    halts_api,
    orders_api,
    positions_api,
    reference_api,
)
from quantcli.exchange.calls import Answer, Call, Handler

#: `book`: read from the book alone; the same question of the same book has the same answer.
#: `bars`: read from the bars too; symbols that are new to them get listed before.
#: `change`: changes the book.
Source = Literal["book", "bars", "change"]


class Route(NamedTuple):
    """One endpoint. Places in the path are groups."""

    method: str
    path: re.Pattern[str]
    source: Source
    handler: Handler


#: Path, module, function. Few desks ever ask for these, so few import the modules.
_DATA = (
    ("/v2/stocks/bars", "bars_api", "get_bars"),
    ("/v2/stocks/{}/bars", "bars_api", "get_bars"),
    ("/v2/stocks/bars/latest", "bars_api", "get_latest_bars"),
    ("/v2/stocks/{}/bars/latest", "bars_api", "get_latest_bars"),
    ("/v2/stocks/trades", "ticks_api", "get_trades"),
    ("/v2/stocks/{}/trades", "ticks_api", "get_trades"),
    ("/v2/stocks/trades/latest", "ticks_api", "get_latest_trades"),
    ("/v2/stocks/{}/trades/latest", "ticks_api", "get_latest_trades"),
    ("/v2/stocks/quotes", "ticks_api", "get_quotes"),
    ("/v2/stocks/{}/quotes", "ticks_api", "get_quotes"),
    ("/v2/stocks/quotes/latest", "ticks_api", "get_latest_quotes"),
    ("/v2/stocks/{}/quotes/latest", "ticks_api", "get_latest_quotes"),
    ("/v2/stocks/snapshots", "snapshots_api", "get_snapshots"),
    ("/v2/stocks/{}/snapshot", "snapshots_api", "get_snapshots"),
    ("/v2/account/portfolio/history", "portfolio_history_api", "get_portfolio_history"),
    ("/v2/options/contracts", "options_api", "list_contracts"),
    ("/v2/options/contracts/{}", "options_api", "get_contract"),
    ("/v1/corporate-actions", "corporate_actions_api", "get_corporate_actions"),
    ("/v1beta1/indices/values", "indices_api", "get_values"),
    ("/v1beta1/indices/latest/values", "indices_api", "get_values"),
)


def _late(module: str, function: str) -> Handler:
    """Return a handler whose module is imported when it is asked for the first time."""

    def answer(call: Call) -> Answer:
        handler: Handler = getattr(import_module(f"quantcli.exchange.{module}"), function)
        return handler(call)

    return answer


def _route(method: str, path: str, handler: Handler, source: Source | None = None) -> Route:
    pattern = re.escape(path).replace(r"\{\}", "([^/]+)")
    usual: Source = "book" if method == "GET" else "change"
    return Route(method, re.compile(pattern), source or usual, handler)


ROUTES: tuple[Route, ...] = (
    _route("GET", "/v2/account", account_api.get_account),
    _route("GET", "/v2/account/configurations", configurations_api.get_configurations),
    _route("PATCH", "/v2/account/configurations", configurations_api.patch_configurations),
    _route("GET", "/v2/account/activities", activities_api.list_activities),
    _route("GET", "/v2/account/activities/{}", activities_api.list_activities),
    _route("GET", "/v2/clock", reference_api.get_clock),
    _route("GET", "/v2/calendar", reference_api.get_calendar),
    _route("GET", "/v2/assets", reference_api.list_all_assets, "bars"),
    _route("GET", "/v2/assets/{}", reference_api.get_asset, "bars"),
    _route("GET", "/v2/assets/{}/{}", reference_api.get_asset, "bars"),
    _route("GET", "/v2/orders", orders_api.list_orders),
    _route("POST", "/v2/orders", configurations_api.unless_suspended(orders_api.post_order)),
    _route("DELETE", "/v2/orders", orders_api.delete_orders),
    _route("GET", "/v2/orders:by_client_order_id", orders_api.get_order_by_client_id),
    _route("GET", "/v2/orders/{}", orders_api.get_order),
    _route("PATCH", "/v2/orders/{}", orders_api.patch_order),
    _route("DELETE", "/v2/orders/{}", orders_api.delete_order),
    _route("GET", "/v2/positions", positions_api.list_positions),
    _route("GET", "/v2/positions/{}", positions_api.get_position, "bars"),
    _route("DELETE", "/v2/positions", positions_api.delete_positions),
    _route("DELETE", "/v2/positions/{}", positions_api.delete_position),
    *(_route("GET", path, _late(module, name), "bars") for path, module, name in _DATA),
    _route("GET", "/_sim/clock", clock_api.get_sim_clock),
    _route("POST", "/_sim/clock", clock_api.post_sim_clock),
    _route("POST", "/_sim/assets/{}", halts_api.post_sim_asset),
    _route("POST", "/_sim/activities", _late("injection_api", "post_activity")),
    _route("GET", "/_sim/faults", faults_api.list_faults, "bars"),
    _route("POST", "/_sim/faults", faults_api.post_fault),
    _route("DELETE", "/_sim/faults", faults_api.delete_faults),
    _route("DELETE", "/_sim/faults/{}", faults_api.delete_faults),
)


def find_route(method: str, path: str) -> tuple[Route, tuple[str, ...]] | None:
    """Return the route of a request with what stands in its places, or None."""
    for route in ROUTES:
        if route.method == method and (match := route.path.fullmatch(path)) is not None:
            return route, match.groups()
    return None
