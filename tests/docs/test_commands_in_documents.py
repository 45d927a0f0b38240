"""Documents name only commands and options that exist."""

import re
import shlex

import pytest
from typer.main import get_command

from quantcli.cli.app import app
from quantcli.contracts.reasons import REASONS
from tests.docs.generate import walk
from tests.docs.required import ROOT, tracked

SPAN = re.compile(r"`(quantcli [^`]+)`")
STOPS = {"|", ">", "<", "&&", "||", ";"}
DOCUMENTS = [
    name
    for name in tracked()
    if name.endswith(".md") and not name.startswith(("runbook/reference/", "ROADMAP", "CHANGELOG"))
]


def commands_in(text):
    """Return the `quantcli` lines of a markdown text, from code blocks and from code spans."""
    found, fenced = [], False
    for line in text.splitlines():
        if line.startswith("```"):
            fenced = not fenced
        elif fenced:
            if line.strip().removeprefix("$ ").startswith("quantcli "):
                found.append(line.strip().removeprefix("$ "))
        else:
            found += SPAN.findall(line)
    return found


def fault(line, leaves):
    """Return what is wrong with a command line, or None."""
    words = shlex.split(line, comments=True)[1:]
    words = words[: next((at for at, word in enumerate(words) if word in STOPS), len(words))]
    if words in (["--version"], ["--help"]):
        return None
    for length in (1, 2):
        command = leaves.get(" ".join(words[:length]))
        if command is not None:
            known = {
                name for each in command.params for name in [*each.opts, *each.secondary_opts]
            } | {"--help"}
            used = [word.split("=")[0] for word in words[length:] if re.match(r"--?[a-zA-Z]", word)]
            strange = [name for name in used if name not in known]
            return f"{line}: no option {strange[0]}" if strange else None
    return f"{line}: no such command"


@pytest.fixture(scope="module")
def leaves():
    return {
        path.removeprefix("quantcli "): leaf for path, leaf in walk(get_command(app), "quantcli")
    }


@pytest.mark.parametrize("name", DOCUMENTS)
def test_documented_commands_exist(name, leaves):
    lines = commands_in((ROOT / name).read_text(encoding="utf-8"))

    assert [problem for line in lines if (problem := fault(line, leaves))] == []


def test_commands_are_found_in_blocks_and_spans():
    text = "use `quantcli ls` or\n```\nquantcli show scan  # newest\nother\n```\nquantcli prose\n"

    assert commands_in(text) == ["quantcli ls", "quantcli show scan  # newest"]


def test_unknown_command_and_option_are_faults(leaves):
    assert fault("quantcli frobnicate", leaves) == "quantcli frobnicate: no such command"
    assert fault("quantcli status --loud", leaves) == "quantcli status --loud: no option --loud"
    assert fault("quantcli status --json | less -R", leaves) is None


def test_pages_that_remedies_name_exist():
    named = {
        page
        for reason in REASONS.values()
        for page in re.findall(r"runbook/[\w/-]+\.md", reason.remedy)
    }

    assert named
    assert [page for page in sorted(named) if not (ROOT / page).is_file()] == []
