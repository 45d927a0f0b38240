"""A market written by hand, and a customer who speaks the wire to the exchange."""

import datetime as dt
import json
from urllib.parse import urlencode

from quantcli.contracts.bars import MinuteBar
from quantcli.contracts.corporate_actions import split_of
from quantcli.contracts.scalars import instant
from quantcli.exchange.settings import ExchangeSettings
from quantcli.exchange.venue import Exchange

KEY, SECRET = "LXTEST", "not-a-secret"
KEYS = {"APCA-API-KEY-ID": KEY, "APCA-API-SECRET-KEY": SECRET}


class HandMadeBars:
    """Bars as {date: {symbol: (open, high, low, close)}} and {(date, symbol): [minutes]}.

    Splits as (ex-date, symbol, new shares for each old one); other actions as they are.
    """

    def __init__(self, daily, minutes=None, splits=(), actions=()):
        self.rows = {
            dt.date.fromisoformat(day): {
                symbol: (*map(float, prices), 1000.0) for symbol, prices in row.items()
            }
            for day, row in daily.items()
        }
        self.minute_bars = {
            (dt.date.fromisoformat(day), symbol): [
                MinuteBar(instant(start), *map(float, prices), 10.0) for start, *prices in bars
            ]
            for (day, symbol), bars in (minutes or {}).items()
        }

        told = [
            split_of(symbol, dt.date.fromisoformat(day), ratio) for day, symbol, ratio in splits
        ]
        self.action_list = tuple(sorted((*told, *actions), key=lambda each: each.key))

    def symbols(self):
        return tuple(sorted({symbol for row in self.rows.values() for symbol in row}))

    def last_session(self):
        return max(self.rows, default=None)

    def session_row(self, session):
        return self.rows.get(session, {})

    def minutes(self, symbol, session):
        return self.minute_bars.get((session, symbol), [])

    def actions(self, first, last, *, has_dividends=True):
        return tuple(each for each in self.action_list if first <= each.ex_date <= last)


class Customer:
    """Sends requests and reads answers; refuses to go on when a status is not the expected one."""

    def __init__(self, exchange):
        self.exchange = exchange

    def ask(self, method, path, query=None, body=None, headers=None):
        """Return status and decoded body (None if empty)."""
        status, _, data = self.exchange.handle(
            method,
            path,
            urlencode(query or {}),
            b"" if body is None else json.dumps(body).encode(),
            KEYS if headers is None else headers,
        )
        return status, json.loads(data) if data else None

    def get(self, path, **query):
        return self._ok("GET", path, query)

    def _ok(self, method, path, query=None, body=None):
        status, value = self.ask(method, path, query, body)
        assert status in {200, 204, 207}, value
        return value

    def send(self, symbol, qty, side, kind="market", price=None, tif="day", **more):
        """Send an order that must be taken; return it as booked."""
        return self._ok(
            "POST", "/v2/orders", body=order(symbol, qty, side, kind, price, tif, **more)
        )

    def refused(self, symbol, qty, side, kind="market", price=None, tif="day", **more):
        """Send an order that must be refused; return status and body."""
        status, value = self.ask(
            "POST", "/v2/orders", body=order(symbol, qty, side, kind, price, tif, **more)
        )
        assert status >= 400, value
        return status, value

    def order(self, booked):
        return self.get(f"/v2/orders/{booked['id']}")

    def replace(self, booked, **changes):
        return self._ok("PATCH", f"/v2/orders/{booked['id']}", body=changes)

    def cancel(self, booked):
        return self._ok("DELETE", f"/v2/orders/{booked['id']}")

    def position(self, symbol):
        return self.get(f"/v2/positions/{symbol}")

    def cash(self):
        return self.get("/v2/account")["cash"]

    def fills(self):
        """Return (instant, side, quantity, price) of all fills, oldest first."""
        rows = self.get("/v2/account/activities/FILL", direction="asc")
        return [(r["transaction_time"], r["side"], r["qty"], r["price"]) for r in rows]

    def to(self, text):
        return self.exchange.advance(instant(text))


def order(symbol, qty, side, kind="market", price=None, tif="day", **more):
    """Return the body of an order request; `price` is the one that the kind needs."""
    body = {"symbol": symbol, "qty": qty, "side": side, "type": kind, "time_in_force": tif}
    if price is not None:
        body[f"{kind}_price"] = price
    return body | more


def settings(**changes):
    values = {
        "key_id": KEY,
        "secret": SECRET,
        "opening_at": instant("2024-11-26T13:00:00Z"),
    } | changes
    return ExchangeSettings(**values)


def customer(daily, minutes=None, path=None, splits=(), actions=(), **changes):
    """Return a customer of a new exchange, or of the one whose book is at `path`."""
    bars = HandMadeBars(daily, minutes, splits, actions)
    return Customer(Exchange(path, bars, settings(**changes)))
