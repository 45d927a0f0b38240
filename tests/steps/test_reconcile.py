"""`reconcile` and the sync under it, against the real exchange's book."""

import datetime as dt
from decimal import Decimal

import pytest

from quantcli.contracts.errors import BrokerRefused, BrokerUnreachable, ContractDrift
from quantcli.contracts.journal_rows import CashRow, FillRow, FlagRow, GenesisRow, OrderRow
from quantcli.contracts.reconciliation import Reconcile
from quantcli.contracts.registry import parse_artifact
from quantcli.ports.journal import Place
from quantcli.steps.sync import cursor
from tests.steps.conftest import AFTER_CLOSE, AFTER_OPEN, MARKET
from tests.steps.rig import Rig, always, each, rewrite

TUESDAY = dt.date(2024, 11, 26)


def codes(artifact):
    return [item.code for item in artifact.breaks]


def by_hand(rig, symbol, quantity, side="buy", **terms):
    body = {
        "symbol": symbol,
        "qty": str(quantity),
        "side": side,
        "type": "market",
        "time_in_force": "day",
        **terms,
    }
    return rig.ask("POST", "/orders", body)


def test_the_first_day_reports_the_opening_balance():
    rig = Rig(MARKET)
    told = rig.reconcile()
    assert (told.is_first_day, told.exit_code, codes(told)) == (True, 0, [])
    assert told.cash_ours == told.broker.cash == Decimal(100000)
    assert rig.journal.head().seq == 0


def test_the_first_day_refuses_an_account_that_is_not_empty():
    rig = Rig(MARKET)
    rig.to(AFTER_OPEN)
    by_hand(rig, "XYZ", 1)
    by_hand(rig, "ABC", 1, type="limit", limit_price="20")
    told = rig.reconcile(read_only=True)
    assert codes(told) == ["journal-not-empty-account"] * 2
    assert told.exit_code == 8


def test_a_clean_day_is_clean_at_every_cycle(rig):
    assert rig.reconcile().exit_code == 0
    rig.approve(rig.entry())
    rig.execute()
    assert rig.reconcile().exit_code == 0
    rig.to(AFTER_OPEN)
    # Not booked yet: the fill is explained, and counted.
    told = rig.reconcile()
    assert (told.exit_code, told.pending_fills) == (0, 1)
    rig.execute()
    rig.exits()
    told = rig.reconcile()
    assert (told.exit_code, told.pending_fills) == (0, 0)
    assert [(p.symbol, p.quantity) for p in told.broker.positions] == [("XYZ", 10)]
    rig.to(AFTER_CLOSE)
    rig.exits()
    assert rig.reconcile().exit_code == 0
    assert parse_artifact(told.to_bytes(), Reconcile, what="reconcile.json") == told


def test_inv20_fees_are_booked_and_cash_agrees_to_the_cent():
    rig = Rig(MARKET, hold_sessions_max=1).begin()
    rig.approve(rig.entry(quantity=300))
    rig.execute()
    for instant in (AFTER_OPEN, AFTER_CLOSE, "2024-11-27T14:35:00Z", "2024-11-27T21:05:00Z"):
        rig.to(instant)
        rig.shelf.found and rig.execute()
        rig.exits()
        assert rig.reconcile().exit_code == 0
    fees = [entry.row for entry in rig.journal.rows(kind="cash")]
    assert fees
    assert all(row.activity_type == "FEE" and row.net_amount < 0 for row in fees)
    assert {row.session for row in fees} == {dt.date(2024, 11, 27)}
    assert rig.journal.cash() == Decimal(rig.ask("GET", "/account")["cash"])


def test_it_books_nothing(holder):
    head = holder.journal.head()
    holder.reconcile()
    assert holder.journal.head() == head


def test_a_share_bought_behind_our_back_pauses(rig):
    rig.to(AFTER_OPEN)
    by_hand(rig, "XYZ", 1)
    told = rig.reconcile()
    assert told.exit_code == 8
    assert sorted(codes(told)) == ["cash-difference", "fill-foreign", "position-foreign"]
    assert {item.symbol for item in told.breaks} == {"XYZ", None}
    assert told.paused.is_set
    assert set(told.paused.reasons) == set(codes(told))
    flag = rig.journal.flags()["paused"]
    assert (flag.is_set, flag.by) == (True, "reconcile")
    assert rig.journal.positions() == ()


def test_read_only_says_the_same_and_writes_nothing(rig):
    rig.to(AFTER_OPEN)
    by_hand(rig, "XYZ", 1)
    head = rig.journal.head()
    told = rig.reconcile(read_only=True)
    assert (told.exit_code, told.is_read_only) == (8, True)
    assert told.paused.is_set is False
    assert rig.journal.head() == head


def test_the_same_break_has_the_same_id_and_is_written_down_once(rig):
    rig.to(AFTER_OPEN)
    by_hand(rig, "XYZ", 1)
    first = rig.reconcile()
    head = rig.journal.head()
    second = rig.reconcile()
    assert [item.break_id for item in first.breaks] == [item.break_id for item in second.breaks]
    assert rig.journal.head() == head


def test_a_clean_pass_clears_paused_whoever_set_it(rig):
    for by in ("reconcile", "invariant"):
        rig.pause(by=by)
        told = rig.reconcile()
        assert (told.paused.is_set, told.paused.reasons) == (False, ())
        assert rig.journal.flags()["paused"].is_set is False


@pytest.mark.parametrize(
    ("prepare", "expected"),
    [
        (lambda rig: by_hand(rig, "ABC", 5, type="limit", limit_price="20"), {"order-foreign"}),
        (
            lambda rig: (
                rig.ask("DELETE", f"/orders/{rig.book()[-1]['id']}"),
                by_hand(rig, "XYZ", 10, "sell"),
            ),
            {"cash-difference", "fill-foreign", "position-missing"},
        ),
        (
            lambda rig: (
                rig.ask("DELETE", f"/orders/{rig.book()[-1]['id']}"),
                by_hand(rig, "XYZ", 4, "sell"),
            ),
            {"cash-difference", "fill-foreign", "position-quantity"},
        ),
        (
            lambda rig: rig.ask(
                "PATCH", f"/orders/{rig.book()[-1]['id']}", {"stop_price": "91", "qty": "10"}
            ),
            {"order-foreign"},
        ),
    ],
)
def test_what_others_did_is_a_break(protected, prepare, expected):
    prepare(protected)
    told = protected.reconcile()
    assert set(codes(told)) == expected
    assert told.exit_code == 8


def account(**changes):
    """Change the account, which shares the start of its path with the activities."""
    return lambda value: value if isinstance(value, list) else {**value, **changes}


@pytest.mark.parametrize(
    ("path", "change", "expected"),
    [
        ("/account", account(cash="1"), "cash-difference"),
        (
            "/account",
            account(id="other"),
            "account-differs",
        ),
        ("/positions", each(avg_entry_price="100.01"), "position-price"),
        ("/positions", lambda rows: [], "position-missing"),
        ("/positions", each(qty="11"), "position-quantity"),
        (
            "/orders",
            each(qty="11"),
            "order-differs",
        ),
        (
            "/orders",
            each(stop_price="91"),
            "order-differs",
        ),
        (
            "/orders",
            each(time_in_force="day"),
            "order-differs",
        ),
        ("/orders", lambda v: [] if isinstance(v, list) else v, "order-missing"),
        ("/account/activities", lambda rows: [], "fill-missing"),
        ("/account/activities", each(price="101"), "fill-missing"),
        ("/orders", each(status="rejected"), "order-differs"),
    ],
)
def test_what_the_broker_says_otherwise_is_a_break(protected, path, change, expected):
    rewrite(protected, path, change)
    told = protected.reconcile()
    assert told.exit_code == 8
    assert expected in codes(told)


@pytest.mark.parametrize("path", ["/account", "/positions", "/orders", "/account/activities"])
@pytest.mark.parametrize(
    ("trouble", "error"),
    [("lost", BrokerUnreachable), ("401", BrokerRefused), ("garbled", ContractDrift)],
)
def test_no_answer_is_not_nothing(protected, path, trouble, error):
    protected.line.trouble = lambda method, asked: trouble if asked == path else ""
    with pytest.raises(error) as caught:
        protected.reconcile()
    assert caught.value.exit_code == 6
    assert protected.journal.flags() == {}


def test_inv14_a_late_fill_is_booked_and_pauses(rig):
    rig.approve(rig.entry())
    rig.execute()
    (order,) = rig.journal.orders()
    # The broker once said that the order was cancelled; the exchange fills it all the same.
    gone = OrderRow(
        client_order_id=order.intent.client_order_id,
        from_state="SUBMITTED",
        to_state="CANCELLED",
        cause="sync",
        broker_order_id=order.broker_order_id,
        cumulative_quantity=Decimal(0),
    )
    rig.journal.append(Place(TUESDAY, "080000", "execute"), [gone])
    rig.to(AFTER_OPEN)
    told = rig.reconcile()
    assert codes(told) == ["late-fill"]
    rig.execute()
    (entry,) = rig.journal.rows(kind="fill")
    assert entry.row.is_late
    assert rig.journal.flags()["paused"].reasons == ("late-fill",)
    assert [p.quantity for p in rig.journal.positions()] == [10]
    # Exits go on, and the session stays paused until someone has looked.
    assert rig.exits().exit_code == 0
    assert codes(rig.reconcile()) == ["late-fill"]
    rig.pause(is_set=False, by="operator")
    assert rig.reconcile().exit_code == 0


def test_inv19_an_overfill_is_booked_and_pauses(rig):
    rig.approve(rig.entry())
    rig.execute()
    rig.to(AFTER_OPEN)
    rewrite(rig, "/account/activities", each(qty="12"))
    told = rig.execute()
    assert [f.last_quantity for f in told.fills] == [12]
    assert rig.journal.flags()["paused"].reasons == ("late-fill", "order-overfilled")
    assert "order-overfilled" in codes(rig.reconcile())


def test_a_state_that_cannot_follow_ours_pauses_and_is_not_written(protected):
    rewrite(protected, "/positions", each(qty="6"))
    partly = each(filled_qty="4", status="partially_filled")
    rewrite(protected, "/orders", partly)
    protected.exits("093501")
    assert states_of_stops(protected) == ["PARTIALLY_FILLED"]
    rewrite(protected, "/orders", each(filled_qty="2"))
    protected.exits("093502")
    assert states_of_stops(protected) == ["PARTIALLY_FILLED"]
    assert "order-state-contradicts" in protected.journal.flags()["paused"].reasons
    assert "order-state-contradicts" in codes(protected.reconcile())


def states_of_stops(rig):
    return [order.state for order in rig.journal.orders(purpose="stop")]


def test_inv18_fills_are_booked_once_however_often_they_are_shown(holder):
    rewrite(holder, "/account/activities", lambda rows: rows + rows)
    holder.exits("093501")
    holder.exits("093502")
    assert len(holder.journal.rows(kind="fill")) == 1


def test_a_sync_asks_four_times_when_nothing_happened(protected):
    protected.line.log.clear()
    protected.exits("093501")
    asked = [path for method, path, _ in protected.line.log if method == "GET"]
    assert asked == ["/account", "/orders", "/account/activities", "/positions", "/clock"]


def test_activities_that_tell_too_little_are_not_booked(rig):
    rig.approve(rig.entry())
    rig.execute()
    rig.to(AFTER_OPEN)
    rewrite(rig, "/account/activities", each(qty="0"))
    assert rig.execute("093500").fills == ()
    rewrite(rig, "/account/activities", each(price="0", qty="10"))
    assert rig.execute("093501").fills == ()


def test_other_cash_movements_are_booked_by_their_id(rig):
    dividend = {
        "id": "d-1",
        "activity_type": "DIV",
        "date": "2024-11-26",
        "net_amount": "12.34",
        "symbol": "not a symbol",
        "description": "a dividend",
    }
    rewrite(rig, "/account/activities", lambda rows: [*rows, dividend])
    rig.approve()
    rig.execute("080000")
    rig.execute("080001")
    (entry,) = rig.journal.rows(kind="cash")
    assert entry.row == CashRow(
        activity_id="d-1",
        activity_type="DIV",
        net_amount=Decimal("12.34"),
        session=TUESDAY,
        symbol=None,
        description="a dividend",
    )
    assert rig.journal.cash() == Decimal("100012.34")
    assert codes(rig.reconcile()) == ["cash-difference"]


def test_the_cursor_overlaps_the_newest_older_booking(holder):
    assert cursor(holder.desk("exits")) == TUESDAY  # the genesis session
    holder.to("2024-11-27T14:35:00Z")
    assert cursor(holder.desk("exits")) == TUESDAY
    holder.to("2024-12-04T14:35:00Z")
    fill = holder.journal.rows(kind="fill")[0].row.fill
    later = fill.model_copy(update={"execution_id": "x"})
    holder.journal.append(Place(dt.date(2024, 12, 2), "160500", "exits"), [FillRow(fill=later)])
    assert cursor(holder.desk("exits")) == dt.date(2024, 12, 1)


def test_the_cursor_finds_a_booking_of_long_ago():
    market = {"2024-12-30": {"XYZ": (100, 101, 99, 100)}, **MARKET}
    rig = Rig(market).begin()
    fee = CashRow(
        activity_id="fee",
        activity_type="FEE",
        net_amount=Decimal(-1),
        session=TUESDAY,
        symbol=None,
        description=None,
    )
    rig.journal.append(Place(dt.date(2024, 11, 29), "160500", "exits"), [fee])
    rig.to("2024-12-30T14:35:00Z")
    assert cursor(rig.desk("exits")) == dt.date(2024, 11, 28)


def test_a_flag_is_not_rewritten_when_it_says_the_same(rig):
    rig.to(AFTER_OPEN)
    by_hand(rig, "XYZ", 1)
    rig.reconcile()
    rig.reconcile()
    flags = [e.row for e in rig.journal.rows(kind="flag") if isinstance(e.row, FlagRow)]
    assert len(flags) == 1


def test_an_unknown_outcome_is_left_to_its_owner(rig):
    rig.approve(rig.entry())
    rig.line.trouble = always("POST", "/orders", "lost")
    rig.execute()
    rig.line.trouble = lambda method, path: ""
    head = rig.journal.head()
    told = rig.reconcile()
    assert told.exit_code == 0
    assert rig.journal.head() == head
    assert len(rig.book()) == 0


def test_what_happened_before_the_journal_began_is_in_the_opening_balance():
    deposit = {
        "id": "jnlc-1",
        "activity_type": "JNLC",
        "date": "2024-11-26",
        "net_amount": "100000",
        "description": "the account's first money",
    }
    rig = Rig(MARKET)
    rewrite(rig, "/account/activities", lambda rows: [*rows, deposit])
    told = rig.reconcile()
    assert (told.exit_code, told.activities_before) == (0, ("jnlc-1",))
    row = GenesisRow(
        account_id=rig.account_id,
        cash=told.broker.cash,
        first_session=TUESDAY,
        activities_before=told.activities_before,
    )
    rig.journal.append(Place(TUESDAY, "000000", "snapshot"), [row])
    told = rig.reconcile()
    assert (told.exit_code, told.activities_before) == (0, ())
    rig.approve()
    rig.execute()
    assert rig.journal.cash() == Decimal(100000)
