"""What the desk asks again and again must not cost more the longer the desk has run."""

import re

import pytest

from tests.exchange.market import customer

OPEN_ORDERS = {"status": "open", "limit": "500", "direction": "asc"}
ACTIVITIES = {"direction": "asc", "page_size": "100", "after": "2024-11-25"}


def plans(someone, path, query):
    """Return how SQLite reads for a question: one line for each table it looks into."""
    database, told = someone.exchange._book._db, []
    database.set_trace_callback(told.append)
    someone.get(path, **query)
    database.set_trace_callback(None)
    selects = [statement for statement in told if statement.startswith("SELECT")]
    assert selects
    return [
        row[3]
        for statement in selects
        for row in database.execute(f"EXPLAIN QUERY PLAN {statement}")
    ]


@pytest.mark.parametrize(
    ("path", "query"),
    [
        ("/v2/account", {}),
        ("/v2/orders", OPEN_ORDERS),
        ("/v2/orders", OPEN_ORDERS | {"after": "2024-11-25T00:00:00Z"}),
        ("/v2/orders", {"status": "all", "after": "2024-11-25T00:00:00Z"}),
        ("/v2/orders:by_client_order_id", {"client_order_id": "mine"}),
        ("/v2/account/activities", ACTIVITIES),
        ("/v2/positions", {}),
    ],
)
def test_no_question_reads_all_orders_or_all_activities(market, path, query):
    someone = customer(market)
    someone.send("XYZ", 1, "buy", client_order_id="mine")

    scans = [line for line in plans(someone, path, query) if re.match(r"SCAN \w+s\b", line)]

    # What is open or held now is few rows, however long the desk has run.
    assert set(scans) <= {"SCAN orders USING INDEX orders_open", "SCAN positions"}
