"""The documents, typed: the tutorial of README in order, the runbook's commands at a desk.

Outputs in the documents are examples and are not compared; that a command exists with these
options is asked elsewhere (`test_commands_in_documents.py`). Here it must do what it is there for.
"""

import contextlib
import datetime as dt
import json
import re
import shlex
import shutil
import socket
import subprocess
from pathlib import Path

import pytest

from quantcli.cli.init_desk import make_desk
from quantcli.lab.demo_desk import fill_desk
from tests.acceptance.typed import (
    AFTER_OPEN,
    OPEN,
    advance,
    bare,
    command_line,
    environment,
    run_cycle,
    typed,
)
from tests.docs.required import ROOT, tracked
from tests.docs.test_commands_in_documents import commands_in

PROMPT = "$ "
LAST_SEALED, TODAY = "2024-11-26", "2024-11-27"
#: In the runbook's examples; held by the desk below, as `test_the_desk_fits` says.
HELD = "SYNC"

# ------------------------------------------------------------------------------ README


def prompted(text):
    """Return what stands behind a prompt in a document, in order."""
    return [line.removeprefix(PROMPT) for line in text.splitlines() if line.startswith(PROMPT)]


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Terminal:
    """As much of a shell as README uses; `quantcli` runs in this process."""

    def __init__(self, folder, monkeypatch):
        self._monkeypatch = monkeypatch
        self._served = None
        self._here = folder
        monkeypatch.chdir(folder)

    def type(self, line):
        """Do what a line says; whatever fails, fails the test."""
        if line.startswith("export "):
            return
        if line.startswith("cd "):
            self._here = (self._here / line.removeprefix("cd ")).resolve()
            self._monkeypatch.chdir(self._here)
        elif line == "kill %1":
            self.close()
        elif line.startswith("quantcli exchange serve") and line.endswith(" &"):
            self._serve(line.removesuffix(" &").split()[1:])
        elif line.startswith("quantcli demo"):
            subprocess.run(
                command_line(*words_of(line)), check=True, capture_output=True,
                env=environment(), cwd=self._here,
            )  # fmt: skip
        elif line.startswith("quantcli "):
            outcome = bare(*words_of(line))
            assert outcome.code == 0, f"{line}: {outcome.err}"
        else:
            subprocess.run(["bash", "-c", line], check=True)

    def _serve(self, words):
        self._served = subprocess.Popen(
            command_line(*words), stdout=subprocess.PIPE, env=environment(), cwd=self._here
        )
        assert json.loads(self._served.stdout.readline())["exchange"] == "ready"

    def close(self):
        """Stop the exchange, if one is served."""
        if self._served is not None:
            self._served.terminate()
            self._served.communicate(timeout=60)
            self._served = None


def words_of(line):
    """Return the words behind `quantcli`, as a shell would split them."""
    return shlex.split(line, comments=True)[1:]


@pytest.mark.slow
def test_readme_can_be_typed_from_top_to_bottom(tmp_path, monkeypatch):
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    lines = prompted(text.replace("8123", str(free_port())))
    assert len(lines) > 40
    terminal = Terminal(tmp_path, monkeypatch)
    with contextlib.closing(terminal):
        for line in lines:
            terminal.type(line)


# ------------------------------------------------------------------------------ the runbook

PAGES = [
    name
    for name in tracked()
    if name.startswith("runbook/") and name.endswith(".md") and "/reference/" not in name
]
#: Not typed: what does not end, makes files elsewhere, needs files of yours, or asks a vendor.
LEFT_OUT = ("exchange serve", "status --watch", "init", "data import", "data fetch")
#: What ends otherwise than with 0 on a desk in the middle of a day, and is meant to.
ENDS_WITH = {
    "day": 5,  # the cycle is done
    "restore": 2,  # the journal is whole
    "snapshot --genesis": 2,  # the journal has begun
    "show report": 4,  # the day is not over
}
#: The page's own commands have sealed the day before these are typed.
ON_PAGE = {("runbook/sealing.md", "exits"): 5}

#: Pages about a session that is over: the exchange's clock goes there before they are typed.
LATER = {"runbook/sealing.md": "2024-12-02T21:06:00Z"}


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Return a desk after the open of a day: positions, stops, seven sealed sessions."""
    desk = tmp_path_factory.mktemp("documents") / "desk"
    make_desk(desk, name="documents", feed="synthetic", git=False)
    fill_desk(desk, 2, 15)
    assert typed(desk, "replay", "--from", "2024-11-18", "--to", LAST_SEALED, "-q").code == 0
    for cycle in (OPEN, AFTER_OPEN):
        assert {outcome.code for outcome in run_cycle(desk, TODAY, cycle).values()} == {0}
    advance(desk, TODAY, "100000")
    return desk


@pytest.fixture
def desk(made, tmp_path, monkeypatch):
    """Return a copy of it, which is the working directory."""
    copy = Path(shutil.copytree(made, tmp_path / "desk"))
    monkeypatch.chdir(copy)
    return copy


def fitted(words):
    """Return a documented command for the desk: its symbol, and sessions that it has."""
    return [fitted_word(word) for word in words]


def fitted_word(word):
    if word == "SYMBOL":
        return HELD
    if re.fullmatch(r"\d{4}-\d\d-\d\d", word) and word > TODAY:
        return LAST_SEALED
    return word


def expected(page, words):
    """Return the exit code that a command must end with."""
    known = {**ENDS_WITH, **{name: code for (at, name), code in ON_PAGE.items() if at == page}}
    if words[:2] == ["exchange", "advance"]:
        return 6  # its examples lie in the past of the desk, and the clock never goes back
    if words[:2] == ["reconcile", "--adopt"]:
        return 2  # its examples are breaks of another desk
    if words[:2] == ["restore", "--from"]:
        return 4  # the folder is yours to name
    return known.get(" ".join(words), 0)


def test_the_desk_fits(desk):
    held = [held["symbol"] for held in typed(desk, "status", "--json").value["positions"]]
    assert HELD in held
    assert dt.date.fromisoformat(TODAY) > dt.date.fromisoformat(LAST_SEALED)


@pytest.mark.slow
@pytest.mark.parametrize("page", PAGES)
def test_the_pages_commands_do_what_they_are_there_for(page, desk):
    lines = dict.fromkeys(commands_in((ROOT / page).read_text(encoding="utf-8")))
    if page in LATER:
        assert typed(desk, "exchange", "advance", "--to", LATER[page]).code == 0
    for line in lines:
        words = fitted(words_of(line.split(" | ")[0]))
        if not " ".join(words).startswith(LEFT_OUT):
            outcome = bare(*words)
            assert outcome.code == expected(page, words), f"{line}: {outcome.err}"
