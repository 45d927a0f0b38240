"""How often the broker refuses what the desk sends: validated before, hardly ever.

Measured on 126 sessions of real bars, and on all sessions of the synthetic market: 0 of 507
orders, and 0 of 34, were refused; less than one in a hundred is the promise.
"""

import pytest

from quantcli.cli.wiring import Workspace
from quantcli.contracts.journal_rows import OrderRow
from tests.acceptance.made import make_real_desk, replayed

pytestmark = pytest.mark.slow

FIRST, LAST, SESSIONS = "2024-07-01", "2024-12-27", 126
REFUSED_PERCENT_MAX = 1


def sent_and_refused(desk):
    """Return how many orders were sent, and how many of them the broker refused."""
    with Workspace(desk, read_only=True) as workspace:
        rows = [entry.row for entry in workspace.journal.rows(kind="order")]
    orders = [row for row in rows if isinstance(row, OrderRow)]
    sent = {
        row.client_order_id for row in orders if (row.cause, row.to_state) == ("send", "UNKNOWN")
    }
    refused = {row.client_order_id for row in orders if row.to_state == "REJECTED"}
    return len(sent), len(refused)


def test_less_than_one_order_in_a_hundred_on_real_bars(tmp_path, data_dir):
    desk = tmp_path / "desk"
    make_real_desk(desk, data_dir)
    replayed(desk, FIRST, LAST)
    assert len(list((desk / "artifacts").glob("2024-*"))) == SESSIONS
    sent, refused = sent_and_refused(desk)
    assert sent > 400
    assert refused * 100 < REFUSED_PERCENT_MAX * sent


def test_less_than_one_order_in_a_hundred_on_the_synthetic_market(desks):
    sent, refused = sent_and_refused(desks.whole)
    assert sent > 20
    assert refused * 100 < REFUSED_PERCENT_MAX * sent
