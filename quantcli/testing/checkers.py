"""The judges of orders.

They read the exchange's book, the disk and the history, and never the desk's own state. Each is
told of every command that ended and may object.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

from quantcli.contracts.corporate_actions import CorporateAction
from quantcli.testing.published import Violation, read_json
from quantcli.testing.truth import PREFIX, Truth, leaves

if TYPE_CHECKING:
    from quantcli.testing.history import Typed
    from quantcli.testing.world import World


class Orders:
    """One order for each intent, as approved, within the limits; sells only reduce."""

    def __init__(self, world: World, limits: dict[str, Any]) -> None:
        """Begin with no approvals known."""
        self._world, self._limits = world, limits
        self._approved: dict[str, dict[str, Any]] = {}
        self._read: set[Path] = set()
        self._judged: set[str] = set()

    def judge(self, now: Truth) -> list[Violation]:
        """Judge the book's orders."""
        self._read_approvals()
        found = []
        for order in now.orders:
            name = order["client_order_id"]
            if order["side"] == "buy" and name.startswith(PREFIX) and name not in self._judged:
                self._judged.add(name)
                found += self._judge_buy(order, now)
        for symbol in {each["symbol"] for each in now.orders}:
            selling = now.covered(symbol)
            if selling > max(now.held(symbol), Decimal(0)):
                told = f"{symbol}: {selling} on sale, {now.held(symbol)} held"
                found.append(Violation("INV-05", told))
        return found + self._judge_twice(now)

    def approval(self, name: str) -> dict[str, Any] | None:
        """Return the approved intent behind a client order id."""
        return self._approved.get(name)

    def _read_approvals(self) -> None:
        artifacts = self._world.root / "artifacts"
        sessions = sorted(artifacts.glob("2*"))
        for session in sessions[-2:] if self._read else sessions:
            for path in sorted(set(session.glob("*/enforce.json")) - self._read):
                self._read.add(path)
                for intent in read_json(path)["intents"]:
                    self._approved[intent["client_order_id"]] = intent

    def _judge_buy(self, order: dict[str, Any], now: Truth) -> list[Violation]:
        intent = self._approved.get(order["client_order_id"])
        if intent is None:
            return [Violation("INV-01", f"{order['symbol']}: bought without an approval")]
        pairs = (
            (order["symbol"], intent["symbol"]),
            (Decimal(order["qty"]), Decimal(intent["quantity"])),
            (Decimal(order["limit_price"] or 0), Decimal(intent["limit_price"] or 0)),
            (order["time_in_force"], intent["time_in_force"]),
            (order["type"], intent["order_type"]),
        )
        wrong = [f"{ours} for {theirs}" for ours, theirs in pairs if ours != theirs]
        found = [Violation("INV-16", f"{order['symbol']}: {', '.join(wrong)}")] if wrong else []
        return found + self._judge_limits(order, now)

    def _judge_limits(self, order: dict[str, Any], now: Truth) -> list[Violation]:
        """Judge the account as it is just after an entry was sent."""
        buys = now.open_orders("buy")
        symbols = {*now.positions, *(each["symbol"] for each in buys)}
        found = []
        if len(symbols) > self._limits["positions_max"]:
            found.append(Violation("INV-08", f"{len(symbols)} positions with {order['symbol']}"))
        gross = sum((Decimal(each["market_value"]) for each in now.positions.values()), Decimal(0))
        gross += sum(
            (leaves(each) * Decimal(each["limit_price"] or 0) for each in buys), Decimal(0)
        )
        # What is held has moved since the decision; the entries themselves may not overstep.
        most = Decimal(str(self._limits["exposure_gross_fraction_max"])) * Decimal("1.08")
        if gross > most * Decimal(now.account["equity"]):
            found.append(Violation("INV-08", f"{gross} USD gross with {order['symbol']}"))
        if Decimal(now.account["cash"]) < 0:
            found.append(Violation("INV-08", f"cash {now.account['cash']}"))
        return found

    def _judge_twice(self, now: Truth) -> list[Violation]:
        signals: dict[str, str] = {}
        sessions: dict[str, int] = {}
        found = []
        for order in now.orders:
            intent = self._approved.get(order["client_order_id"])
            if intent is None or order["side"] != "buy":
                continue
            other = signals.setdefault(intent["signal_id"], order["client_order_id"])
            if other != order["client_order_id"]:
                found.append(Violation("INV-11", f"{order['symbol']}: two orders for one signal"))
            sessions[intent["session"]] = sessions.get(intent["session"], 0) + 1
        most = self._limits["entries_per_session_max"]
        found += [
            Violation("INV-08", f"{count} entries in {session}")
            for session, count in sessions.items()
            if count > most
        ]
        return found


class Stops:
    """Stops never loosen, and no share is left without one unless the desk says so."""

    def __init__(self, splits: Sequence[CorporateAction] = ()) -> None:
        """Begin without positions.

        Args:
            splits: They restate a stop's level.
        """
        self._splits = list(splits)
        self._level: dict[str, Decimal] = {}
        self._judged: set[str] = set()

    def judge(self, typed: Typed, now: Truth) -> list[Violation]:
        """Judge the stops after a command."""
        for symbol in set(self._level) - set(now.positions):
            del self._level[symbol]
        while self._splits and self._splits[0].ex_date.isoformat() <= typed.session:
            self._restate(self._splits.pop(0))
        found = []
        for order in now.orders:
            if order["type"] == "stop" and order["side"] == "sell":
                found += self._judge_stop(order, now)
        if "exits" in typed.words or ("day" in typed.words and " exits: " in typed.said):
            found += self._judge_cover(typed, now)
        return found

    def _restate(self, split: CorporateAction) -> None:
        """Tell a level in new shares; a cent of rounding is nobody's fault."""
        level = self._level.get(split.symbol)
        if level is not None:
            self._level[split.symbol] = level / Decimal(float(split.ratio)) - Decimal("0.01")

    def _judge_stop(self, order: dict[str, Any], now: Truth) -> list[Violation]:
        symbol, level = order["symbol"], Decimal(order["stop_price"])
        if order["id"] in self._judged or symbol not in now.positions:
            return []
        self._judged.add(order["id"])
        before = self._level.get(symbol)
        if order["status"] in {"rejected", "canceled"}:
            return []  # it never stood
        if before is not None and level < before:
            return [Violation("INV-06", f"{symbol}: stop {level} after {before}")]
        self._level[symbol] = level
        return []

    def _judge_cover(self, typed: Typed, now: Truth) -> list[Violation]:
        if typed.code is None:
            return []
        bare = {s: now.held(s) - now.covered(s) for s in now.positions}
        naked = sorted(symbol for symbol, shares in bare.items() if shares > 0)
        unnamed = [symbol for symbol in naked if symbol not in typed.said]
        if "account-differs" in typed.said:
            return []  # it was shown somebody else's account, and says so
        code = _exits_code(typed)
        if naked and (code == 0 or (code in _KNOWING and unnamed)):
            return [Violation("INV-07", f"{naked} uncovered, exit {code}: {typed.said!r}")]
        return []


#: Exit codes of an `exits` that could read the broker: it must name what is uncovered.
_KNOWING = frozenset({7, 8})


def _exits_code(typed: Typed) -> int | None:
    """Return how `exits` ended, also within a `day`."""
    if "day" not in typed.words:
        return typed.code
    lines = [line for line in typed.said.splitlines() if " exits: " in line and line[0] == "["]
    return int(lines[-1][1 : lines[-1].index("]")]) if lines else None


_STEPS = frozenset(
    {"scan", "decide", "enforce", "execute", "exits", "reconcile", "snapshot", "report", "day"}
)
_LOCK_HELD = 5


def judge_sends(typed: Typed, orders: Orders) -> list[Violation]:
    """No entry leaves under a halt, while paused, past its time, or by a wrong clock."""
    found = []
    # The instant of a command is held against the broker's clock once, when it is first told.
    clocks = [asked for asked in typed.requests if asked.path == "/v2/clock" and asked.outcome]
    is_skewed = bool(clocks) and clocks[0].is_skewed
    for asked in typed.requests:
        if (asked.method, asked.path) != ("POST", "/v2/orders"):
            continue
        body = json.loads(asked.body)
        intent = orders.approval(body["client_order_id"])
        if body["side"] != "buy":
            continue
        if typed.is_halted:
            found.append(Violation("INV-09", f"{body['symbol']}: bought under a halt"))
        if typed.is_paused and typed.words[0] != "day":
            found.append(Violation("INV-22", f"{body['symbol']}: bought while paused"))
        if is_skewed:
            found.append(Violation("INV-27", f"{body['symbol']}: bought by a wrong clock"))
        if intent is not None and intent["expires_at"] <= typed.clock:
            found.append(Violation("INV-15", f"{body['symbol']}: bought after its time"))
    return found


def judge_life(typed: Typed, orders: Orders, now: Truth) -> list[Violation]:
    """After an execute that ended well no entry is at work past its time to live."""
    if typed.words != ("execute",) or typed.code != 0:
        return []
    return [
        Violation("INV-15", f"{order['symbol']}: still working past its time to live")
        for order in now.open_orders("buy")
        if (intent := orders.approval(order["client_order_id"])) is not None
        and intent["expires_at"] <= typed.clock
    ]


def judge_alone(typed: Typed) -> list[Violation]:
    """A step typed while another command is at work does nothing."""
    if not typed.is_inner or typed.words[0] not in _STEPS:
        return []
    is_quiet = typed.code == _LOCK_HELD and not typed.requests
    return [] if is_quiet else [Violation("INV-28", f"{typed.line()} within another command")]


def judge_codes(typed: Typed) -> list[Violation]:
    """A command ends with a code that means something: 1 is a bug, 2 a word cron never types."""
    if typed.code in {1, 2}:
        return [Violation("exit codes", f"{typed.line()}: {typed.said[-300:]}")]
    return []
