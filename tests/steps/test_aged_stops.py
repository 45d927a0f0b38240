"""A stop that the broker lets go after 90 days: the desk puts another one in its place."""

import datetime as dt

from quantcli.contracts.session_table import is_session
from tests.steps.conftest import MARKET
from tests.steps.holdings import bought, certificate

FIRST, LAST_CLOSE = dt.date(2024, 11, 27), "2025-02-24T21:05:00Z"
#: After the usual days the price stays where it is.
FLAT = MARKET | {
    day.isoformat(): {"XYZ": (103, 104, 102, 103), "ABC": (42, 43, 41, 42)}
    for day in (FIRST + dt.timedelta(days=n) for n in range(100))
    if is_session(day)
}


def test_a_stop_that_aged_out_is_put_there_again():
    rig = bought(FLAT)
    rig.exits()
    (stop,) = rig.ask("GET", "/orders", status="open")
    assert stop["expires_at"] == "2025-02-24T21:00:00Z"
    rig.to(LAST_CLOSE)
    assert rig.ask("GET", f"/orders/{stop['id']}")["status"] == "expired"
    told = rig.exits()

    assert told.exit_code == 0
    assert certificate(told) == [("XYZ", 10, 1, 0)]
    (again,) = rig.ask("GET", "/orders", status="open")
    assert again["id"] != stop["id"]
    assert float(again["stop_price"]) >= float(stop["stop_price"])
