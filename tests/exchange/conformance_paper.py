"""The checks of the wire's reference against Alpaca's paper account, for whoever has keys to one.

`python -m tests.exchange.conformance_paper [--url URL]`, or `make conformance-paper`. Never in CI,
never against the live host. Orders are one share at a dollar, or are sent while the market is
closed, and are cancelled again before the next check; what cannot be shown is listed with why.
"""

import argparse
import datetime as dt
import os
import sys
import time
import traceback
import uuid
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from quantcli.contracts.session_table import new_york
from tests.exchange.conformance import VARIABLE, reference, run
from tests.exchange.conformance_needs import CLOCK, CONTROLS, OPEN_MARKET, NotApplicable
from tests.exchange.conformance_world import PLAIN, Wire

PAPER = "https://paper-api.alpaca.markets"
DATA = "https://data.alpaca.markets"
LIVE_HOST = "api.alpaca.markets"
LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
KEY, SECRET = "APCA_API_KEY_ID", "APCA_API_SECRET_KEY"

#: A market order may go out only so long before the next open: it must be gone by then.
CLOSED_MINUTES_MIN = 15
CANCEL_SECONDS_MAX = 60
OPEN_ENDS = frozenset({"filled", "canceled", "expired", "rejected", "replaced"})
#: Client order ids of the checks that are the same in every run.
_NAMES = ("c-dup", "c-num-1", "c-q", "c-drop")


class Refused(Exception):
    """Nothing was sent; the message says why in one line."""


class PaperWire(Wire):
    """A paper account, which keeps its orders, its clock and its market to itself.

    Attributes:
        sent: Ids of the orders that were taken since the last cleaning.
        last: What was asked last, and what was answered.
    """

    plain = PLAIN | {"type": "limit", "limit_price": "1.00"}
    far = "1.00"

    def __init__(self, url, key, secret):
        super().__init__(url, key, secret)
        self.run = uuid.uuid4().hex[:12]
        self.places |= {name: self.named(name) for name in _NAMES}
        self.sent, self.last = [], ""

    def named(self, client_order_id):
        """Return the id as this run has it: at the broker none is ever free again."""
        kept = min(len(client_order_id), 128 - len(self.run) - 1)
        return f"{self.run}-{client_order_id[:kept]}"

    def url_of(self, path):
        is_data = path.startswith(("/v2/stocks", "/v1"))
        return DATA if is_data and self.url == PAPER else self.url

    def why_not(self, part):
        return getattr(part, "needs", None)

    def send(self, method, path, *, query=None, body=None, headers=None):
        """Send one request, unless it could trade; keep the id of an order that was taken."""
        if path.startswith("/_sim"):
            raise NotApplicable(CONTROLS)
        is_order = (method, path) == ("POST", "/v2/orders")
        if is_order and isinstance(body, dict) and body.get("type") != "limit":
            self.be_closed()
        answer = super().send(method, path, query=query, body=body, headers=headers)
        self.last = f"{method} {path} -> {answer.status_code} {answer.text[:300]}"
        if answer.status_code == 200 and (is_order or method == "PATCH"):
            self.sent.append(answer.json()["id"])
        if answer.status_code == 200 and path == "/v2/positions/AAPL":
            raise NotApplicable("the account holds AAPL")
        return answer

    def to(self, instant):
        raise NotApplicable(CLOCK)

    def be_past(self, instant):
        stamp = super().send("GET", "/v2/clock").json()["timestamp"]
        if dt.datetime.fromisoformat(stamp) < dt.datetime.fromisoformat(instant):
            raise NotApplicable(f"its clock has not come to {instant} yet")

    def be_closed(self):
        clock = super().send("GET", "/v2/clock").json()
        now, opens = (dt.datetime.fromisoformat(clock[name]) for name in ("timestamp", "next_open"))
        if clock["is_open"] or opens - now < dt.timedelta(minutes=CLOSED_MINUTES_MIN):
            raise NotApplicable(OPEN_MARKET)

    def be_in_the_evening(self):
        self.be_closed()
        stamp = super().send("GET", "/v2/clock").json()["timestamp"]
        local = new_york(dt.datetime.fromisoformat(stamp).astimezone(dt.UTC)).time()
        if not dt.time(9, 28) <= local < dt.time(19):
            raise NotApplicable(f"opg orders are taken at this hour: {local:%H:%M} in New York")

    def clean_up(self):
        """Cancel what this run left open; return what could not be cancelled, or has filled."""
        left, until = [], time.monotonic() + CANCEL_SECONDS_MAX
        for order_id in self.sent:
            found = self.read({"id": order_id})
            while found["status"] not in OPEN_ENDS and time.monotonic() < until:
                super().send("DELETE", f"/v2/orders/{order_id}")
                found = self.read({"id": order_id})
                if found["status"] not in OPEN_ENDS:
                    time.sleep(1)
            if found["status"] not in OPEN_ENDS or found["filled_qty"] != "0":
                left.append(f"order {order_id}: {found['status']}, {found['filled_qty']} filled")
        self.sent.clear()
        return left


def checked_url(url):
    """Return an address that may be asked.

    Raises:
        Refused: it is neither the paper account's nor this machine's.
    """
    parts = urlsplit(url.rstrip("/"))
    is_bare = parts.path == "" and not parts.query and parts.username is None
    if parts.hostname == LIVE_HOST:
        raise Refused(f"{LIVE_HOST} is the live host: these checks send orders to paper only")
    if is_bare and parts.hostname in LOOPBACK and parts.scheme == "http":
        return url.rstrip("/")
    if url.rstrip("/") == PAPER:
        return PAPER
    raise Refused(f"{url} is neither {PAPER} nor an http address of this machine")


def checks_and_keys(environment):
    """Return the checks, key id and secret.

    Raises:
        Refused: one of them is missing, or this is a machine of continuous integration.
    """
    if environment.get("CI"):
        raise Refused("not in CI: these checks send orders to somebody's account")
    if not environment.get(KEY) or not environment.get(SECRET):
        raise Refused(f"set {KEY} and {SECRET}: the keys of a paper account, or of an exchange")
    try:
        found = reference(environment)
    except (OSError, ValueError) as error:
        raise Refused(f"{VARIABLE} names no file of checks: {error}") from error
    if found is None:
        raise Refused(f"no file of checks: set {VARIABLE} to its path")
    return found["checks"], environment[KEY], environment[SECRET]


def check_account(wire):
    """See that the keys open a paper account.

    Raises:
        Refused: they do not.
    """
    answer = wire.send("GET", "/v2/account")
    if answer.status_code != 200 or not answer.json()["account_number"].startswith("PA"):
        raise Refused(f"the keys open no paper account at {wire.url}: {answer.status_code}")


def check_symbol(wire):
    """See that the symbol of the checks' orders is known, and that no sale of it rests.

    Raises:
        Refused: nearly every check would fail, for a reason that is not the wire's.
    """
    symbol = PLAIN["symbol"]
    if wire.send("GET", f"/v2/assets/{symbol}").status_code == 404:
        raise Refused(f"{wire.url} does not know {symbol}: serve a desk that has bars of {symbol} "
                      "and TSLA")  # fmt: skip
    query = {"status": "open", "symbols": symbol, "side": "sell"}
    if resting := wire.send("GET", "/v2/orders", query=query).json():
        raise Refused(f"{len(resting)} open sales of {symbol} at {wire.url}: purchases would be "
                      "refused as wash trades; use an empty account")  # fmt: skip


def show(wire, check):
    """Run one check and print what came of it; return the word for it."""
    name = f"{check['id']}  {check['name']}"
    try:
        left = run(check, wire)
        word, lines = (
            ("passed in part" if left else "passed"),
            [f"not applicable: {part.replace('_', ' ')}: {reason}" for part, reason in left],
        )
    except NotApplicable as why:
        word, lines = "not applicable", [str(why)]
    except (Exception, pytest.fail.Exception) as error:  # noqa: BLE001 (the next one is to be run)
        place = traceback.extract_tb(error.__traceback__)[-1]
        where = f"{Path(place.filename).name}:{place.lineno}: {place.line}"
        word, lines = "failed", [f"{type(error).__name__} {str(error)[:300]}", where, wire.last]
    remains = wire.clean_up()
    if remains:
        word, lines = "failed", [*lines, *(f"left behind: {each}" for each in remains)]
    print(f"{word:15} {name}", *(f"{'':15} {line}" for line in lines), sep="\n", flush=True)
    return word


def main(words=None, environment=os.environ):
    """Run every check; return 0 if none failed, 1 if some did, 2 if nothing was sent."""
    parser = argparse.ArgumentParser(prog="conformance-paper", description=__doc__)
    parser.add_argument("--url", default=PAPER, help=f"{PAPER} by default, or an exchange of yours")
    try:
        url = checked_url(parser.parse_args(words).url)
        checks, key, secret = checks_and_keys(environment)
        wire = PaperWire(url, key, secret)
        check_account(wire)
        check_symbol(wire)
    except (Refused, OSError) as error:
        print(f"conformance-paper: {error}", file=sys.stderr)
        return 2
    try:
        ends = [show(wire, check) for check in checks]
    finally:
        wire.clean_up()
        wire.close()
    counts = ", ".join(
        f"{ends.count(word)} {word}"
        for word in ("passed", "passed in part", "not applicable", "failed")
    )
    print(f"{len(ends)} checks at {url}: {counts}")
    return int("failed" in ends)


if __name__ == "__main__":
    sys.exit(main())
