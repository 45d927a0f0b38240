"""A day without a fill: its reason, and what is proven."""

import pytest

from quantcli.core.terminal_states import outcome_of, trails
from quantcli.core.zero_trade import zero_trade_proof
from tests.core.day_facts import (
    BEFORE,
    cash_row,
    enforce,
    gate,
    held,
    judgment,
    order,
    scan,
    signal,
    snapshot,
)

QUIET = snapshot(BEFORE), snapshot()


def outcomes(*codes, orders=()):
    """Return the outcomes of signals that gates with these codes blocked."""
    ids = [f"{n}" * 64 for n in range(len(codes))]
    found = trails(
        [scan(*(signal(signal_id=each) for each in ids))],
        [],
        [enforce(*(
            judgment(gate("g", code), signal_id=each)
            for each, code in zip(ids, codes, strict=True)
        ))],
        orders,
    )  # fmt: skip
    return tuple(outcome_of(trail) for trail in found)


def proof(of=(), *, movements=(), before=QUIET[0], after=QUIET[1], fills=0, is_scanned=True):
    return zero_trade_proof(of, movements, before, after, fills=fills, is_scanned=is_scanned)


def test_day_with_a_fill_needs_no_proof():
    assert proof(fills=1) is None


@pytest.mark.parametrize(
    ("of", "is_scanned", "reason"),
    [
        ((), True, "no-signals"),
        ((), False, "scan-missing"),
        (outcomes("size-zero", "halted"), True, "all-rejected"),
        (outcomes("halted", "halted"), True, "halted"),
        (outcomes("paused", "reconcile-break"), True, "paused"),
        (outcomes("paused", "halted"), True, "all-rejected"),
        (outcomes("paused", orders=[order("EXPIRED", signal_id="0" * 64)]), True, "none-filled"),
        (outcomes("paused", orders=[order("UNKNOWN", signal_id="0" * 64)]), True, "none-filled"),
        (outcomes("paused", orders=[order("REJECTED", signal_id="0" * 64)]), True, "all-rejected"),
    ],
)
def test_reason(of, is_scanned, reason):
    assert proof(of, is_scanned=is_scanned).reason == reason


def test_quiet_day_is_proven():
    found = proof()

    assert (found.is_proven, found.positions_unchanged) == (True, True)
    assert (found.fills, found.fees, found.cash_change) == (0, 0, 0)


def test_fee_of_an_earlier_day_is_told_and_disproves():
    found = proof(
        movements=[cash_row(1, "-0.30"), cash_row(2, "4", kind="DIV")],
        after=snapshot(cash="98003.70"),
    )
    assert (found.is_proven, found.positions_unchanged) == (False, True)
    assert (str(found.fees), str(found.cash_change)) == ("-0.30", "3.70")


def test_other_positions_disprove():
    assert not proof(after=snapshot(positions=(held(quantity=19),))).is_proven
    assert not proof(after=snapshot(positions=())).positions_unchanged


@pytest.mark.parametrize("missing", [{"before": None}, {"after": None}])
def test_without_both_snapshots_nothing_is_proven(missing):
    found = proof(**missing)

    assert (found.is_proven, found.positions_unchanged, found.cash_change) == (False, False, 0)
