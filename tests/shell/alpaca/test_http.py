"""The wire: one request, our bytes, known hosts, limits; what was sent is never guessed."""

import gzip
import socket
import threading
import time

import pytest

from quantcli.contracts.errors import ConfigError
from quantcli.ports.broker import Request, TransportFailure
from quantcli.shell import wire
from quantcli.shell.alpaca.http import AlpacaTransport, checked_url
from quantcli.shell.wire import host_of
from tests.shell.alpaca.servers import Broker, heard, raw_server, says

GET = Request("GET", "/account", "", b"")
POST = Request("POST", "/orders", "", b'{"client_order_id":"q1-x","qty":"1.50","symbol":"AAPL"}')
KEY, SECRET = "PKCANARY", "canary-of-a-secret"


def transport(url, **limits):
    usual = {"connect_seconds": 1, "read_seconds": 1, "total_seconds": 2}
    return AlpacaTransport(url, KEY, SECRET, **{**usual, **limits})


def failure(url, request=POST, **limits):
    """Return how a request fails, and after how many seconds."""
    began = time.monotonic()
    with pytest.raises(TransportFailure) as caught:
        transport(url, **limits).send(request)
    return caught.value, time.monotonic() - began


# ------------------------------------------------------------------------------ what is sent


def test_the_bytes_sent_are_ours():
    with Broker(says(200, b'{"a":1}', X_Request_ID="r-1")) as broker:
        answer = transport(broker.url).send(POST)

    ((method, path, headers, body),) = broker.requests
    assert (method, path, body) == ("POST", "/v2/orders", POST.body)
    assert headers["APCA-API-KEY-ID"] == KEY
    assert headers["APCA-API-SECRET-KEY"] == SECRET
    assert headers["Content-Type"] == "application/json"
    assert headers["Content-Length"] == str(len(POST.body))
    assert headers["User-Agent"].startswith("APCA-PY/")
    assert (answer.status, answer.body) == (200, b'{"a":1}')
    assert ("X-Request-ID", "r-1") in answer.headers


@pytest.mark.parametrize("method", ["GET", "DELETE", "PATCH"])
def test_queries_go_as_they_are(method):
    with Broker(says(200)) as broker:
        transport(broker.url).send(Request(method, "/orders", "after=a%3Ab&limit=5&x=", b""))

    ((sent, path, headers, body),) = broker.requests
    assert (sent, path, body) == (method, "/v2/orders?after=a%3Ab&limit=5&x=", b"")
    assert "Content-Type" not in headers


def test_the_simulated_clock_lies_beside_the_trading_api():
    with Broker(says(200, b'{"timestamp":"x"}')) as broker:
        made = transport(broker.url)
        assert made.simulate("GET").body == b'{"timestamp":"x"}'
        made.simulate("POST", b'{"to":"y"}')

    assert [(m, p, b) for m, p, _, b in broker.requests] == [
        ("GET", "/_sim/clock", b""),
        ("POST", "/_sim/clock", b'{"to":"y"}'),
    ]


def test_one_connection_serves_many_requests():
    with Broker(says(200)) as broker:
        made = transport(broker.url)
        for number in range(20):
            assert made.send(POST._replace(query=f"n={number}")).status == 200

    assert [path for _, path, _, _ in broker.requests] == [
        f"/v2/orders?n={number}" for number in range(20)
    ]


def test_no_proxy_and_no_netrc(tmp_path, monkeypatch):
    """A proxy variable or a password file of the machine has no say."""
    netrc = tmp_path / ".netrc"
    netrc.write_text("machine 127.0.0.1 login intruder password x\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    with Broker(says(200)) as broker:
        transport(broker.url).send(GET)

    assert "Authorization" not in broker.requests[0][2]


def test_cookies_are_not_kept():
    with Broker(says(200, b"{}", Set_Cookie="session=1; Path=/")) as broker:
        made = transport(broker.url)
        made.send(GET)
        made.send(GET)

    assert "Cookie" not in broker.requests[1][2]


# ------------------------------------------------------------------------------ what comes back

BODIES = [
    (502, b"<html>bad gateway</html>", "text/html"),
    (401, b"<html>authorization required</html>", "text/html"),
    (401, b'{"message":"unauthorized."}', "application/json"),
    (422, b'{"code":40010001,"message":"client_order_id must be unique"}', "application/json"),
    (429, b'{"code":42910000,"message":"rate limit exceeded"}', "application/json"),
    (504, b'{"message":"timeout"}', "application/json"),
    (500, b"", "application/json"),
    (204, b"", "application/json"),
    (207, b"[]", "application/json"),
    (200, b'{"a":1', "application/json"),
    (200, b"\xff\xfe\x00", "application/octet-stream"),
    (200, b"", "application/json"),
]


@pytest.mark.parametrize(("status", "body", "kind"), BODIES)
@pytest.mark.parametrize("request_", [GET, POST], ids=["GET", "POST"])
def test_every_answer_comes_back_raw_and_nothing_is_sent_again(status, body, kind, request_):
    with Broker(says(status, body, Content_Type=kind, Retry_After="0")) as broker:
        answer = transport(broker.url).send(request_)

    assert (answer.status, answer.body) == (status, body)
    assert len(broker.requests) == 1


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("request_", [GET, POST], ids=["GET", "POST"])
def test_redirects_are_not_followed(status, request_):
    with Broker(says(200, b"stolen")) as thief:
        with Broker(says(status, b"", Location=f"{thief.url}/v2/orders")) as broker:
            answer = transport(broker.url).send(request_)

        assert answer.status == status
        assert len(broker.requests) == 1
        assert thief.requests == []


def test_compressed_answers_are_unpacked():
    packed = gzip.compress(b'{"cash":"1"}')
    with Broker(says(200, packed, Content_Encoding="gzip")) as broker:
        assert transport(broker.url).send(GET).body == b'{"cash":"1"}'


def test_an_answer_that_is_not_what_its_packing_says():
    with Broker(says(200, b"not gzip", Content_Encoding="gzip")) as broker:
        error, _ = failure(broker.url)

    assert (error.why, error.was_sent) == ("connection-lost", True)


def test_a_body_over_the_cap(monkeypatch):
    monkeypatch.setattr(wire, "BODY_BYTES_MAX", 1000)
    with Broker(says(200, b"x" * 1000)) as broker:
        assert len(transport(broker.url).send(GET).body) == 1000
    with Broker(says(200, b"x" * 1001)) as broker:
        error, _ = failure(broker.url)

    assert (error.why, error.was_sent) == ("answer-too-large", True)


def test_a_small_body_that_unpacks_to_a_huge_one(monkeypatch):
    monkeypatch.setattr(wire, "BODY_BYTES_MAX", 1_000_000)
    packed = gzip.compress(b"\0" * 50_000_000)
    assert len(packed) < 100_000
    with Broker(says(200, packed, Content_Encoding="gzip")) as broker:
        error, _ = failure(broker.url)

    assert error.why == "answer-too-large"


def test_after_a_failure_the_next_request_is_answered_by_its_own_answer(monkeypatch):
    monkeypatch.setattr(wire, "BODY_BYTES_MAX", 1000)
    with Broker(
        lambda method, path, headers, body: (200, {}, b"x" * 5000 if "big" in path else b"small")
    ) as broker:
        made = transport(broker.url)
        with pytest.raises(TransportFailure):
            made.send(GET._replace(query="big"))
        assert made.send(GET).body == b"small"


# ------------------------------------------------------------------------------ not sent


def closed_port():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


def test_connection_refused_is_certainly_not_sent():
    error, seconds = failure(f"http://127.0.0.1:{closed_port()}")

    assert (error.why, error.was_sent) == ("connect-failed", False)
    assert seconds < 1


def test_a_host_that_takes_no_connection():
    """A listener whose queue is full: the connection never comes about."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        fillers = [socket.socket() for _ in range(4)]
        try:
            for filler in fillers:
                filler.setblocking(False)
                filler.connect_ex(listener.getsockname())
            error, seconds = failure(url, connect_seconds=0.3)
        finally:
            for filler in fillers:
                filler.close()

    assert (error.why, error.was_sent) == ("connect-timeout", False)
    assert seconds < 2


def test_a_name_nobody_knows_is_certainly_not_sent(monkeypatch):
    def unknown(*args, **kwargs):
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    error, _ = failure("https://paper-api.alpaca.markets")

    assert (error.why, error.was_sent) == ("connect-failed", False)


# ------------------------------------------------------------------------------ perhaps sent


def test_no_answer_in_time():
    def behave(connection):
        heard(connection)
        time.sleep(3)

    with raw_server(behave) as url:
        error, seconds = failure(url, read_seconds=0.3)

    assert (error.why, error.was_sent) == ("read-timeout", True)
    assert 0.2 < seconds < 1.5


def reset(connection):
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")


def test_a_reset_after_the_request():
    def behave(connection):
        heard(connection)
        reset(connection)

    with raw_server(behave) as url:
        error, _ = failure(url)

    assert (error.why, error.was_sent) == ("connection-lost", True)


def test_a_reset_at_once():
    """It strikes before the connection stands, which is told, or after, which is in doubt."""
    with raw_server(reset) as url:
        errors = [failure(url)[0] for _ in range(5)]

    found = {(error.why, error.was_sent) for error in errors}
    assert found <= {("connect-failed", False), ("connection-lost", True)}


@pytest.mark.parametrize(
    "said",
    [
        b"",
        b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{}",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n",
        b"220 mail.example ESMTP\r\n",
        b"\x00" * 200,
    ],
    ids=["nothing", "cut body", "cut chunk", "bad chunk", "mail server", "noise"],
)
def test_an_answer_that_is_not_whole(said):
    def behave(connection):
        heard(connection)
        connection.sendall(said)

    with raw_server(behave) as url:
        error, _ = failure(url)

    assert (error.why, error.was_sent) == ("connection-lost", True)


def test_a_head_cut_short_is_an_answer_without_a_body():
    """The library takes it for whole; the empty body is what nobody takes for an order."""

    def behave(connection):
        heard(connection)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Le")

    with raw_server(behave) as url:
        answer = transport(url).send(POST)

    assert (answer.status, answer.body) == (200, b"")


def dripping(head):
    def behave(connection):
        heard(connection)
        connection.sendall(head)
        while True:
            connection.sendall(b"x" if b"\r\n\r\n" in head else b"X-A: b\r\n")
            time.sleep(0.02)

    return behave


@pytest.mark.parametrize(
    "head",
    [
        b"HTTP/1.1 200 OK\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n\r\n",
    ],
    ids=["in the head", "in the body", "in a body without length"],
)
def test_a_peer_that_drips_is_given_up_at_the_deadline(head):
    """Each byte comes long before the read timeout; the whole never does."""
    with raw_server(dripping(head)) as url:
        error, seconds = failure(url, read_seconds=1, total_seconds=0.6)

    assert error.was_sent
    assert 0.5 < seconds < 1.5


def test_the_deadline_starts_anew_with_each_request():
    with Broker(says(200)) as broker:
        made = transport(broker.url, total_seconds=0.3)
        for _ in range(3):
            time.sleep(0.2)
            assert made.send(GET).status == 200


def test_a_server_that_hung_up_on_an_idle_connection():
    """Kept alive by us, closed by them: either a clean second connection or an honest failure."""
    served = []

    def behave(connection):
        served.append(heard(connection))
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
        # Then it hangs up, although it never said so.

    with raw_server(behave) as url:
        made = transport(url)
        made.send(GET)
        time.sleep(0.2)
        assert made.send(POST).body == b"{}"

    assert len(served) == 2


def test_two_transports_do_not_share_a_deadline():
    done = []

    def behave(connection):
        heard(connection)
        time.sleep(0.5)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")

    with raw_server(behave) as url:
        slow = transport(url, total_seconds=2)
        thread = threading.Thread(target=lambda: done.append(slow.send(GET).status))
        thread.start()
        failure(url, total_seconds=0.1)
        thread.join()

    assert done == [200]


# ------------------------------------------------------------------------------ secrets


def test_no_failure_tells_a_secret():
    with raw_server(reset) as url:
        error, _ = failure(url)
    chain, shown = error, ""
    while chain is not None:
        shown += f"{chain!r}{chain}{chain.args}"
        chain = chain.__cause__ or chain.__context__

    assert KEY not in shown
    assert SECRET not in shown


# ------------------------------------------------------------------------------ addresses


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://paper-api.alpaca.markets", "https://paper-api.alpaca.markets"),
        ("https://paper-api.alpaca.markets/", "https://paper-api.alpaca.markets"),
        ("https://paper-api.alpaca.markets/v2/", "https://paper-api.alpaca.markets"),
        ("https://PAPER-API.Alpaca.Markets:443", "https://PAPER-API.Alpaca.Markets:443"),
        ("https://api.alpaca.markets", "https://api.alpaca.markets"),
        ("http://127.0.0.1:8123", "http://127.0.0.1:8123"),
        ("http://localhost:1/", "http://localhost:1"),
        ("http://[::1]:8123", "http://[::1]:8123"),
    ],
)
def test_known_addresses(url, expected):
    assert checked_url(url) == expected


@pytest.mark.parametrize(
    "url",
    [
        "",
        "paper-api.alpaca.markets",
        "http://paper-api.alpaca.markets",
        "https://paper-api.alpaca.markets.evil.example",
        "https://evil.example/paper-api.alpaca.markets",
        "https://paper-api.alpaca.markets@evil.example",
        "https://me:hunter2@paper-api.alpaca.markets",
        "https://me@paper-api.alpaca.markets",
        "https://paper-api.alpaca.markets:8443",
        "https://paper-api.alpaca.markets?x=1",
        "https://paper-api.alpaca.markets#x",
        "https://data.alpaca.markets",
        "https://127.0.0.1:8123",
        "http://127.0.0.2:8123",
        "http://0.0.0.0:8123",
        "http://192.168.0.1:8123",
        "http://127.0.0.1.evil.example",
        "http://127.0.0.1:port",
        "http://127.0.0.1:99999",
        "http://127.0.0.1:1 /",
        "http://127.0.0.1:1\r\nX: y",
        "http://[::1",
        "http://\u0131pa.example",
        "ftp://127.0.0.1",
        "file:///etc/passwd",
    ],
)
def test_unknown_addresses_are_refused_without_repeating_them(url):
    with pytest.raises(ConfigError) as caught:
        checked_url(url)
    assert caught.value.exit_code == 3
    assert "hunter2" not in caught.value.line()
    with pytest.raises(ConfigError):
        AlpacaTransport(url, KEY, SECRET)


def test_hosts_are_compared_as_hosts():
    assert host_of("https://API.ALPACA.markets/x") == "api.alpaca.markets"
    assert host_of("http://127.0.0.1/paper-api.alpaca.markets") == "127.0.0.1"
    assert host_of("") == ""
    assert host_of("http://[") == ""
