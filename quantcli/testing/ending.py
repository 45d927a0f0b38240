"""The end of a world: every signal ended once, every fill was told once, the books agree."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import TYPE_CHECKING

from quantcli.testing import truth
from quantcli.testing.published import Violation, newest, read_json

if TYPE_CHECKING:
    from quantcli.testing.checkers import Orders
    from quantcli.testing.world import World


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
