"""At most one order per intent and none lost, over every combination of faults and crashes.

INV-11, INV-12, INV-13: an entry and a stop are each sent while the line drops, delays, garbles
and forgets, and while the process dies before and after every request and every journal
transaction. What counts is the exchange's book.
"""

from decimal import Decimal

import pytest

from quantcli.contracts.config import ExitsSection
from tests.steps.conftest import AFTER_OPEN, MARKET
from tests.steps.rig import Chooser, Crash, Rig, states

FAULTS = ("unsent", "lost", "unheard", "504", "later", "garbled")
CRASHES = ("crash-before", "crash-after")


class Fate:
    """Chooses what goes wrong, with at most so many faults and crashes in one schedule."""

    def __init__(self, chooser, rig, faults, crashes):
        self.chooser, self.rig = chooser, rig
        self.faults, self.crashes = faults, crashes
        self.is_on = self.is_lagging = False
        rig.line.trouble = self.trouble
        self._append = rig.journal.append
        rig.journal.append = self.append

    def trouble(self, method, path):
        if method in {"POST", "PATCH", "DELETE"}:
            return self.pick(FAULTS if self.faults else (), CRASHES if self.crashes else ())
        if "by_client" in path:
            # An index that lags does so for the whole run, whoever asks.
            self.is_lagging = self.is_lagging or bool(self.pick(("lag",) if self.faults else ()))
            return "lag" if self.is_lagging else ""
        return ""

    def append(self, place, rows):
        what = self.pick((), CRASHES if self.crashes else ())
        if what == "crash-before":
            raise Crash
        self._append(place, rows)
        if what == "crash-after":
            raise Crash

    def pick(self, faults, crashes=()):
        if not self.is_on or not (faults or crashes):
            return ""
        what = self.chooser.choose(("", *faults, *crashes))
        if what in CRASHES:
            self.crashes -= 1
        elif what:
            self.faults -= 1
        return what


def runs(fate, step):
    """Run a step three times while fate is on, then twice in peace; return the last artifact."""
    for number in range(3):
        fate.is_on = True
        try:
            step(f"08000{number}")
        except Crash:
            pass
        finally:
            fate.is_on = fate.is_lagging = False
    step("080003")
    return step("080004")


def explore(make, faults, crashes):
    """Yield (rig, last artifact) of every schedule."""
    chooser = Chooser()
    more = True
    while more:
        rig, step = make()
        fate = Fate(chooser, rig, faults, crashes)
        yield rig, runs(fate, getattr(rig, step))
        more = chooser.next()


def entering():
    rig = Rig(MARKET).begin()
    rig.approve(rig.entry())
    return rig, "execute"


def protecting():
    rig = Rig(MARKET).begin()
    rig.approve(rig.entry())
    rig.execute("080000")
    rig.to(AFTER_OPEN)
    rig.execute("093500")
    rig.line.bodies.clear()
    return rig, "exits"


def raising():
    """On Friday the 29th Tuesday's low of 94 is a swing low: the stop rises from 92.90."""
    rig, _ = protecting()
    rig.exits("093500")
    rig.to("2024-11-29T14:35:00Z")
    return rig, "exits"


def leaving():
    """On Friday the position has been held for its two sessions and is sold."""
    rig, _ = protecting()
    rig.exits("093500")
    rig.config = rig.config.model_copy(update={"exits": ExitsSection(hold_sessions_max=2)})
    rig.to("2024-11-29T14:35:00Z")
    return rig, "exits"


def check_entries(faults, crashes):
    count = 0
    for rig, last in explore(entering, faults, crashes):
        count += 1
        schedule = [what for *_, what in rig.line.log if what]
        assert rig.resting() == [("buy", "10", "100")], schedule
        assert len(rig.book()) == 1, schedule
        assert len(set(rig.line.bodies)) == 1, schedule
        (order,) = rig.journal.orders()
        assert order.state == "SUBMITTED", schedule
        assert order.broker_order_id == rig.book()[0]["id"]
        assert last.exit_code == 0, schedule
    return count


def check_stops(faults, crashes):
    count = 0
    for rig, last in explore(protecting, faults, crashes):
        count += 1
        schedule = [what for *_, what in rig.line.log if what]
        assert [(s, q) for s, q, _ in rig.resting()] == [("sell", "10")], schedule
        assert len([o for o in rig.book() if o["side"] == "sell"]) == 1, schedule
        assert last.exit_code == 0, schedule
        assert last.certificate[0].uncovered == 0, schedule
        assert rig.journal.stops()["XYZ"].client_order_id == rig.book()[1]["client_order_id"]
    return count


def check_raises(faults, crashes):
    count = 0
    for rig, last in explore(raising, faults, crashes):
        count += 1
        schedule = [what for *_, what in rig.line.log if what]
        assert rig.resting() == [("sell", "10", "93.9")], schedule
        assert last.exit_code == 0, schedule
        memory = rig.journal.stops()["XYZ"]
        assert (memory.stop_price, memory.basis) == (Decimal("93.9"), "daily_swing_low"), schedule
        assert memory.client_order_id == last.certificate[0].covered_by[0], schedule
        assert states(rig, live_only=True) == ["SUBMITTED"], schedule
    return count


def check_leaves(faults, crashes):
    count = 0
    for rig, last in explore(leaving, faults, crashes):
        count += 1
        schedule = [what for *_, what in rig.line.log if what]
        sold = [o for o in rig.book() if o["side"] == "sell" and o["status"] == "filled"]
        assert [o["filled_qty"] for o in sold] == ["10"], schedule
        assert rig.resting() == [], schedule
        assert rig.held() == 0, schedule
        assert rig.journal.positions() == (), schedule
        assert states(rig, live_only=True) == [], schedule
        assert last.exit_code == 0, schedule
        assert rig.journal.cash() == Decimal(rig.ask("GET", "/account")["cash"]), schedule
    return count


@pytest.mark.parametrize("check", [check_entries, check_stops, check_raises, check_leaves])
@pytest.mark.parametrize(("faults", "crashes"), [(1, 0), (0, 1)])
def test_inv11_a_fault_or_a_crash(check, faults, crashes):
    assert check(faults, crashes) > 5


@pytest.mark.parametrize("check", [check_entries, check_stops])
def test_inv11_two_faults(check):
    assert check(2, 0) > 20


def test_inv11_an_entry_under_a_fault_and_a_crash():
    assert check_entries(1, 1) > 50


@pytest.mark.slow
@pytest.mark.parametrize(
    ("check", "faults", "crashes"),
    [(check_entries, 2, 1), (check_stops, 1, 1), (check_raises, 2, 0), (check_leaves, 2, 0)],
)
def test_inv11_more_of_both(check, faults, crashes):
    assert check(faults, crashes) > 30
