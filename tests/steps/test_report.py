"""`report`: everything of the session, damage included, from real files and a real journal."""

import pytest

from quantcli.contracts.config import ScheduleSection
from quantcli.contracts.registry import parse_artifact
from quantcli.contracts.report import Report
from quantcli.steps.report import gather, report
from quantcli.steps.snapshot import snapshot
from tests.core.day_facts import (
    decide,
    enforce,
    execute,
    exits,
    gate,
    judgment,
    order_report,
    reconcile,
    review,
    scan,
    signal,
    skip,
    verdict,
)
from tests.steps.books import CLOSE, FRIDAY, MORNING, OPEN, THURSDAY, Books, booked, done, placed

DAILY = {
    "2024-08-01": {"NVDA": (99, 104, 98, 103)},
    "2024-08-02": {"NVDA": (103, 107, 101, 106)},
}
STEPS = ("reconcile", "scan", "decide", "enforce", "execute")


@pytest.fixture
def books(tmp_path):
    """Return a desk whose Thursday has run up to its report."""
    made = Books(tmp_path, DAILY).begin()
    made.write(*placed("buy-order", 30), cycle=MORNING)
    made.write(booked(1, "buy", 30, "99"), done("buy-order", 30, "99"))
    made.publish(
        reconcile(),
        scan(signal(), skipped=(skip(),)),
        decide(verdict()),
        enforce(judgment(gate("halt"))),
        execute(order_report()),
        execute(order_report(state="FILLED", action="updated", cumulative_quantity=30,
                             average_price="99"), cycle=OPEN),
        exits(review()),
        exits(review("keep"), cycle=CLOSE),
        reconcile(cycle=CLOSE),
    )  # fmt: skip
    made.publish(snapshot(made.desk("snapshot")))
    return made


def test_whole_day_is_clean_and_seals(books):
    found = report(books.desk("report"))

    assert (found.verdict, found.go_no_go, found.exit_code) == ("clean", "GO", 0)
    assert found.incidents == ()
    assert found.counts == {"EXECUTED": 1}
    assert found.seals
    assert {health.status for health in found.health} == {"ok"}
    assert [h.step for h in found.health if h.cycle == MORNING] == list(STEPS)
    assert parse_artifact(found.to_bytes(), Report, what="report.json") == found


def test_everything_read_is_an_input(books):
    names = {ref.name for ref in report(books.desk("report")).inputs}

    assert {located.path for located in books.store.list(THURSDAY)} <= names
    assert f"journal/{books.journal.head().seq}" in names


def test_report_of_a_cycle_sees_nothing_later(books):
    found = report(books.desk("report", cycle=OPEN))

    assert {health.cycle for health in found.health} == {"082500", MORNING, OPEN}
    assert not found.seals


@pytest.mark.parametrize(
    ("spoil", "code", "status"),
    [
        (lambda path: path.unlink(), "artifact-missing", "missing"),
        (lambda path: path.write_bytes(path.read_bytes()[:-20]), "artifact-corrupt", "corrupt"),
        (lambda path: path.write_bytes(b""), "artifact-corrupt", "corrupt"),
        (lambda path: path.write_bytes(b"\xff\x00"), "artifact-corrupt", "corrupt"),
        (
            lambda path: path.write_bytes(path.read_bytes().replace(b'"local"', b'"paper"')),
            "artifact-tampered",
            "tampered",
        ),
        (
            lambda path: path.write_bytes(path.read_bytes().replace(b"2024-08-01", b"2024-07-31")),
            "artifact-foreign",
            "foreign",
        ),
        (
            lambda path: path.write_bytes(
                path.read_bytes().replace(b'"version":1', b'"version":9')
            ),
            "artifact-schema-unknown",
            "corrupt",
        ),
    ],
)
@pytest.mark.parametrize(
    ("step", "cycle"),
    [*((step, MORNING) for step in STEPS), ("exits", OPEN), ("exits", CLOSE),
     ("reconcile", CLOSE), ("snapshot", CLOSE)],
)  # fmt: skip
def test_each_artifact_damaged_in_each_way_is_named(books, step, cycle, spoil, code, status):
    path = books.path(step, cycle=cycle)
    spoil(path)
    found = report(books.desk("report"))

    name = f"2024-08-01/{cycle}/{step}.json"
    assert [(each.path, each.code) for each in found.damage] == [(name, code)]
    assert (found.verdict, found.exit_code, found.go_no_go) == ("damaged", 4, "NO-GO")
    assert found.seals
    assert [h.status for h in found.health if h.path == name] == [status]
    assert found.counts == {"EXECUTED": 1}


def test_step_that_never_ran_is_missing(books):
    books.config = books.config.model_copy(
        update={
            "schedule": ScheduleSection(
                cycles={
                    "open-60min": ("reconcile", "scan"),
                    "open+30min": ("exits",),
                    "close+5min": ("snapshot", "report"),
                }
            )
        }
    )
    found = report(books.desk("report"))

    missing = [(h.cycle, h.step) for h in found.health if h.status == "missing"]
    assert missing == [("100000", "exits")]
    assert "step-missing" in found.no_go_reasons
    assert found.exit_code == 0


def test_earlier_report_of_the_session_is_read_but_not_its_own(books):
    books.publish(report(books.desk("report", cycle=OPEN)))
    books.publish(report(books.desk("report")))
    again = report(books.desk("report"))

    own = [(h.cycle, h.step) for h in again.health if h.step == "report"]
    assert own == [(OPEN, "report")]


def test_next_session_continues_from_the_one_before(books):
    books.publish(snapshot(books.desk("snapshot", FRIDAY)))
    found = report(books.desk("report", FRIDAY))

    assert found.risk.pnl_session == 90  # (106 - 103) x 30
    assert found.zero_trade.reason == "scan-missing"
    assert found.zero_trade.is_proven


def test_genesis_stands_for_the_session_before_the_first(books):
    evidence = gather(books.desk("report"))

    assert evidence.before.is_genesis


def test_damaged_snapshot_before_gives_way_to_an_older_one(books):
    books.publish(snapshot(books.desk("snapshot", FRIDAY)))
    books.path("snapshot", cycle=CLOSE).write_bytes(b"broken")
    books.path("snapshot", cycle="082500").write_bytes(b"broken")

    assert gather(books.desk("report", FRIDAY)).before is None
    assert gather(books.desk("report")).before is None


def test_live_orders_of_earlier_sessions_are_watched(books):
    books.write(*placed("stop-order", 30, side="sell", purpose="stop", signal_id=None))
    evidence = gather(books.desk("report", FRIDAY))

    assert [order.intent.client_order_id for order in evidence.orders] == ["stop-order"]
    assert evidence.unresolved() == ()


def test_order_of_an_earlier_session_that_ends_now_is_told(books):
    books.write(*placed("lost-order", 10, symbol="AMD", signal_id="b" * 64))
    ended = done("lost-order", 10, "50")
    books.write(ended, booked(9, "buy", 10, "50", symbol="AMD", session=FRIDAY), session=FRIDAY)
    found = report(books.desk("report", FRIDAY))

    assert [(s.symbol, s.state) for s in found.signals_late] == [("AMD", "EXECUTED")]


def test_report_is_a_function_of_what_it_reads(books):
    first = report(books.desk("report")).to_bytes()

    assert report(books.desk("report")).to_bytes() == first
