"""Which desk, which instant, which broker: settled once, before anything is done."""

import datetime as dt
import subprocess
import sys

import pytest

from quantcli.cli.broker_line import open_transport
from quantcli.cli.wiring import Workspace, find_desk
from quantcli.contracts.errors import ConfigError, CredentialMissing, SessionError
from quantcli.steps.desk import config_ref
from tests.cli.typing import say

# ------------------------------------------------------------------------------ the desk


def test_the_nearest_parent(desk, monkeypatch):
    inner = desk / "artifacts" / "deeper"
    inner.mkdir(parents=True)
    monkeypatch.chdir(inner)

    assert find_desk(None) == desk


def test_a_named_one(desk, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert find_desk(desk) == desk
    monkeypatch.setenv("QUANTCLI_DESK", str(desk))
    assert say("ls", "--quiet").code == 0


@pytest.mark.parametrize("words", [("ls",), ("scan",), ("halt", "--all", "--reason", "x")])
def test_none(tmp_path, monkeypatch, words):
    monkeypatch.chdir(tmp_path)
    said = say(*words)

    assert said.code == 3
    assert said.err.startswith("config-invalid: no desk.toml here or above")
    said = say(*words, "--desk", tmp_path)
    assert said.err.startswith("config-invalid: no desk.toml there")


def test_a_working_directory_that_is_gone(tmp_path):
    gone = tmp_path / "gone"
    gone.mkdir()
    line = f'cd "{gone}" && rmdir "{gone}" && exec "{sys.executable}" -P -m quantcli ls'
    done = subprocess.run(["sh", "-c", line], capture_output=True, text=True, check=False)

    assert done.returncode == 3
    assert done.stderr.startswith("config-invalid: the working directory is gone")


# ------------------------------------------------------------------------------ the instant


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2024-11-26T13:30:00Z", "2024-11-26T13:30:00+00:00"),
        ("2024-11-26T08:30:00-05:00", "2024-11-26T13:30:00+00:00"),
        ("2024-11-26T13:30:00.999999Z", "2024-11-26T13:30:00+00:00"),
    ],
)
def test_an_instant_is_given_in_any_zone_and_cut_to_the_second(desk, text, expected):
    with Workspace(desk) as workspace:
        assert workspace.now(text).isoformat() == expected


@pytest.mark.parametrize(
    "text", ["", "now", "2024-11-26", "2024-11-26T13:30:00", "13:30", "0001-01-01T00:00:00+10:00"]
)
def test_what_is_no_instant(desk, text):
    said = say("scan", "-C", desk, "--as-of", text)

    assert (said.code, said.out) == (2, "")
    assert said.err.startswith("usage: --as-of is not an instant")
    assert not (desk / "artifacts").exists()


@pytest.mark.parametrize("day", ["2024-11-28", "2024-11-30"])
def test_a_day_without_a_session(desk, day):
    said = say("scan", "-C", desk, "--as-of", f"{day}T15:00:00Z")

    assert said.code == 5
    assert said.err.startswith("not-a-session: no session on ")
    assert not (desk / "artifacts").exists()


def test_unset_it_is_the_walls_where_money_is_real(desk):
    text = (desk / "desk.toml").read_text()
    (desk / "desk.toml").write_text(text.replace('mode = "local"', 'mode = "paper"'))
    before = dt.datetime.now(dt.UTC).replace(microsecond=0)
    with Workspace(desk) as workspace:
        at = workspace.now(None)

    assert before <= at <= dt.datetime.now(dt.UTC)
    assert at.microsecond == 0


def test_a_local_desk_without_bars_has_no_time(desk):
    said = say("scan", "-C", desk)

    assert said.code == 4
    assert said.err.startswith("bars-missing: no bars are imported")


def test_a_local_desk_whose_exchange_never_ran_has_no_time_yet(desk):
    with Workspace(desk) as workspace:
        workspace.exchange_time()  # founds the book
        with pytest.raises(SessionError) as caught:
            workspace.now(None)
        assert workspace.now("2024-11-26T13:30:00Z").year == 2024
    assert "never moved" in caught.value.message
    assert "exchange advance" in caught.value.hint


def test_unset_it_is_the_exchanges_on_a_local_desk(desk):
    say("exchange", "advance", "-C", desk, "--to", "2024-11-26T13:30:00Z", "--quiet")
    with Workspace(desk) as workspace:
        assert workspace.now(None) == dt.datetime(2024, 11, 26, 13, 30, tzinfo=dt.UTC)


# ------------------------------------------------------------------------------ the broker

LOOPBACK, PAPER, LIVE = (
    "http://127.0.0.1:1",
    "https://paper-api.alpaca.markets",
    "https://api.alpaca.markets",
)
ALLOWED = {("local", ""), ("local", LOOPBACK), ("paper", PAPER), ("dry-run", ""),
           ("dry-run", PAPER), ("dry-run", LOOPBACK), ("dry-run", LIVE)}  # fmt: skip


@pytest.fixture
def opened(desk, monkeypatch):
    monkeypatch.setenv("APCA_API_KEY_ID", "PKCANARY")
    monkeypatch.setenv("APCA_API_SECRET_KEY", "canary-of-a-secret")

    def open_it(mode, url):
        text = (desk / "desk.toml").read_text()
        text = text.replace('mode = "local"', f'mode = "{mode}"').replace(
            'url = ""', f'url = "{url}"'
        )
        (desk / "desk.toml").write_text(text)
        return Workspace(desk)

    return open_it


@pytest.mark.parametrize("mode", ["dry-run", "local", "paper", "live"])
@pytest.mark.parametrize(
    "url",
    [
        "", LOOPBACK, PAPER, LIVE, "https://API.ALPACA.MARKETS", "https://PAPER-API.alpaca.markets",
        "https://api.alpaca.markets/paper-api.alpaca.markets",
        "https://api.alpaca.markets#paper-api.alpaca.markets",
        "http://127.0.0.1:1/paper-api.alpaca.markets", "https://evil.example",
    ],
)  # fmt: skip
def test_mode_and_address_agree_or_nothing_is_sent(opened, mode, url):
    # Below loopback a path is a path, whatever it spells.
    base = LOOPBACK if url.startswith(f"{LOOPBACK}/") else url.lower()
    is_allowed = (mode, base) in ALLOWED or mode == "dry-run"
    with opened(mode, url) as workspace:
        if is_allowed:
            open_transport(workspace)
            return
        with pytest.raises(ConfigError) as caught:
            open_transport(workspace)
    assert "canary" not in caught.value.line().lower()


def test_a_dry_run_never_reaches_a_broker(opened):
    with opened("paper", PAPER) as workspace:
        dry = Workspace(workspace.root, dry_run=True)
        assert (dry.mode, dry.url) == ("dry-run", "")
        dry.close()


def test_paper_needs_keys(opened, monkeypatch):
    monkeypatch.delenv("APCA_API_SECRET_KEY")
    with opened("paper", PAPER) as workspace, pytest.raises(CredentialMissing):
        open_transport(workspace)


@pytest.mark.parametrize("named", ["paper.key", "keys/paper.key", "~/paper.key"])
def test_a_key_file_is_found_from_the_desk_wherever_one_stands(desk, tmp_path, monkeypatch, named):
    home, elsewhere = tmp_path / "home", tmp_path / "elsewhere"
    for folder in (home, elsewhere, desk / "keys"):
        folder.mkdir()
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.chdir(elsewhere)
    path = home / named[2:] if named.startswith("~/") else desk / named
    path.write_text('{"key_id": "K", "secret": "S"}')
    path.chmod(0o644)
    text = (desk / "desk.toml").read_text().replace('mode = "local"', 'mode = "paper"')
    text = text.replace('url = ""', f'url = "{PAPER}"').replace(
        'keys_file = ""', f'keys_file = "{named}"'
    )
    (desk / "desk.toml").write_text(text)

    with Workspace(desk) as workspace:
        with pytest.raises(CredentialMissing, match="readable by others"):
            open_transport(workspace)
        path.chmod(0o600)
        open_transport(workspace)


@pytest.mark.parametrize("data", [None, b"{}", b"nonsense", b"[]"])
def test_a_local_desk_without_its_exchanges_keys(desk, data):
    keys = desk / "exchange" / "keys.json"
    keys.unlink()
    if data is not None:
        keys.write_bytes(data)
    said = say("reconcile", "-C", desk, "--as-of", "2024-11-26T13:30:00Z")

    assert said.code == 3
    assert said.err.startswith("credential-missing: ")


# ------------------------------------------------------------------------------ config show


def test_the_resolved_configuration(desk):
    said = say("config", "show", "-C", desk, "--json")
    with Workspace(desk) as workspace:
        config = workspace.config

    assert said.value["decision"] == config.decision_view()
    assert said.value["config_sha256"] == config_ref(config).sha256
    lines = say("config", "show", "-C", desk).out.splitlines()
    assert "decision.limits.positions_max = 10" in lines
    assert "decision.limits.risk_per_trade_fraction_max = 0.010000" in lines
    assert "decision.schedule.cycles.open+5min = execute, exits" in lines
    assert lines == sorted(lines)
