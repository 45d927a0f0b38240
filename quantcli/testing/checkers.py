"""The judges. They read the exchange's book, the disk and the history, and never the desk's state.

Each is told of every command that ended and may object. What they hold is written down in
`runbook/invariants.md`; the names are those of the invariants there.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from quantcli.testing import truth
from quantcli.testing.truth import PREFIX, Truth, leaves

if TYPE_CHECKING:
    from quantcli.testing.history import Typed
    from quantcli.testing.world import World


class Violation(NamedTuple):
    """One broken promise: which, and what was seen."""

    invariant: str
    detail: str


class Unreadable(Exception):
    """A published file is not whole."""


def read_json(path: Path) -> Any:
    """Return what a file says.

    Raises:
        Unreadable: it is no JSON.
    """
    try:
        return json.loads(path.read_bytes())
    except ValueError as error:
        raise Unreadable(f"{path.name} is not whole: {error}") from error


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
        for session in sorted(artifacts.glob("2*"))[-2:]:
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

    def __init__(self) -> None:
        """Begin without positions."""
        self._level: dict[str, Decimal] = {}
        self._judged: set[str] = set()

    def judge(self, typed: Typed, now: Truth) -> list[Violation]:
        """Judge the stops after a command."""
        for symbol in set(self._level) - set(now.positions):
            del self._level[symbol]
        found = []
        for order in now.orders:
            if order["type"] == "stop" and order["side"] == "sell":
                found += self._judge_stop(order, now)
        if "exits" in typed.words or ("day" in typed.words and " exits: " in typed.said):
            found += self._judge_cover(typed, now)
        return found

    def _judge_stop(self, order: dict[str, Any], now: Truth) -> list[Violation]:
        symbol, level = order["symbol"], Decimal(order["stop_price"])
        if order["id"] in self._judged or symbol not in now.positions:
            return []
        self._judged.add(order["id"])
        before = self._level.get(symbol)
        if order["status"] == "rejected":
            return []
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


class Files:
    """A published file never changes and never vanishes; a tape only grows."""

    def __init__(self, root: Path) -> None:
        """Begin with nothing published."""
        self._root = str(root / "artifacts")
        self._known: dict[str, tuple[tuple[int, int, int], bytes, int]] = {}

    def judge(self, typed: Typed, *, whole: bool = False) -> list[Violation]:
        """Judge the newest two sessions after a command, or the whole tree."""
        found = []
        seen = set()
        sessions = sorted(self._sessions())
        looked_at = set(sessions if whole else sessions[-2:])
        for path, entry in self._files(looked_at):
            seen.add(path)
            found += self._judge_file(path, entry, typed)
        for path in [path for path in self._known if path.split("/")[0] in looked_at]:
            if path not in seen:
                del self._known[path]
                found.append(Violation("INV-23", f"{path} vanished"))
        return found

    def digest(self) -> str:
        """Return one digest of every published file."""
        whole = hashlib.sha256()
        for path, entry in sorted(self._files(self._sessions()), key=lambda each: each[0]):
            content = Path(entry.path).read_bytes()
            whole.update(path.encode() + b"\0" + hashlib.sha256(content).digest())
        return whole.hexdigest()

    def _sessions(self) -> set[str]:
        if not Path(self._root).is_dir():
            return set()
        with os.scandir(self._root) as entries:
            return {entry.name for entry in entries if entry.is_dir()}

    def _files(self, sessions: set[str]) -> Iterator[tuple[str, os.DirEntry[str]]]:
        """Yield every published file with its path below the artifacts."""
        waiting = sorted(sessions)
        while waiting:
            folder = waiting.pop()
            with os.scandir(f"{self._root}/{folder}") as entries:
                for entry in entries:
                    path = f"{folder}/{entry.name}"
                    if entry.is_dir():
                        waiting.append(path)
                    elif not entry.name.startswith("."):
                        yield path, entry

    def _judge_file(self, path: str, entry: os.DirEntry[str], typed: Typed) -> list[Violation]:
        stat = entry.stat()
        mark = (stat.st_ino, stat.st_size, stat.st_mtime_ns)
        known = self._known.get(path)
        if known is not None and known[0] == mark:
            return []
        content = Path(entry.path).read_bytes()
        if known is not None:
            before = content[: known[2]] if path.endswith(".jsonl") else content
            if hashlib.sha256(before).digest() != known[1]:
                return [Violation("INV-23", f"{path} changed")]
        if _vouches(typed, path):
            self._known[path] = (mark, hashlib.sha256(content).digest(), len(content))
        return []


def _vouches(typed: Typed, path: str) -> bool:
    """Return whether a command that ended promised a file: what a dead one left is in doubt."""
    *place_parts, name = path.split("/")
    step = name.split(".")[0]
    owner = "report" if step in {"manifest", "transactions", "unsealed"} else step
    place = " ".join(part for part in place_parts if part[0].isdigit())
    return (
        typed.code is not None
        and place in typed.said
        and (owner in typed.words or "day" in typed.words)
    )


_STEPS = frozenset(
    {"scan", "decide", "enforce", "execute", "exits", "reconcile", "snapshot", "report", "day"}
)
_LOCK_HELD = 5


def judge_sends(typed: Typed, orders: Orders) -> list[Violation]:
    """No entry leaves under a halt, while paused, past its time, or by a wrong clock."""
    found = []
    is_skewed = False
    for asked in typed.requests:
        is_skewed = is_skewed or asked.is_skewed
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


def judge_signals(world: World, orders: Orders) -> list[Violation]:
    """Judge the end: every signal ended once, and as what it was at the broker."""
    told: dict[str, list[str | None]] = {}
    for path in sorted((world.root / "artifacts").glob("*/manifest.json")):
        report = newest(path.parent, "report")
        if report is not None:
            whole = read_json(report)
            for each in (*whole["signals"], *whole["signals_late"]):
                told.setdefault(each["signal_id"], []).append(each["state"])
    bought: dict[str, Decimal] = {}
    for order in truth.read(world.exchange).orders:
        intent = orders.approval(order["client_order_id"])
        if intent is not None and order["side"] == "buy":
            bought[intent["signal_id"]] = Decimal(order["filled_qty"])
    found = []
    for name, where in scanned(world).items():
        # A report that did not seal may not have known yet.
        ends = [state for state in told.pop(name, []) if state is not None]
        shares = bought.get(name, Decimal(0))
        if len(ends) != 1 or (shares > 0) != (ends[0] == "EXECUTED"):
            found.append(Violation("INV-21", f"{where} ended as {ends}, {shares} bought"))
    found += [Violation("INV-21", f"signal {name} was never scanned") for name in told]
    return found


def scanned(world: World) -> dict[str, str]:
    """Return every signal that was scanned: id -> session and symbol."""
    return {
        each["signal_id"]: f"{path.parts[-3]} {each['symbol']}"
        for path in sorted((world.root / "artifacts").glob("*/*/scan.json"))
        for each in read_json(path)["signals"]
    }


def newest(session: Path, step: str) -> Path | None:
    """Return the newest artifact of a step; None if there is none."""
    return max(session.glob(f"*/{step}.json"), default=None)


def judge_books(world: World) -> list[Violation]:
    """Judge the end: each fill in one sealed log, cash and shares as the broker has them."""
    logged: dict[str, int] = {}
    for path in sorted((world.root / "artifacts").glob("*/transactions.jsonl")):
        for line in path.read_bytes().splitlines():
            row = json.loads(line)
            if row["kind"] == "fill":
                name = row["body"]["fill"]["execution_id"]
                logged[name] = logged.get(name, 0) + 1
    booked = {each["id"] for each in truth.fills(world.exchange)}
    found = [
        Violation("INV-17", f"fill {name} told {times} times")
        for name, times in logged.items()
        if times > 1
    ]
    if booked != set(logged):
        missing, extra = sorted(booked - set(logged)), sorted(set(logged) - booked)
        found.append(Violation("INV-17", f"fills lost {missing}, invented {extra}"))
    now = truth.read(world.exchange)
    snapshot = read_json(max((world.root / "artifacts").glob("*/*/snapshot.json")))
    ours = {each["symbol"]: Decimal(each["quantity"]) for each in snapshot["positions"]}
    theirs = {symbol: now.held(symbol) for symbol in now.positions}
    if ours != theirs:
        found.append(Violation("INV-17", f"positions {ours}, at the broker {theirs}"))
    if Decimal(snapshot["cash"]) != Decimal(now.account["cash"]):
        told = f"cash {snapshot['cash']}, at the broker {now.account['cash']}"
        found.append(Violation("INV-20", told))
    return found


def judge_secrets(world: World) -> list[Violation]:
    """No key stands in anything that was written or said, but in the exchange's own key file."""
    secret = world.secret.encode()
    found = [
        Violation("INV-29", str(path.relative_to(world.root)))
        for path in world.root.rglob("*")
        if path.is_file() and path.name != "keys.json" and "data" not in path.parts
        and secret in path.read_bytes()
    ]  # fmt: skip
    found += [
        Violation("INV-29", typed.line())
        for typed in world.history.commands
        if world.secret in typed.said
    ]
    return found
