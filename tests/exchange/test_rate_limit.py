"""The rate limit over HTTP: per simulated minute, trading and market data apart."""

import pytest

from quantcli.exchange.rate_limit import RateLimiter
from tests.exchange.market import KEYS


def headers(answer):
    return [answer.headers.get(f"X-Ratelimit-{name}") for name in ("Limit", "Remaining", "Reset")]


@pytest.fixture
def limited(start):
    return start("3")[1]


def test_one_request_too_many(limited, session):
    def ask(path):
        return session.get(limited + path, timeout=10)

    # the clock shows 2024-11-26 13:00:00; the next minute is 1732626060
    assert headers(ask("/v2/account")) == ["3", "2", "1732626060"]
    assert headers(ask("/v2/nothing")) == ["3", "1", "1732626060"]
    assert headers(ask("/v2/clock")) == ["3", "0", "1732626060"]
    refused = ask("/v2/account")
    assert refused.status_code == 429
    assert refused.json() == {"code": 42910000, "message": "rate limit exceeded"}
    assert headers(refused) == ["3", "0", "1732626060"]
    assert refused.headers["Content-Type"] == "application/json; charset=UTF-8"
    order = {"symbol": "XYZ", "qty": 1, "side": "buy", "type": "market", "time_in_force": "day"}
    assert session.post(f"{limited}/v2/orders", json=order, timeout=10).status_code == 429

    moved = session.post(f"{limited}/_sim/clock", json={"to": "2024-11-26T13:01:00Z"}, timeout=10)
    assert (moved.status_code, headers(moved)) == (200, [None, None, None])
    assert ask("/v2/orders?status=all").json() == []


def test_market_data_are_counted_apart_and_refused_without_a_code(limited, session):
    path = f"{limited}/v2/stocks/bars/latest?symbols=XYZ"
    statuses = [session.get(path, timeout=10).status_code for _ in range(4)]

    assert statuses == [200, 200, 200, 429]
    assert session.get(path, timeout=10).json() == {"message": "too many requests."}
    assert session.get(f"{limited}/v2/account", timeout=10).status_code == 200


def test_strangers_use_up_nothing(limited, session):
    for _ in range(5):
        answer = session.get(
            f"{limited}/v2/account", headers=KEYS | {"APCA-API-SECRET-KEY": "bad"}, timeout=10
        )
        assert (answer.status_code, headers(answer)) == (401, [None, None, None])

    assert session.get(f"{limited}/v2/account", timeout=10).status_code == 200


def test_as_many_as_the_broker_grants_unless_asked_otherwise(url, session):
    statuses = [session.get(f"{url}/v2/account", timeout=10).status_code for _ in range(200)]
    refused = session.get(f"{url}/v2/account", timeout=10)
    data = session.get(f"{url}/v2/stocks/bars/latest?symbols=XYZ", timeout=10)

    assert set(statuses) == {200}
    assert (refused.status_code, headers(refused)[:2]) == (429, ["200", "0"])
    assert (data.status_code, headers(data)[:2]) == (200, ["10000", "9999"])


def test_the_limit_can_be_set_while_it_serves(url, session):
    def limit(body):
        return session.post(f"{url}/_sim/limits", json=body, timeout=10)

    assert limit({"requests_per_minute": 1}).json() == {"requests_per_minute": 1}
    statuses = [session.get(f"{url}/v2/clock", timeout=10).status_code for _ in range(2)]
    assert statuses == [200, 429]
    for wrong in ({}, [], {"requests_per_minute": 0}, {"requests_per_minute": True},
                  {"requests_per_minute": "200"}):  # fmt: skip
        assert limit(wrong).status_code == 422
    assert session.get(f"{url}/_sim/limits", timeout=10).json() == {"requests_per_minute": 1}
    limit({"requests_per_minute": None})
    answer = session.get(f"{url}/v2/clock", timeout=10)
    assert (answer.status_code, headers(answer)) == (200, [None, None, None])
    stranger = KEYS | {"APCA-API-SECRET-KEY": "bad"}
    assert session.get(f"{url}/_sim/limits", headers=stranger, timeout=10).status_code == 401


def test_request_201_of_a_minute():
    limiter = RateLimiter(200, None, seconds=lambda: 0)
    minute = 28_877_100 * 60_000_000
    taken = [limiter.take("/v2/account", minute + number).is_exceeded for number in range(201)]

    assert taken == [False] * 200 + [True]
    assert limiter.take("/v2/account", minute + 59_999_999).is_exceeded
    assert not limiter.take("/v2/account", minute + 60_000_000).is_exceeded
    assert limiter.take("/v2/stocks/bars", minute) is None


def test_a_clock_that_stands_still_locks_nobody_out_for_ever():
    shown = iter([0, 0, 1, 59.9, 60, 61])
    limiter = RateLimiter(1, 1, seconds=lambda: next(shown))

    taken = [limiter.take("/v2/account", 0).is_exceeded for _ in range(5)]
    assert taken == [False, True, True, False, True]
