"""Views: rebuilt whole, from what can be read."""

import csv
import io
import json

import pytest

from quantcli.shell.views import ENFORCEMENT_FILE, METRICS_COLUMNS, METRICS_FILE, refresh_views
from quantcli.steps.report import report
from quantcli.steps.snapshot import snapshot
from tests.core.day_facts import enforce, gate, judgment, reconcile, scan, signal
from tests.steps.books import CLOSE, FRIDAY, Books


@pytest.fixture
def books(tmp_path):
    """Return a desk with a Thursday that blocked one signal and an empty Friday."""
    made = Books(tmp_path).begin()
    made.publish(
        reconcile(), scan(signal()), enforce(judgment(gate("halt", "halted", "drill", "no halt")))
    )
    for session in (made.desk("x").stamp.session, FRIDAY):
        made.publish(snapshot(made.desk("snapshot", session)))
        made.publish(report(made.desk("report", session)))
    made.home = tmp_path
    return made


def rebuilt(made):
    refresh_views(made.home, made.store)
    text = (made.home / "views" / METRICS_FILE).read_text()
    lines = (made.home / "views" / ENFORCEMENT_FILE).read_text().splitlines()
    return list(csv.DictReader(io.StringIO(text))), [json.loads(line) for line in lines]


def test_one_row_for_each_session(books):
    rows, lines = rebuilt(books)

    assert [row["session"] for row in rows] == ["2024-08-01", "2024-08-02"]
    assert tuple(rows[0]) == METRICS_COLUMNS
    assert rows[0]["equity"] == "100000.00"
    assert rows[0]["signals"] == "1"
    assert (rows[1]["signals"], rows[1]["volatility_5"]) == ("0", "")
    assert [(line["session"], line["symbol"], line["decision"]) for line in lines] == [
        ("2024-08-01", "NVDA", "BLOCK")
    ]
    assert lines[0]["gates"][0]["observed"] == "drill"
    assert lines[0]["is_enforced"] is True


def test_rebuilding_changes_nothing(books):
    first = rebuilt(books)

    assert rebuilt(books) == first


def test_damaged_artifacts_leave_their_cells_empty(books):
    books.path("snapshot", cycle=CLOSE).write_bytes(b"")
    books.path("snapshot", cycle="082500").write_bytes(b"")
    books.path("enforce").write_bytes(b"")
    rows, lines = rebuilt(books)

    assert (rows[0]["equity"], rows[0]["verdict"]) == ("", "attention")
    assert lines == []


def test_sealed_sessions_are_read_once(books):
    rebuilt(books)
    books.store.publish_file("2024-08-01/manifest.json", b"{}\n")
    rebuilt(books)
    books.path("enforce").unlink()
    _, lines = rebuilt(books)

    assert len(lines) == 1
    books.store = type(books.store)(books.root, books.store.records)
    assert rebuilt(books)[1] == []
