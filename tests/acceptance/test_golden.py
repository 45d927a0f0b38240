"""Golden artifacts: four days of the synthetic market, whole files, byte for byte.

The program's identity is fixed, so that only what is decided can change them. After a change
that is meant: `pytest tests/acceptance/test_golden.py --snapshot-update`, read what changed in
the files, and say why in CHANGELOG.md. `report.md` stands beside each day for readers.
"""

import shutil
from pathlib import Path

import pytest
from syrupy.extensions.single_file import SingleFileSnapshotExtension

from quantcli.cli.venue import exchange_keys
from quantcli.cli.wiring import Workspace
from quantcli.contracts.canonical import canonical_bytes
from quantcli.contracts.envelope import STEPS, CodeId
from quantcli.contracts.scalars import instant, session_date
from quantcli.lab.replay import move_clock, replay
from tests.acceptance.made import FIRST, KEPT_AFTER, make_synthetic_desk, once
from tests.acceptance.typed import artifact

CODE = CodeId(version="0.0.0", digest="0" * 64)
NORMAL, ZERO_TRADE, HALF, PAUSED = "2024-11-27", "2024-11-22", "2024-11-29", "2024-11-27"


class GoldenFile(SingleFileSnapshotExtension):
    """One file for each snapshot, below `golden/`, named by day, cycle and step."""

    @classmethod
    def dirname(cls, *, test_location):
        return str(Path(test_location.filepath).parent / "golden" / test_location.basename)


class GoldenJson(GoldenFile):
    file_extension = "json"


class GoldenPage(GoldenFile):
    file_extension = "md"


def trade(desk, first, last):
    with Workspace(desk, code=CODE) as workspace:
        replay(workspace, session_date(first), session_date(last), lambda result: None)


def queue_a_foreign_order(desk):
    """Order a share past the desk, for the open of the day to come."""
    key_id, secret = exchange_keys(desk)
    keys = {"APCA-API-KEY-ID": key_id, "APCA-API-SECRET-KEY": secret}
    order = {"symbol": "SYNA", "qty": "1", "side": "buy", "type": "market", "time_in_force": "day",
             "client_order_id": "not-ours"}  # fmt: skip
    with Workspace(desk, code=CODE) as workspace:
        move_clock(workspace, instant(f"{PAUSED}T13:25:00Z"))
        status, _, answer = workspace.exchange.handle(
            "POST", "/v2/orders", "", canonical_bytes(order), keys
        )
    assert status == 200, answer


@pytest.fixture(scope="session")
def days(shared_folder):
    """Return, by the name of each day, the desk and the session it was traded in."""
    shared = shared_folder / "golden"
    desk, paused = shared / "desk", shared / "paused"

    def make():
        make_synthetic_desk(desk)
        trade(desk, FIRST, KEPT_AFTER)
        shutil.copytree(desk, paused)
        trade(desk, NORMAL, HALF)
        queue_a_foreign_order(paused)
        trade(paused, PAUSED, PAUSED)

    once(shared, make)
    return {
        "normal-day": (desk, NORMAL),
        "zero-trade-day": (desk, ZERO_TRADE),
        "half-day": (desk, HALF),
        "paused-day": (paused, PAUSED),
    }


DAYS = ("normal-day", "zero-trade-day", "half-day", "paused-day")


@pytest.mark.parametrize("day", DAYS)
def test_day(day, days, snapshot):
    desk, session = days[day]
    paths = sorted((desk / "artifacts" / session).glob("*/*.json"))
    assert {path.stem for path in paths} == set(STEPS)
    assert len(paths) == 11
    for path in paths:
        name = f"{path.parent.name}.{path.stem}"
        assert path.read_bytes() == snapshot(name=name, extension_class=GoldenJson)


@pytest.mark.parametrize("day", DAYS)
def test_page(day, days, snapshot):
    desk, session = days[day]
    (path,) = (desk / "artifacts" / session).glob("*/report.md")
    assert path.read_bytes() == snapshot(name="report", extension_class=GoldenPage)


def test_each_day_is_what_its_name_says(days):
    def report(day):
        desk, session = days[day]
        cycle = "130500" if day == "half-day" else "160500"
        return artifact(desk, session, cycle, "report")

    assert report("normal-day")["counts"] == {"EXECUTED": 2}
    assert report("zero-trade-day")["zero_trade"]["is_proven"] is True
    assert report("half-day")["as_of"] == "2024-11-29T18:05:00Z"
    paused = report("paused-day")
    assert paused["counts"] == {"REJECTED_BY_CIRCUIT_BREAKER": 2}
    assert paused["go_no_go"] == "NO-GO"
    assert {item["code"] for item in paused["breaks"]} >= {"position-foreign", "cash-difference"}
