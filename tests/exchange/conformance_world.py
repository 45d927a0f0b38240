"""A desk with made-up bars of March 2026, its exchange served by the program, and a customer."""

import json
import shutil
import subprocess
import sys
from urllib.parse import urlsplit

import requests

from quantcli.cli.init_desk import make_desk

#: Monday, an hour and a half before the open in New York.
MORNING = "2026-03-02T13:00:00Z"
IN_HOURS = "2026-03-02T15:00:00Z"
EVENING = "2026-03-02T21:30:00Z"  # 16:30

SESSIONS = ("2026-02-26", "2026-02-27", "2026-03-02", "2026-03-03", "2026-03-04", "2026-03-05",
            "2026-03-06")  # fmt: skip
#: Open, high, low, close. AAPL stays below 100, so that a sale at 100 rests.
PRICES = {
    "AAPL": (90, 98, 88, 94),
    "HALT": (20, 21, 19, 20),
    "MSFT": (400, 410, 390, 405),
    "TSLA": (250, 260, 240, 255),
}
PLAIN = {"symbol": "AAPL", "qty": "1", "side": "buy", "type": "market", "time_in_force": "day"}


def make_market(folder):
    """Make the desk whose copies are served, once."""
    root = folder / "desk"
    make_desk(root, name="desk", git=False)
    rows = [
        f"{day},{symbol},{','.join(str(price + index) for price in prices)},1000000"
        for index, day in enumerate(SESSIONS)
        for symbol, prices in PRICES.items()
    ]
    bars = folder / "bars.csv"
    bars.write_text("\n".join(["date,symbol,open,high,low,close,volume", *rows]) + "\n")
    done = subprocess.run(
        [sys.executable, "-m", "quantcli", "data", "import", str(bars), "--timeframe", "1Day",
         "--adjustment", "split", "--desk", str(root), "--quiet"],
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return root


class Wire:
    """A customer of an exchange, over HTTP.

    Attributes:
        places: What the placeholders of the checks stand for.
        plain: What an order is where nothing else is said.
        far: A limit in USD that no sale of AAPL comes near.
    """

    IN_HOURS = IN_HOURS
    plain, far = PLAIN, "50.00"

    def __init__(self, url, key, secret):
        self.url, self.key, self.secret = url, key, secret
        self.places = {"$KEY": key, "$SECRET": secret}
        self.auth = {"APCA-API-KEY-ID": key, "APCA-API-SECRET-KEY": secret}
        self.session = requests.Session()
        self.session.trust_env = False

    def close(self):
        self.session.close()

    def why_not(self, part):
        """Return why a part of a check cannot be shown here; None: it can."""
        return

    def named(self, client_order_id):
        """Return a client order id that the checks use, as it is used here."""
        return client_order_id

    @property
    def stream_url(self):
        scheme = "wss" if self.url.startswith("https") else "ws"
        return f"{scheme}://{urlsplit(self.url).netloc}/stream"

    def client(self):
        """Return alpaca-py's own client, with nothing but the address changed."""
        from alpaca.trading.client import TradingClient

        client = TradingClient(self.key, self.secret, url_override=self.url)
        client._session.trust_env = False
        return client

    def send(self, method, path, *, query=None, body=None, headers=None):
        """Send one request; return the answer, whatever it is. Nobody leads it elsewhere."""
        return self.session.request(
            method, self.url_of(path) + path, params=query, json=body,
            headers=self.auth if headers is None else headers, timeout=10, allow_redirects=False,
        )  # fmt: skip

    def url_of(self, path):
        """Return the address that answers requests below a path."""
        return self.url

    def ask(self, method, path, *, query=None, body=None):
        """Send one request that must be granted; return the decoded body."""
        answer = self.send(method, path, query=query, body=body)
        assert answer.status_code in {200, 204, 207}, answer.text
        return answer.json() if answer.content else None

    def order(self, **changes):
        """Send an order that must be taken; return it as booked."""
        return self.ask("POST", "/v2/orders", body={**self.plain, **changes})

    def refused(self, **changes):
        """Send an order that must be refused; return status and body. None leaves a field out."""
        body = {name: v for name, v in {**self.plain, **changes}.items() if v is not None}
        answer = self.send("POST", "/v2/orders", body=body)
        return answer.status_code, answer.json()

    def read(self, order):
        """Return an order as it is now."""
        return self.ask("GET", f"/v2/orders/{order['id']}")

    def orders(self, **query):
        """Return the orders that a list shows."""
        return self.ask("GET", "/v2/orders", query=query)


class World(Wire):
    """One exchange, served over HTTP by the program itself, from a fresh copy of the desk."""

    def __init__(self, template, root, *options):
        shutil.copytree(template, root)
        keys = json.loads((root / "exchange/keys.json").read_text())
        self.process = subprocess.Popen(
            [sys.executable, "-m", "quantcli", "exchange", "serve", "--desk", str(root), *options],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        url = json.loads(self.process.stdout.readline())["url"]
        super().__init__(url, keys["key_id"], keys["secret"])

    def close(self):
        super().close()
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()
        self.process.stderr.close()

    def to(self, instant):
        """Move the simulated clock."""
        self.ask("POST", "/_sim/clock", body={"to": instant})

    def be_past(self, instant):
        self.to(instant)

    def be_closed(self):
        """Every check begins before the open."""

    def be_in_the_evening(self):
        self.to(EVENING)
