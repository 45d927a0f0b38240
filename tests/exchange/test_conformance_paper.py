"""The runner of `make conformance-paper`, shown against the local exchange."""

import json
import os
import re
import subprocess
import sys

import pytest

from tests.exchange import conformance_paper
from tests.exchange.conformance import VARIABLE, reference
from tests.exchange.conformance_needs import OPEN_MARKET, NotApplicable
from tests.exchange.conformance_paper import KEY, PAPER, SECRET, PaperWire, main
from tests.exchange.conformance_world import EVENING, IN_HOURS, MORNING, World, make_market

pytestmark = pytest.mark.slow

FLAT = {"request": {"method": "GET", "path": "/v2/positions/AAPL", "headers": "auth"}, "pre": []}
#: One that is met, one that is not, one that cannot be shown, one that only trades when closed.
MADE_UP = [
    FLAT | {"id": "XX01", "name": "flat", "expect": {"status": 404}},
    FLAT | {"id": "XX02", "name": "not flat", "expect": {"status": 200}},
    FLAT | {"id": "XX03", "name": "held", "expect": {"status": 404}, "pre": ["long 10 AAPL"]},
    {
        "id": "XX04", "name": "queued", "expect": {"status": 200}, "pre": [],
        "request": {
            "method": "POST", "path": "/v2/orders", "headers": "auth",
            "json": {"symbol": "AAPL", "qty": 1, "side": "buy", "type": "market",
                     "time_in_force": "day", "client_order_id": "c-q"},
        },
    },
]  # fmt: skip


@pytest.fixture(scope="module")
def template(tmp_path_factory):
    return make_market(tmp_path_factory.mktemp("paper"))


@pytest.fixture
def served(template, tmp_path):
    world = World(template, tmp_path / "desk")
    world.to(MORNING)
    yield world
    world.close()


@pytest.fixture
def made_up(tmp_path):
    path = tmp_path / "checks.json"
    path.write_text(json.dumps({"checks": MADE_UP}))
    return path


def started(world, path):
    """Run the program as `make` does; return exit code, word by id, and all it said."""
    environment = {name: value for name, value in os.environ.items() if name != "CI"}
    done = subprocess.run(
        [sys.executable, "-m", "tests.exchange.conformance_paper", "--url", world.url],
        env=environment | {KEY: world.key, SECRET: world.secret, VARIABLE: str(path)},
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    found = re.findall(r"^(passed|passed in part|not applicable|failed) +(\w\w\d\d) ", done.stdout,
                       re.MULTILINE)  # fmt: skip
    return done.returncode, {name: word for word, name in found}, done.stdout + done.stderr


def nothing_is_left(world):
    return world.orders(status="open") == world.ask("GET", "/v2/positions") == []


def test_each_check_is_told_and_every_order_is_gone(served, made_up):
    code, words, said = started(served, made_up)

    assert code == 1
    assert words == {
        "XX01": "passed", "XX02": "failed", "XX03": "not applicable", "XX04": "passed",
    }  # fmt: skip
    assert "needs shares: it would have to trade" in said
    assert "GET /v2/positions/AAPL -> 404" in said
    assert said.rstrip().endswith("2 passed, 0 passed in part, 1 not applicable, 1 failed")
    assert len(served.orders(status="all")) == 1
    assert nothing_is_left(served)


def test_it_can_be_run_again_although_no_id_is_ever_free_again(served, made_up):
    assert [started(served, made_up)[1]["XX04"] for _ in range(2)] == ["passed"] * 2


@pytest.mark.parametrize("at", [MORNING, IN_HOURS, EVENING])
def test_the_reference_against_the_local_exchange(served, at, tmp_path):
    checks = reference()
    if checks is None:
        pytest.skip("no reference beside the real bars")
    served.to(at)
    path = tmp_path / "checks.json"
    path.write_text(json.dumps(checks))
    code, words, said = started(served, path)

    assert "failed" not in words.values(), said
    assert code == 0
    assert set(words) == {check["id"] for check in checks["checks"]}
    is_open = at == IN_HOURS
    buys = {words[each] for each in ("AC11", "AC12", "AC14")}
    assert buys == {"not applicable" if is_open else "passed"}
    assert (OPEN_MARKET in said) is is_open
    assert words["AC26"] == ("passed in part" if at == EVENING else "not applicable")
    assert nothing_is_left(served)
    assert {each["type"] for each in served.orders(status="all")} <= (
        {"limit"} if is_open else {"limit", "market"}
    )


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("https://api.alpaca.markets", "is the live host"),
        ("https://API.alpaca.markets/v2", "is the live host"),
        ("http://paper-api.alpaca.markets", "is neither"),
        ("https://paper-api.alpaca.markets.example.com", "is neither"),
        ("https://someone@paper-api.alpaca.markets", "is neither"),
        ("https://data.alpaca.markets", "is neither"),
        ("http://127.0.0.1.example.com", "is neither"),
        ("http://192.0.2.7:8000", "is neither"),
        ("http://127.0.0.1:1/elsewhere", "is neither"),
        ("", "is neither"),
    ],
)
def test_hosts_that_are_refused(url, words, capsys):
    assert main(["--url", url], {KEY: "k", SECRET: "s"}) == 2
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err.count("\n") == 1
    assert words in told.err


@pytest.mark.parametrize(
    ("environment", "words"),
    [
        ({}, f"set {KEY} and {SECRET}"),
        ({KEY: "k"}, f"set {KEY} and {SECRET}"),
        ({KEY: "k", SECRET: "s", "CI": "true"}, "not in CI"),
        ({KEY: "k", SECRET: "s", VARIABLE: "/nowhere/checks.json"}, "names no file of checks"),
    ],
)
def test_nothing_is_sent_without_keys_or_checks_or_in_ci(environment, words, capsys):
    assert main([], environment) == 2
    assert words in capsys.readouterr().err


def test_keys_that_open_no_paper_account_send_nothing(served, made_up, capsys):
    environment = {KEY: served.key, SECRET: "bad", VARIABLE: str(made_up)}

    assert main(["--url", served.url], environment) == 2
    assert "open no paper account" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("symbol", "words"),
    [("AAPL", "1 open sales of AAPL"), ("NOBODY", "does not know NOBODY: serve a desk")],
)
def test_an_exchange_on_which_all_would_fail_is_said_in_one_line(
    symbol, words, served, made_up, capsys, monkeypatch
):
    environment = {KEY: served.key, SECRET: served.secret, VARIABLE: str(made_up)}
    order = {"symbol": "AAPL", "qty": "1", "type": "limit", "limit_price": "900", "side": "sell"}
    served.ask("POST", "/v2/orders", body=order | {"time_in_force": "day"})
    monkeypatch.setitem(conformance_paper.PLAIN, "symbol", symbol)

    assert main(["--url", served.url], environment) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert words in line
    assert len(served.orders(status="all")) == 1


def test_an_order_that_cannot_be_cancelled_is_told(served, monkeypatch):
    wire = PaperWire(served.url, served.key, served.secret)
    booked = wire.order()
    fault = {"kind": "stuck-pending-cancel", "method": "DELETE", "path": "/v2/orders/*"}
    served.ask("POST", "/_sim/faults", body=fault)
    monkeypatch.setattr(conformance_paper, "CANCEL_SECONDS_MAX", 0)

    assert wire.clean_up() == [f"order {booked['id']}: accepted, 0 filled"]
    wire.close()


def test_no_order_that_trades_leaves_while_the_market_is_open(served):
    served.to(IN_HOURS)
    wire = PaperWire(served.url, served.key, served.secret)
    for kind in ({"type": "market", "limit_price": None}, {"type": "stop"}, {"type": None}):
        with pytest.raises(NotApplicable, match="only while the market is closed"):
            wire.refused(**kind)
    assert (wire.order()["limit_price"], wire.read(wire.orders()[0])["qty"]) == ("1", "1")
    assert wire.clean_up() == []
    wire.close()


def test_data_are_asked_for_where_data_are():
    wire = PaperWire(PAPER, "k", "s")

    assert wire.url_of("/v2/stocks/bars") == "https://data.alpaca.markets"
    assert wire.url_of("/v2/orders") == PAPER
    assert wire.stream_url == "wss://paper-api.alpaca.markets/stream"
    assert len(wire.named("x" * 128)) == 128
    wire.close()
