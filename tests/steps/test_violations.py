"""An invariant that was violated: the order stays as stored, entries halt until someone resumes."""

from decimal import Decimal

import pytest

from quantcli.contracts.journal_rows import FlagRow, OrderRow
from quantcli.core.halts import halt_rows, journal_halt
from quantcli.ports.journal import Place
from tests.steps.rig import each, rewrite, states

HALT = FlagRow(name="halt-entries", is_set=True, reasons=("order-differs",), by="invariant")


def contradict(rig):
    """Let the broker take back shares that it said were sold."""
    send = rig.line.send
    rewrite(rig, "/positions", each(qty="6"))
    rewrite(rig, "/orders", each(filled_qty="4", status="partially_filled"))
    rig.exits("093501")
    rewrite(rig, "/orders", each(filled_qty="2"))
    rig.exits("093502")
    rig.line.send = send


def resume(rig):
    session = rig.desk("resume").stamp.session
    rows = [
        FlagRow(name=name, is_set=False, reasons=("looked",), by="operator")
        for name in ("paused", "halt-entries")
    ]
    rig.journal.append(Place(session, "120000", "resume"), rows)


def test_inv14_a_change_that_cannot_be_leaves_the_order_and_halts_entries(protected):
    contradict(protected)
    stop = protected.journal.orders(purpose="stop")[-1]
    assert (stop.state, stop.cumulative_quantity) == ("PARTIALLY_FILLED", 4)
    assert journal_halt(protected.journal.flags()) == ("order-state-contradicts",)
    assert len(protected.alarms) == 1
    assert protected.alarms[0].startswith("order-state-contradicts: order-transition-invalid: ")
    assert stop.intent.client_order_id in protected.alarms[0]


def test_a_clean_reconciliation_does_not_end_it_and_an_operator_does(rig):
    rig.journal.append(Place(rig.desk("exits").stamp.session, "070000", "exits"), [HALT])
    rig.approve(rig.entry())
    told = rig.reconcile()
    assert (told.exit_code, told.paused.is_set) == (0, False)
    assert (told.halt.entries, told.halt.all, told.halt.reason) == (True, False, "order-differs")
    told = rig.execute("080001")
    assert (told.exit_code, [found.code for found in told.withheld]) == (9, ["halted"])
    assert rig.book() == []
    resume(rig)
    assert rig.execute("080002").exit_code == 0
    assert len(rig.book()) == 1


def test_inv04_exits_go_on(holder):
    holder.journal.append(Place(holder.desk("exits").stamp.session, "093500", "exits"), [HALT])
    assert holder.exits().exit_code == 0
    assert len(holder.resting()) == 1


def test_the_alarm_sounds_at_every_meeting_and_the_halt_is_written_once(rig):
    rig.approve(rig.entry())
    rig.execute()
    rig.to("2024-11-26T14:35:00Z")
    rewrite(rig, "/account/activities", each(qty="12"))
    rig.execute("093500")
    assert journal_halt(rig.journal.flags()) == ("order-overfilled",)
    assert len(rig.alarms) == 1
    assert "order-overfilled: fill " in rig.alarms[0]
    rig.reconcile()
    assert len(rig.alarms) == 1
    rows = [entry.row for entry in rig.journal.rows(kind="flag")]
    # The reconciliation adds what it finds by itself: two shares in ten are beyond the limits.
    halts = [(row.by, row.reasons) for row in rows if row.name == "halt-entries"]
    assert halts == [
        ("invariant", ("order-overfilled",)),
        ("reconcile", ("limit-quantity-drift", "order-overfilled")),
    ]


@pytest.mark.parametrize("code", ["late-fill", "account-differs", "cash-difference"])
def test_what_is_a_break_only_halts_nothing(code):
    assert halt_rows({}, (code,)) == []


def test_reasons_add_up_and_nothing_is_written_twice():
    flags = {"halt-entries": HALT}
    assert halt_rows(flags, ("order-differs",)) == []
    (row,) = halt_rows(flags, ("order-overfilled", "late-fill"))
    assert row.reasons == ("order-differs", "order-overfilled")
    ended = HALT.model_copy(update={"is_set": False})
    assert journal_halt({"halt-entries": ended}) is None
    (row,) = halt_rows({"halt-entries": ended}, ("order-overfilled",))
    assert row.reasons == ("order-overfilled",)


def test_every_change_of_a_trade_s_orders_carries_the_same_correlation_id(protected):
    rows = [entry.row for entry in protected.journal.rows(kind="order")]
    assert {row.cause for row in rows} >= {"send", "sync"}
    assert {row.correlation_id for row in rows} == {"a" * 64}
    assert states(protected) == ["FILLED", "SUBMITTED"]


def test_a_row_of_an_older_program_has_none_and_keeps_its_bytes():
    row = OrderRow(
        client_order_id="q1-20241126-e-01-aaaaaaaaaaaaaaaa",
        from_state="PENDING",
        to_state="UNKNOWN",
        cause="send",
        cumulative_quantity=Decimal(0),
    )
    assert "correlation_id" not in row.as_json()
