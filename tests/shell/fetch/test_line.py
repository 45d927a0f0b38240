"""The line to a source: what is asked again, how long is waited, what is given up, and where to."""

import datetime as dt
import time
from email.utils import format_datetime

import pytest

from quantcli.contracts.errors import ConfigError
from quantcli.shell import wire
from quantcli.shell.fetch.answers import CAUSES, SourceFailed
from quantcli.shell.fetch.line import checked_address
from tests.shell.alpaca.servers import Broker, heard, raw_server, says
from tests.shell.fetch.vendors import START, PatientClock, line

GOOD = (200, {}, b'{"bars":{}}')


def in_turn(*answers):
    """Return an answer function that says one thing after the other, the last for ever."""
    left = list(answers)
    return lambda *request: left.pop(0) if len(left) > 1 else left[0]


def ask(url, clock=None, *, is_json=True, **limits):
    return line(clock, **limits).get(f"{url}/v2/x", {"X-Key": "k"}, is_json=is_json)


def failure(url, clock=None, **limits):
    with pytest.raises(SourceFailed) as caught:
        ask(url, clock, **limits)
    assert caught.value.fault.code in CAUSES
    return caught.value.fault


def test_a_good_answer_is_asked_for_once_with_our_headers():
    clock = PatientClock()
    with Broker(says(200, b'{"bars":{}}')) as broker:
        assert ask(broker.url, clock) == b'{"bars":{}}'

    ((method, path, headers, body),) = broker.requests
    assert (method, path, headers["X-Key"], body) == ("GET", "/v2/x", "k", b"")
    assert clock.waits == []


@pytest.mark.parametrize(
    ("headers", "wait"),
    [
        ({"Retry-After": "7"}, 7),
        ({"Retry-After": "0"}, 0),
        ({"Retry-After": format_datetime(START + dt.timedelta(seconds=20), usegmt=True)}, 20),
        ({"Retry-After": "soon"}, 10),
        ({"X-Ratelimit-Reset": str(int(START.timestamp()) + 30)}, 30),
        ({"X-Ratelimit-Reset": "0"}, 0),
        ({}, 10),
    ],
)
def test_too_many_requests_waits_as_it_is_asked_to(headers, wait):
    clock = PatientClock()
    with Broker(in_turn((429, headers, b'{"message":"slow"}'), GOOD)) as broker:
        made = line(clock)
        assert made.get(broker.url, {}, is_json=True) == GOOD[2]

    assert clock.waits == [wait]
    assert made.told == ["source-rate-limited: HTTP 429: slow; asked again"]


def test_who_asks_to_wait_too_long_is_given_up_at_once():
    clock = PatientClock()
    with Broker(says(429, b"", Retry_After="61")) as broker:
        fault = failure(broker.url, clock)

    assert fault == ("source-rate-limited", "HTTP 429; wait 61 s, of 60 at most")
    assert (len(broker.requests), clock.waits) == (1, [])


def test_who_never_stops_refusing_is_given_up():
    clock = PatientClock()
    with Broker(says(429)) as broker:
        assert failure(broker.url, clock).code == "source-rate-limited"

    assert (len(broker.requests), clock.waits) == (4, [10, 20, 40])


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        ((502, {}, b"<html>bad gateway</html>"), "source-failing"),
        ((504, {}, b'{"message":"timeout"}'), "source-failing"),
        ((200, {}, b"<html>maintenance</html>"), "answer-malformed"),
        ((200, {}, b'{"bars":{"AAA":[{"t":"2024'), "answer-malformed"),
        ((200, {}, b""), "answer-malformed"),
    ],
)
def test_what_may_pass_is_asked_again_and_then_named(answer, code):
    with Broker(in_turn(answer, answer, GOOD)) as broker:
        made = line()
        assert made.get(broker.url, {}, is_json=True) == GOOD[2]
        assert len(broker.requests) == 3
    assert [each.split(":")[0] for each in made.told] == [code, code]

    with Broker(in_turn(answer)) as broker:
        assert failure(broker.url).code == code
        assert len(broker.requests) == 4


@pytest.mark.parametrize(
    ("status", "code"),
    [(400, "question-refused"), (404, "question-refused"), (422, "question-refused"),
     (401, "source-refused"), (403, "source-refused"), (302, "source-refused")],
)  # fmt: skip
def test_a_definite_refusal_is_not_asked_again(status, code):
    body = b'{"message":"subscription does not permit\\nquerying recent SIP data"}'
    with Broker(says(status, body)) as broker:
        fault = failure(broker.url)

    told = f"HTTP {status}: subscription does not permit querying recent SIP data"
    assert (fault, len(broker.requests)) == ((code, told), 1)


def test_redirects_are_not_followed_and_carry_no_key():
    with Broker(says(200)) as thief:
        with Broker(says(301, b"", Location=f"{thief.url}/v2/x")) as broker:
            assert failure(broker.url).code == "source-refused"
        assert thief.requests == []


def test_no_answer_at_all():
    with raw_server(heard) as url:
        assert failure(url) == ("source-unreachable", "connection-lost")
    assert failure("http://127.0.0.1:9") == ("source-unreachable", "connect-failed")


def test_an_answer_beyond_all_size(monkeypatch):
    monkeypatch.setattr(wire, "BODY_BYTES_MAX", 1000)
    with Broker(says(200, b"[" + b" " * 2000 + b"]")) as broker:
        assert failure(broker.url) == ("source-unreachable", "answer-too-large")


def test_an_answer_that_drips_ends_at_its_deadline():
    def behave(connection):
        heard(connection)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
        while True:
            connection.sendall(b"x")
            time.sleep(0.05)

    with raw_server(behave) as url:
        assert failure(url, total_seconds=0.3).code == "source-unreachable"


def test_the_whole_fetch_has_an_end():
    clock = PatientClock()
    made = line(clock)
    clock.sleep(570)
    with Broker(says(429, b"", Retry_After="31")) as broker:
        with pytest.raises(SourceFailed) as caught:
            made.get(broker.url, {}, is_json=True)
        assert caught.value.fault == ("source-too-slow", "source-rate-limited: HTTP 429")
        clock.sleep(30)
        with pytest.raises(SourceFailed, match="600 s are over"):
            made.get(broker.url, {}, is_json=True)
        assert len(broker.requests) == 1


HOSTS = ("data.alpaca.markets",)


@pytest.mark.parametrize(
    "url",
    ["https://data.alpaca.markets", "https://data.alpaca.markets/", "http://127.0.0.1:80",
     "http://localhost:1/x", "http://[::1]:8", "https://data.alpaca.markets/a?id=1"],
)  # fmt: skip
def test_addresses_that_may_be(url):
    assert checked_address(url, HOSTS, "data.fetch_alpaca_url") == url.rstrip("/")


@pytest.mark.parametrize(
    "url",
    ["http://data.alpaca.markets", "https://data.alpaca.markets.evil.example",
     "https://user:word@data.alpaca.markets", "https://data.alpaca.markets:8443", "ftp://127.0.0.1",
     "https://127.0.0.1", "http://192.168.0.1", "https://example.org", "http://localhost.example",
     "data.alpaca.markets", "https://data.alpaca.markets\\@example.org", "http://[::1"],
)  # fmt: skip
def test_addresses_that_may_not_be(url):
    with pytest.raises(ConfigError, match="names neither") as caught:
        checked_address(url, HOSTS, "data.fetch_alpaca_url")
    assert "word" not in caught.value.line()
