"""`status`, `why`, `ls`, `show` and `diff` on a desk whose Thursday has run."""

import json

import pytest

from quantcli.cli.app import main
from quantcli.cli.init_desk import make_desk
from quantcli.contracts.journal_rows import FlagRow
from quantcli.ports.halts import HaltReading
from quantcli.shell.halt_file import HaltFile
from quantcli.shell.journal import SqliteJournal
from quantcli.steps.report import report
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
from tests.steps.books import CLOSE, FRIDAY, MORNING, OPEN, Books, booked, done, placed, stopped

DAILY = {"2024-08-01": {"NVDA": (99, 104, 98, 103)}}


@pytest.fixture
def books(tmp_path):
    """Return a desk on disk that bought 30 NVDA on Thursday and holds them under a stop."""
    root = tmp_path / "desk"
    make_desk(root, name="thursday", git=False)
    journal = SqliteJournal.open(root / "state" / "desk.sqlite3")
    made = Books(root, DAILY, journal).begin()
    made.write(*placed("buy-order", 30), cycle=MORNING)
    made.write(booked(1, "buy", 30, "99"), done("buy-order", 30, "99"), stopped("NVDA", "95"))
    made.write(*placed("stop-order", 30, side="sell", purpose="stop", signal_id=None), step="exits")
    made.publish(
        reconcile(),
        scan(signal(), skipped=(skip(),)),
        decide(verdict()),
        enforce(judgment(gate("halt", None, "no halt", "no halt"))),
        execute(order_report()),
        execute(order_report(state="FILLED", action="updated", cumulative_quantity=30,
                             average_price="99"), cycle=OPEN),
        exits(review()),
        exits(review("keep"), cycle=CLOSE),
        reconcile(cycle=CLOSE),
    )  # fmt: skip
    made.publish(snapshot(made.desk("snapshot")))
    made.publish(report(made.desk("report")))
    made.desk_folder = root
    yield made
    journal.close()


@pytest.fixture
def run(books, capsys):
    """Return a function that runs a command on the desk: exit code, stdout, stderr."""

    def run(*words, as_json=False):
        capsys.readouterr()
        words = [*words, "--desk", str(books.desk_folder), *(["--json"] if as_json else [])]
        code = main([str(word) for word in words])
        out, err = capsys.readouterr()
        return code, json.loads(out) if as_json else out, err

    return run


# ---------------------------------------------------------------------------- status


def test_status_of_a_quiet_evening(run):
    code, value, _ = run("status", as_json=True)

    assert code == 0
    assert (value["desk"], value["mode"], value["session"]) == ("thursday", "local", "2024-08-01")
    assert value["may_enter"]
    assert value["cash"] == "97030.00"
    assert value["positions"] == [
        {
            "symbol": "NVDA", "quantity": "30", "average_price": "99.0000",
            "stop_price": "95.0000", "covered_by": ["stop-order"], "uncovered": "0",
        }
    ]  # fmt: skip
    assert [order["client_order_id"] for order in value["live_orders"]] == ["stop-order"]
    assert value["unknown_orders"] == []
    assert {step["status"] for step in value["steps"]} == {"ok"}
    assert not value["is_sealed"]


def test_status_for_people(run):
    code, text, err = run("status")

    assert (code, err) == (0, "")
    assert "Desk thursday, mode local" in text
    assert "Entries: possible" in text
    assert "Newest session 2024-08-01, not sealed" in text
    assert "covered" in text


def test_status_names_halt_pause_and_naked_shares(books, run):
    HaltFile(books.desk_folder / "state" / "halt.json").write(HaltReading(True, False, "drill"))
    flag = FlagRow(name="paused", is_set=True, reasons=("cash-difference",), by="reconcile")
    unknown = placed("lost-order", 5, symbol="AMD")
    books.write(flag, *unknown[:1], *placed("bare", 10, symbol="ORCL"), step="reconcile")
    books.write(booked(7, "buy", 10, "20", symbol="ORCL", order="bare"))
    code, value, _ = run("status", as_json=True)

    assert code == 0
    assert not value["may_enter"]
    assert value["halt"]["reason"] == "drill"
    assert value["paused"] == {"is_set": True, "reasons": ["cash-difference"]}
    assert [(p["symbol"], p["uncovered"]) for p in value["positions"]] == [
        ("NVDA", "0"), ("ORCL", "10")
    ]  # fmt: skip
    _, text, _ = run("status")
    assert "HALTED (entries): drill" in text
    assert "PAUSED: cash-difference" in text
    assert "UNCOVERED" in text
    assert "Entries: BLOCKED" in text


def test_status_of_a_desk_without_state_says_so_and_exits_10(books, run):
    (books.desk_folder / "state" / "desk.sqlite3").unlink()
    code, value, _ = run("status", as_json=True)

    assert code == 10
    assert value["state_error"]["error"] == "state-missing"
    assert not value["may_enter"]
    code, text, _ = run("status")
    assert code == 10
    assert "STATE: state-missing" in text


def test_status_of_a_new_desk(tmp_path, capsys):
    make_desk(tmp_path / "new", name="new", git=False)

    assert main(["status", "--desk", str(tmp_path / "new")]) == 0
    assert "No session yet" in capsys.readouterr().out


def test_status_changes_nothing(books, run):
    def tree():
        return {
            path: path.read_bytes()
            for path in books.desk_folder.rglob("*")
            if path.is_file() and not path.name.endswith(("-wal", "-shm"))
        }

    before = tree()
    run("status")
    run("why", "NVDA")
    run("ls", "2024-08-01")
    assert tree() == before


def test_status_is_shown_again_until_interrupted(run, monkeypatch):
    waits = []

    def sleep(self, seconds):
        waits.append(seconds)
        if len(waits) == 2:
            raise KeyboardInterrupt

    monkeypatch.setattr("quantcli.shell.clock.WallClock.sleep", sleep)
    code, text, _ = run("status", "--watch")

    assert code == 0
    assert text.count("Desk thursday") == 2
    assert "\x1b" not in text
    assert waits == [5.0, 5.0]


# ---------------------------------------------------------------------------- why


def test_why_a_trade(run):
    code, value, _ = run("why", "nvda", as_json=True)

    assert code == 0
    assert value["summary"].startswith("NVDA (avwap, rank 1) ended as EXECUTED")
    steps = [event["step"] for event in value["events"]]
    order = ["scan", "decide", "decide", "enforce", "enforce", "execute", "execute", "exits"]
    assert steps[: len(order)] == order


def test_why_a_non_trade(run):
    code, text, _ = run("why", "AMD", "--session", "2024-08-01")

    assert code == 0
    assert "AMD gave no signal: neither trend tier holds." in text
    assert "trend-too-weak" in text


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("why", "NVDA", "--session", "2024-08-02"), 4, "no such session"),
        (
            ("why", "NVDA", "--session", "first of august"),
            2,
            "usage: the session is not a date [first of august]",
        ),
        (("why", "n\u202evda"), 2, "not a symbol"),
        (("why", ""), 2, "not a symbol"),
        (("why", "A B"), 2, "not a symbol"),
    ],
)
def test_why_refuses_what_it_cannot_know(run, words, code, said):
    got, _, err = run(*words)

    assert got == code
    assert said in err


# ---------------------------------------------------------------------------- ls


def test_ls_lists_sessions(run):
    code, value, _ = run("ls", as_json=True)

    assert code == 0
    assert value["sessions"] == [
        {"session": "2024-08-01", "is_sealed": False, "cycles": 4, "artifacts": 13}
    ]
    assert "2024-08-01  open" in run("ls")[1]


def test_ls_lists_the_files_of_a_session(books, run):
    (books.root / "2024-08-01" / OPEN / "execute.tape-1.jsonl").write_bytes(b"{}\n")
    code, value, _ = run("ls", "2024-08-01", as_json=True)

    assert code == 0
    files = {file["path"]: file for file in value["files"]}
    assert files["2024-08-01/083000/scan.json"]["exit_code"] == 0
    assert files["2024-08-01/093500/execute.tape-1.jsonl"]["status"] == "-"
    assert files["2024-08-01/093500/execute.tape-1.jsonl"]["bytes"] == 3
    assert run("ls", "2024-08-01")[0] == 0


def test_ls_names_damage_and_exits_4(books, run):
    books.path("scan").unlink()
    books.path("decide").write_bytes(b"{}\n")
    code, value, _ = run("ls", "2024-08-01", as_json=True)

    status = {file["path"].split("/")[-1]: file["status"] for file in value["files"]}
    assert code == 4
    assert status["scan.json"] == "artifact-missing"
    assert status["decide.json"] == "artifact-corrupt"
    assert "artifact-missing" in run("ls", "2024-08-01")[1]


# ---------------------------------------------------------------------------- show


def test_show_prints_the_newest_artifact_indented(run):
    code, text, _ = run("show", "execute")

    assert code == 0
    assert json.loads(text)["cycle"] == OPEN
    assert text.startswith("{\n  ")


def test_show_prints_the_bytes(books, run):
    expected = books.path("execute").read_text()

    assert run("show", "execute", "--cycle", MORNING, "--raw")[1] == expected
    assert run("show", "execute", "--cycle", MORNING, "--json")[1] == expected
    assert run("show", "execute", "--quiet")[1] == ""


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("show", "scan", "--cycle", "120000"), 4, "no scan in cycle 120000 in session 2024-08-01"),
        (("show", "scan", "--session", "2024-08-02"), 4, "no such session [2024-08-02]"),
        (("show", "dance"), 2, "no such step"),
    ],
)
def test_show_says_what_is_not_there(run, words, code, said):
    got, _, err = run(*words)

    assert got == code
    assert said in err


def test_show_refuses_an_edited_artifact(books, run):
    path = books.path("scan")
    path.write_bytes(path.read_bytes().replace(b'"NVDA"', b'"EVIL"'))
    code, text, err = run("show", "scan")

    assert (code, text) == (4, "")
    assert "artifact-tampered" in err


# ---------------------------------------------------------------------------- diff


def test_diff_names_the_pointers(run):
    base = "2024-08-01/"
    code, value, _ = run(
        "diff", base + MORNING + "/execute.json", base + OPEN + "/execute.json", as_json=True
    )
    assert code == 0
    assert not value["is_equal"]
    pointers = [row["pointer"] for row in value["differences"]]
    assert "/cycle" in pointers
    assert "/orders/0/state" in pointers


def test_diff_of_equal_files_says_equal(run):
    path = "2024-08-01/083000/scan.json"

    assert run("diff", path, path)[1] == "equal\n"


def test_diff_compares_sessions_file_by_file(books, run):
    books.publish(snapshot(books.desk("snapshot", FRIDAY)))
    code, value, _ = run("diff", "2024-08-01", "2024-08-02", "--limit", "99", as_json=True)

    rows = {(row["file"], row["pointer"]): row for row in value["differences"]}
    assert code == 0
    assert rows["083000/scan.json", ""]["b"] == "(absent)"
    assert rows["160500/snapshot.json", "/session"]["b"] == "2024-08-02"
    text = run("diff", "2024-08-01", "2024-08-02", "--limit", "99")[1]
    assert '160500/snapshot.json#/session: "2024-08-01" -> "2024-08-02"' in text


def test_diff_reads_damaged_files_too(books, run, tmp_path):
    path = books.path("scan")
    path.write_bytes(path.read_bytes().replace(b'"local"', b'"paper"'))
    copy = tmp_path / "copy.json"
    copy.write_bytes(path.read_bytes().replace(b'"paper"', b'"local"'))
    code, text, _ = run("diff", "2024-08-01/083000/scan.json", copy)

    assert code == 0
    assert '#/mode: "paper" -> "local"' in text


def test_diff_works_without_a_desk(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.json").write_text('{"x": [1]}')
    (tmp_path / "b.json").write_text('{"x": [2]}')

    assert main(["diff", "a.json", "b.json"]) == 0
    assert capsys.readouterr().out == "#/x/0: 1 -> 2\n"


@pytest.mark.parametrize(
    ("a", "b", "code", "said"),
    [
        ("2024-08-01", "2024-08-01/083000/scan.json", 2, "two sessions, or two files"),
        (
            "2024-08-01/083000/scan.json",
            "nowhere.json",
            4,
            "no such session, file or folder [nowhere.json]",
        ),
        ("2024-08-01/083000/scan.json", "broken.json", 4, "not JSON"),
        ("2024-08-01", "2024-08-02", 4, "no such session, file or folder [2024-08-02]"),
    ],
)
def test_diff_says_what_it_cannot_compare(run, tmp_path, monkeypatch, a, b, code, said):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "broken.json").write_text("{")
    got, _, err = run("diff", a, b)

    assert got == code
    assert said in err


def test_diff_of_a_named_desk_that_is_none(tmp_path, capsys):
    assert main(["diff", "a", "b", "--desk", str(tmp_path)]) == 3
    assert "no desk.toml" in capsys.readouterr().err


# ---------------------------------------------------------------------------- prove


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        ((), 2, "name one session, or a range with --from and --to"),
        (("--from", "2024-08-01"), 2, "name one session, or a range"),
        (("--to", "2024-08-01"), 2, "name one session, or a range"),
        (("2024-08-01", "--from", "2024-08-01", "--to", "2024-08-01"), 2, "name one session, or"),
        (("2024-08-01", "--to", "2024-08-01"), 2, "name one session, or"),
        (("20240801",), 2, "the session is not a date [20240801]"),
        (("--from", "x", "--to", "2024-08-01"), 2, "--from is not a date [x]"),
        (("--from", "2024-08-02", "--to", "2024-08-01"), 2, "--to lies before --from"),
        (("2024-08-02",), 4, "no such session [2024-08-02]"),
        (("--from", "2024-08-05", "--to", "2024-08-06"), 4, "[2024-08-05 to 2024-08-06]"),
    ],
)
def test_prove_says_what_it_cannot_prove(run, words, code, said):
    got, _, err = run("prove", *words)

    assert got == code
    assert said in err
    assert len(err.splitlines()) == 1
