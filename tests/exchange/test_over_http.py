"""The exchange as a server: unmodified alpaca-py clients, loopback only, clean stop, death."""

import datetime as dt
import signal
import socket
from urllib.parse import urlsplit

import pytest
import requests

from quantcli.contracts.errors import UsageError
from quantcli.exchange.http_server import serve
from quantcli.exchange.in_process import InProcessAdapter
from tests.exchange.market import KEY, KEYS, SECRET, customer


def trading(url):
    from alpaca.trading.client import TradingClient

    client = TradingClient(KEY, SECRET, url_override=url)
    client._session.trust_env = False
    return client


def advance(session, url, to):
    answer = session.post(f"{url}/_sim/clock", json={"to": to}, timeout=10)
    assert answer.status_code == 200, answer.text


def test_unmodified_trading_client(url, session):
    from alpaca.common.exceptions import APIError
    from alpaca.trading.enums import OrderSide, OrderStatus, QueryOrderStatus, TimeInForce
    from alpaca.trading.requests import (
        ClosePositionRequest,
        GetCalendarRequest,
        GetOrdersRequest,
        LimitOrderRequest,
        MarketOrderRequest,
        ReplaceOrderRequest,
        StopOrderRequest,
    )

    client = trading(url)
    assert client.get_account().cash == "100000"
    assert client.get_account_configurations().no_shorting is False
    assert client.get_clock().is_open is False
    day = dt.date(2024, 11, 29)
    assert client.get_calendar(GetCalendarRequest(start=day, end=day))[0].close.hour == 13
    assert [asset.symbol for asset in client.get_all_assets()] == ["ABC", "XYZ"]
    assert client.get_asset("XYZ").tradable

    common = {"symbol": "XYZ", "time_in_force": TimeInForce.DAY}
    bought = client.submit_order(
        LimitOrderRequest(
            qty=10, side=OrderSide.BUY, limit_price=99.5, client_order_id="a", **common
        )
    )
    assert (bought.status, bought.qty) == (OrderStatus.ACCEPTED, "10")
    advance(session, url, "2024-11-26T17:00:00Z")
    assert client.get_order_by_id(bought.id).filled_avg_price == "99.5"
    assert client.get_order_by_client_id("a").status == OrderStatus.FILLED
    assert client.get_open_position("XYZ").qty == "10"

    stop = client.submit_order(
        StopOrderRequest(
            symbol="XYZ", qty=8, side=OrderSide.SELL, stop_price=90, time_in_force=TimeInForce.GTC
        )
    )
    replaced = client.replace_order_by_id(stop.id, ReplaceOrderRequest(stop_price=91.25, qty=7))
    assert replaced.replaces == stop.id
    with pytest.raises(APIError) as refused:
        client.submit_order(MarketOrderRequest(qty=4, side=OrderSide.SELL, **common))
    assert (refused.value.status_code, refused.value.code) == (403, 40310000)
    client.close_position("XYZ", ClosePositionRequest(qty="3"))
    assert client.get_all_positions()[0].qty == "7"
    everything = client.get_orders(GetOrdersRequest(status=QueryOrderStatus.ALL, nested=True))
    assert len(everything) == 4
    assert [each.id for each in client.get_orders()] == [replaced.id]
    client.cancel_order_by_id(replaced.id)
    assert client.cancel_orders() == []
    fills = client.get("/account/activities/FILL", {"direction": "asc"})
    assert [row["side"] for row in fills] == ["buy", "sell"]


def test_unmodified_data_client(url, session):
    from alpaca.data.historical import StockHistoricalDataClient
    from alpaca.data.requests import StockBarsRequest
    from alpaca.data.timeframe import TimeFrame

    advance(session, url, "2024-12-03T00:00:00Z")
    client = StockHistoricalDataClient(KEY, SECRET, url_override=url)
    client._session.trust_env = False
    request = StockBarsRequest(
        symbol_or_symbols=["ABC", "XYZ"],
        timeframe=TimeFrame.Day,
        start=dt.datetime(2024, 11, 26),  # noqa: DTZ001
    )
    found = client.get_stock_bars(request)

    assert [bar.close for bar in found["XYZ"]] == [102, 95, 97, 103]
    assert len(found["ABC"]) == 4


def test_wire_is_the_same_over_http_and_in_process(url, market):
    """The same requests give the same bytes: same seed, same clock."""
    local = customer(market)
    body = {"symbol": "XYZ", "qty": 2, "side": "buy", "type": "market", "time_in_force": "day"}
    calls = [
        ("POST", "/v2/orders", body),
        ("POST", "/v2/orders", body | {"qty": 0}),
        ("POST", "/_sim/clock", {"to": "2024-11-26T22:00:00Z"}),
        ("GET", "/v2/account", None),
        ("GET", "/v2/account/activities?direction=asc", None),
        ("GET", "/v2/positions/X%59Z", None),
        ("GET", "/v2/orders?status=all&after=2024-11-26T00:00:00%2B00:00", None),
        ("GET", "/v2/nothing", None),
    ]
    answers = []
    for address, adapter in (
        (url, None),
        ("http://exchange.local", InProcessAdapter(local.exchange)),
    ):
        with requests.Session() as session:
            session.trust_env = False
            if adapter is not None:
                session.mount("http://exchange.local", adapter)
            got = [
                session.request(method, address + path, json=sent, headers=KEYS, timeout=10)
                for method, path, sent in calls
            ]
        answers.append([(g.status_code, g.content, g.headers["Content-Type"]) for g in got])

    assert answers[0] == answers[1]
    assert [answer[0] for answer in answers[0]] == [200, 422, 200, 200, 200, 200, 200, 404]


def test_in_process_adapter_serves_the_broker_client(market):
    from alpaca.common.rest import RESTClient

    local = customer(market)
    client = RESTClient("http://exchange.local", KEY, SECRET, raw_data=True)
    client._session.mount("http://exchange.local", InProcessAdapter(local.exchange))

    assert client.get("/account")["cash"] == "100000"
    booked = client.post("/orders", {"symbol": "XYZ", "qty": 1.0, "side": "buy", "type": "limit",
                                     "limit_price": 99.5, "time_in_force": "day"})  # fmt: skip
    assert client.delete(f"/orders/{booked['id']}") is None
    assert local.get("/v2/orders") == []


def test_one_loopback_address_only(url):
    """A server on all interfaces would also answer on the other loopback addresses."""
    parts = urlsplit(url)
    assert parts.hostname == "127.0.0.1"
    socket.create_connection(("127.0.0.1", parts.port), timeout=5).close()

    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.2", parts.port), timeout=5).close()


def test_a_taken_port_is_named_with_what_to_do():
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(UsageError, match="already in use") as caught:
            serve(customer({}).exchange, port, print)

    assert caught.value.value == str(port)
    assert "--port 0" in caught.value.hint


def test_term_stops_cleanly(start, session):
    process, url = start()
    session.get(f"{url}/v2/clock", timeout=10)
    process.send_signal(signal.SIGTERM)

    assert process.wait(timeout=10) == 0
    assert process.stdout.read() == "stopped\n"


@pytest.mark.slow
def test_killed_server_forgets_nothing(start, session):
    process, url = start()
    taken = []
    for number in range(20):
        sent = {"symbol": "XYZ", "qty": 1, "side": "buy", "type": "limit", "limit_price": 50,
                "time_in_force": "gtc", "client_order_id": f"k{number}"}  # fmt: skip
        taken.append(session.post(f"{url}/v2/orders", json=sent, timeout=10).json()["id"])
    advance(session, url, "2024-11-26T15:00:00Z")
    process.kill()
    process.wait()
    _, url = start()

    rows = session.get(f"{url}/v2/orders?direction=asc", timeout=10).json()
    assert [row["id"] for row in rows] == taken
    assert (
        session.get(f"{url}/_sim/clock", timeout=10).json()["timestamp"].startswith("2024-11-26T15")
    )
    again = session.post(f"{url}/v2/orders", json=sent, timeout=10)
    assert (again.status_code, again.json()["message"]) == (422, "client_order_id must be unique")


def test_requests_at_once_are_answered_one_by_one(url):
    from concurrent.futures import ThreadPoolExecutor

    def send(number):
        body = {"symbol": "XYZ", "qty": 1, "side": "buy", "type": "limit", "limit_price": 50,
                "time_in_force": "day", "client_order_id": f"c{number % 10}"}  # fmt: skip
        with requests.Session() as session:
            session.trust_env = False
            answer = session.post(f"{url}/v2/orders", json=body, headers=KEYS, timeout=30)
        return answer.status_code

    with ThreadPoolExecutor(8) as pool:
        statuses = sorted(pool.map(send, range(30)))

    assert statuses == [200] * 10 + [422] * 20
