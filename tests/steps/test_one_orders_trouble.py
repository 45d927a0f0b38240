"""The trouble of one order keeps no other share waiting, and is never called cover."""

from decimal import Decimal

import pytest

from quantcli.contracts.errors import LedgerError
from quantcli.contracts.journal_rows import IntentRow
from quantcli.ports.broker import Response
from quantcli.ports.halts import HaltReading
from tests.steps.conftest import AFTER_OPEN, MARKET
from tests.steps.holdings import WEDNESDAY_OPEN, sends, with_exits
from tests.steps.rig import Rig, always, each, rewrite, states

UNREADABLE = {
    "refused": Response(401, (), b'{"message": "unauthorized."}'),
    "garbled": Response(200, (), b'{"id": "x"'),
    "lost": Response(502, (), b""),
}


def two_held():
    """Return a desk that bought 10 ABC and 10 XYZ, neither with a stop yet."""
    rig = Rig(MARKET).begin()
    abc = rig.entry("ABC", limit="45", protective_stop=Decimal(30))
    rig.approve(abc, rig.entry())
    rig.execute()
    rig.to(AFTER_OPEN)
    rig.execute()
    return rig


def stop_of(rig, symbol):
    (order,) = rig.journal.orders(purpose="stop", symbol=symbol, live_only=True)
    return order


def hide(rig, order, answer):
    """Answer each request about one order with something that tells nothing."""
    send = rig.line.send
    name = order.intent.client_order_id

    def hiding(request):
        is_about_it = name in request.query or name.encode() in request.body
        return answer if is_about_it else send(request)

    rig.line.send = hiding


@pytest.mark.parametrize("kind", UNREADABLE)
def test_a_stop_that_cannot_be_looked_up_hides_no_other(kind):
    rig = two_held()
    assert rig.exits("093500").exit_code == 0
    first, second = stop_of(rig, "ABC"), stop_of(rig, "XYZ")
    for order in (first, second):
        rig.ask("DELETE", f"/orders/{order.broker_order_id}")
    hide(rig, first, UNREADABLE[kind])

    told = rig.exits("093501")

    assert rig.resting("XYZ") == [("sell", "10", "92.9")]
    assert [(r.symbol, r.uncovered) for r in told.certificate] == [("ABC", 10), ("XYZ", 0)]
    assert told.exit_code == 8


def test_a_sell_that_cannot_be_looked_up_lets_the_others_be_sent_again():
    rig = two_held()
    rig.line.trouble = always("POST", "/orders", "lost")
    assert rig.exits("093500").exit_code == 7
    rig.line.trouble = lambda method, path: ""
    hide(rig, stop_of(rig, "ABC"), UNREADABLE["refused"])

    told = rig.exits("093501")

    assert rig.resting("XYZ") == [("sell", "10", "92.9")]
    assert [(r.symbol, r.uncovered) for r in told.certificate] == [("ABC", 10), ("XYZ", 0)]


def test_answers_that_break_one_symbol_each_leave_the_last_protected():
    names = ("AAA", "BBB", "CCC", "DDD", "XYZ")
    market = {day: dict.fromkeys(names, row["XYZ"]) for day, row in MARKET.items()}
    rig = Rig(market).begin()
    rig.approve(*(rig.entry(name) for name in names))
    rig.execute()
    rig.to(AFTER_OPEN)
    rig.execute()
    append = rig.journal.append

    def refusing(place, rows):
        if any(isinstance(row, IntentRow) and row.intent.symbol != "XYZ" for row in rows):
            raise LedgerError("made up: the book refuses this one")
        append(place, rows)

    rig.journal.append = refusing
    told = rig.exits()

    assert rig.resting("XYZ") == [("sell", "10", "92.9")]
    assert [r.uncovered for r in told.certificate] == [10, 10, 10, 10, 0]


def test_a_full_halt_leaves_a_stop_whose_cancel_never_arrived(protected):
    with_exits(protected, hold_sessions_max=1)
    protected.to(WEDNESDAY_OPEN)
    protected.line.trouble = lambda method, path: (
        "lost" if method == "DELETE" or "client_order_id" in path else ""
    )
    protected.exits("093500")
    assert states(protected, purpose="stop") == ["PENDING_CANCEL"]
    protected.line.trouble = lambda method, path: "lost" if path == "/orders" else ""
    protected.halts.now = HaltReading(entries=True, all=True, reason="test")
    asked = len(sends(protected))

    told = protected.exits("093501")

    assert len(sends(protected)) == asked
    assert protected.resting() == [("sell", "10", "92.9")]
    assert "halted" in told.codes


def test_what_a_foreign_sell_has_sold_it_does_not_hold_as_well(holder):
    """Somebody's order for 6 has sold 5 of our 10: it holds 1 more, and 4 are ours to cover."""
    foreign = {"id": "o", "client_order_id": "web", "symbol": "XYZ", "side": "sell", "qty": "6",
               "filled_qty": "5", "type": "limit", "limit_price": "150", "time_in_force": "gtc",
               "status": "partially_filled"}  # fmt: skip
    rewrite(holder, "/orders", lambda found: [*found, foreign] if type(found) is list else found)
    rewrite(holder, "/positions", each(qty="5"))

    holder.exits()

    assert holder.resting() == [("sell", "4", "92.9")]
