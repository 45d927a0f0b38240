"""A broker that would sell short for whoever asks: the desk's sales close, or are refused."""

from tests.steps.holdings import WEDNESDAY_OPEN, certificate, with_exits


def meets_another_account(rig):
    """Let our next order meet an account that holds nothing."""
    fault = {"kind": "account-reset", "method": "POST", "path": "/v2/orders"}
    return rig.exchange.faults.add(fault)


def test_a_stop_where_nothing_is_held_is_refused_and_the_share_named(holder):
    meets_another_account(holder)
    told = holder.exits()

    assert told.exit_code == 8
    assert set(told.codes) == {"share-uncovered", "stop-refused"}
    assert certificate(told) == [("XYZ", 10, 0, 10)]
    assert [o.message for o in told.orders] == [
        "422 42210000 position intent mismatch, inferred: sell_to_open, specified: sell_to_close"
    ]
    assert holder.book() == []  # of the other account


def test_an_exit_where_nothing_is_held_is_refused(protected):
    with_exits(protected, hold_sessions_max=1)
    protected.to(WEDNESDAY_OPEN)
    meets_another_account(protected)
    told = protected.exits()

    assert told.exit_code == 8
    assert protected.book() == []
    assert [o.state for o in told.orders if o.purpose == "exit"] == ["REJECTED"]
