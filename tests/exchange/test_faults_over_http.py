"""The faults that need a connection, over a socket and in process: what a client sees of each."""

import contextlib
import subprocess
import sys
import time
from pathlib import Path

import pytest
import requests
from requests.adapters import HTTPAdapter

from quantcli.exchange.in_process import InProcessAdapter
from tests.exchange.market import KEYS, customer, order

ROOT = Path(__file__).resolve().parents[2]
ORDERS = "/v2/orders"


class Line:
    """A client of one exchange; each request gets a second of patience."""

    def __init__(self, url, adapter):
        self.url = url
        self.session = requests.Session()
        self.session.trust_env = False
        self.session.headers.update(KEYS)
        self.session.mount(url, adapter)

    def ask(self, method, path, body=None, seconds=1.0):
        return self.session.request(method, self.url + path, json=body, timeout=(5, seconds))

    def fault(self, kind, **more):
        answer = self.ask("POST", "/_sim/faults", {"kind": kind, **more})
        assert answer.status_code == 200, answer.text

    def orders(self):
        rows = self.ask("GET", ORDERS + "?status=all&direction=asc").json()
        return [row["client_order_id"] for row in rows]


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    book = tmp_path_factory.mktemp("served") / "book.sqlite3"
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.exchange.serving", str(book)],
        cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    yield process.stdout.readline().strip()
    process.terminate()
    _, errors = process.communicate(timeout=20)
    assert errors == ""  # no fault is a failure of the server


@pytest.fixture(params=["http", "in-process"])
def line(request, market):
    if request.param == "http":
        client = Line(request.getfixturevalue("served"), HTTPAdapter())
    else:
        adapter = InProcessAdapter(customer(market).exchange)
        client = Line("http://exchange.local", adapter)
    with client.session:
        yield client
        assert client.ask("DELETE", "/_sim/faults").status_code == 204


@pytest.fixture
def buy(request):
    """Return an order with an id of its own: the served exchange is shared."""
    return order("XYZ", 1, "buy", "limit", "50", client_order_id=request.node.name)


def test_a_connection_is_dropped_before_or_after(line, buy):
    line.fault("drop-before-accept", method="POST", path=ORDERS, nth=1)
    line.fault("drop-after-accept", method="POST", path=ORDERS, nth=2)
    for is_there in (False, True):
        with pytest.raises(requests.ConnectionError):
            line.ask("POST", ORDERS, buy)
        assert (buy["client_order_id"] in line.orders()) is is_there
    again = line.ask("POST", ORDERS, buy)
    assert (again.status_code, again.json()["message"]) == (422, "client_order_id must be unique")


def test_a_delayed_request_is_heard_even_if_nobody_waits(line, buy):
    line.fault("delay", method="POST", path=ORDERS, seconds="0.6")
    with pytest.raises(requests.ReadTimeout):
        line.ask("POST", ORDERS, buy, seconds=0.2)
    deadline = time.monotonic() + 5
    while buy["client_order_id"] not in line.orders() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert buy["client_order_id"] in line.orders()


def test_a_delay_within_patience_changes_nothing(line, buy):
    line.fault("delay", method="POST", path=ORDERS, seconds="0.1")
    assert line.ask("POST", ORDERS, buy, seconds=3).status_code == 200


def test_a_restart_drops_the_connection_and_keeps_what_was_booked(line, buy):
    assert line.ask("POST", ORDERS, buy).status_code == 200
    line.fault("broker-restart", method="GET", path="/v2/account")
    with pytest.raises(requests.ConnectionError):
        line.ask("GET", "/v2/account")
    assert line.ask("GET", "/v2/account").status_code == 200
    assert buy["client_order_id"] in line.orders()


def test_the_gateway_speaks_for_the_exchange(line, buy):
    line.fault("gateway-timeout-after-accept", method="POST", path=ORDERS)
    line.fault("bad-gateway", method="GET", path="/v2/account")
    line.fault("rate-limited", method="GET", path="/v2/clock", retry_after="never")
    posted = line.ask("POST", ORDERS, buy)
    assert (posted.status_code, posted.headers["Content-Type"]) == (504, "text/html")
    assert buy["client_order_id"] in line.orders()
    account = line.ask("GET", "/v2/account")
    assert (account.status_code, account.headers["Content-Type"]) == (502, "text/html")
    clock = line.ask("GET", "/v2/clock")
    assert (clock.status_code, clock.headers["Retry-After"]) == (429, "never")


def test_changed_words_come_over_the_wire_as_they_are(line):
    line.fault("truncated-json", method="GET", path="/v2/account")
    line.fault("extra-fields", method="GET", path="/v2/clock", count=2)
    cut = line.ask("GET", "/v2/account")
    assert int(cut.headers.get("Content-Length", len(cut.content))) == len(cut.content)
    with pytest.raises(requests.JSONDecodeError):
        cut.json()
    assert "novelty_02" in line.ask("GET", "/v2/clock").json()


def test_a_restart_drops_the_other_connections_as_well(served):
    """The idle connection of another client ends too."""
    idle, active = (Line(served, HTTPAdapter()) for _ in range(2))
    with idle.session, active.session:
        assert idle.ask("GET", "/v2/clock").status_code == 200
        sockets = _sockets(idle.session)
        assert len(sockets) == 1
        active.fault("broker-restart", method="GET", path="/v2/account")
        with pytest.raises(requests.ConnectionError):
            active.ask("GET", "/v2/account")
        sockets[0].settimeout(5)
        with contextlib.suppress(ConnectionResetError):
            assert sockets[0].recv(1) == b""
        active.ask("DELETE", "/_sim/faults")


def _sockets(session):
    found = []
    for adapter in session.adapters.values():
        manager = adapter.poolmanager
        for key in manager.pools.keys():  # noqa: SIM118 (no plain mapping)
            queue = manager.pools[key].pool.queue
            found += [each.sock for each in queue if each is not None]
    return found
