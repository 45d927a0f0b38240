"""Every signal of a session ends in exactly one terminal state; a day without trades is proven."""

import json
from collections import Counter
from decimal import Decimal

import pytest

from tests.acceptance.made import SESSIONS
from tests.acceptance.typed import (
    AFTER_OPEN,
    CLOSE,
    OPEN,
    STEPS_OF,
    advance,
    artifact,
    orders_in_book,
    run_cycle,
    typed,
)  # fmt: skip

STATES = {
    "EXECUTED", "REJECTED_BY_CORRELATION", "REJECTED_BY_HEAT", "REJECTED_BY_CIRCUIT_BREAKER",
    "REJECTED_BY_SIZING", "REJECTED_BY_BROKER", "REJECTED_BY_DECISION", "REJECTED_BY_GATE",
    "EXPIRED_UNFILLED",
}  # fmt: skip


def every(desk, session, step):
    return [
        json.loads(path.read_bytes())
        for path in sorted((desk / "artifacts" / session).glob(f"*/{step}.json"))
    ]


def assert_each_ends_once(desk, session):
    scanned = {
        signal["signal_id"] for scan in every(desk, session, "scan") for signal in scan["signals"]
    }
    report = every(desk, session, "report")[-1]
    ended = [signal["signal_id"] for signal in report["signals"]]
    assert Counter(ended) == Counter(scanned)
    assert report["signals_scanned"] == len(scanned)
    assert Counter(signal["state"] for signal in report["signals"]) == report["counts"]
    assert set(report["counts"]) <= STATES
    assert all(signal["primary"]["code"] for signal in report["signals"])
    return report


def assert_the_book_agrees(report, orders):
    """Hold EXECUTED and EXPIRED_UNFILLED to the exchange's own book, filled or not."""
    filled = {
        order["symbol"]
        for order in orders
        if order["side"] == "buy"
        and order["submitted_at"][:10] == report["session"]
        and Decimal(order["filled_qty"]) > 0
    }
    sent = {
        order["symbol"]
        for order in orders
        if order["side"] == "buy" and order["submitted_at"][:10] == report["session"]
    }
    by_state = {
        state: {s["symbol"] for s in report["signals"] if s["state"] == state} for state in STATES
    }
    assert by_state["EXECUTED"] == filled
    assert by_state["EXPIRED_UNFILLED"] == sent - filled


def assert_zero_trade_proof(desk, session, report):
    """A proof stands exactly where the exchange filled nothing of ours."""
    fills = [fill for step in ("execute", "exits") for each in every(desk, session, step)
             for fill in each["fills"]]  # fmt: skip
    assert (report["zero_trade"] is None) == bool(fills)
    if not fills:
        first, last = (every(desk, session, "reconcile")[number] for number in (0, -1))
        assert report["zero_trade"]["is_proven"] is True
        assert report["zero_trade"]["reason"] in {"no-signals", "all-rejected", "none-filled"}
        theirs = [
            [(row["symbol"], row["quantity"]) for row in each["broker"]["positions"]]
            for each in (first, last)
        ]
        assert theirs[0] == theirs[1]
        assert first["broker"]["cash"] == last["broker"]["cash"]


def assert_all(desk, session, orders):
    report = assert_each_ends_once(desk, session)
    assert_the_book_agrees(report, orders)
    assert_zero_trade_proof(desk, session, report)
    return report["zero_trade"]


def test_every_session_of_the_synthetic_market(whole):
    orders = orders_in_book(whole)
    proofs = [assert_all(whole, session, orders) for session in SESSIONS]
    reasons = {proof["reason"] for proof in proofs if proof}
    assert reasons == {"no-signals", "all-rejected", "none-filled"}


@pytest.mark.data
def test_every_session_of_real_bars(real_desks, tmp_path):
    import shutil

    desk = shutil.copytree(real_desks.whole, tmp_path / "desk")
    orders = orders_in_book(desk)
    for session in SESSIONS:
        assert_all(desk, session, orders)


def test_a_signal_repeated_by_later_cycles_is_one_signal(before):
    session = "2024-11-27"
    run_cycle(before, session, OPEN)
    advance(before, session, "084000")
    for step in STEPS_OF[OPEN]:
        assert typed(before, step).code == 0
    run_cycle(before, session, AFTER_OPEN)
    run_cycle(before, session, CLOSE)
    assert len(every(before, session, "scan")) == 2
    report = assert_each_ends_once(before, session)
    assert report["counts"] == {"EXECUTED": 2}
    assert_the_book_agrees(report, orders_in_book(before))


@pytest.mark.parametrize("ran", [0, 1, 2, 3, 4], ids=lambda n: f"through-{n}")
def test_a_morning_that_stopped_half_way_still_ends_each_signal(ran, before):
    session = "2024-11-27"
    advance(before, session, OPEN)
    for step in STEPS_OF[OPEN][:ran]:
        assert typed(before, step).code == 0
    run_cycle(before, session, AFTER_OPEN)
    run_cycle(before, session, CLOSE)
    report = assert_each_ends_once(before, session)
    assert_the_book_agrees(report, orders_in_book(before))
    # Without a scan there was no signal; with one, the missing step is what refused it.
    assert report["counts"] == ({} if ran < 2 else {"REJECTED_BY_GATE": 2})
    assert artifact(before, session, CLOSE, "report")["seals"] is True
