"""How long orders waited for their shares."""

import datetime as dt
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as some

from quantcli.core.latency import fill_latency, percentile
from tests.core.made_orders import fill, intent, order

SENT = dt.datetime(2024, 8, 1, 13, 30, tzinfo=dt.UTC)


def waited(name, seconds, *, purpose="entry", sent=SENT):
    """Return an order that was sent and its only fill, so many seconds later."""
    made = intent(name, purpose=purpose)
    record = order("FILLED", of=made, submitted_at=sent)
    at = SENT + dt.timedelta(seconds=seconds)
    told = fill(1, 100, execution_id=name, of=made)
    return record, told.model_copy(update={"filled_at": at})


def test_percentiles_by_hand():
    """Of 20 waits of 1 to 20 seconds the nearest ranks are 10, 18, 19 and 20."""
    pairs = [waited("A" + "BCDEFGHIJKLMNOPQRSTU"[n], n + 1) for n in range(20)]
    found = fill_latency([a for a, _ in pairs], [b for _, b in reversed(pairs)])
    assert (found.orders, found.p50, found.p90, found.p95, found.p99) == (20, 10, 18, 19, 20)


def test_the_last_fill_of_an_order_counts_to_the_microsecond():
    record, first = waited("AA", 1)
    last = first.model_copy(
        update={"execution_id": "z", "filled_at": SENT + dt.timedelta(microseconds=2_500_001)}
    )
    assert fill_latency([record], [last, first]).p50 == Decimal("2.500001")


@pytest.mark.parametrize(
    ("record", "told"),
    [
        waited("AA", 5, purpose="stop"),
        waited("AA", 5, sent=None),
        (waited("AA", 5)[0], waited("BB", 5)[1]),
    ],
    ids=["stop", "never acknowledged", "no fill of it"],
)
def test_what_is_no_wait(record, told):
    found = fill_latency([record], [told])
    assert (found.orders, found.p50, found.p99) == (0, None, None)


@given(some.lists(some.integers(0, 10**9), min_size=1, max_size=50), some.integers(1, 100))
def test_a_percentile_is_a_wait_that_so_many_do_not_exceed(waits, percent):
    ascending = [dt.timedelta(microseconds=each) for each in sorted(waits)]
    found = percentile(ascending, percent) * 1_000_000
    assert found in waits
    assert 100 * sum(each <= found for each in waits) >= percent * len(waits)
    assert 100 * sum(each < found for each in waits) < percent * len(waits)
