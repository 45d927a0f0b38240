"""Plans for one position: each rule by an example, the invariants over all situations."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quantcli.core.exit_plan import Move, Plan, Situation, Standing, exit_reason, plan_of
from quantcli.core.stops import Level


def at(price, basis="daily_swing_low"):
    return Level(Decimal(price), basis)


def situation(**changes):
    """Ten shares at 100 in an open market, the stop belongs at 96, nothing stands."""
    usual = Situation(
        shares=Decimal(10),
        price=Decimal(100),
        level=at(96),
        base=at(95, "intent"),
        stops=(),
        exiting=Decimal(0),
        exit_code=None,
        is_open=True,
        may_replace=True,
        may_shrink=True,
        may_exit=True,
        is_buy_resting=False,
        is_sell_unknown=False,
    )
    changed = usual._replace(**changes)
    return changed._replace(may_replace=changed.is_open and changed.may_replace)


def standing(*pairs):
    return tuple(Standing(f"s-{n}", Decimal(q), Decimal(p)) for n, (q, p) in enumerate(pairs, 1))


def place(quantity, level):
    return Move("place", None, Decimal(quantity), level)


def replace(name, quantity, level):
    return Move("replace", name, Decimal(quantity), level)


def test_a_first_stop_is_placed_open_or_closed():
    expected = Plan("place", "stop-placed", (place(10, at(96)),))
    assert plan_of(situation()) == expected
    assert plan_of(situation(is_open=False)) == expected


def test_whole_shares_are_protected_where_a_fraction_is_held():
    """The broker takes no stop for 9.5 shares: nine are covered, not none."""
    assert plan_of(situation(shares=Decimal("9.5"))).moves == (place(9, at(96)),)
    nine = situation(shares=Decimal("9.5"), stops=standing((9, 96)))
    assert plan_of(nine) == Plan("keep", "stop-kept")
    fitted = situation(shares=Decimal("9.5"), stops=standing((10, 96)))
    assert plan_of(fitted).moves == (replace("s-1", 9, at(96)),)
    assert plan_of(situation(shares=Decimal("0.5"))) == Plan("wait", "quantity-not-whole")


def test_a_fraction_is_sold_whole():
    leaving = situation(shares=Decimal("9.5"), exit_code="max-hold")
    assert plan_of(leaving) == Plan("exit", "max-hold")


def test_a_stop_in_its_place_is_kept():
    for is_open in (True, False):
        now = situation(stops=standing((10, 96)), is_open=is_open)
        assert plan_of(now) == Plan("keep", "stop-kept")


def test_a_stop_is_raised_in_regular_hours_only():
    now = situation(stops=standing((10, 95)))
    assert plan_of(now) == Plan("raise", "stop-raised", (replace("s-1", 10, at(96)),))
    assert plan_of(now._replace(is_open=False, may_replace=False)) == Plan(
        "wait", "replace-needs-open-market"
    )


def test_a_stop_grows_with_the_position():
    now = situation(stops=standing((4, 96)))
    assert plan_of(now) == Plan("resize", "stop-resized", (replace("s-1", 10, at(96)),))


def test_when_it_cannot_be_replaced_a_second_stop_takes_the_rest():
    now = situation(stops=standing((4, 96)), is_open=False)
    assert plan_of(now) == Plan("resize", "stop-resized", (place(6, at(96)),))


def test_a_stop_for_more_than_is_held_shrinks():
    now = situation(stops=standing((15, 96)))
    assert plan_of(now) == Plan("resize", "stop-resized", (replace("s-1", 10, at(96)),))


def test_closed_it_shrinks_by_cancel_and_place():
    now = situation(stops=standing((15, 96)), is_open=False)
    moves = (Move("cancel", "s-1", Decimal(0), at(96)), place(10, at(96)))
    assert plan_of(now) == Plan("resize", "stop-resized", moves)


@pytest.mark.parametrize("is_open", [True, False])
def test_without_the_brokers_word_on_orders_no_stop_is_reduced(is_open):
    """What seems to be twice the cover may be an order that is gone."""
    now = situation(stops=standing((10, 95), (10, 95)), may_shrink=False, is_open=is_open)
    moves = plan_of(now).moves
    assert [move.kind for move in moves] == (["replace", "replace"] if is_open else [])
    assert all(move.quantity == 10 for move in moves)
    kept = now._replace(stops=standing((10, 96), (10, 96)))
    assert plan_of(kept) == Plan("keep", "stop-kept")


def test_two_stops_rise_together_and_share_the_shares():
    now = situation(stops=standing((4, 95), (6, 95)))
    moves = (replace("s-1", 4, at(96)), replace("s-2", 6, at(96)))
    assert plan_of(now) == Plan("raise", "stop-raised", moves)


def test_a_stop_that_is_not_needed_goes():
    now = situation(stops=standing((10, 96), (6, 96)))
    moves = (Move("cancel", "s-2", Decimal(0), at(96)),)
    assert plan_of(now) == Plan("resize", "stop-resized", moves)
    assert plan_of(now._replace(is_open=False, may_replace=False)).moves == moves


@pytest.mark.parametrize("price", ["96", "95.99"])
def test_a_stop_at_or_above_the_price_is_an_exit_now(price):
    now = situation(price=Decimal(price), stops=standing((10, 95)))
    assert plan_of(now) == Plan("exit", "stop-at-market")
    assert plan_of(now._replace(stops=())) == Plan("exit", "stop-at-market")


def test_an_exit_waits_for_the_open_while_a_stop_covers():
    now = situation(price=Decimal("95.50"), stops=standing((10, 95)), is_open=False)
    assert plan_of(now) == Plan("wait", "stop-at-market")


def test_closed_and_uncovered_the_lower_stop_is_placed_if_it_may_stand():
    now = situation(price=Decimal("95.50"), is_open=False)
    assert plan_of(now) == Plan("place", "stop-placed", (place(10, at(95, "intent")),))


def test_closed_uncovered_and_below_every_stop_the_exit_is_queued():
    now = situation(price=Decimal(90), is_open=False)
    assert plan_of(now) == Plan("exit", "stop-at-market")


@pytest.mark.parametrize("code", ["target-reached", "max-hold"])
def test_other_reasons_leave_in_regular_hours_only(code):
    now = situation(exit_code=code, stops=standing((10, 96)))
    assert plan_of(now) == Plan("exit", code)
    assert plan_of(now._replace(is_open=False, may_replace=False)) == Plan("wait", code)
    bare = now._replace(is_open=False, may_replace=False, stops=())
    assert plan_of(bare) == Plan("place", "stop-placed", (place(10, at(95, "intent")),))


def test_the_stop_at_market_comes_first():
    assert exit_reason(situation(price=Decimal(96), exit_code="max-hold")) == "stop-at-market"
    assert exit_reason(situation(exit_code="max-hold")) == "max-hold"
    assert exit_reason(situation()) is None


def test_when_selling_was_refused_the_shares_go_back_under_a_stop():
    now = situation(price=Decimal("95.50"), may_exit=False)
    assert plan_of(now) == Plan("place", "stop-placed", (place(10, at(95, "intent")),))
    lower = situation(price=Decimal(90), may_exit=False)
    assert plan_of(lower) == Plan("wait", "stop-at-market")
    held = situation(exit_code="max-hold", may_exit=False)
    assert plan_of(held) == Plan("place", "stop-placed", (place(10, at(96)),))


def test_a_working_exit_is_left_alone():
    assert plan_of(situation(exiting=Decimal(10))) == Plan("wait", "exit-working")


def test_the_rest_of_a_partial_exit_keeps_its_stop():
    now = situation(exiting=Decimal(4), stops=standing((6, 96)))
    assert plan_of(now) == Plan("keep", "stop-kept")


def test_an_unknown_sell_is_not_sent_around():
    assert plan_of(situation(is_sell_unknown=True)) == Plan("wait", "outcome-unknown")


def test_no_plain_sell_against_a_resting_buy():
    assert plan_of(situation(is_buy_resting=True)) == Plan("wait", "buy-resting")
    leaving = situation(is_buy_resting=True, exit_code="max-hold", stops=standing((10, 96)))
    assert plan_of(leaving) == Plan("wait", "buy-resting")
    kept = situation(is_buy_resting=True, stops=standing((10, 96)))
    assert plan_of(kept) == Plan("keep", "stop-kept")


def test_without_a_price_nothing_is_sold_for_it():
    now = situation(price=None, stops=standing((10, 95)))
    assert plan_of(now) == Plan("raise", "stop-raised", (replace("s-1", 10, at(96)),))


situations = st.builds(
    lambda shares, price, base, lift, stops, exiting, code, is_open, resting, unknown, exit_: (
        situation(
            shares=Decimal(shares),
            price=None if price is None else Decimal(price),
            base=at(base, "intent"),
            level=at(base + lift),
            # A stop never stands above the level: the level is the highest ever reached.
            stops=standing(*((q, min(base + p, base + lift)) for q, p in stops)),
            exiting=Decimal(exiting),
            exit_code=code,
            is_open=is_open,
            is_buy_resting=resting,
            is_sell_unknown=unknown,
            may_exit=exit_,
        )
    ),
    st.integers(1, 20),
    st.none() | st.integers(1, 30),
    st.integers(5, 15),
    st.integers(0, 10),
    st.lists(st.tuples(st.integers(1, 20), st.integers(-3, 3)), max_size=3),
    st.integers(0, 5),
    st.sampled_from([None, "max-hold", "target-reached"]),
    st.booleans(),
    st.booleans(),
    st.booleans(),
    st.booleans(),
)


def after(now, plan):
    """Return the stops that stand once a plan's moves are carried out."""
    stops = {stop.client_order_id: stop for stop in now.stops}
    for number, move in enumerate(plan.moves):
        stops.pop(move.client_order_id, None)
        if move.kind != "cancel":
            name = move.client_order_id or f"new-{number}"
            stops[name] = Standing(name, move.quantity, move.level.price)
    return stops.values()


@given(situations)
def test_inv05_and_inv07_after_a_move_each_share_has_exactly_one_stop(now):
    plan = plan_of(now)
    to_protect = now.shares - now.exiting
    if plan.action in {"place", "raise", "resize", "keep"}:
        assert sum(stop.quantity for stop in after(now, plan)) == to_protect


@given(situations)
def test_inv06_no_stop_is_lowered(now):
    before = {stop.client_order_id: stop.price for stop in now.stops}
    for stop in after(now, plan_of(now)):
        assert stop.price >= before.get(stop.client_order_id, Decimal(0))


@given(situations)
def test_inv07_only_a_named_cause_leaves_a_share_without_cover(now):
    plan = plan_of(now)
    covered = sum(stop.quantity for stop in after(now, plan))
    if plan.action != "exit" and covered < now.shares - now.exiting:
        assert plan.code in {"outcome-unknown", "buy-resting", "stop-at-market"}
        if plan.code == "stop-at-market":
            assert not now.may_exit


@given(situations)
def test_a_stop_is_never_placed_where_it_would_fire_at_once(now):
    for move in plan_of(now).moves:
        if move.kind != "cancel" and now.price is not None and now.may_exit:
            assert move.level.price < now.price


@given(situations)
def test_carried_out_once_the_second_plan_moves_nothing(now):
    plan = plan_of(now)
    if plan.action == "exit":
        return
    then = now._replace(stops=tuple(after(now, plan)))
    assert plan_of(then).moves == ()
