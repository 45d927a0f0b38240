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
SCANNED = scan()


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


def proof(of=(), *, movements=(), before=QUIET[0], after=QUIET[1], fills=0, scanned=SCANNED):
    return zero_trade_proof(of, movements, before, after, fills=fills, scan=scanned)


def test_day_with_a_fill_needs_no_proof():
    assert proof(fills=1) is None


@pytest.mark.parametrize(
    ("of", "scanned", "reason"),
    [
        ((), SCANNED, "no-signals"),
        ((), None, "scan-missing"),
        ((), scan(codes=("index-missing",)), "scan-blocked"),
        ((), scan(codes=("bars-stale",)), "scan-blocked"),
        ((), scan(codes=("benchmark-missing", "index-missing")), "scan-blocked"),
        ((), scan(codes=("unheard-of",)), "scan-blocked"),
        ((), scan(codes=("benchmark-below-average",)), "no-signals"),  # judged: a closed market
        (outcomes("scan-blocked"), scan(codes=("index-missing",)), "scan-blocked"),
        (outcomes("size-zero"), scan(codes=("index-missing",)), "all-rejected"),  # of a scan before
        (outcomes("size-zero", "halted"), SCANNED, "all-rejected"),
        (outcomes("halted", "halted"), SCANNED, "halted"),
        (outcomes("paused", "reconcile-break"), SCANNED, "paused"),
        (outcomes("paused", "halted"), SCANNED, "all-rejected"),
        (outcomes("paused", orders=[order("EXPIRED", signal_id="0" * 64)]), SCANNED, "none-filled"),
        (outcomes("paused", orders=[order("UNKNOWN", signal_id="0" * 64)]), SCANNED, "none-filled"),
        (
            outcomes("paused", orders=[order("REJECTED", signal_id="0" * 64)]),
            SCANNED,
            "all-rejected",
        ),
    ],
)
def test_reason(of, scanned, reason):
    assert proof(of, scanned=scanned).reason == reason


def test_quiet_day_is_proven():
    found = proof()

    assert (found.is_proven, found.positions_unchanged) == (True, True)
    assert (found.fills, found.fees, found.cash_change) == (0, 0, 0)


def test_codes_of_a_blocked_scan_are_in_the_proof_and_of_another_leave_no_byte():
    blocked = proof(scanned=scan(codes=("benchmark-below-average", "index-missing")))

    assert blocked.scan_codes == ("index-missing",)
    assert blocked.as_json()["scan_codes"] == ["index-missing"]
    assert "scan_codes" not in proof().as_json()


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
