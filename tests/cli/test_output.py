"""Streams that are closed, broken, full or narrow: what was promised is done all the same."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from quantcli.cli.console import emit, printable
from tests.cli.typing import say, spawn

QUANTCLI = [sys.executable, "-m", "quantcli"]
SHOWN = [("status",), ("ls",), ("config", "show"), ("schema", "scan"), ("schedule", "--json")]


@pytest.mark.parametrize("words", SHOWN, ids=" ".join)
def test_a_reader_that_closed_the_pipe(words, desk):
    read, write = os.pipe()
    os.close(read)
    try:
        done = subprocess.run(
            [*QUANTCLI, *words], cwd=desk, stdout=write, stderr=subprocess.PIPE, check=False
        )
    finally:
        os.close(write)

    assert (done.returncode, done.stderr) == (0, b"")


@pytest.mark.parametrize("words", SHOWN, ids=" ".join)
def test_a_full_disk_behind_stdout(words, desk):
    with Path("/dev/full").open("w") as full:
        said = spawn(*words, cwd=desk, stdout=full, stderr=subprocess.PIPE)

    assert said.code == 10
    assert said.err.startswith("storage-failed: ")
    assert len(said.err.splitlines()) == 1


@pytest.mark.parametrize("closed", [(0,), (1,), (2,), (0, 1, 2)])
@pytest.mark.parametrize("words", [("status",), ("nosuch",), ("halt", "--all", "--reason", "x")])
def test_closed_streams(words, closed, desk):
    redirections = " ".join(f"{number}>&-" if number else "<&-" for number in closed)
    line = f'"$0" -m quantcli {" ".join(words)} {redirections}'
    done = subprocess.run(
        ["sh", "-c", line, sys.executable], cwd=desk, capture_output=True, text=True, check=False
    )

    assert done.returncode == (2 if words == ("nosuch",) else 0)
    assert "Traceback" not in done.stderr
    if words[0] == "halt":
        assert '"all":true' in (desk / "state" / "halt.json").read_text()


def test_a_stream_that_knows_few_letters(desk):
    environment = {"PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0", "LC_ALL": "C"}
    said = spawn("halt", "--entries", "--reason", "Störung 東京", cwd=desk, env=environment)
    assert said.code == 0
    said = spawn("status", cwd=desk, env=environment)

    assert said.code == 0
    assert "St\\xf6rung \\u6771\\u4eac" in said.out
    said = spawn("status", "--json", cwd=desk, env=environment)
    assert said.value["halt"]["reason"] == "Störung 東京"


def test_quiet_prints_nothing_and_json_one_object(desk):
    assert say("status", "-C", desk, "--quiet").out == ""
    said = say("status", "-C", desk, "--json", "--quiet")
    assert said.out.count("\n") == 1
    assert said.value["mode"] == "local"


def test_no_colours_and_no_width_of_a_terminal_in_a_pipe(desk):
    said = spawn("status", cwd=desk, env={"COLUMNS": "20", "FORCE_COLOR": "", "TERM": "xterm"})

    assert "\x1b" not in said.out
    assert max(len(line) for line in said.out.splitlines()) > 20


def test_what_a_terminal_would_obey_is_spelled_out(capsys):
    assert printable("a\x1b[2Jb\u202ec\r\nd\x9be") == "a\\x1b[2Jb\\u202ec\\r\nd\\x9be"
    assert printable("über 東京") == "über 東京"
    emit({}, "x\x1b[31m", as_json=False)
    assert capsys.readouterr().out == "x\\x1b[31m\n"
