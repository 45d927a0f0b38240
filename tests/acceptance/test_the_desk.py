"""What the synthetic desk must hold for the other tests to mean anything."""

import json

from tests.acceptance.typed import AFTER_OPEN, CLOSE, HALF_DAY_CLOSE, OPEN, artifact


def reports(desk):
    return [
        json.loads(path.read_bytes()) for path in sorted(desk.glob("artifacts/*/*/report.json"))
    ]


def test_the_days_hold_what_they_are_used_for(desks):
    counts = {}
    for report in reports(desks.whole):
        for state, number in report["counts"].items():
            counts[state] = counts.get(state, 0) + number
    assert counts["EXECUTED"] > 0
    assert counts["EXPIRED_UNFILLED"] > 0
    assert counts["REJECTED_BY_DECISION"] > 0
    changes = {(stop["action"]) for report in reports(desks.whole) for stop in report["stops"]}
    assert {"place", "raise"} <= changes
    assert sum(len(report["trades_closed"]) for report in reports(desks.whole)) > 0


def test_every_session_is_sealed_and_clean(desks):
    days = [report["session"] for report in reports(desks.whole)]
    assert days == [
        "2024-11-19", "2024-11-20", "2024-11-21", "2024-11-22", "2024-11-25", "2024-11-26",
        "2024-11-27", "2024-11-29", "2024-12-02", "2024-12-03",
    ]  # fmt: skip
    assert {report["verdict"] for report in reports(desks.whole)} == {"clean"}
    for day in days:
        assert (desks.whole / "artifacts" / day / "manifest.json").is_file()


def test_the_session_after_the_first_copy_sends_entries_and_stops(desks):
    sent = artifact(desks.whole, "2024-11-27", OPEN, "execute")["orders"]
    assert [(order["purpose"], order["action"]) for order in sent] == [("entry", "sent")] * 2
    stops = artifact(desks.whole, "2024-11-27", AFTER_OPEN, "exits")["reviews"]
    assert {"place", "raise"} <= {review["action"] for review in stops}
    assert artifact(desks.whole, "2024-11-27", CLOSE, "exits")["fills"]


def test_the_half_day_closes_three_hours_sooner(desks):
    assert artifact(desks.whole, "2024-11-29", HALF_DAY_CLOSE, "report")["seals"] is True
