"""What a command imports: each pays for its own, and nobody for pandas."""

import json
import os
import subprocess
import sys

import pytest

from tests.cli.test_app import COMMANDS, GROUPS

HEAVY = (
    "pandas",
    "polars",
    "numpy",
    "pydantic",
    "sqlite3",
    "requests",
    "alpaca",
    "starlette",
    "uvicorn",
    "jinja2",
    "rich",
    "exchange_calendars",
)
RUN = """
import json, os, sys
from quantcli.cli.app import main
code = main(sys.argv[1:])
sys.stdout.flush()
print(json.dumps([code, sorted({name.split(".")[0] for name in sys.modules})]), file=sys.stderr)
"""


def loaded(*words, cwd=None, code=0):
    """Return the top-level modules that a command has loaded when it ends."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith("COV_")}
    done = subprocess.run(
        [sys.executable, "-c", RUN, *words],
        cwd=cwd,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    found_code, modules = json.loads(done.stderr.splitlines()[-1])
    assert found_code == code, done.stderr
    return set(modules)


@pytest.mark.parametrize("words", [("--help",), ("--version",)])
def test_the_first_page_loads_nothing_heavy(words):
    assert loaded(*words) & set(HEAVY) == set()


@pytest.mark.parametrize("group", GROUPS)
def test_a_groups_page_loads_no_more_than_typer_does(group):
    assert loaded(group, "--help") & set(HEAVY) <= {"pydantic"}


@pytest.mark.parametrize("words", COMMANDS, ids="-".join)
def test_no_command_loads_pandas_for_its_page(words):
    assert loaded(*words, "--help") & {"pandas", "exchange_calendars"} == set()


#: Command -> what it must not need on a new desk, besides pandas.
FRUGAL = {
    ("status",): {"polars", "numpy", "requests", "alpaca", "uvicorn"},
    ("ls",): {"polars", "numpy", "requests", "alpaca", "sqlite3"},
    ("schedule",): {"polars", "numpy", "requests", "alpaca", "sqlite3"},
    ("config", "show"): {"polars", "numpy", "requests", "alpaca", "sqlite3"},
    ("halt", "--entries", "--reason", "x"): {"polars", "numpy", "requests", "alpaca", "sqlite3",
                                             "pydantic_settings"},
    ("schema", "scan"): {"polars", "numpy", "requests", "alpaca", "sqlite3"},
}  # fmt: skip


@pytest.mark.parametrize("words", FRUGAL, ids=lambda words: words[0])
def test_small_commands_stay_small(words, desk):
    modules = loaded(*words, cwd=desk)

    assert (
        modules & ({"pandas", "exchange_calendars", "starlette", "jinja2"} | FRUGAL[words]) == set()
    )


@pytest.mark.parametrize(
    "step", ["reconcile", "scan", "decide", "enforce", "execute", "exits", "snapshot", "report"]
)
def test_the_chain_does_without_pandas_and_servers(step, desk):
    """Whatever becomes of it on a desk without bars: it has loaded what it works with."""
    done = subprocess.run(
        [sys.executable, "-c", RUN, step, "--as-of", "2024-11-26T13:30:00Z"],
        cwd=desk,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    code, modules = json.loads(done.stderr.splitlines()[-1])

    assert code != 1, done.stderr
    assert set(modules) & {"pandas", "exchange_calendars", "starlette", "uvicorn"} == set()
