"""The trade_updates stream: alpaca-py's own client, and the handshake frame by frame."""

import asyncio
import json
import threading
import time
from contextlib import ExitStack

import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from quantcli.contracts.scalars import instant
from quantcli.exchange.venue import Exchange
from tests.exchange.conftest import MARKET
from tests.exchange.market import KEY, SECRET, Customer, HandMadeBars, settings

AUTHENTICATE = {"action": "authenticate", "data": {"key_id": KEY, "secret_key": SECRET}}
LISTEN = {"action": "listen", "data": {"streams": ["trade_updates"]}}
AUTHORIZED = {
    "stream": "authorization",
    "data": {"action": "authenticate", "status": "authorized"},
}


@pytest.fixture
def line(url):
    """Return a function that opens a connection, which ends with the test."""
    with ExitStack() as opened:
        yield lambda: opened.enter_context(
            connect(url.replace("http", "ws") + "/stream", proxy=None)
        )


def say(connection, message):
    connection.send(json.dumps(message))
    return hear(connection)


def hear(connection, seconds=5):
    frame = connection.recv(timeout=seconds)
    assert isinstance(frame, bytes)
    return json.loads(frame)


def listening(line):
    connection = line()
    assert say(connection, AUTHENTICATE) == AUTHORIZED
    assert say(connection, LISTEN)["data"] == {"streams": ["trade_updates"]}
    return connection


def send(session, url, **changes):
    body = {"symbol": "XYZ", "qty": "3", "side": "buy", "type": "market", "time_in_force": "day"}
    answer = session.post(f"{url}/v2/orders", json=body | changes, timeout=10)
    assert answer.status_code == 200, answer.text
    return answer.json()


def advance(session, url, to):
    session.post(f"{url}/_sim/clock", json={"to": to}, timeout=10).raise_for_status()


def test_handshake(line):
    connection = line()

    assert say(connection, LISTEN) == {
        "stream": "authorization", "data": {"action": "listen", "status": "unauthorized"},
    }  # fmt: skip
    wrong = {"action": "authenticate", "data": {"key_id": KEY, "secret_key": "bad"}}
    assert say(connection, wrong)["data"]["status"] == "unauthorized"
    assert say(connection, {"action": "auth", "key": KEY, "secret": SECRET}) == AUTHORIZED
    both = {"action": "listen", "data": {"streams": ["trade_updates", "account_updates"]}}
    assert say(connection, both) == {"stream": "listening", "data": {"streams": ["trade_updates"]}}
    assert say(connection, {"action": "listen", "data": {"streams": []}})["data"]["streams"] == []


@pytest.mark.parametrize("message", ["{", "[]", "1", '{"action": "dance"}', '{"action": {}}'])
def test_nonsense_is_an_error_and_the_line_stays(line, message):
    connection = line()
    connection.send(message)

    assert hear(connection)["stream"] == "error"
    assert say(connection, AUTHENTICATE) == AUTHORIZED


def test_events_of_orders_reach_the_listener(line, session, url):
    connection = listening(line)
    booked = send(session, url)
    advance(session, url, "2024-11-26T15:00:00Z")

    new, fill = hear(connection), hear(connection)
    assert [each["data"]["event"] for each in (new, fill)] == ["new", "fill"]
    assert new["stream"] == fill["stream"] == "trade_updates"
    data = fill["data"]
    assert (data["price"], data["qty"], data["position_qty"]) == ("100", "3", "3")
    assert data["order"]["id"] == booked["id"]
    assert data["order"] == session.get(f"{url}/v2/orders/{booked['id']}", timeout=10).json()


def test_second_listener_is_refused_until_the_first_is_gone(line):
    first = listening(line)
    with pytest.raises(InvalidStatus) as refused:
        line()
    assert refused.value.response.status_code == 429

    first.close()
    for _ in range(50):
        try:
            listening(line)
            return
        except InvalidStatus:
            time.sleep(0.1)
    pytest.fail("the line stays taken")


def test_a_connection_without_keys_takes_nobodys_place(line):
    line()

    listening(line)


def test_two_at_the_door_only_one_gets_in(line):
    first, second = line(), line()

    assert say(first, AUTHENTICATE) == AUTHORIZED
    assert say(second, AUTHENTICATE)["data"]["status"] == "unauthorized"


def test_nothing_is_told_again(line, session, url):
    first = listening(line)
    send(session, url)
    advance(session, url, "2024-11-26T15:00:00Z")
    assert hear(first)["data"]["event"] == "new"
    first.close()
    time.sleep(0.5)
    second = listening(line)

    with pytest.raises(TimeoutError):
        hear(second, seconds=0.5)


def test_who_stops_listening_hears_nothing(line, session, url):
    connection = listening(line)
    say(connection, {"action": "listen", "data": {"streams": []}})
    send(session, url)
    advance(session, url, "2024-11-26T15:00:00Z")

    with pytest.raises(TimeoutError):
        hear(connection, seconds=0.5)


def test_changes_by_another_process_are_told(line, tmp_path):
    """The book is a file: `exchange advance` without a server writes to it as well."""
    connection = listening(line)
    other = Customer(Exchange(tmp_path / "book.sqlite3", HandMadeBars(MARKET), settings()))
    booked = other.send("XYZ", 1, "buy", "limit", "95")
    other.exchange.advance(instant("2024-11-26T17:00:00Z"))
    other.exchange.close()

    events = [hear(connection)["data"] for _ in range(2)]
    assert [each["event"] for each in events] == ["new", "fill"]
    assert {each["order"]["id"] for each in events} == {booked["id"]}


def test_plain_requests_to_the_stream_are_no_endpoint(session, url):
    assert session.get(f"{url}/stream", timeout=10).status_code == 404


@pytest.fixture
def stream(url):
    """Return alpaca-py's own stream, running in a thread, and what it has received."""
    from alpaca.trading.stream import TradingStream

    stream = TradingStream(KEY, SECRET, url_override=url.replace("http", "ws") + "/stream")
    received = []

    async def keep(update):
        received.append(update)

    stream.subscribe_trade_updates(keep)
    thread = threading.Thread(target=stream.run, daemon=True)
    thread.start()
    for _ in range(100):
        if stream._running:
            break
        time.sleep(0.05)
    time.sleep(0.2)  # `listen` follows the running flag's connection
    yield received
    asyncio.run_coroutine_threadsafe(stream.stop_ws(), stream._loop).result(5)
    thread.join(timeout=10)


def wait_for(received, count):
    for _ in range(100):
        if len(received) >= count:
            return
        time.sleep(0.05)
    pytest.fail(f"{len(received)} updates of {count}")


def test_unmodified_trading_stream(stream, session, url):
    from alpaca.trading.enums import OrderStatus, TradeEvent

    booked = send(session, url, qty="7", type="limit", limit_price="95")
    resting = send(session, url, symbol="ABC", type="limit", limit_price="10", time_in_force="gtc")
    advance(session, url, "2024-11-26T17:00:00Z")
    session.delete(f"{url}/v2/orders/{resting['id']}", timeout=10)
    wait_for(stream, 4)

    kinds = [(each.event, str(each.order.id)) for each in stream]
    assert kinds == [
        (TradeEvent.NEW, booked["id"]), (TradeEvent.NEW, resting["id"]),
        (TradeEvent.FILL, booked["id"]), (TradeEvent.CANCELED, resting["id"]),
    ]  # fmt: skip
    fill = stream[2]
    assert (fill.price, fill.qty, fill.position_qty) == (95.0, 7.0, 7.0)
    assert fill.order.status == OrderStatus.FILLED
    assert stream[0].order.status == OrderStatus.NEW
