"""The command line: help as it reads, and one line for every mistake."""

import re

import pytest
from syrupy.extensions.single_file import SingleFileSnapshotExtension, WriteMode

from quantcli.cli import app as app_module
from quantcli.cli.app import PANELS, main
from quantcli.contracts.errors import LockHeld
from tests.cli.typing import say

COMMANDS = [
    tuple(word for word in (command.group, command.name) if word)
    for _, commands in PANELS
    for command in commands
]
GROUPS = sorted({words[0] for words in COMMANDS if len(words) == 2})


class HelpPage(SingleFileSnapshotExtension):
    """One text file for each page."""

    _write_mode = WriteMode.TEXT
    _file_extension = "txt"


@pytest.fixture
def page(snapshot, monkeypatch):
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setenv("NO_COLOR", "1")
    return snapshot.use_extension(HelpPage)


# ------------------------------------------------------------------------------ help


@pytest.mark.parametrize("words", COMMANDS, ids="-".join)
def test_each_command_has_a_page(words, page):
    said = say(*words, "--help")

    assert (said.code, said.err) == (0, "")
    assert said.out == page(name="-".join(words))


@pytest.mark.parametrize("group", GROUPS)
def test_each_group_has_a_page(group, page):
    said = say(group, "--help")

    assert (said.code, said.err) == (0, "")
    assert said.out == page(name=group)


def test_the_first_page(page):
    said = say("--help")

    assert (said.code, said.err) == (0, "")
    assert said.out == page(name="quantcli")


@pytest.mark.parametrize("words", COMMANDS, ids="-".join)
def test_each_command_takes_the_common_options(words):
    own_folder = words in {("init",), ("demo",)}
    wanted = {"--as-of", "--dry-run", "--json", "--quiet", *([] if own_folder else ["--desk"])}
    assert wanted <= set(re.findall(r"--[a-z-]+", say(*words, "--help").out))


def test_an_instant_that_is_none_is_refused_also_where_nothing_depends_on_it():
    said = say("schema", "--as-of", "yesterday")
    assert (said.code, said.out) == (2, "")
    assert "--as-of is not an instant [yesterday]" in said.err
    assert say("schema", "--as-of", "2024-08-01T12:30:00Z", "--dry-run", "-C", "x").code == 0


@pytest.mark.parametrize(
    "words", [("init", "x"), ("demo",), ("replay",), ("exchange", "serve"), ("exchange", "advance")]
)
def test_what_drives_a_local_exchange_has_no_dry_run(words, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    said = say(*words, "--dry-run")
    assert (said.code, said.out) == (2, "")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("words", COMMANDS, ids="-".join)
def test_the_table_says_what_the_page_says(words):
    """The first page is printed without importing a command: its lines must not drift away."""
    listed = next(
        c for _, commands in PANELS for c in commands if (c.group, c.name)[-len(words) :] == words
    )
    assert listed.help.endswith(".")
    assert len(listed.help) <= 62


@pytest.mark.parametrize("words", COMMANDS, ids="-".join)
def test_each_command_takes_json_and_quiet(words):
    page = say(*words, "--help").out

    assert "--json" in page
    assert "-q, --quiet" in page


def test_version():
    import quantcli

    assert say("--version") == (0, f"{quantcli.__version__}\n", "")


# ------------------------------------------------------------------------------ mistakes

MISTAKES = {
    "no such command [nosuch] -> see quantcli --help": ("nosuch",),
    "no such command [exit] -> did you mean exits?": ("exit",),
    "no such command [reconsile] -> did you mean reconcile?": ("reconsile",),
    "no such command [imprt] -> did you mean import?": ("data", "imprt"),
    "No such option: --jsn (Possible options: --json) -> see quantcli scan --help": (
        "scan",
        "--jsn",
    ),
    "Missing option '--to'. -> see quantcli exchange advance --help": ("exchange", "advance"),
    "Missing argument 'STEP'. -> see quantcli show --help": ("show",),
    "Got unexpected extra argument(s) (now) -> see quantcli scan --help": ("scan", "now"),
    "Option '--as-of' requires an argument. -> see quantcli --help": ("scan", "--as-of"),
}


@pytest.mark.parametrize(("line", "words"), MISTAKES.items(), ids=MISTAKES)
def test_a_mistake_in_usage_is_exit_2_and_one_line(line, words):
    said = say(*words)

    assert (said.code, said.out) == (2, "")
    assert said.err == f"usage: {line}\n"


@pytest.mark.parametrize("words", MISTAKES.values(), ids=MISTAKES)
def test_with_json_the_mistake_is_an_object(words):
    said = say(words[0], "--json", *words[1:])

    assert said.code == 2
    assert said.value["error"] == "usage"
    assert said.value["exit_code"] == 2
    assert sorted(said.value) == ["error", "exit_code", "hint", "message", "value"]
    assert len(said.err.splitlines()) == 1


@pytest.mark.parametrize("words", [(), ("data",), ("exchange",), ("config",), ("audit",)])
def test_nothing_to_do_gets_the_page_on_stderr(words):
    said = say(*words)

    assert (said.code, said.out) == (2, "")
    assert said.err.startswith("Usage: quantcli")


# ------------------------------------------------------------------------------ failures


@pytest.fixture
def failing(monkeypatch):
    """Make every command fail in the way that is returned to."""

    def fail_with(error):
        def command(*args, **kwargs):
            raise error

        monkeypatch.setattr(app_module, "_load", lambda known: _Fails(command))

    return fail_with


class _Fails:
    """Stands where typer's command would."""

    def __init__(self, command):
        self.command = command

    def __getattr__(self, name):
        return self.command


def test_an_error_of_ours_is_its_line_and_its_code(failing):
    failing(LockHeld("another\ncommand works", value="x\x1b[2J", hint="wait"))

    said = say("scan")
    assert (said.code, said.out) == (5, "")
    assert said.err == "lock-held: another command works [x\\x1b[2J] -> wait\n"
    assert say("scan", "--json").value == {
        "error": "lock-held",
        "exit_code": 5,
        "hint": "wait",
        "message": "another\ncommand works",
        "value": "x\x1b[2J",
    }


@pytest.mark.parametrize(
    ("error", "code", "line"),
    [
        (ZeroDivisionError("by\nzero"), 1, "bug: ZeroDivisionError: by zero"),
        (AssertionError(), 1, "bug: AssertionError:"),
        (KeyboardInterrupt(), 1, "interrupted: run the command again; it resumes"),
        (EOFError(), 1, "interrupted: run the command again; it resumes"),
        (
            OSError(28, "No space left on device", "/x/y"), 10,
            ("storage-failed: No space left on device [/x/y] -> free space or repair permissions,"
            " then run the command again"),
        ),
    ],
)  # fmt: skip
def test_everything_else_is_one_line_as_well(failing, error, code, line):
    failing(error)

    said = say("scan")
    assert (said.code, said.err.strip(), said.out) == (code, line, "")
    assert say("scan", "--json").value["exit_code"] == code


def test_a_traceback_only_when_asked_for(failing, monkeypatch):
    failing(ZeroDivisionError("x"))
    assert "Traceback" not in say("scan").err
    monkeypatch.setenv("QUANTCLI_TRACEBACK", "1")

    said = say("scan")
    assert "Traceback" in said.err
    assert said.err.endswith("bug: ZeroDivisionError: x\n")


def test_words_come_from_the_command_line_if_none_are_given(monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["quantcli", "--version"])

    assert main() == 0
    assert capsys.readouterr().out
