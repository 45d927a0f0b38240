"""A day at a broker that is told to fail, and what must be true when it is over."""

from collections import Counter
from typing import NamedTuple

from tests.acceptance.typed import (
    AFTER_OPEN,
    CLOSE,
    OPEN,
    STEPS_OF,
    advance,
    artifact,
    path_of,
    typed,
)

SESSION = "2024-11-27"
QUIET = "094500"
#: The entries of the day, with their shares; without trouble both are filled at the open.
ENTRIES = {"SYNN": "51", "SYNO": "127"}

POST = {"method": "POST", "path": "/v2/orders"}
PATCH = {"method": "PATCH", "path": "/v2/orders/*"}


def always(kind, **more):
    return {"kind": kind, "nth": "every", **more}


def once(kind, **more):
    return {"kind": kind, "nth": 1, **more}


class Case(NamedTuple):
    """Faults of one day, and what becomes of it.

    Attributes:
        name: Of the test.
        sending: Faults while `execute` sends the entries before the open, taken back at once,
            unless `lasting`.
        stopping: Faults during the cycle after the open.
        codes: (cycle, step) -> exit code, of the steps that do not end with 0.
        said: (cycle, step) -> reason codes in the artifact.
        bought: Shares of today's entries in the end.
        lasting: The first faults stay until the open is over.
    """

    name: str
    sending: tuple = ()
    stopping: tuple = ()
    codes: dict = {}  # noqa: RUF012 (of constants only)
    said: dict = {}  # noqa: RUF012
    bought: dict = ENTRIES
    lasting: bool = False


EXECUTE, LATER, EXITS = (OPEN, "execute"), (AFTER_OPEN, "execute"), (AFTER_OPEN, "exits")
QUIET_EXECUTE = (QUIET, "execute")


class Day:
    """One session at a served exchange, step by step."""

    def __init__(self, desk, exchange, session=SESSION):
        self.desk, self.exchange, self.session = desk, exchange, session
        self.codes = {}
        config = desk / "desk.toml"
        config.write_text(config.read_text().replace('url = ""', f'url = "{exchange.url}"'))

    def fault(self, *faults):
        for each in faults:
            self.exchange.ask("POST", "/_sim/faults", each)

    def clear(self):
        """Take all faults back; return how often each struck."""
        struck = [each["struck"] for each in self.exchange.ask("GET", "/_sim/faults")]
        self.exchange.ask("DELETE", "/_sim/faults")
        return struck

    def run(self, cycle, *steps):
        """Run steps of a cycle, keeping every exit code but 0."""
        for step in steps:
            outcome = typed(self.desk, step)
            if outcome.code:
                self.codes[cycle, step] = outcome.code
        return self.codes

    def to(self, cycle):
        advance(self.desk, self.session, cycle)

    def orders(self):
        """Return all orders at the broker that were sent today."""
        path = f"/v2/orders?status=all&limit=500&after={self.session}T00:00:00Z"
        return self.exchange.ask("GET", path)

    def positions(self):
        return {row["symbol"]: row["qty"] for row in self.exchange.ask("GET", "/v2/positions")}

    def stops(self):
        """Return symbol -> shares under working stops."""
        found = Counter()
        for order in self.exchange.ask("GET", "/v2/orders?limit=500"):
            if (order["type"], order["side"]) == ("stop", "sell"):
                found[order["symbol"]] += int(order["qty"])
        return {symbol: str(shares) for symbol, shares in found.items()}

    def said(self, cycle, step):
        return artifact(self.desk, self.session, cycle, step)["codes"]

    def drift(self, cycle, step):
        found = artifact(self.desk, self.session, cycle, step).get("drift", [])
        return [(finding["code"], finding["observed"]) for finding in found]


def assert_ended_well(day, bought):
    """Close the day, and hold the broker's book against what the desk meant to do."""
    entries = [order for order in day.orders() if order["side"] == "buy"]
    assert all(n == 1 for n in Counter(order["symbol"] for order in entries).values())
    filled = {order["symbol"]: order["filled_qty"] for order in entries}
    assert {symbol: shares for symbol, shares in filled.items() if shares != "0"} == bought
    held = day.positions()
    assert {symbol: held[symbol] for symbol in bought} == bought
    assert day.stops() == held
    day.codes.clear()
    day.to(CLOSE)
    assert day.run(CLOSE, *STEPS_OF[CLOSE]) == {}
    reconcile = artifact(day.desk, day.session, CLOSE, "reconcile")
    assert (reconcile["breaks"], reconcile["paused"]["is_set"]) == ([], False)
    assert path_of(day.desk, day.session, CLOSE, "report").is_file()
    proof = typed(day.desk, "prove", day.session)
    assert proof.code == 0, proof.err


def assert_nothing_strange(day):
    """Every order of today at the broker is one that an artifact of the desk tells of, once."""
    told = set()
    for path in (day.desk / "artifacts" / SESSION).glob("*/ex*.json"):
        made = artifact(day.desk, SESSION, path.parent.name, path.stem)
        told |= {order["client_order_id"] for order in made["orders"]}
    sent = [order["client_order_id"] for order in day.orders()]
    assert len(set(sent)) == len(sent)
    assert set(sent) <= told
