"""Keys are never printed and never written: not by commands, errors, tracebacks or artifacts."""

import json

from tests.acceptance.typed import (
    AFTER_OPEN,
    CLOSE,
    OPEN,
    STEPS_OF,
    Served,
    advance,
    at,
    spawned,
    typed,
)

SESSION = "2024-11-27"
#: What is planted; nothing of it may be seen again.
ENVIRONMENT = {
    "APCA_API_KEY_ID": "PKCANARYENVIRONMENT1",
    "APCA_API_SECRET_KEY": "canary-secret-of-the-environment",
    "ALPACA_API_KEY": "PKCANARYENVIRONMENT2",
    "ALPACA_SECRET_KEY": "canary-secret-of-alpaca",
    "QUANTCLI_TRACEBACK": "1",
}
KEYS = {"key_id": "LXCANARYOFTHEEXCHANGE", "secret": "canary-secret-of-the-exchange"}
CANARIES = (*list(ENVIRONMENT.values())[:4], *KEYS.values())


def assert_unseen(what, text):
    found = [canary for canary in CANARIES if canary in text]
    assert found == [], what


def test_no_output_and_no_file_holds_a_key(before, monkeypatch):
    (before / "exchange" / "keys.json").write_text(json.dumps(KEYS))
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    said = []

    def say(*words):
        outcome = typed(before, *words)
        said.append(words)
        assert_unseen(words, outcome.out + outcome.err)
        return outcome

    for cycle in (OPEN, AFTER_OPEN, CLOSE):
        advance(before, SESSION, cycle)
        for step in STEPS_OF[cycle]:
            assert say(step, "--json").code == 0
    for words in (
        ("status", "--json"), ("config", "show"), ("config", "show", "--json"), ("ls", SESSION),
        ("show", "enforce", SESSION, "--json"), ("prove", SESSION), ("audit", "verify", "--json"),
        ("reconcile", "--read-only"), ("why", "SYNO"), ("schedule", "--cron"),
    ):  # fmt: skip
        say(*words)
    assert len(said) > 20
    for path in before.rglob("*"):
        if path.is_file() and path.name != "keys.json":
            assert_unseen(path, path.read_bytes().decode("latin-1"))


def test_failures_hold_no_key_either(before):
    """Unreachable, refused, wrong host, paper with keys from the environment, malformed file."""
    keys = before / "exchange" / "keys.json"
    keys.write_text(json.dumps(KEYS))
    config = before / "desk.toml"
    text = config.read_text()
    instant = ("--as-of", at(SESSION, OPEN))

    def say(*words, code):
        outcome = spawned(before, *words, *instant, **ENVIRONMENT)
        assert outcome.code == code, (words, outcome.err)
        assert_unseen(words, outcome.out + outcome.err)
        return outcome

    config.write_text(text.replace('url = ""', 'url = "http://127.0.0.1:9"', 1))
    say("reconcile", "--json", code=6)
    config.write_text(text.replace('url = ""', 'url = "https://api.alpaca.markets"', 1))
    say("reconcile", "--json", code=3)
    say("exits", "--json", code=3)
    config.write_text(text)
    with Served(before) as exchange:
        keys.write_text(json.dumps({**KEYS, "secret": "canary-secret-of-the-exchange-not"}))
        config.write_text(text.replace('url = ""', f'url = "{exchange.url}"', 1))
        say("reconcile", "--json", code=6)
    keys.write_text('{"key_id": "LXCANARYOFTHEEXCHANGE", "secret": ')
    config.write_text(text)
    assert "keys.json" in say("reconcile", "--json", code=3).err


def test_keys_are_the_owners_alone(before):
    assert (before / "exchange" / "keys.json").stat().st_mode & 0o077 == 0
    assert (before / "state" / "desk.sqlite3").stat().st_mode & 0o077 == 0
    loose = before / "loose.json"
    loose.write_text(json.dumps(KEYS))
    loose.chmod(0o644)
    config = before / "desk.toml"
    text = config.read_text().replace('mode = "local"', 'mode = "paper"', 1)
    text = text.replace('keys_file = ""', f'keys_file = "{loose}"', 1)
    config.write_text(text.replace('url = ""', 'url = "https://paper-api.alpaca.markets"', 1))
    outcome = spawned(before, "reconcile", "--as-of", at(SESSION, OPEN))
    assert outcome.code == 3
    assert_unseen("reconcile", outcome.out + outcome.err)
    assert "600" in outcome.err
