"""Every refusal: its exit code, one line for people, one object for machines."""

import json
import sqlite3

import pytest

from quantcli.contracts.errors import ERRORS
from tests.acceptance.typed import (
    AFTER_OPEN,
    OPEN,
    STEPS_OF,
    advance,
    artifact,
    bare,
    command_line,
    difference,
    environment,
    run_cycle,
    spawned,
    tree,
    typed,
)  # fmt: skip

SESSION = "2024-11-27"


@pytest.fixture
def desk(tmp_path):
    """Return a desk as `init` leaves it."""
    root = tmp_path / "desk"
    assert bare("init", root, "--no-git", "--quiet").code == 0
    return root


def refused(desk, *words, code, error):
    """Type a command twice, for people and for machines; return the object."""
    plain = typed(desk, *words)
    assert plain.code == code, plain
    assert plain.out == ""
    (line,) = plain.err.splitlines()
    assert line.startswith(f"{error}: ")
    value = typed(desk, *words, "--json").value
    assert sorted(value) == ["error", "exit_code", "hint", "message", "value"]
    assert (value["error"], value["exit_code"]) == (error, code)
    return value


CONFIG = (
    ("positions_max = 10", "positions_maks = 10", "limits.positions_maks", "positions_max?"),
    ("[limits]", "[limts]", "limts", "limits?"),
    ("positions_max = 10\n", "", "limits.positions_max", "write the one you mean"),
    ("exposure_gross_usd_max = 100_000", "exposure_gross_usd_max = inf", "limits.exposure", ""),
    ("exposure_gross_usd_max = 100_000", "exposure_gross_usd_max = nan", "limits.exposure", ""),
    ("positions_max = 10", 'positions_max = "10"', "limits.positions_max", ""),
    ("positions_max = 10", "positions_max = -1", "limits.positions_max", ""),
    ("enabled = true\n", 'enabled = "true"\n', "enforce.enabled", ""),
    ("enabled = true\n", "enabled = 1\n", "enforce.enabled", ""),
    ('mode = "local"', 'mode = "lokal"', "desk.mode", ""),
    ('"open-60min"', '"open-60"', "schedule", ""),
    ('"enforce", "execute"]', '"enforce", "exekute"]', "exekute", ""),
    ("[limits]", "[limits", "line", ""),
)  # fmt: skip


@pytest.mark.parametrize(("was", "becomes", "where", "hint"), CONFIG, ids=lambda value: "")
def test_a_config_that_is_wrong_stops_every_command(was, becomes, where, hint, desk):
    path = desk / "desk.toml"
    text = path.read_text()
    assert was in text
    path.write_text(text.replace(was, becomes, 1))
    earlier = tree(desk)
    for words in (("scan",), ("exits",), ("status",), ("config", "show")):
        value = refused(desk, *words, code=3, error="config-invalid")
        assert where in value["message"]
        assert value["hint"].endswith(hint)
    assert difference(tree(desk), earlier) == []


def test_a_desk_that_is_none(tmp_path):
    refused(tmp_path / "nowhere", "scan", code=3, error="config-invalid")


USAGE = (
    ("scan", "--nope"),
    ("frobnicate",),
    ("data", "frobnicate"),
    ("scan", "--as-of", "yesterday"),
    ("scan", "--as-of", "2024-11-27T13:30:00"),
    ("halt",),
    ("halt", "--entries"),
    ("halt", "--all", "--entries", "--reason", "both"),
    ("resume",),
    ("show", "nothing"),
    ("replay", "--from", "2024-13-01", "--to", "2024-12-03"),
    ("replay", "--from", "2024-12-03"),
    ("replay", "--from", "2024-11-28", "--to", "2024-11-28"),
    ("prove",),
    ("exchange", "advance", "--to", "soon"),
)


@pytest.mark.parametrize("words", USAGE, ids=" ".join)
def test_usage(words, desk):
    earlier = tree(desk)
    refused(desk, *words, code=2, error="usage")
    assert difference(tree(desk, without=("exchange/book.sqlite3", "state/lock")), earlier) == []


@pytest.mark.parametrize(
    ("instant", "next_one"),
    [
        ("2024-11-28T14:00:00Z", "2024-11-29"),  # Thanksgiving
        ("2024-11-30T14:00:00Z", "2024-12-02"),  # a Saturday
        ("2024-11-29T05:30:00+05:30", "2024-11-29"),  # still Thursday in New York
    ],
)
@pytest.mark.parametrize("step", ["scan", "execute", "exits", "report", "day"])
def test_not_a_session(step, instant, next_one, desk):
    value = refused(desk, step, "--as-of", instant, code=5, error="not-a-session")
    assert next_one in value["message"]


def test_before_the_first_cycle_and_after_the_last_day_has_nothing_to_do(before):
    assert refused(before, "day", "--as-of", f"{SESSION}T12:00:00Z", code=5, error="outside-window")
    advance(before, SESSION, OPEN)
    assert typed(before, "day").code == 0
    again = typed(before, "day")
    assert (again.code, again.err.split(":")[0]) == (5, "outside-window")


def test_a_step_typed_twice_says_the_same_and_touches_nothing(before):
    run_cycle(before, SESSION, OPEN)
    earlier = tree(before)
    for step in STEPS_OF[OPEN]:
        assert typed(before, step).code == 0
    assert difference(tree(before), earlier) == []


def test_state_that_is_gone_or_spoilt_is_never_a_fresh_start(desk):
    book = desk / "state" / "desk.sqlite3"
    spoilt = b"not a book" * 500
    instant = ("--as-of", f"{SESSION}T14:00:00Z")
    book.unlink()
    refused(desk, "reconcile", *instant, code=10, error="state-missing")
    outcome = typed(desk, "exits", *instant)
    *shares, last = outcome.err.splitlines()
    assert (outcome.code, last.split(":")[0]) == (10, "state-missing")
    assert all(line.startswith("exits: ") for line in shares)
    assert not book.exists()
    book.write_bytes(spoilt)
    for step in ("execute", "reconcile"):
        refused(desk, step, *instant, code=10, error="journal-corrupt")
    assert book.read_bytes() == spoilt


def test_a_journal_whose_newest_row_was_changed_is_refused(before):
    with sqlite3.connect(before / "state" / "desk.sqlite3") as journal:
        for (name,) in journal.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'"):
            journal.execute(f"DROP TRIGGER {name}")
        journal.execute(
            "UPDATE journal SET cycle = '160501' WHERE seq = (SELECT max(seq) FROM journal)"
        )
    journal.close()
    advance(before, SESSION, OPEN)
    refused(before, "execute", code=10, error="journal-corrupt")


def test_an_exchange_that_does_not_answer(before):
    """Port 9 on loopback: nothing listens there."""
    path = before / "desk.toml"
    path.write_text(path.read_text().replace('url = ""', 'url = "http://127.0.0.1:9"', 1))
    instant = ("--as-of", f"{SESSION}T13:30:00Z")
    refused(before, "reconcile", *instant, code=6, error="broker-unreachable")
    exits = typed(before, "exits", *instant)
    assert exits.code == 6
    assert "broker-unreachable" in exits.err
    assert typed(before, "scan", *instant).code == 0
    assert typed(before, "decide", *instant).code == 0
    enforce = typed(before, "enforce", *instant)
    assert enforce.code in {4, 6}
    assert artifact(before, SESSION, OPEN, "enforce")["intents"] == []


def test_the_wrong_keys(before):
    """The exchange refuses whoever does not hold its keys."""
    advance(before, SESSION, OPEN)
    with Elsewhere(before) as url:
        (before / "exchange" / "keys.json").write_text('{"key_id":"LX0","secret":"wrong"}')
        path = before / "desk.toml"
        path.write_text(path.read_text().replace('url = ""', f'url = "{url}"', 1))
        outcome = typed(before, "reconcile", "--as-of", f"{SESSION}T13:30:00Z")
    assert outcome.code == 6
    assert "wrong" not in outcome.out + outcome.err


class Elsewhere:
    """An exchange that was started before its keys were changed under the desk."""

    def __init__(self, desk):
        import subprocess

        self.process = subprocess.Popen(
            command_line("exchange", "serve", "--desk", desk),
            stdout=subprocess.PIPE, env=environment(),
        )  # fmt: skip

    def __enter__(self):
        return json.loads(self.process.stdout.readline())["url"]

    def __exit__(self, *_):
        self.process.terminate()
        self.process.communicate(timeout=30)


def test_a_disk_that_refuses(before):
    """A file where a folder belongs: even root is refused."""
    advance(before, SESSION, OPEN)
    (before / "artifacts" / SESSION).write_text("in the way")
    outcome = spawned(before, "scan", "--json")
    assert outcome.code == 10
    assert json.loads(outcome.out)["error"] == "storage-failed"
    assert "Traceback" not in outcome.err


def test_a_bug_is_one_line_and_exit_1(before, monkeypatch):
    def broken(desk):
        raise ZeroDivisionError("a defect\nof two lines")

    monkeypatch.setattr("quantcli.steps.scan.scan", broken)
    advance(before, SESSION, OPEN)
    outcome = typed(before, "scan")
    assert (outcome.code, outcome.out) == (1, "")
    (line,) = outcome.err.splitlines()
    assert "ZeroDivisionError" in line
    day = typed(before, "day", "--json")
    assert day.code == 1
    assert {item["step"]: item["exit_code"] for item in day.value["steps"]}["reconcile"] == 0


def test_a_bug_in_the_morning_does_not_keep_exits_from_running(before, monkeypatch):
    run_cycle(before, SESSION, OPEN)

    def broken(desk):
        raise RuntimeError("a defect")

    monkeypatch.setattr("quantcli.steps.execute.execute", broken)
    advance(before, SESSION, AFTER_OPEN)
    day = typed(before, "day", "--json")
    assert day.code == 1
    assert {item["step"]: item["exit_code"] for item in day.value["steps"]} == {
        "execute": 1,
        "exits": 0,
    }


def test_quiet_and_json_say_what_they_should(before):
    advance(before, SESSION, OPEN)
    assert typed(before, "reconcile", "-q") == (0, "", "")
    value = typed(before, "scan", "--json").value
    assert value["artifact"] == f"{SESSION}/{OPEN}/scan.json"
    assert (before / "artifacts" / value["artifact"]).is_file()


def test_every_error_has_a_code_of_its_own_in_kebab_case():
    assert len(ERRORS) > 20
    for code, error in ERRORS.items():
        assert code == error.code
        assert code == code.lower().strip("-")
        assert 1 <= error.exit_code <= 10
