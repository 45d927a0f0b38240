"""How long orders waited for their shares: percentiles over a session.

Both instants are the broker's own. Stops are left out: what they wait for is a price.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from decimal import Decimal

from quantcli.contracts.orders import Fill, OrderRecord
from quantcli.contracts.report import FillLatency

_MICROSECOND = dt.timedelta(microseconds=1)


def fill_latency(orders: Iterable[OrderRecord], fills: Iterable[Fill]) -> FillLatency:
    """Return submission to last fill of each entry and exit that got shares.

    Args:
        orders: The session's orders; one the broker never acknowledged has no submission.
        fills: Executions booked in the session.

    Examples:
        >>> fill_latency((), ()).orders
        0
    """
    ended = {fill.client_order_id: fill.filled_at for fill in sorted(fills, key=_filled_at)}
    waits = sorted(
        ended[order.intent.client_order_id] - order.submitted_at
        for order in orders
        if order.intent.purpose != "stop"
        and order.submitted_at is not None
        and order.intent.client_order_id in ended
    )
    return FillLatency(
        orders=len(waits),
        p50=percentile(waits, 50),
        p90=percentile(waits, 90),
        p95=percentile(waits, 95),
        p99=percentile(waits, 99),
    )


def percentile(ascending: Sequence[dt.timedelta], percent: int) -> Decimal | None:
    """Return the nearest-rank percentile in seconds: a wait that occurred; None of nothing.

    Examples:
        >>> percentile([dt.timedelta(seconds=each) for each in (1, 2, 3, 40)], 50)
        Decimal('2')
    """
    if not ascending:
        return None
    rank = -(-len(ascending) * percent // 100)
    return Decimal(ascending[rank - 1] // _MICROSECOND) / 1_000_000


def _filled_at(fill: Fill) -> dt.datetime:
    return fill.filled_at
