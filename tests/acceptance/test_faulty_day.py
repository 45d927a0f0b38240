"""One faulty day, told by its report: whoever reads it needs no log to know what happened.

A lost answer, a purchase filled in part and cancelled by the broker, a refused stop, a stop that
another hand cancelled, a list of positions that lags behind, and a fill that comes after its
order's end. The page's own words are the golden file.
"""

from pathlib import Path

import pytest
from syrupy.extensions.single_file import SingleFileSnapshotExtension

from quantcli.cli.wiring import Workspace
from quantcli.exchange.settlement import fill, move
from quantcli.exchange.trading_hours import micros
from tests.acceptance.faulty import PATCH, POST, QUIET, SESSION, Day, always, once
from tests.acceptance.typed import AFTER_OPEN, CLOSE, OPEN, STEPS_OF, Served, typed

pytestmark = pytest.mark.slow
#: What comes before it says what happened; what comes after it are tables.
TABLES = "## Capital and risk"


class GoldenPage(SingleFileSnapshotExtension):
    """What a person reads, as it stands in report.md."""

    file_extension = "md"

    @classmethod
    def dirname(cls, *, test_location):
        return str(Path(test_location.filepath).parent / "golden" / test_location.basename)


def fill_after_the_end(desk, symbol, shares):
    """Let the exchange fill shares of a purchase that it has said is cancelled."""
    with Workspace(desk, url="") as workspace:
        at = micros(workspace.exchange.clock)
        with workspace.exchange.change() as book:
            (order,) = book.orders("symbol = ? AND side = 'buy' AND status = 'canceled'", symbol)
            price = order.filled_cost / order.filled_quantity
            more = fill(book, order._replace(status="new"), price, at, shares)
            move(book, more, "canceled", at)


def morning(day):
    """Send the purchases: of one the answer is lost, the other is cancelled in part."""
    assert day.run(OPEN, *STEPS_OF[OPEN][:-1]) == {}
    day.fault(
        once("late-visibility", calls=9),
        once("drop-after-accept", **POST),
        always("partial-then-cancel", qty=20) | {"nth": 3},  # the second is the first one again
        always("stale-positions"),
    )
    day.run(OPEN, "execute")


def cancel_a_stop(day, symbol):
    """Cancel the desk's stop at the broker, as a person at its screen would."""
    sells = day.exchange.ask("GET", "/v2/orders?limit=500&side=sell")
    (stop,) = [order for order in sells if order["symbol"] == symbol]
    day.exchange.ask("DELETE", f"/v2/orders/{stop['id']}")


@pytest.fixture
def told(before, monkeypatch):
    """Return the desk after its faulty day."""
    monkeypatch.setattr("quantcli.shell.clock.WallClock.sleep", lambda self, seconds: None)
    url = ""
    with Served(before) as exchange:
        day, url = Day(before, exchange), exchange.url
        day.to(OPEN)
        morning(day)
        day.to(AFTER_OPEN)
        cancel_a_stop(day, "SYNK")
        day.fault(once("rate-limited", **POST), always("drop-before-accept", **PATCH))
        day.run(AFTER_OPEN, "execute", "exits")
        day.clear()
        day.to(QUIET)
        day.run(QUIET, "execute", "exits")
        assert day.stops() == day.positions()
        day.to("113000")
    fill_after_the_end(before, "SYNN", 3)
    with Served(before) as exchange:
        config = before / "desk.toml"
        config.write_text(config.read_text().replace(url, exchange.url))
        typed(before, "exchange", "advance", "--to", f"{SESSION}T21:05:00Z")
        day.exchange = exchange
        day.run(CLOSE, *STEPS_OF[CLOSE])
        assert day.stops() == day.positions()
    return before


def test_the_report_explains_the_day(told, snapshot):
    page = (told / "artifacts" / SESSION / CLOSE / "report.md").read_text()
    story = page[: page.index(TABLES)].rstrip() + "\n"
    assert story.encode() == snapshot(name="story", extension_class=GoldenPage)
