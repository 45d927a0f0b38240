"""From evidence to the report's fields."""

from decimal import Decimal

import pytest

from quantcli.contracts.journal_rows import CashRow, FillRow
from quantcli.contracts.report import Report
from quantcli.core.evidence import Written
from quantcli.core.report_model import label_of, outcomes_of, report_exit_code, report_fields
from tests.core.day_facts import (
    BEFORE,
    CLOSE,
    MORNING,
    OPEN,
    cash_row,
    config,
    damaged,
    decide,
    difference,
    enforce,
    evidence,
    execute,
    exits,
    fill,
    gate,
    judgment,
    order,
    order_report,
    reconcile,
    review,
    scan,
    signal,
    skip,
    snapshot,
    stamp,
    verdict,
)

BOUGHT = order_report(state="FILLED", action="updated", cumulative_quantity=30, average_price="99")
DAY = (
    reconcile(),
    scan(signal(), skipped=(skip(), skip("ORCL"), skip("T", "atr-too-small"))),
    decide(verdict()),
    enforce(judgment(gate("halt"))),
    execute(order_report()),
    execute(BOUGHT, cycle=OPEN),
    exits(review(), review("keep", symbol="AMD")),
    reconcile(cycle=CLOSE),
    snapshot(),
)
FILLED = order("FILLED", 30, average="99")
ROWS = (Written(OPEN, "execute", FillRow(fill=fill(1, "buy", 30, "99"))),)


def report(*artifacts, mode="local", **changes):
    day = evidence(*artifacts, **changes)
    header = Report.header(stamp(CLOSE, hour=20), (), report_exit_code(day))
    return Report(**header, **report_fields(day, mode), previous_seal=None)


def test_trading_day_is_told_whole():
    found = report(*DAY, orders=(FILLED,), rows=ROWS)

    assert (found.verdict, found.go_no_go, found.no_go_reasons) == ("clean", "GO", ())
    assert found.counts == {"EXECUTED": 1}
    assert found.signals_scanned == len(found.signals) == 1
    assert found.symbols_skipped == {"atr-too-small": 1, "trend-too-weak": 2}
    assert [o.state for o in found.orders] == ["FILLED"]
    assert [f.execution_id for f in found.fills] == ["x1"]
    assert [(s.symbol, s.action, s.stop_after) for s in found.stops] == [("NVDA", "place", 95)]
    assert [p.symbol for p in found.positions] == ["NVDA"]
    assert found.zero_trade is None
    assert (found.exit_code, found.seals) == (0, True)
    assert found.regime.trend == "above"
    assert found.bars.feed == "local"
    assert found.checks_off == ("earnings",)
    assert found.is_enforced is True


def test_report_survives_its_own_bytes():
    from quantcli.contracts.registry import parse_artifact

    found = report(*DAY, orders=(FILLED,), rows=ROWS)

    assert parse_artifact(found.to_bytes(), Report, what="report.json") == found


def test_risk_is_held_against_limits():
    risk = report(*DAY).risk

    assert risk.equity == 100060
    assert risk.pnl_session == 60
    assert risk.exposure_gross_max == 100060  # all of equity is below 200 000
    assert risk.drawdown_max == config().limits.drawdown_fraction_max
    richer = report(*DAY[:-1], snapshot(equity="300000"))
    assert richer.risk.exposure_gross_max == 200000
    ruined = report(*DAY[:-1], snapshot(equity="-300"))
    assert ruined.risk.exposure_gross_max == 0


def test_exposure_limit_is_a_share_of_equity():
    limits = config().limits.model_copy(update={"exposure_gross_fraction_max": Decimal("0.25")})
    found = report(*DAY, config=config().model_copy(update={"limits": limits}))

    assert found.risk.exposure_gross_max == 25015  # a quarter of 100 060


def test_day_without_snapshot_keeps_its_limits():
    found = report(*DAY[:-1])

    assert found.risk.equity is None
    assert found.risk.pnl_session is None
    assert found.risk.exposure_gross_max == 200000
    assert (found.positions, found.equity_history, found.pnl) == ((), (), None)
    assert found.verdict == "attention"


def test_change_in_equity_needs_the_snapshot_before():
    assert report(*DAY, before=None).risk.pnl_session is None


def test_nothing_at_all_is_still_a_report():
    found = report()

    assert (found.go_no_go, found.regime, found.signals) == ("NO-GO", None, ())
    assert (found.is_enforced, found.checks_off) == (None, ())
    assert found.zero_trade.reason == "scan-missing"


@pytest.mark.parametrize("step", ["scan", "decide", "enforce", "execute", "exits", "reconcile",
                                  "snapshot"])  # fmt: skip
def test_any_damaged_artifact_is_named_and_nothing_fails(step):
    others = [each for each in DAY if step != each.STEP]
    found = report(*others, damaged(step), orders=(FILLED,), rows=ROWS)

    assert found.verdict == "damaged"
    assert found.exit_code == 4
    assert found.seals
    assert [d.path for d in found.damage] == [f"2024-08-01/083000/{step}.json"]
    assert found.counts == {"EXECUTED": 1}
    assert [o.state for o in found.orders] == ["FILLED"]


def test_journal_tells_of_orders_that_no_artifact_tells_of():
    unknown = order("UNKNOWN", client_order_id="lost", signal_id=None, purpose="exit", side="sell")
    found = report(scan(), orders=(FILLED, unknown))

    assert [(o.client_order_id, o.action) for o in found.orders] == [
        ("buy-order", "updated"), ("lost", "unknown")
    ]  # fmt: skip


def test_older_live_orders_are_no_orders_of_this_session():
    older = order("SUBMITTED", session=BEFORE, purpose="stop", side="sell")

    assert report(*DAY[:1], orders=(older,)).orders == ()


def test_open_outcome_at_the_last_cycle_does_not_seal():
    unknown = order("UNKNOWN")
    last = report(*DAY, orders=(unknown,))
    earlier = report(*DAY, orders=(unknown,), is_last=False)

    assert (last.exit_code, last.seals) == (7, False)
    assert last.signals[0].state is None
    assert (earlier.exit_code, earlier.seals) == (0, False)
    both = report(*DAY, damaged("scan", cycle=OPEN), orders=(unknown,))
    assert both.exit_code == 7


def test_working_entry_is_open_but_a_working_stop_is_not():
    entry, stop = order("SUBMITTED"), order("SUBMITTED", purpose="stop", side="sell")

    assert not report(*DAY, orders=(entry,)).seals
    assert report(*DAY, orders=(stop,)).seals


def test_signal_of_an_earlier_session_ends_in_the_one_that_learns_it():
    older = order("FILLED", 12, average="98", session=BEFORE, quantity=12)
    live = order("UNKNOWN", session=BEFORE, client_order_id="still-lost")
    stop = order("FILLED", 12, average="98", session=BEFORE, purpose="stop", side="sell")
    found = report(*DAY, orders=(FILLED, older, live, stop))

    assert [(s.symbol, s.state, s.quantity_filled) for s in found.signals_late] == [
        ("NVDA", "EXECUTED", 12)
    ]
    assert len(found.signals) == 1
    assert report(*DAY, orders=(FILLED,)).signals_late == ()


def test_breaks_of_the_newest_reconciliation_are_shown():
    found = report(*DAY[:-2], reconcile(difference(), cycle=CLOSE), snapshot())

    assert [b.code for b in found.breaks] == ["position-foreign"]


def test_fees_booked_in_the_session_reach_the_proof():
    rows = (Written(CLOSE, "exits", cash_row(1, "-0.40")),)
    found = report(*DAY[:4], DAY[-1], rows=rows)

    assert isinstance(rows[0].row, CashRow)
    assert str(found.zero_trade.fees) == "-0.40"


@pytest.mark.parametrize(
    ("mode", "feed", "label"),
    [
        ("local", "iex", ""),
        ("local", "synthetic", "SYNTHETIC MARKET"),
        ("dry-run", "iex", "DRY RUN"),
        ("dry-run", "synthetic", "SYNTHETIC MARKET / DRY RUN"),
    ],
)
def test_label_says_what_the_data_are(mode, feed, label):
    assert label_of(mode, feed) == label


def test_outcomes_are_of_this_session_only():
    older = order("FILLED", 30, average="9", session=BEFORE, signal_id="9" * 64)

    assert outcomes_of(evidence(*DAY, orders=(older, FILLED)))[0].symbol == "NVDA"
    assert len(outcomes_of(evidence(*DAY, orders=(older, FILLED)))) == 1


def test_health_lists_steps_in_the_order_of_the_schedule():
    expected = [(MORNING, ("reconcile", "scan", "decide")), (CLOSE, ("snapshot",))]
    by_hand = scan(cycle="120000")
    found = report(by_hand, scan(), expected=expected)

    assert [(h.cycle, h.step, h.status) for h in found.health] == [
        (MORNING, "reconcile", "missing"),
        (MORNING, "scan", "ok"),
        (MORNING, "decide", "missing"),
        ("120000", "scan", "ok"),
        (CLOSE, "snapshot", "missing"),
    ]


@pytest.mark.parametrize(
    ("code", "status"),
    [
        ("artifact-missing", "missing"),
        ("artifact-tampered", "tampered"),
        ("artifact-foreign", "foreign"),
        ("artifact-corrupt", "corrupt"),
        ("artifact-schema-unknown", "corrupt"),
    ],
)
def test_health_says_what_is_wrong_with_a_file(code, status):
    assert report(damaged("scan", code)).health[0].status == status
