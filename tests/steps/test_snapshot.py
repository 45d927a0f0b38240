"""`snapshot`: marks, history, genesis, and what happens when an input is in doubt."""

import datetime as dt
from decimal import Decimal

import pytest

from quantcli.contracts.errors import (
    ArtifactCorrupt,
    ArtifactMissing,
    LedgerError,
    StateMissing,
    UsageError,
)
from quantcli.contracts.registry import parse_artifact
from quantcli.contracts.snapshot import Snapshot
from quantcli.steps.snapshot import genesis_snapshot, snapshot
from tests.core.day_facts import cash_row, difference, reconcile
from tests.steps.books import (
    CLOSE,
    FRIDAY,
    MORNING,
    OPEN,
    THURSDAY,
    Books,
    booked,
    done,
    placed,
    stopped,
)

D = Decimal
DAILY = {
    "2024-08-01": {"NVDA": (99, 104, 98, 103), "AMD": (50, 51, 49, 50)},
    "2024-08-02": {"NVDA": (103, 107, 101, 106), "AMD": (50, 51, 49, 50)},
}


@pytest.fixture
def books(tmp_path):
    """Return a desk that opened with 100 000 and bought 30 NVDA at 99 on Thursday."""
    made = Books(tmp_path, DAILY).begin()
    made.write(
        *placed("buy-order", 30),
        booked(1, "buy", 30, "99"),
        done("buy-order", 30, "99"),
        stopped("NVDA", "95"),
    )
    return made


def _genesis(made, session=THURSDAY):
    return genesis_snapshot(made.desk("snapshot", session, "082500"))


def test_portfolio_at_the_close(books):
    found = snapshot(books.desk("snapshot"))

    assert found.exit_code == 0
    assert found.codes == ()
    assert (found.cash, found.equity) == (D("97030.00"), D("100120.00"))
    assert found.exposure_net == found.exposure_gross == D("3090.00")
    (held,) = found.positions
    assert (held.quantity, held.average_price, held.mark_price) == (30, 99, 103)
    assert (held.mark_source, held.pnl_unrealised) == ("bar", 120)
    assert (held.strategy, held.stop_price, held.risk_at_stop) == ("avwap", 95, 240)
    assert found.heat == D("0.002397")  # 240 / 100120
    assert found.return_session == D("0.0012")
    assert found.equity_history == (100000, D("100120.00"))
    assert found.pnl.net == 120
    assert found.formulas["equity"] == "equity-1"


def test_artifact_survives_its_own_bytes(books):
    found = snapshot(books.desk("snapshot"))

    assert parse_artifact(found.to_bytes(), Snapshot, what="snapshot.json") == found


def test_journal_and_marks_are_inputs(books):
    names = [ref.name for ref in snapshot(books.desk("snapshot")).inputs]

    assert f"journal/{books.journal.head().seq}" in names
    assert "bars/made" in names
    assert "2024-08-01/082500/snapshot.json" in names


def test_closed_trade_and_its_fees(books):
    books.publish(snapshot(books.desk("snapshot")))
    books.write(
        *placed("sell-order", 30, side="sell", purpose="stop", signal_id=None, session=FRIDAY),
        booked(2, "sell", 30, "101", session=FRIDAY),
        done("sell-order", 30, "101"),
        session=FRIDAY,
    )
    found = snapshot(books.desk("snapshot", FRIDAY))

    (trade,) = found.trades_closed
    assert (trade.pnl_gross, trade.exit_purpose, trade.strategy) == (60, "stop", "avwap")
    # 3030 x 27.8e-6 = 0.0842 -> 0.09, TAF 0.00498 -> 0.01
    assert (trade.fees, trade.pnl_net) == (D("0.10"), D("59.90"))
    assert (found.pnl.realised_session_gross, found.pnl.fees_accrued) == (60, D("-0.10"))
    assert (found.cash, found.equity, found.positions) == (D(100060), D(100060), ())
    assert [(e.symbol, e.session) for e in found.recent_exits] == [("NVDA", FRIDAY)]
    assert found.return_session == D("-0.000599")  # 100060 / 100120 - 1
    assert (found.high_water_mark, found.drawdown) == (D(100120), D("0.000599"))

    books.write(cash_row(1, "-0.08", session=FRIDAY), session=FRIDAY, cycle=CLOSE)
    after = snapshot(books.desk("snapshot", FRIDAY))
    assert (after.pnl.fees_accrued, after.pnl.fees_booked) == (0, D("-0.08"))
    assert after.cash == D("100059.92")
    assert after.pnl.net == D("59.92")
    assert after.contribution_rest == D("0.02")  # estimated 0.10, booked 0.08


def test_before_the_close_the_mark_is_the_brokers(books):
    books.publish(reconcile(price="101.5", cycle=OPEN))
    found = snapshot(books.desk("snapshot", cycle=OPEN))

    assert (found.positions[0].mark_price, found.positions[0].mark_source) == (D("101.5"), "broker")
    assert found.exit_code == 0


def test_newest_reconciliation_gives_the_mark(books):
    books.publish(reconcile(price="90"), reconcile(price="101.5", cycle=OPEN))

    assert snapshot(books.desk("snapshot", cycle=OPEN)).positions[0].mark_price == D("101.5")


def test_bar_missing_for_one_symbol_falls_back(books):
    del books.bars.rows[THURSDAY]["NVDA"]
    books.publish(reconcile(price="102", cycle=CLOSE))

    assert snapshot(books.desk("snapshot")).positions[0].mark_source == "broker"


def test_no_mark_at_all_is_labelled_and_exits_4(books):
    books.bars.is_missing = True
    found = snapshot(books.desk("snapshot"))

    assert (found.exit_code, found.codes) == (4, ("mark-missing",))
    assert (found.positions[0].mark_price, found.positions[0].mark_source) == (99, "cost")
    assert found.equity == 100000


def test_stale_bars_are_no_mark(books):
    del books.bars.rows[THURSDAY]

    assert snapshot(books.desk("snapshot")).codes == ("mark-missing",)


def test_damaged_reconciliation_is_said_and_noted(books):
    books.bars.is_missing = True
    books.publish(reconcile(price="102", cycle=CLOSE))
    books.path("reconcile", cycle=CLOSE).write_bytes(b"{}\n")
    found = snapshot(books.desk("snapshot"))

    assert (found.exit_code, found.codes) == (4, ("reconcile-invalid", "mark-missing"))
    assert "2024-08-01/160500/reconcile.json" in [ref.name for ref in found.inputs]


def test_reconciliation_without_a_price_gives_no_mark(books):
    books.bars.is_missing = True
    books.publish(reconcile(cycle=CLOSE))

    assert snapshot(books.desk("snapshot")).codes == ("mark-missing",)


def test_damaged_snapshot_before_is_said_and_an_older_one_used(books):
    books.publish(snapshot(books.desk("snapshot")))
    books.path("snapshot", cycle=CLOSE).write_bytes(b"broken")
    found = snapshot(books.desk("snapshot", FRIDAY))

    assert (found.exit_code, found.codes) == (4, ("snapshot-invalid", "snapshot-missing"))
    assert found.equity_history == (found.equity,)


def test_session_without_a_snapshot_is_a_gap(books):
    monday = dt.date(2024, 8, 5)
    books.bars.rows[monday] = books.bars.rows[FRIDAY]
    books.publish(snapshot(books.desk("snapshot")))
    found = snapshot(books.desk("snapshot", monday))

    assert (found.exit_code, found.codes) == (0, ("history-gap",))
    assert found.equity_history == (100000, D(100120), D(100210))


def test_snapshots_of_one_session_do_not_make_history(books):
    books.publish(reconcile(price="100", cycle=OPEN))
    books.publish(snapshot(books.desk("snapshot", cycle=OPEN)))
    found = snapshot(books.desk("snapshot"))

    assert found.equity_history == (100000, D(100120))
    assert found.return_session == D("0.0012")


def test_no_earlier_snapshot_at_all_is_said(tmp_path):
    made = Books(tmp_path).begin()
    fresh = Books(tmp_path / "elsewhere")
    fresh.journal = made.journal
    found = snapshot(fresh.desk("snapshot"))

    assert (found.exit_code, found.codes) == (4, ("snapshot-missing",))
    assert (found.equity, found.high_water_mark) == (100000, 100000)


def test_ruin_is_said(tmp_path):
    made = Books(tmp_path).begin()
    made.write(cash_row(1, "-100000"))
    found = snapshot(made.desk("snapshot"))

    assert found.codes == ("equity-not-positive",)
    assert (found.equity, found.drawdown, found.exit_code) == (0, 1, 0)


def test_capital_paid_in_is_no_return(books):
    books.publish(snapshot(books.desk("snapshot")))
    books.write(cash_row(1, "100120", kind="CSD", session=FRIDAY), session=FRIDAY)
    found = snapshot(books.desk("snapshot", FRIDAY))

    assert found.pnl.transfers == D("100120.00")
    assert found.return_session == D("0.000449")  # (106 - 103) x 30 = 90 on 200240
    assert found.pnl.net == 210


def test_desk_without_an_opening_balance_has_no_portfolio(tmp_path):
    with pytest.raises(StateMissing, match="opening balance"):
        snapshot(Books(tmp_path).desk("snapshot"))


def test_contradiction_in_the_journal_stops_the_snapshot(books, monkeypatch):
    monkeypatch.setattr(type(books.journal), "cash", lambda self: D("97030.01"))

    with pytest.raises(LedgerError, match=r"add up to 97030\.00 USD"):
        snapshot(books.desk("snapshot"))


# ---------------------------------------------------------------------------- genesis


def first_reconcile(**changes):
    return reconcile(cycle="082500", is_first_day=True, **changes)


def test_genesis_journals_the_brokers_cash_once(tmp_path):
    made = Books(tmp_path).publish(first_reconcile())
    found = _genesis(made)

    assert (found.is_genesis, found.cash, found.equity_history) == (True, 100000, (100000,))
    genesis = made.journal.genesis()
    assert (genesis.account_id, genesis.cash) == ("account-1", 100000)
    assert genesis.first_session == THURSDAY


def test_genesis_resumes_after_a_crash_with_the_same_result(tmp_path):
    made = Books(tmp_path).publish(first_reconcile())
    first = _genesis(made)
    again = _genesis(made)

    assert made.journal.head().seq == 1
    assert again.model_copy(update={"inputs": ()}) == first.model_copy(update={"inputs": ()})


def test_genesis_is_refused_once_the_journal_has_begun(books):
    with pytest.raises(UsageError, match="has begun"):
        _genesis(books)


def test_genesis_of_another_cycle_is_no_resumption(tmp_path):
    made = Books(tmp_path).begin()
    made.publish(first_reconcile().model_copy(update={"cycle": MORNING}))

    with pytest.raises(UsageError, match="has begun"):
        genesis_snapshot(made.desk("snapshot", cycle=MORNING))


@pytest.mark.parametrize(
    "seen",
    [reconcile(cycle="082500"), first_reconcile().model_copy(update={"breaks": (difference(),)})],
)
def test_genesis_needs_an_empty_account(tmp_path, seen):
    made = Books(tmp_path).publish(seen)

    with pytest.raises(UsageError, match="empty account"):
        _genesis(made)
    assert made.journal.genesis() is None


def test_genesis_needs_a_reconciliation(tmp_path):
    with pytest.raises(ArtifactMissing, match="no reconciliation"):
        _genesis(Books(tmp_path))


def test_genesis_on_a_damaged_reconciliation_fails(tmp_path):
    made = Books(tmp_path).publish(first_reconcile())
    made.path("reconcile", cycle="082500").write_bytes(b"{")

    with pytest.raises(ArtifactCorrupt):
        _genesis(made)
    assert made.journal.head().seq == 0
