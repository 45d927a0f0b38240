"""`exchange serve` and `exchange advance`, embedded and over HTTP, on a desk without bars."""

import json
import signal
import subprocess
import sys

import pytest


def quantcli(*words, cwd):
    return subprocess.run(
        [sys.executable, "-m", "quantcli", *words],
        cwd=cwd, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip


@pytest.fixture
def desk(tmp_path):
    made = quantcli("init", "desk", cwd=tmp_path)
    assert made.returncode == 0, made.stderr
    return tmp_path / "desk"


@pytest.fixture
def served(desk):
    """Serve the desk's exchange and point the desk at it; return the process and its first line."""
    process = subprocess.Popen(
        [sys.executable, "-m", "quantcli", "exchange", "serve"],
        cwd=desk, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    first = json.loads(process.stdout.readline())
    yield process, first
    process.kill()
    process.wait()
    process.stdout.close()
    process.stderr.close()


@pytest.mark.slow
def test_embedded_clock_moves_forward_only(desk):
    moved = quantcli("exchange", "advance", "--to", "2024-08-01T09:35:00-04:00", "--json", cwd=desk)
    assert (moved.returncode, json.loads(moved.stdout)["timestamp"]) == (0, "2024-08-01T13:35:00Z")

    back = quantcli("exchange", "advance", "--to", "2024-08-01T13:34:59Z", cwd=desk)
    assert (back.returncode, back.stdout) == (6, "")
    assert "never goes back" in back.stderr
    assert quantcli("exchange", "advance", "--to", "noon", cwd=desk).returncode == 2


@pytest.mark.slow
def test_served_clock_moves_over_http_and_the_book_is_the_desks_own(desk, served):
    process, first = served
    assert first["exchange"] == "ready"
    assert first["url"].startswith("http://127.0.0.1:")
    config = desk / "desk.toml"
    before = config.read_text()
    config.write_text(_with_url(before, first["url"]))

    moved = quantcli("exchange", "advance", "--to", "2024-08-02T12:00:00Z", cwd=desk)
    assert (moved.returncode, moved.stdout) == (
        0,
        "the exchange's clock shows 2024-08-02T12:00:00Z\n",
    )
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=10) == 0
    gone = quantcli("exchange", "advance", "--to", "2024-08-02T12:00:01Z", cwd=desk)
    assert gone.returncode == 6

    config.write_text(before)
    back = quantcli("exchange", "advance", "--to", "2024-08-02T11:59:59Z", cwd=desk)
    assert back.returncode == 6


def _with_url(text, url):
    lines = [line for line in text.splitlines() if not line.startswith("url =")]
    return "\n".join(lines).replace("[broker]", f'[broker]\nurl = "{url}"') + "\n"
